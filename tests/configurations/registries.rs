//! Registries whose pushes restart a workload or set its image.

use super::{Stage, image, restarted};
use support::{kube, objects};

#[test]
fn ghcr_restart() {
    let kube = kube::Double::start();
    kube.apply(objects::deployment("default", "web", "ghcr.io/acme/web:latest"));
    let stage = Stage::before("ghcr-restart.yaml", &kube);
    let push = ["--sample=image", "--image=ghcr.io/acme/web", "--tag=latest"];
    assert_eq!(stage.outcome("ghcr", &push), "succeeded");
    let [patch] = kube.patches().try_into().unwrap();
    assert_eq!(patch.path(), "/apis/apps/v1/namespaces/default/deployments/web");
    assert_eq!(patch.header("content-type"), Some("application/strategic-merge-patch+json"));
    assert!(restarted(&kube, "deployments", "default", "web").is_string());
    assert_eq!(image(&kube, "deployments", "default", "web"), "ghcr.io/acme/web:latest");

    assert!(stage.ignored("ghcr", &["--sample=image", "--tag=1.2.3"]).contains("1.2.3"));
    assert!(
        stage.ignored("ghcr", &["--sample=image", "--image=ghcr.io/acme/shop"]).contains("ghcr.io/acme/shop")
    );
    assert!(stage.ignored("ghcr", &["--sample=git"]).contains("git event"));
    assert_eq!(stage.send("ghcr", &["--sample=ping"]).expect(0).stdout, "200\n{\"status\":\"pong\"}\n");
    assert_eq!(kube.patches().len(), 1);
}

#[test]
fn organization() {
    let kube = kube::Double::start();
    kube.apply(objects::deployment("default", "web", "ghcr.io/acme/web:latest"));
    kube.apply(objects::daemon_set("shop", "agent", "ghcr.io/acme/web:1.0.0"));
    kube.apply(objects::stateful_set("shop", "cart", "ghcr.io/acme/shop/cart:1.0.0"));
    kube.apply(objects::cron_job("shop", "report", "ghcr.io/acme/shop/cart:1.1.0"));
    kube.apply(objects::deployment("default", "other", "ghcr.io/acme/other:latest"));
    kube.apply(objects::deployment("elsewhere", "web", "ghcr.io/acme/web:latest"));
    let stage = Stage::before("organization.yaml", &kube);
    let push = |image: &str, tag: &str| {
        stage.outcome("acme", &["--sample=image", &format!("--image={image}"), &format!("--tag={tag}")])
    };

    assert_eq!(push("ghcr.io/acme/web", "latest"), "succeeded");
    assert!(restarted(&kube, "deployments", "default", "web").is_string());
    assert!(restarted(&kube, "daemonsets", "shop", "agent").is_string());
    for (resource, namespace, name) in [
        ("deployments", "default", "other"),
        ("deployments", "elsewhere", "web"),
        ("statefulsets", "shop", "cart"),
    ] {
        assert!(restarted(&kube, resource, namespace, name).is_null(), "{resource} {namespace}/{name}");
    }

    assert_eq!(push("ghcr.io/acme/shop/cart", "1.2.0"), "succeeded");
    assert_eq!(image(&kube, "statefulsets", "shop", "cart"), "ghcr.io/acme/shop/cart:1.2.0");
    assert_eq!(image(&kube, "cronjobs", "shop", "report"), "ghcr.io/acme/shop/cart:1.2.0");
    let before = kube.patches().len();
    assert_eq!(push("ghcr.io/acme/other", "2.0.0"), "unchanged", "what runs :latest is left alone");
    assert_eq!(push("ghcr.io/acme/shop/cart", "1.1.9"), "unchanged", "an older version");
    assert!(
        stage.ignored("acme", &["--sample=image", "--image=ghcr.io/other/web"]).contains("ghcr.io/other/web")
    );
    assert!(stage.ignored("acme", &["--sample=image", "--tag=main-8f3b"]).contains("main-8f3b"));
    assert_eq!(kube.patches().len(), before);
}

#[test]
fn quay_semver() {
    let kube = kube::Double::start();
    kube.apply(objects::deployment("default", "web", "quay.io/acme/web:1.0.0"));
    let stage = Stage::before("quay-semver.yaml", &kube);
    let push =
        |tag: &str| stage.outcome("quay", &["--sample=image", "--image=quay.io/acme/web", "--tag", tag]);
    assert_eq!(push("1.4.0"), "succeeded");
    assert_eq!(image(&kube, "deployments", "default", "web"), "quay.io/acme/web:1.4.0");
    assert_eq!(push("1.3.9"), "unchanged");
    assert_eq!(push("v1.10.0"), "succeeded");
    assert_eq!(image(&kube, "deployments", "default", "web"), "quay.io/acme/web:v1.10.0");
    for tag in ["latest", "2.0.0", "1.11.0-rc.1", "0.9.0"] {
        let reason = stage.ignored("quay", &["--sample=image", "--image=quay.io/acme/web", "--tag", tag]);
        assert!(reason.contains(tag), "{reason}");
    }
    stage.ignored("quay", &["--sample=image", "--image=quay.io/acme/shop", "--tag=1.5.0"]);
    assert_eq!(kube.patches().len(), 2);
}

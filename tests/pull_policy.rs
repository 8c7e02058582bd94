//! `imagePullPolicy` of `setImage`, through the real binary, against the API double.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code: a broken assumption ends the test with its line"
)]

use serde_json::{Value, json};
use support::kube::{Double, How};
use support::stage::{Stage, image_of, push_image, workload};

const BINARY: &str = env!("CARGO_BIN_EXE_boathook");

const OLD: &str = "quay.io/acme/web:1";

fn shop(kinds: &[&str]) -> Double {
    let kube = Double::start();
    for kind in kinds {
        kube.apply(workload(kind, "shop", "web", OLD));
    }
    kube
}

fn set_image(policy: &str, rollout: &str) -> String {
    format!(
        "{{setImage: {{namespace: shop, runningImage: true, imagePullPolicy: {policy}, rollout: {rollout}}}}}"
    )
}

/// The pull policy of a workload's only container, with everything else that the container has to have kept.
fn policy(kube: &Double, resource: &str) -> Value {
    let object = kube.object(resource, "shop", "web");
    let template = object.pointer("/spec/jobTemplate/spec/template").unwrap_or(&object["spec"]["template"]);
    let containers = template["spec"]["containers"].as_array().unwrap();
    assert_eq!((containers.len(), &containers[0]["env"][0]["value"]), (1, &json!("prod")), "{object}");
    containers[0]["imagePullPolicy"].clone()
}

#[test]
fn the_policy_is_set_together_with_the_image() {
    let kube = shop(&["Deployment", "CronJob", "ksvc"]);
    let relay = Stage::new(&kube.url()).on_image(&set_image("Always", "{}")).start(BINARY);
    push_image(&relay, "acme/web", "2").is(
        "succeeded",
        "web: quay.io/acme/web:1 → quay.io/acme/web:2 (imagePullPolicy IfNotPresent → Always)",
    );
    for resource in ["deployments", "cronjobs", "ksvc"] {
        assert_eq!(policy(&kube, resource), "Always", "{resource}");
        assert_eq!(image_of(&kube, resource, "shop", "web"), "quay.io/acme/web:2", "{resource}");
    }
    assert_eq!(kube.patches().len(), 3, "one patch for both");
    kube.forget_requests();
    push_image(&relay, "acme/web", "2").is("unchanged", "quay.io/acme/web:2 runs already");
    assert_eq!(kube.mutations().len(), 0);
}

#[test]
fn an_image_that_runs_with_another_policy_is_changed_once() {
    let kube = shop(&["Deployment", "ksvc"]);
    let relay = Stage::new(&kube.url()).on_image(&set_image("Never", "{}")).start(BINARY);
    let ended = push_image(&relay, "acme/web", "1");
    ended.is("succeeded", "deployment/web: web: quay.io/acme/web:1 (imagePullPolicy IfNotPresent → Never)");
    assert!(ended.targets()[1][2].contains("(imagePullPolicy unset → Never)"), "{:?}", ended.targets());
    assert_eq!((policy(&kube, "deployments"), policy(&kube, "ksvc")), (json!("Never"), json!("Never")));
    push_image(&relay, "acme/web", "1").is("unchanged", "runs already");

    // What is newer than the event is not touched at all.
    let kube = shop(&["Deployment"]);
    kube.apply(workload("Deployment", "shop", "web", "quay.io/acme/web:1.2.0"));
    let rules = format!("[{{when: {{tag: {{semver: \">=1\"}}}}, do: [{}]}}]", set_image("Never", "{}"));
    let relay = Stage::new(&kube.url()).images(&rules).start(BINARY);
    push_image(&relay, "acme/web", "1.1.0").is("unchanged", "is newer than 1.1.0");
    assert_eq!((kube.mutations().len(), policy(&kube, "deployments")), (0, json!("IfNotPresent")));
}

#[test]
fn a_rollback_puts_the_policy_back_with_the_image() {
    let kube = shop(&["Deployment", "ksvc"]);
    kube.break_image("quay.io/acme/web:2", How::ImagePullBackOff);
    let action = set_image("Always", "{within: 1s, onFailure: rollback}");
    let relay = Stage::new(&kube.url()).on_image(&action).start(BINARY);
    push_image(&relay, "acme/web", "2").is("rolledBack", "put back: quay.io/acme/web:1");
    for resource in ["deployments", "ksvc"] {
        assert_eq!(image_of(&kube, resource, "shop", "web"), OLD, "{resource}");
    }
    assert_eq!(policy(&kube, "deployments"), "IfNotPresent");
    assert_eq!(policy(&kube, "ksvc"), Value::Null, "there was none");
}

#[test]
fn a_policy_that_somebody_else_set_meanwhile_makes_a_json_patch_read_again() {
    let kube = shop(&["ksvc"]);
    kube.fail_for(support::kube::Fault::Hang, "PATCH", "services", None);
    let relay = Stage::new(&kube.url()).on_image(&set_image("Always", "{}")).start(BINARY);
    let ended = std::thread::scope(|scope| {
        let sent = scope.spawn(|| push_image(&relay, "acme/web", "2"));
        kube.wait_for_blocking(|requests| requests.iter().any(|request| request.method == "PATCH"));
        let mut other = workload("ksvc", "shop", "web", OLD);
        other["spec"]["template"]["spec"]["containers"][0]["imagePullPolicy"] = json!("Never");
        kube.apply(other);
        kube.clear_faults();
        sent.join().unwrap()
    });
    ended.is("succeeded", "quay.io/acme/web:1 → quay.io/acme/web:2 (imagePullPolicy Never → Always)");
    assert_eq!(kube.patches().iter().map(|patch| patch.status).collect::<Vec<_>>(), [422, 200]);
}

//! Flux v2: objects are asked to be reconciled.

use serde_json::{Value, json};

use super::Stage;
use support::{kube, objects};

const ANNOTATION: &str = "reconcile.fluxcd.io/requestedAt";

fn object(api_version: &str, kind: &str, name: &str) -> Value {
    json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": "flux-system"}, "spec": {}})
}

#[test]
fn flux_v2() {
    let kube = kube::Double::start();
    kube.apply(objects::git_repository("flux-system", "fleet", "https://github.com/acme/fleet"));
    kube.apply(object("kustomize.toolkit.fluxcd.io/v1", "Kustomization", "apps"));
    kube.apply(object("image.toolkit.fluxcd.io/v1", "ImageRepository", "web"));
    let stage = Stage::before("flux-v2.yaml", &kube);
    let asked = |resource: &str, name: &str| {
        kube.object(resource, "flux-system", name)["metadata"]["annotations"][ANNOTATION].is_string()
    };

    for (sample, told) in [
        (["--sample=git", "--repository=acme/web", "--branch=main"], "acme/web"),
        (["--sample=git", "--repository=acme/fleet", "--branch=next"], "next"),
        (["--sample=image", "--image=ghcr.io/acme/shop", "--tag=1"], "ghcr.io/acme/shop"),
    ] {
        assert!(stage.ignored("github", &sample).contains(told));
    }
    assert_eq!(kube.patches().len(), 0);

    assert_eq!(stage.outcome("github", &["--sample=git", "--repository=acme/fleet"]), "succeeded");
    let order: Vec<_> =
        kube.patches().iter().map(|patch| patch.path().rsplit('/').nth(1).unwrap().to_owned()).collect();
    assert_eq!(order, ["gitrepositories", "kustomizations"], "the source first");
    assert!(
        kube.patches()
            .iter()
            .all(|patch| patch.header("content-type") == Some("application/merge-patch+json"))
    );
    assert!(asked("gitrepositories", "fleet") && asked("kustomizations", "apps"));
    assert!(!asked("imagerepositories", "web"));

    assert_eq!(stage.outcome("github", &["--sample=image", "--image=ghcr.io/acme/web"]), "succeeded");
    assert!(asked("imagerepositories", "web") && kube.patches().len() == 3);
}

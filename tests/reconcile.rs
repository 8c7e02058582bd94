//! `reconcile`, through the real binary, against the API double.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code: a broken assumption ends the test with its line"
)]

use serde_json::json;
use support::kube::{Double, Fault, Kind};
use support::stage::{Stage, push_git};

const BINARY: &str = env!("CARGO_BIN_EXE_boathook");
const REQUESTED_AT: &str = "/metadata/annotations/reconcile.fluxcd.io~1requestedAt";

/// Every kind of Flux with the path of its objects.
const KINDS: [(&str, &str, &str); 12] = [
    ("Bucket", "source.toolkit.fluxcd.io/v1", "buckets"),
    ("ExternalArtifact", "source.toolkit.fluxcd.io/v1", "externalartifacts"),
    ("GitRepository", "source.toolkit.fluxcd.io/v1", "gitrepositories"),
    ("HelmChart", "source.toolkit.fluxcd.io/v1", "helmcharts"),
    ("HelmRelease", "helm.toolkit.fluxcd.io/v2", "helmreleases"),
    ("HelmRepository", "source.toolkit.fluxcd.io/v1", "helmrepositories"),
    ("ImagePolicy", "image.toolkit.fluxcd.io/v1", "imagepolicies"),
    ("ImageRepository", "image.toolkit.fluxcd.io/v1", "imagerepositories"),
    ("ImageUpdateAutomation", "image.toolkit.fluxcd.io/v1", "imageupdateautomations"),
    ("Kustomization", "kustomize.toolkit.fluxcd.io/v1", "kustomizations"),
    ("OCIRepository", "source.toolkit.fluxcd.io/v1", "ocirepositories"),
    ("Receiver", "notification.toolkit.fluxcd.io/v1", "receivers"),
];

fn reconcile(kind: &str, more: &str) -> String {
    format!("{{reconcile: {{namespace: flux-system, kind: {kind}, name: fleet{more}}}}}")
}

fn object(kind: &str, api_version: &str) -> serde_json::Value {
    json!({
        "apiVersion": api_version, "kind": kind, "spec": {"interval": "1m"},
        "metadata": {"name": "fleet", "namespace": "flux-system", "annotations": {"keep": "me"}},
    })
}

#[test]
fn every_kind_of_flux_is_asked_at_its_path() {
    let kube = Double::start();
    kube.install(Kind::custom("source.toolkit.fluxcd.io", "v1", "ExternalArtifact", "externalartifacts"));
    for (kind, api_version, _) in KINDS {
        kube.apply(object(kind, api_version));
    }
    let actions: Vec<_> = KINDS.iter().map(|(kind, ..)| reconcile(kind, "")).collect();
    let relay = Stage::new(&kube.url()).on_git(&actions.join(", ")).start(BINARY);
    let ended = push_git(&relay);
    ended.is("succeeded", "gitrepository/fleet: Flux was asked to reconcile it");
    assert_eq!((ended.status(), ended.targets().len()), (200, 12));
    for (patch, (kind, api_version, plural)) in kube.patches().iter().zip(KINDS) {
        let path = format!("/apis/{api_version}/namespaces/flux-system/{plural}/fleet?fieldManager=boathook");
        assert_eq!((patch.path_and_query.as_str(), patch.status), (path.as_str(), 200), "{kind}");
        assert_eq!(patch.header("content-type"), Some("application/merge-patch+json"));
        let resource = format!("{plural}.{}", api_version.split('/').next().unwrap());
        let after = kube.object(&resource, "flux-system", "fleet");
        assert!(
            after.pointer(REQUESTED_AT).is_some() && after["metadata"]["annotations"]["keep"] == "me",
            "{after}"
        );
        assert_eq!(after["metadata"]["generation"], 1, "the specification did not change");
    }
    assert!(kube.requests().iter().all(|request| request.method == "PATCH"), "nothing needs to be read");
}

#[test]
fn every_request_has_a_fresh_time_and_an_api_version_may_be_given() {
    let kube = Double::start();
    kube.apply(object("ImagePolicy", "image.toolkit.fluxcd.io/v1beta2"));
    let action = reconcile("ImagePolicy", ", apiVersion: image.toolkit.fluxcd.io/v1beta2");
    let relay = Stage::new(&kube.url()).on_git(&action).start(BINARY);
    let mut times = Vec::new();
    for _ in 0..3 {
        push_git(&relay).is("succeeded", "");
        let after = kube.object("imagepolicies", "flux-system", "fleet");
        times.push(after.pointer(REQUESTED_AT).unwrap().as_str().unwrap().to_owned());
    }
    let sorted = times.windows(2).all(|pair| pair[0] < pair[1]);
    assert!(
        sorted && times.iter().all(|time| time.len() == "2026-11-21T01:31:47.000000001Z".len()),
        "{times:?}"
    );
    assert!(kube.patches()[0].path().starts_with("/apis/image.toolkit.fluxcd.io/v1beta2/"));
}

#[test]
fn what_cannot_be_done_says_why_and_is_not_tried_again() {
    let kube = Double::start();
    let relay = Stage::new(&kube.url()).on_git(&reconcile("GitRepository", "")).start(BINARY);
    let failed = |text: &str| {
        kube.forget_requests();
        push_git(&relay).is("failed", text);
        assert_eq!(kube.patches().len(), 1);
    };
    failed(
        "gitrepository/fleet: patch gitrepositories fleet in namespace flux-system: there is no such object",
    );
    kube.forbid("patch", "gitrepositories", None);
    failed(
        "allow it with {apiGroups: [source.toolkit.fluxcd.io], resources: [gitrepositories], resourceNames: [fleet], \
         verbs: [patch]} in a Role of namespace flux-system",
    );
    kube.allow_all();
    kube.uninstall("source.toolkit.fluxcd.io");
    failed(
        "the cluster does not serve this kind (group source.toolkit.fluxcd.io) in this version: is its CRD installed?",
    );
}

#[test]
fn what_passes_is_tried_again() {
    let kube = Double::start();
    kube.apply(object("GitRepository", "source.toolkit.fluxcd.io/v1"));
    let relay = Stage::new(&kube.url()).on_git(&reconcile("GitRepository", "")).start(BINARY);
    kube.fail_for(Fault::Status(503), "PATCH", "", Some(1));
    push_git(&relay).is("succeeded", "Flux was asked to reconcile it");
    kube.fail_for(Fault::LoseAnswer, "PATCH", "", Some(1));
    push_git(&relay).is("succeeded", "Flux was asked to reconcile it");
    assert_eq!(kube.patches().len(), 4);
}

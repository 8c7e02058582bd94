//! `restart` and `setImage` on Rollouts of Argo Rollouts, through the real binary, against the API double.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code: a broken assumption ends the test with its line"
)]

use serde_json::{Value, json};
use support::kube::{Double, How};
use support::relay::Relay;
use support::stage::{Ended, Stage, image_of, push_image, workload};

const BINARY: &str = env!("CARGO_BIN_EXE_boathook");
const PATH: &str = "/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/web";

fn rollout(canary: &Value) -> Value {
    let mut rollout = workload("Rollout", "shop", "web", "quay.io/acme/web:1");
    rollout["spec"]["strategy"] = json!({"canary": canary});
    rollout
}

/// A Rollout whose canary waits for somebody, and then for a moment.
fn canary() -> Value {
    rollout(&json!({"steps": [{"setWeight": 20}, {"pause": {}}, {"setWeight": 60}]}))
}

fn cluster(object: Value) -> Double {
    let kube = Double::start();
    kube.apply(object);
    kube
}

fn set_image(rollout: &str) -> String {
    format!("{{setImage: {{namespace: shop, workloads: [rollouts/web], rollout: {rollout}}}}}")
}

fn started(kube: &Double, action: &str) -> Relay {
    Stage::new(&kube.url()).on_image(action).start(BINARY)
}

/// Pushes an image, and does something once the Rollout is paused.
fn push_and_when_paused(kube: &Double, relay: &Relay, act: impl FnOnce()) -> Ended {
    std::thread::scope(|scope| {
        let sent = scope.spawn(|| push_image(relay, "acme/web", "2"));
        kube.wait_for_object("rollouts", "shop", "web", |object| object["status"]["phase"] == "Paused");
        act();
        sent.join().unwrap()
    })
}

#[test]
fn a_restart_is_the_field_of_argo_rollouts() {
    let kube = cluster(canary());
    let template = kube.object("rollouts", "shop", "web")["spec"]["template"].clone();
    let action = "{restart: {namespace: shop, workloads: [ro/web]}}";
    let relay = started(&kube, action);
    let ended = push_image(&relay, "acme/web", "latest");
    ended.is("succeeded", "rollout/web: restarted at ");
    assert!(ended.reason().ends_with("; rolled out"), "{}", ended.reason());
    let object = kube.object("rollouts", "shop", "web");
    assert_eq!(object["spec"]["template"], template, "an annotation would be a new version");
    assert_eq!(object["status"]["restartedAt"], object["spec"]["restartAt"]);
    let first = object["spec"]["restartAt"].as_str().unwrap();
    assert!(first.len() == "2026-11-21T10:00:00Z".len() && first.ends_with('Z'), "whole seconds: {first}");
    let patch = &kube.patches()[0];
    assert_eq!(patch.header("content-type"), Some("application/merge-patch+json"));
    assert_eq!(patch.path_and_query, format!("{PATH}?fieldManager=boathook"));
    let cause = patch.body["metadata"]["annotations"]["kubernetes.io/change-cause"].as_str().unwrap();
    assert!(cause.starts_with("boathook: quay.io/acme/web:latest, Quay delivery "), "{cause}");
}

#[test]
fn an_image_is_set_in_place_and_keeps_the_rest() {
    let kube = cluster(rollout(&json!({})));
    let relay = started(&kube, &set_image("{within: 1m}"));
    push_image(&relay, "acme/web", "2")
        .is("succeeded", "rollout/web: web: quay.io/acme/web:1 → quay.io/acme/web:2; rolled out");
    let patch = &kube.patches()[0];
    assert_eq!(patch.header("content-type"), Some("application/json-patch+json"));
    let image = "/spec/template/spec/containers/0/image";
    assert!(
        patch
            .body
            .as_array()
            .unwrap()
            .contains(&json!({"op": "test", "path": image, "value": "quay.io/acme/web:1"})),
        "{}",
        patch.body
    );
    let object = kube.object("rollouts", "shop", "web");
    let container = &object["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(
        (&container["env"][0]["value"], &container["ports"][0]["containerPort"]),
        (&json!("prod"), &json!(8080))
    );
    push_image(&relay, "acme/web", "2").is("unchanged", "quay.io/acme/web:2 runs already");
}

#[test]
fn a_degraded_one_is_put_back_without_the_steps() {
    let kube = cluster(canary());
    kube.break_image("quay.io/acme/web:2", How::ImagePullBackOff);
    let relay = started(&kube, &set_image("{within: 1m, onFailure: rollback}"));
    let ended = push_image(&relay, "acme/web", "2");
    ended.is("rolledBack", "it is degraded: ProgressDeadlineExceeded: ReplicaSet \"web-");
    assert!(ended.reason().contains("put back: quay.io/acme/web:1"), "{}", ended.reason());
    assert_eq!(image_of(&kube, "rollouts", "shop", "web"), "quay.io/acme/web:1");
}

#[test]
fn a_paused_canary_waits_for_a_person() {
    let kube = cluster(canary());
    let relay = started(&kube, &set_image("{within: 1s}"));
    push_image(&relay, "acme/web", "2").is(
        "failed",
        "not complete within 1s: it is paused at step 2 of 3 until somebody promotes it: kubectl argo rollouts \
         promote web -n shop",
    );
    let kube = cluster(canary());
    let relay = started(&kube, &set_image("{within: 1m}"));
    push_and_when_paused(&kube, &relay, || kube.promote("shop", "web")).is("succeeded", "; rolled out");
}

#[test]
fn one_that_is_aborted_has_failed() {
    let kube = cluster(canary());
    let relay = started(&kube, &set_image("{within: 1m}"));
    push_and_when_paused(&kube, &relay, || kube.abort("shop", "web"))
        .is("failed", "it was aborted: RolloutAborted: Rollout aborted update to revision 2");
}

#[test]
fn one_that_is_paused_by_hand_fails_with_the_way_out() {
    let mut paused = canary();
    paused["spec"]["paused"] = json!(true);
    let kube = cluster(paused);
    push_image(&started(&kube, &set_image("none")), "acme/web", "2")
        .is("failed", "nothing would roll out: kubectl argo rollouts promote web -n shop");
    assert_eq!(kube.mutations().len(), 0);
}

#[test]
fn one_that_refers_to_a_deployment_restarts_and_has_no_image() {
    let mut referring = canary();
    let spec = referring["spec"].as_object_mut().unwrap();
    spec.remove("template");
    spec.insert(
        "workloadRef".into(),
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "web-src"}),
    );
    let kube = cluster(referring);
    push_image(&started(&kube, &set_image("none")), "acme/web", "2").is(
        "failed",
        "rollout/web: it has no image of its own: its pods are those of deployment/web-src; set the image there",
    );
    assert_eq!(kube.mutations().len(), 0);
    push_image(&started(&kube, "{restart: {namespace: shop, workloads: [rollout/web]}}"), "acme/web", "2")
        .is("succeeded", "restarted at ");
}

#[test]
fn they_are_looked_up_where_they_are_served() {
    for (action, done) in
        [("restart", "restarted at "), ("setImage", "web: quay.io/acme/web:1 → quay.io/acme/web:2")]
    {
        for choice in ["runningImage: true", "selector: app=web"] {
            let kube = cluster(rollout(&json!({})));
            let relay = started(&kube, &format!("{{{action}: {{namespace: shop, {choice}}}}}"));
            push_image(&relay, "acme/web", "2").is("succeeded", &format!("rollout/web: {done}"));
        }
    }
    let kube = Double::start();
    kube.uninstall("argoproj.io");
    push_image(&started(&kube, &set_image("none")), "acme/web", "2").is(
        "failed",
        "get rollouts web in namespace shop: the cluster does not serve this kind (group argoproj.io) in this version: \
         is its CRD installed?",
    );
    kube.apply(workload("Deployment", "shop", "web", "quay.io/acme/web:1"));
    let relay = started(&kube, "{restart: {namespace: shop, runningImage: true}}");
    push_image(&relay, "acme/web", "2").is("succeeded", "deployment/web: restarted at ");
}

#[test]
fn the_missing_right_is_named() {
    let kube = cluster(canary());
    kube.forbid("patch", "rollouts.argoproj.io", None);
    push_image(&started(&kube, &set_image("none")), "acme/web", "2").is(
        "failed",
        "allow it with {apiGroups: [argoproj.io], resources: [rollouts], resourceNames: [web], verbs: [patch]} in a Role \
         of namespace shop",
    );
}

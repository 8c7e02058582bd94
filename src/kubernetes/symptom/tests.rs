use serde_json::{Value, json};

use super::Weight::{Broken, Coming, Unready};
use super::*;

const IMAGE: &str = "ghcr.io/acme/web:2";

fn pod(status: &Value) -> Pod {
    serde_json::from_value(json!({"metadata": {"name": "web-1"}, "status": status})).unwrap()
}

fn told(status: &Value) -> (Weight, String) {
    let Symptom { weight, text } = symptom(&pod(status)).unwrap();
    (weight, text)
}

fn broken(text: &str) -> (Weight, String) {
    (Broken, text.to_owned())
}

/// A pod with one container in this state.
fn container(state: &Value, more: &Value) -> Value {
    let mut status =
        json!({"name": "web", "image": IMAGE, "ready": false, "restartCount": 0, "state": state});
    status.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "True"},
        {"type": "Ready", "status": "False", "reason": "ContainersNotReady"}], "containerStatuses": [status]})
}

fn waiting(reason: &str, message: &str) -> Value {
    container(&json!({"waiting": {"reason": reason, "message": message}}), &json!({}))
}

#[test]
fn an_image_that_cannot_be_pulled_is_told_with_its_cause() {
    let chain = format!(
        "rpc error: code = NotFound desc = failed to pull and unpack image \"{IMAGE}\": failed to resolve reference \
         \"{IMAGE}\": {IMAGE}: not found"
    );
    for (reason, message) in [
        ("ErrImagePull", chain.clone()),
        ("ImagePullBackOff", format!("Back-off pulling image \"{IMAGE}\": ErrImagePull: {chain}")),
    ] {
        let (weight, text) = told(&waiting(reason, &message));
        assert_eq!(weight, Broken);
        assert!(text.starts_with(&format!("container web: {reason} of {IMAGE}: ")), "{text}");
        assert!(text.ends_with("ghcr.io/acme/web:2: not found") && text.len() < 260, "{text}");
    }
    // An older kubelet tells no cause.
    let old = waiting("ImagePullBackOff", &format!("Back-off pulling image \"{IMAGE}\""));
    assert_eq!(told(&old), broken("container web: ImagePullBackOff of ghcr.io/acme/web:2"));
    let denied = format!("{}401 Unauthorized", "failed to authorize: ".repeat(50));
    let (_, text) = told(&waiting("ErrImagePull", &denied));
    assert!(text.contains(": …") && text.ends_with("401 Unauthorized"), "{text}");
    let invalid = waiting("InvalidImageName", "Failed to apply default image tag \"a b\"");
    let expected =
        "container web: InvalidImageName of ghcr.io/acme/web:2: Failed to apply default image tag \"a b\"";
    assert_eq!(told(&invalid), broken(expected));
}

#[test]
fn a_container_that_ends_again_and_again_is_told_with_its_exit() {
    let state = json!({"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s restarting failed container"}});
    let of = |state: &Value, ended: &Value| {
        let message = json!("a secret that the container wrote");
        let mut ended = ended.clone();
        ended["message"] = message;
        told(&container(state, &json!({"restartCount": 3, "lastState": {"terminated": ended}})))
    };
    let error = json!({"exitCode": 1, "reason": "Error"});
    assert_eq!(of(&state, &error), broken("container web: CrashLoopBackOff, exit code 1"));
    let killed = json!({"exitCode": 137, "reason": "OOMKilled"});
    assert_eq!(of(&state, &killed), broken("container web: CrashLoopBackOff, exit code 137 (OOMKilled)"));
    let again = of(&json!({"running": {"startedAt": "2026-11-21T01:00:00Z"}}), &killed);
    let expected = "container web: was started again and is not ready, exit code 137 (OOMKilled) before";
    assert_eq!(again, broken(expected));
    assert_eq!(of(&json!({"terminated": error}), &error), broken("container web: has ended, exit code 1"));
    assert_eq!(told(&waiting("CrashLoopBackOff", "x")), broken("container web: CrashLoopBackOff"));
}

#[test]
fn what_a_container_waits_for_is_told() {
    let config = waiting("CreateContainerConfigError", "secret \"web\" not found");
    assert_eq!(told(&config), broken("container web: CreateContainerConfigError: secret \"web\" not found"));
    let run =
        "failed to create containerd task: exec: \"/web\": stat /web: no such file or directory: unknown";
    assert_eq!(
        told(&waiting("RunContainerError", run)),
        broken(&format!("container web: RunContainerError: {run}"))
    );
    let (_, long) = told(&waiting("RunContainerError", &"x\n".repeat(1000)));
    assert!(long.ends_with('…') && long.len() < 250 && !long.contains('\n'), "{long}");
    let coming = (Coming, "container web: is being made".to_owned());
    assert_eq!(told(&waiting("ContainerCreating", "")), coming);
    assert_eq!(told(&container(&json!({}), &json!({}))), coming);
    assert_eq!(told(&json!({"phase": "Pending"})), (Coming, "it has not been started yet".to_owned()));
}

#[test]
fn a_pod_that_has_no_place_is_told_without_the_preemption() {
    let message =
        "0/3 nodes are available: 3 Insufficient cpu. preemption: 0/3 nodes are available: 3 No victims.";
    let scheduled =
        json!({"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message});
    let status = json!({"phase": "Pending", "conditions": [scheduled]});
    assert_eq!(told(&status), broken("Unschedulable: 0/3 nodes are available: 3 Insufficient cpu"));
}

#[test]
fn a_container_that_runs_and_is_not_ready_is_told() {
    let running = json!({"running": {"startedAt": "2026-11-21T01:00:00Z"}});
    let of = |more: Value| told(&container(&running, &more));
    let unready = |text: &str| (Unready, text.to_owned());
    assert_eq!(of(json!({"started": true})), unready("container web: runs, but is not ready"));
    let startup = unready("container web: runs, but has not passed its startup probe");
    assert_eq!(of(json!({"started": false})), startup);
    let mut gated = container(&running, &json!({"ready": true}));
    let gate = "corresponding condition of pod readiness gate \"lb\" does not exist.";
    gated["conditions"] =
        json!([{"type": "Ready", "status": "False", "reason": "ReadinessGatesNotReady", "message": gate}]);
    let expected =
        "ReadinessGatesNotReady: corresponding condition of pod readiness gate \"lb\" does not exist";
    assert_eq!(told(&gated), unready(expected));
}

#[test]
fn an_evicted_pod_is_told() {
    let status =
        json!({"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory."});
    let expected = (Unready, "Evicted: The node was low on resource: memory".to_owned());
    assert_eq!(told(&status), expected);
}

#[test]
fn init_containers_come_first() {
    let waiting = json!({"name": "web", "image": IMAGE, "state": {"waiting": {"reason": "PodInitializing"}}});
    let of = |init: &Value| {
        told(&json!({"phase": "Pending", "initContainerStatuses": init, "containerStatuses": [waiting]}))
    };
    let done = json!({"name": "wait", "ready": true, "state": {"terminated": {"exitCode": 0}}});
    let crash = json!({"name": "migrate", "restartCount": 2, "state": {"waiting": {"reason": "CrashLoopBackOff"}},
        "lastState": {"terminated": {"exitCode": 3, "reason": "Error"}}});
    assert_eq!(of(&json!([done, crash])), broken("init container migrate: CrashLoopBackOff, exit code 3"));
    let runs = json!({"name": "migrate", "state": {"running": {}}, "restartCount": 0});
    assert_eq!(of(&json!([done, runs])), (Coming, "init container migrate still runs".to_owned()));
    let sidecar = json!({"name": "proxy", "ready": true, "started": true, "state": {"running": {}}});
    assert_eq!(of(&json!([done, sidecar])), (Coming, "container web: is being made".to_owned()));
}

#[test]
fn a_pod_that_serves_or_goes_has_no_symptom() {
    let serving = json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}],
        "containerStatuses": [{"name": "web", "ready": true, "restartCount": 7, "state": {"running": {}}}]});
    assert_eq!(symptom(&pod(&serving)), None);
    assert_eq!(symptom(&pod(&json!({"phase": "Succeeded"}))), None);
    let mut going = pod(&waiting("CrashLoopBackOff", ""));
    going.metadata.deletion_timestamp = Some("2026-11-21T01:00:00Z".into());
    assert_eq!(symptom(&going), None);
}

#[test]
fn many_pods_are_told_in_one_short_text() {
    let of = |list: &[(&str, Weight, &str)]| {
        summary(
            list.iter()
                .map(|(pod, weight, text)| ((*pod).to_owned(), Symptom::new(*weight, *text)))
                .collect(),
        )
    };
    assert_eq!(of(&[]), "");
    assert_eq!(of(&[("a", Broken, "x")]), "pod a: x");
    let many = [
        ("a", Coming, "is being made"),
        ("b", Unready, "not ready"),
        ("c", Broken, "x"),
        ("d", Broken, "y"),
        ("e", Broken, "y"),
        ("f", Broken, "y"),
    ];
    assert_eq!(of(&many), "pod d and 2 more: y; pod c: x");
    assert_eq!(of(&many[..3]), "pod c: x; pod b: not ready");
    assert_eq!(of(&many[..1]), "pod a: is being made");
    assert_eq!(of(&[many[0], many[1]]), "pod b: not ready");
    let long = "x".repeat(5000);
    assert_eq!(of(&[("a", Broken, &long)]).chars().count(), LONGEST);
}

//! The double's controllers take the steps that real ones took.

use serde_json::{Value, json};
use std::time::Duration;
use support::http;
use support::kube::{Double, How, Pace};
use support::objects::{daemon_set, deployment};

/// The statuses of a recorded watch, without times and names of revisions.
fn recorded(name: &str) -> Vec<Value> {
    let path = format!("{}/tests/data/rollouts/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let watch: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let events = watch["events"].as_array().unwrap().iter();
    events.filter(|event| event["type"] == "MODIFIED").map(|event| event["object"].clone()).collect()
}

/// What is compared of an object's status: counts, conditions without times and names, the revision annotation; of a
/// `StatefulSet` whether its two revisions are the same.
fn seen(object: &Value) -> Value {
    let mut status = object["status"].clone();
    if let Some(current) = status.get("currentRevision").cloned() {
        status["settled"] = json!(current == status["updateRevision"]);
        status.as_object_mut().unwrap().retain(|key, _| !key.ends_with("Revision"));
    }
    for condition in status["conditions"].as_array_mut().into_iter().flatten() {
        let condition = condition.as_object_mut().unwrap();
        condition.retain(|key, _| matches!(key.as_str(), "type" | "status" | "reason" | "message"));
        let message = condition["message"].as_str().unwrap();
        // The name of the ReplicaSet has its template's hash.
        let words: Vec<&str> = message.split('"').step_by(2).collect();
        condition["message"] = json!(words.join("…"));
    }
    status["revision"] = object["metadata"]["annotations"]["deployment.kubernetes.io/revision"].clone();
    status
}

/// What a client sees that reads the workload until nothing moves any more.
fn steps(kube: &Double, path: &str) -> Vec<Value> {
    let mut steps: Vec<Value> = Vec::new();
    loop {
        let object = http::send("GET", &kube.url(), path, &[], b"").json();
        if steps.last() == Some(&seen(&object)) {
            return steps;
        }
        steps.push(seen(&object));
    }
}

fn patch(kube: &Double, path: &str, template: &Value) {
    let headers = [("Content-Type", "application/strategic-merge-patch+json")];
    let body = json!({"spec": {"template": template}}).to_string();
    assert_eq!(http::send("PATCH", &kube.url(), path, &headers, body.as_bytes()).status, 200);
}

/// The object of a watch's first event, before the template was changed.
fn before(first: &Value, annotation: Option<&str>, image: &str) -> Value {
    let mut object = first.clone();
    let metadata = &mut object["spec"]["template"]["metadata"];
    match annotation {
        Some(value) => metadata["annotations"] = json!({RESTARTED_AT: value}),
        None => {
            metadata.as_object_mut().unwrap().remove("annotations");
        }
    }
    object["spec"]["template"]["spec"]["containers"][0]["image"] = json!(image);
    object["metadata"]["generation"] = object["status"]["observedGeneration"].clone();
    object
}

const RESTARTED_AT: &str = "kubectl.kubernetes.io/restartedAt";
const WEB: &str = "/apis/apps/v1/namespaces/roll/deployments/web";
const DB: &str = "/apis/apps/v1/namespaces/roll/statefulsets/db";

fn expected(events: &[Value]) -> Vec<Value> {
    events.iter().map(seen).collect()
}

#[test]
fn a_deployment_restarts() {
    let events = recorded("deployment-restart-completes");
    let kube = Double::start();
    kube.auto_rollout(Pace::PerRead);
    kube.apply(before(&events[0], None, "ghcr.io/acme/web:1.0.0"));
    patch(&kube, WEB, &json!({"metadata": {"annotations": {RESTARTED_AT: "2026-11-21T01:31:47Z"}}}));
    assert_eq!(steps(&kube, WEB), expected(&events));
    let sets = http::send("GET", &kube.url(), "/apis/apps/v1/namespaces/roll/replicasets", &[], b"").json();
    assert_eq!(sets["items"].as_array().unwrap().len(), 2);
}

#[test]
fn a_broken_image_runs_out_of_time_and_is_rolled_back() {
    let never = recorded("deployment-image-never-ready");
    let back = recorded("deployment-rolled-back");
    let kube = Double::start();
    kube.auto_rollout(Pace::PerRead);
    kube.quick_replica_sets(true);
    kube.break_image("ghcr.io/acme/web:broken", How::ImagePullBackOff);
    kube.apply(before(&never[0], Some("2026-11-21T01:31:47Z"), "ghcr.io/acme/web:1.0.0"));
    let image = |image: &str| json!({"spec": {"containers": [{"name": "web", "image": image}]}});
    patch(&kube, WEB, &image("ghcr.io/acme/web:broken"));
    assert_eq!(steps(&kube, WEB), expected(&never));
    patch(&kube, WEB, &image("ghcr.io/acme/web:1.0.0"));
    assert_eq!(steps(&kube, WEB), expected(&back));
}

#[test]
fn a_stateful_set_restarts() {
    let events = recorded("statefulset-restart-completes");
    let kube = Double::start();
    kube.auto_rollout(Pace::PerRead);
    kube.apply(before(&events[0], None, "ghcr.io/acme/db:1.0.0"));
    patch(&kube, DB, &json!({"metadata": {"annotations": {RESTARTED_AT: "2026-11-21T01:31:48Z"}}}));
    assert_eq!(steps(&kube, DB), expected(&events));
}

#[test]
fn by_time_and_for_what_was_changed_only() {
    let kube = Double::start();
    kube.auto_rollout(Pace::Every(Duration::from_millis(1)));
    kube.apply(daemon_set("roll", "agent", "ghcr.io/acme/agent:1"));
    let idle = kube.apply(deployment("roll", "idle", "ghcr.io/acme/idle:1"));
    let path = "/apis/apps/v1/namespaces/roll/daemonsets/agent";
    for generation in [2, 3] {
        patch(&kube, path, &json!({"metadata": {"annotations": {RESTARTED_AT: generation.to_string()}}}));
        kube.wait_for_object("daemonsets", "roll", "agent", |agent| {
            let status = &agent["status"];
            status["observedGeneration"] == generation
                && status["updatedNumberScheduled"] == 2
                && status["numberAvailable"] == 2
        });
    }
    assert_eq!(kube.object("deployments", "roll", "idle"), idle);
}

#[test]
fn a_paused_deployment_stays_as_it_is() {
    let kube = Double::start();
    kube.auto_rollout(Pace::PerRead);
    let mut web = deployment("roll", "web", "ghcr.io/acme/web:1");
    web["spec"]["paused"] = json!(true);
    kube.apply(web);
    patch(&kube, WEB, &json!({"metadata": {"annotations": {RESTARTED_AT: "1"}}}));
    let steps = steps(&kube, WEB);
    assert_eq!(steps.len(), 2);
    assert_eq!((&steps[1]["observedGeneration"], &steps[1]["revision"]), (&json!(2), &json!("1")));
}

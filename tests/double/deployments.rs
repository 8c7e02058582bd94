//! Deployments of the double: strategies, pausing, running out of time, by the clock as well.

use serde_json::{Value, json};
use std::time::Duration;
use support::http;
use support::kube::{Double, How, Pace};
use support::objects::deployment;

const WEB: &str = "/apis/apps/v1/namespaces/roll/deployments/web";
const PODS: &str = "/api/v1/namespaces/roll/pods";
const BAD: &str = "ghcr.io/acme/web:bad";

fn with_web(kube: Double, change: impl FnOnce(&mut Value)) -> Double {
    let mut web = deployment("roll", "web", "ghcr.io/acme/web:1");
    change(&mut web);
    kube.apply(web);
    kube
}

fn patch(kube: &Double, body: &Value) {
    let headers = [("Content-Type", "application/strategic-merge-patch+json")];
    assert_eq!(http::send("PATCH", &kube.url(), WEB, &headers, body.to_string().as_bytes()).status, 200);
}

fn set_image(kube: &Double, image: &str) {
    let container = json!({"name": "web", "image": image});
    patch(kube, &json!({"spec": {"template": {"spec": {"containers": [container]}}}}));
}

fn get(kube: &Double, path: &str) -> Value {
    http::send("GET", &kube.url(), path, &[], b"").json()
}

/// replicas, updated, available, and the reason of Progressing.
fn seen(web: &Value) -> (u64, u64, u64, String) {
    let count = |field: &str| web["status"][field].as_u64().unwrap_or(0);
    let conditions = web["status"]["conditions"].as_array().cloned().unwrap_or_default();
    let progressing = conditions.iter().find(|condition| condition["type"] == "Progressing");
    let reason = progressing.map_or("", |condition| condition["reason"].as_str().unwrap());
    (count("replicas"), count("updatedReplicas"), count("availableReplicas"), reason.to_owned())
}

/// What a client sees that reads until the rollout is over.
fn steps(kube: &Double) -> Vec<(u64, u64, u64, String)> {
    let mut steps = vec![get(kube, WEB)];
    loop {
        let step = get(kube, WEB);
        if steps.last() == Some(&step) {
            return steps.iter().map(seen).collect();
        }
        steps.push(step);
    }
}

fn step_by_step() -> Double {
    let kube = Double::start();
    kube.auto_rollout(Pace::PerRead);
    kube
}

#[test]
fn a_new_deployment_comes_up() {
    let kube = Double::start();
    let container = json!({"name": "web", "image": "ghcr.io/acme/web:1"});
    kube.apply(json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "roll"},
        "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "web"}}, "template": {
            "metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}
        }}
    }));
    assert_eq!(seen(&get(&kube, WEB)), (3, 3, 3, "NewReplicaSetAvailable".to_owned()));
    assert_eq!(get(&kube, WEB)["metadata"]["generation"], 1);
}

#[test]
fn recreate_lets_the_old_pods_go_first() {
    let kube = with_web(step_by_step(), |web| web["spec"]["strategy"] = json!({"type": "Recreate"}));
    set_image(&kube, "ghcr.io/acme/web:2");
    let steps = steps(&kube);
    let updated_beside_old = |step: &&(u64, u64, u64, String)| step.1 > 0 && step.0 > step.1;
    // The first two are as before: nobody has looked yet.
    assert_eq!(steps[2..].iter().find(updated_beside_old), None, "{steps:?}");
    assert!(steps.iter().any(|step| step.0 == 0), "{steps:?}");
    assert_eq!(steps.last().unwrap(), &(2, 2, 2, "NewReplicaSetAvailable".to_owned()));
}

#[test]
fn as_many_may_be_missing_as_the_strategy_says() {
    let kube = with_web(step_by_step(), |web| {
        web["spec"]["replicas"] = json!(4);
        for field in ["replicas", "updatedReplicas", "readyReplicas", "availableReplicas"] {
            web["status"][field] = json!(4);
        }
        let numbers = json!({"maxUnavailable": "50%", "maxSurge": 0});
        web["spec"]["strategy"] = json!({"type": "RollingUpdate", "rollingUpdate": numbers});
    });
    set_image(&kube, "ghcr.io/acme/web:2");
    let steps = steps(&kube);
    assert_eq!(steps.iter().map(|step| step.2).min(), Some(2), "{steps:?}");
    assert_eq!(steps.iter().map(|step| step.0).max(), Some(4), "{steps:?}");
    assert_eq!(steps.last().unwrap(), &(4, 4, 4, "NewReplicaSetAvailable".to_owned()));
}

#[test]
fn ready_is_not_available_before_its_time() {
    let kube = with_web(step_by_step(), |web| web["spec"]["minReadySeconds"] = json!(30));
    set_image(&kube, "ghcr.io/acme/web:2");
    let mut ready_only = false;
    loop {
        let web = get(&kube, WEB);
        let status = &web["status"];
        ready_only |= status["readyReplicas"].as_u64() > status["availableReplicas"].as_u64();
        if status["observedGeneration"] == 2 && seen(&web).3 == "NewReplicaSetAvailable" {
            break;
        }
    }
    assert!(ready_only);
}

#[test]
fn a_paused_deployment_goes_on_when_it_is_resumed() {
    let kube = with_web(Double::start(), |_| {});
    patch(&kube, &json!({"spec": {"paused": true}}));
    set_image(&kube, "ghcr.io/acme/web:2");
    let paused = get(&kube, WEB);
    assert_eq!(seen(&paused), (2, 0, 2, "DeploymentPaused".to_owned()));
    assert_eq!(paused["status"]["observedGeneration"], 3);
    patch(&kube, &json!({"spec": {"paused": false}}));
    assert_eq!(seen(&get(&kube, WEB)), (2, 2, 2, "NewReplicaSetAvailable".to_owned()));
}

#[test]
fn a_deployment_is_scaled() {
    let kube = with_web(Double::start(), |_| {});
    for replicas in [5, 0, 1] {
        patch(&kube, &json!({"spec": {"replicas": replicas}}));
        let web = get(&kube, WEB);
        assert_eq!(seen(&web), (replicas, replicas, replicas, "NewReplicaSetAvailable".to_owned()));
        assert_eq!(web["metadata"]["annotations"]["deployment.kubernetes.io/revision"], "1");
    }
}

#[test]
fn the_deadline_passes_by_the_clock() {
    for pace in [Pace::AtOnce, Pace::Every(Duration::from_millis(1))] {
        let kube = with_web(Double::start(), |_| {});
        kube.auto_rollout(pace);
        kube.progress_deadline(Duration::from_millis(50));
        kube.break_image(BAD, How::ImagePullBackOff);
        set_image(&kube, BAD);
        let failed = |web: &Value| seen(web).3 == "ProgressDeadlineExceeded";
        let web = kube.wait_for_object("deployments", "roll", "web", failed);
        assert_eq!((&web["status"]["observedGeneration"], seen(&web).1), (&json!(2), 1));
        set_image(&kube, "ghcr.io/acme/web:1");
        let back = |web: &Value| seen(web) == (2, 2, 2, "NewReplicaSetAvailable".to_owned());
        kube.wait_for_object("deployments", "roll", "web", back);
    }
}

#[test]
fn a_deadline_can_be_brought_forward() {
    for pace in [Pace::AtOnce, Pace::Every(Duration::from_millis(1))] {
        let kube = with_web(Double::start(), |_| {});
        kube.auto_rollout(pace);
        kube.progress_deadline(Duration::from_secs(3600));
        kube.break_image(BAD, How::NeverReady);
        set_image(&kube, BAD);
        // Nothing moves then; the clock waits for an hour to pass.
        kube.wait_for_rest();
        assert_eq!(seen(&get(&kube, WEB)).1, 1);
        kube.progress_deadline(Duration::from_millis(60));
        let failed = |web: &Value| seen(web).3 == "ProgressDeadlineExceeded";
        kube.wait_for_object("deployments", "roll", "web", failed);
    }
}

#[test]
fn without_a_deadline_a_rollout_never_fails() {
    let waits = |kube: &Double| {
        kube.break_image(BAD, How::NeverReady);
        set_image(kube, BAD);
        seen(&get(kube, WEB)).3
    };
    let kube = with_web(Double::start(), |_| {});
    kube.progress_deadline(Duration::MAX);
    assert_eq!(waits(&kube), "ReplicaSetUpdated");
    // Kubernetes itself has a way to say it, and then says nothing about progress.
    let kube = with_web(Double::start(), |web| web["spec"]["progressDeadlineSeconds"] = json!(2_147_483_647));
    assert_eq!(waits(&kube), "");
}

#[test]
fn a_broken_deployment_is_mended_before_its_deadline() {
    let kube = with_web(Double::start(), |_| {});
    kube.progress_deadline(Duration::from_secs(3600));
    kube.break_image(BAD, How::Unschedulable);
    set_image(&kube, BAD);
    assert_eq!(seen(&get(&kube, WEB)).3, "ReplicaSetUpdated");
    kube.mend_image(BAD);
    assert_eq!(seen(&get(&kube, WEB)), (2, 2, 2, "NewReplicaSetAvailable".to_owned()));
    let pods = get(&kube, &format!("{PODS}?fieldSelector=status.phase%3DRunning"));
    assert_eq!(pods["items"].as_array().unwrap().len(), 2);
}

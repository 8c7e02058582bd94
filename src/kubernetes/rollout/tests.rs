mod argo;
mod deployment;
mod traffic;

use serde_json::{Value, json};

use super::*;

/// The objects of a recorded watch, and the generation that its patch was answered with.
fn recorded(name: &str) -> (Vec<Object>, i64) {
    let path = format!("{}/tests/data/rollouts/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let watch: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let events = watch["events"].as_array().unwrap().iter().filter(|event| event["type"] == "MODIFIED");
    let objects: Vec<_> = events.map(|event| object(event["object"].clone())).collect();
    let generation = objects[0].metadata.generation;
    (objects, generation)
}

fn object(value: Value) -> Object {
    serde_json::from_value(value).unwrap()
}

/// An object of generation 2 that its controller has observed.
fn of(spec: &Value, status: &Value) -> Object {
    let mut value = json!({"metadata": {"name": "web", "generation": 2}, "spec": spec, "status": status});
    value["status"]["observedGeneration"] = json!(2);
    object(value)
}

fn waiting(text: &str) -> Standing {
    Standing::Waiting(text.to_owned())
}

fn failed(text: &str) -> Standing {
    Standing::Failed(text.to_owned())
}

const UNSEEN: &str = "its controller has not seen the change yet";

/// Every step of a recorded rollout, judged.
fn replay(kind: Kind, name: &str) -> Vec<Standing> {
    let (objects, generation) = recorded(name);
    objects.iter().map(|object| judge(kind, object, generation)).collect()
}

#[test]
fn an_object_that_was_made_anew_or_is_going_has_failed() {
    let status = json!({"replicas": 1, "updatedReplicas": 1, "availableReplicas": 1});
    let web = of(&json!({"replicas": 1}), &status);
    let patched = |uid: &str| Patched { generation: 2, uid: uid.into(), ..Patched::default() };
    assert_eq!(judge_since(Kind::Deployment, &web, &patched("")), Standing::Complete);
    let anew = failed("it was deleted, and another one was made in its place");
    assert_eq!(judge_since(Kind::Deployment, &web, &patched("other")), anew);
    let mut going = web;
    going.metadata.deletion_timestamp = Some("2026-11-21T01:00:00Z".into());
    for kind in Kind::ALL {
        assert_eq!(judge(kind, &going, 2), failed("it is being deleted"));
    }
}

#[test]
fn a_stateful_set_is_waited_for_to_its_last_step() {
    let expected = [
        UNSEEN,
        "0 of 2 pods are new, 2 of 2 are ready",
        "0 of 2 pods are new, 1 of 2 are ready",
        "1 of 2 pods are new, 1 of 2 are ready",
        "1 of 2 pods are new, 2 of 2 are ready",
        "1 of 2 pods are new, 1 of 2 are ready",
        "2 of 2 pods are new, 1 of 2 are ready",
    ];
    let expected: Vec<_> = expected.map(waiting).into_iter().chain([Standing::Complete]).collect();
    assert_eq!(replay(Kind::StatefulSet, "statefulset-restart-completes"), expected);
}

#[test]
fn the_traps_of_a_stateful_set() {
    let judged = |spec: &Value, status: Value| {
        let db = of(spec, &status);
        (judge(Kind::StatefulSet, &db, 2), remark(Kind::StatefulSet, &db).unwrap_or_default())
    };
    let partitioned = |partition: i64| json!({"replicas": 3, "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": partition}}});
    let one = |ready: i64| {
        json!({"replicas": 3, "readyReplicas": ready, "availableReplicas": ready, "updatedReplicas": 1,
            "currentRevision": "db-1", "updateRevision": "db-2"})
    };
    // Below the partition pods stay as they are, and the two revisions stay apart.
    let told = "its partition is 2: 1 of 3 pods take the change".to_owned();
    assert_eq!(judged(&partitioned(2), one(3)), (Standing::Complete, told.clone()));
    assert_eq!(judged(&partitioned(2), one(2)), (waiting("1 of 1 pods are new, 2 of 3 are ready"), told));
    let none = "its partition is 5: 0 of 3 pods take the change".to_owned();
    assert_eq!(judged(&partitioned(5), one(3)), (Standing::Complete, none));
    assert_eq!(judged(&partitioned(0), one(3)).0, waiting("1 of 3 pods are new, 3 of 3 are ready"));

    let all = |revision: &str, available: Option<i64>| {
        json!({"replicas": 3, "readyReplicas": 3, "availableReplicas": available, "updatedReplicas": 3,
            "currentRevision": revision, "updateRevision": "db-2"})
    };
    let three = json!({"replicas": 3});
    assert_eq!(judged(&three, all("db-2", Some(3))).0, Standing::Complete);
    assert_eq!(judged(&three, all("db-2", None)).0, Standing::Complete);
    assert_eq!(judged(&three, all("db-2", Some(2))).0, waiting("2 of 3 pods are available"));
    let ending = waiting("its pods are new, but its controller has not ended the update yet");
    assert_eq!(judged(&three, all("db-1", Some(3))).0, ending);

    let zero = json!({"replicas": 0});
    let revisions = json!({"replicas": 0, "currentRevision": "db-2", "updateRevision": "db-2"});
    let unproven = "it has 0 replicas: no pod has shown that the change works".to_owned();
    assert_eq!(judged(&zero, revisions), (Standing::Complete, unproven));
    let late = json!([{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]);
    let broken = json!({"replicas": 3, "readyReplicas": 2, "updatedReplicas": 1, "conditions": late});
    assert_eq!(judged(&three, broken).0, waiting("1 of 3 pods are new, 2 of 3 are ready"));
}

#[test]
fn what_is_replaced_on_delete_is_not_followed_and_says_so() {
    let unseen = json!({"metadata": {"generation": 2}, "spec": {"updateStrategy": {"type": "OnDelete"}},
        "status": {"observedGeneration": 1, "desiredNumberScheduled": 3}});
    for kind in [Kind::StatefulSet, Kind::DaemonSet] {
        let object = object(unseen.clone());
        assert_eq!(judge(kind, &object, 2), Standing::Complete);
        let told = remark(kind, &object).unwrap();
        assert!(told.contains("OnDelete") && told.ends_with("is not followed"), "{told}");
    }
}

#[test]
fn the_steps_of_a_daemon_set() {
    let judged = |status: Value| {
        let spec =
            json!({"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1}}});
        judge(Kind::DaemonSet, &of(&spec, &status), 2)
    };
    let status = |new: i64, available: i64| json!({"desiredNumberScheduled": 3, "updatedNumberScheduled": new, "numberAvailable": available});
    assert_eq!(judged(status(0, 3)), waiting("0 of 3 pods are new, 3 are available"));
    assert_eq!(judged(status(3, 2)), waiting("2 of 3 new pods are available"));
    assert_eq!(judged(status(3, 3)), Standing::Complete);
    assert_eq!(judge(Kind::DaemonSet, &of(&json!({}), &status(3, 3)), 3), waiting(UNSEEN));
    let nowhere = of(&json!({}), &json!({"desiredNumberScheduled": 0}));
    assert_eq!(judge(Kind::DaemonSet, &nowhere, 2), Standing::Complete);
    let told = remark(Kind::DaemonSet, &nowhere).unwrap();
    assert_eq!(told, "no node runs it: no pod has shown that the change works");
}

#[test]
fn a_cron_job_is_complete_at_once() {
    let nightly =
        |suspend: bool| object(json!({"metadata": {"generation": 7}, "spec": {"suspend": suspend}}));
    assert_eq!(judge(Kind::CronJob, &nightly(false), 7), Standing::Complete);
    assert_eq!(remark(Kind::CronJob, &nightly(false)).unwrap(), "its next job takes the change");
    let suspended = remark(Kind::CronJob, &nightly(true)).unwrap();
    assert_eq!(suspended, "it is suspended: no job starts with the change");
}

#[test]
fn a_knative_service_is_judged_by_ready() {
    let status = |ready: &str, reason: Value, message: Value, latest: &str| {
        json!({"latestCreatedRevisionName": "game-2", "latestReadyRevisionName": latest,
            "conditions": [{"type": "RoutesReady", "status": "True"},
                {"type": "Ready", "status": ready, "reason": reason, "message": message}]})
    };
    let judged = |status: Value, generation: i64| judge(Kind::Ksvc, &of(&json!({}), &status), generation);
    let ready = || status("True", Value::Null, Value::Null, "game-2");
    assert_eq!(judged(ready(), 2), Standing::Complete);
    assert_eq!(judged(ready(), 3), waiting(UNSEEN));
    let behind = status("True", Value::Null, Value::Null, "game-1");
    assert_eq!(judged(behind, 2), waiting("game-2 is not ready yet"));
    let unknown = status("Unknown", json!("IngressNotConfigured"), Value::Null, "game-1");
    assert_eq!(judged(unknown, 2), waiting("it is not ready yet: IngressNotConfigured"));
    let unknown = status("Unknown", Value::Null, Value::Null, "game-1");
    assert_eq!(judged(unknown, 2), waiting("it is not ready yet"));
    let message = "Revision \"game-2\" failed with message: Unable to fetch image.";
    let broken = status("False", json!("RevisionFailed"), json!(message), "game-1");
    assert_eq!(judged(broken.clone(), 2), failed(&format!("it is not ready: RevisionFailed: {message}")));
    assert_eq!(judged(broken, 3), waiting(UNSEEN));
    assert_eq!(judged(json!({}), 2), waiting("Knative has not said yet whether it is ready"));
    // No status at all: the object was made a moment ago.
    let bare = object(json!({"metadata": {"generation": 1}}));
    assert_eq!(judge(Kind::Ksvc, &bare, 0), waiting(UNSEEN));
}

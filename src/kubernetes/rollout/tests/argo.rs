use serde_json::{Value, json};

use super::*;

/// A Rollout of generation 2 with this status, whose controller writes its generation as a text.
fn argo(spec: &Value, status: &Value) -> Object {
    let metadata = json!({"name": "web", "namespace": "shop", "generation": 2});
    let mut value = json!({"metadata": metadata, "spec": spec, "status": status});
    if value["status"]["observedGeneration"].is_null() {
        value["status"]["observedGeneration"] = json!("2");
    }
    object(value)
}

fn judged(status: &Value) -> Standing {
    judge(Kind::Rollout, &argo(&json!({}), status), 2)
}

#[test]
fn a_rollout_is_what_its_controller_says_once_it_has_seen_the_change() {
    let healthy = json!({"phase": "Healthy"});
    assert_eq!(judged(&healthy), Standing::Complete);
    for unseen in [json!("1"), json!("5c9f7b8d6"), json!("")] {
        let status = json!({"phase": "Healthy", "observedGeneration": unseen});
        assert_eq!(judged(&status), waiting(UNSEEN), "{status}");
    }
    assert_eq!(
        judged(&json!({"phase": "Progressing", "message": "rollout is restarting"})),
        waiting("it is progressing: rollout is restarting")
    );
    let why = "ProgressDeadlineExceeded: ReplicaSet \"web-5d\" has timed out progressing.";
    assert_eq!(
        judged(&json!({"phase": "Degraded", "message": why})),
        failed(&format!("it is degraded: {why}"))
    );
    let why = "RolloutAborted: Rollout aborted update to revision 2";
    for phase in ["Degraded", "Progressing"] {
        let aborted = judged(&json!({"phase": phase, "abort": true, "message": why}));
        assert_eq!(aborted, failed(&format!("it was aborted: {why}")));
    }
    assert!(matches!(judged(&json!({})), Standing::Waiting(why) if why.contains("since version 1.0")));
}

#[test]
fn a_pause_says_whom_it_waits_for() {
    let canary = json!({"strategy": {"canary": {"steps": [
        {"setWeight": 20}, {"pause": {}}, {"setWeight": 60}, {"pause": {"duration": "10m"}}, {"pause": {"duration": 30}}
    ]}}});
    let at = |index: i64| {
        let status = json!({
            "phase": "Paused", "message": "CanaryPauseStep", "currentStepIndex": index, "controllerPause": true,
            "pauseConditions": [{"reason": "CanaryPauseStep", "startTime": "2026-11-21T01:00:00Z"}],
        });
        judge(Kind::Rollout, &argo(&canary, &status), 2)
    };
    assert_eq!(
        at(1),
        waiting(
            "it is paused at step 2 of 5 until somebody promotes it: kubectl argo rollouts promote web -n shop"
        )
    );
    for step in [3, 4] {
        assert_eq!(at(step), waiting(&format!("it is paused at step {} of 5 for a time", step + 1)));
    }
    let blue_green = |strategy: Value| {
        let status = json!({"phase": "Paused", "controllerPause": true, "pauseConditions": [{"reason": "BlueGreenPause"}]});
        let spec = json!({"strategy": {"blueGreen": strategy}});
        judge(Kind::Rollout, &argo(&spec, &status), 2)
    };
    let promoted = blue_green(json!({}));
    assert!(
        matches!(promoted, Standing::Waiting(why) if why.contains("before its promotion until somebody"))
    );
    let timed = blue_green(json!({"autoPromotionSeconds": 30}));
    assert_eq!(timed, waiting("it is paused before its promotion for a time"));
    // Promoted a moment ago: the phase is still the old one.
    let unpausing = judged(&json!({"phase": "Paused", "controllerPause": true}));
    assert_eq!(unpausing, waiting("its controller has yet to go on after a pause"));
}

//! Rollouts of Argo Rollouts, as far as a client of the API sees them: phase, message, pauses; they have no pods here.
//! A new template goes through the steps of its strategy that pause, and stays at one until a test promotes it.

use super::super::store::Key;
use super::super::world::World;
use super::Moved;
use super::names::{hash, now, number, text};
use serde_json::{Value, json};
use std::time::Instant;

/// The controller sees a change of the spec.
pub fn sync(world: &mut World, key: &Key) -> Moved {
    let Some(stored) = world.store.get(key) else { return Moved::Nothing };
    let rollout = &stored.object;
    let generation = number(rollout, "/metadata/generation").to_string();
    if text(rollout, "/status/observedGeneration") == generation {
        return Moved::Nothing;
    }
    let (mut status, new) = (rollout["status"].clone(), hash(&rollout["spec"]["template"]));
    if !status.is_object() {
        status = json!({});
    }
    status["observedGeneration"] = json!(generation);
    let (was, restart) = (status["currentPodHash"].clone(), &rollout["spec"]["restartAt"]);
    if was != json!(new) {
        status = json!({
            "observedGeneration": generation, "phase": "Progressing", "message": "more replicas need to be updated",
            "currentPodHash": new, "stableRS": status["stableRS"], "restartedAt": status["restartedAt"],
            "currentStepIndex": 0
        });
        if status["stableRS"] == json!(new) {
            // The way back needs no step.
            status["currentStepIndex"] = json!(steps(rollout).len());
        }
        world.rollouts.progressed.insert(key.clone(), Instant::now());
    } else if !restart.is_null() && *restart != status["restartedAt"] {
        status["phase"] = json!("Progressing");
        status["message"] = json!("rollout is restarting");
    }
    world.store.touch(key, |rollout| rollout["status"] = status);
    Moved::Seen
}

/// The new version gets on, if its image allows; false when it stays as it is.
pub fn act(world: &mut World, key: &Key) -> bool {
    let Some(stored) = world.store.get(key) else { return false };
    let rollout = stored.object.clone();
    if rollout["status"]["phase"] != "Progressing" || is_broken(world, &rollout) {
        return false;
    }
    let index = usize::try_from(number(&rollout, "/status/currentStepIndex")).unwrap_or(0);
    let first = rollout["status"]["stableRS"].is_null();
    let steps = steps(&rollout);
    // The first version there is takes no step.
    let pause = steps.iter().skip(index).position(|step| !step["pause"].is_null()).filter(|_| !first);
    world.store.touch(key, |rollout| {
        let status = &mut rollout["status"];
        if let Some(ahead) = pause {
            status["currentStepIndex"] = json!(index + ahead);
            status["phase"] = json!("Paused");
            status["message"] = json!("CanaryPauseStep");
            status["controllerPause"] = json!(true);
            status["pauseConditions"] = json!([{"reason": "CanaryPauseStep", "startTime": now()}]);
        } else {
            status["currentStepIndex"] = json!(steps.len());
            status["phase"] = json!("Healthy");
            status["stableRS"] = status["currentPodHash"].clone();
            if let Some(fields) = status.as_object_mut() {
                fields.remove("message");
            }
            let restart = rollout["spec"]["restartAt"].clone();
            rollout["status"]["restartedAt"] = restart;
        }
    });
    true
}

/// When a version that does not get ready is given up.
pub fn deadline(world: &World, key: &Key) -> Option<Instant> {
    let rollout = &world.store.get(key)?.object;
    let waits = rollout["status"]["phase"] == "Progressing" && is_broken(world, rollout);
    let began = world.rollouts.progressed.get(key).filter(|_| waits)?;
    began.checked_add(world.rollouts.deadline)
}

/// The new version has run out of time.
pub fn time_is_up(world: &mut World, key: &Key) {
    world.store.touch(key, |rollout| {
        let name = format!("{}-{}", text(rollout, "/metadata/name"), text(rollout, "/status/currentPodHash"));
        let why = format!("ProgressDeadlineExceeded: ReplicaSet {name:?} has timed out progressing.");
        rollout["status"]["phase"] = json!("Degraded");
        rollout["status"]["message"] = json!(why);
    });
}

/// What `kubectl argo rollouts promote` does: the pause at the step of now is over.
pub fn promote(world: &mut World, key: &Key) {
    world.store.touch(key, |rollout| {
        let index = number(rollout, "/status/currentStepIndex");
        let status = &mut rollout["status"];
        status["currentStepIndex"] = json!(index + 1);
        status["phase"] = json!("Progressing");
        status["controllerPause"] = json!(false);
        status["pauseConditions"] = Value::Null;
    });
}

/// What `kubectl argo rollouts abort` does.
pub fn abort(world: &mut World, key: &Key) {
    world.store.touch(key, |rollout| {
        let status = &mut rollout["status"];
        status["abort"] = json!(true);
        status["phase"] = json!("Degraded");
        status["message"] = json!("RolloutAborted: Rollout aborted update to revision 2");
        status["controllerPause"] = json!(false);
        status["pauseConditions"] = Value::Null;
    });
}

fn steps(rollout: &Value) -> Vec<Value> {
    rollout["spec"]["strategy"]["canary"]["steps"].as_array().cloned().unwrap_or_default()
}

fn is_broken(world: &World, rollout: &Value) -> bool {
    world.rollouts.images.wrong(&rollout["spec"]["template"]["spec"]).is_some()
}

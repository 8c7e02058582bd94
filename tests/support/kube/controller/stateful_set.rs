//! The steps of a `StatefulSet`: one pod goes, comes back new and becomes ready, then the next.

use super::{Moment, number};
use serde_json::{Value, json};

/// The next step.
pub fn step(moment: &Moment<'_>) -> Option<Value> {
    let object = moment.object;
    let mut next = object.clone();
    let status = &mut next["status"];
    let replicas = number(object, "/spec/replicas");
    let count = |pointer: &str| number(object, pointer);
    let (total, updated, ready) =
        (count("/status/replicas"), count("/status/updatedReplicas"), count("/status/readyReplicas"));
    if moment.observed < moment.generation {
        status["observedGeneration"] = json!(moment.generation);
        if moment.template_changed {
            status["updateRevision"] = json!(moment.revision);
            status["collisionCount"] = json!(0);
            set(status, replicas, 0, replicas, replicas.saturating_sub(1));
        }
        return Some(next);
    }
    if status["currentRevision"] == status["updateRevision"] {
        return None;
    }
    let old = number(object, "/status/currentReplicas");
    if total < replicas {
        set(status, total + 1, updated + 1, ready, old);
    } else if ready < replicas && moment.broken {
        return None;
    } else if ready < replicas && updated < replicas {
        set(status, replicas, updated, replicas, old.saturating_sub(1));
    } else if updated < replicas {
        set(status, replicas - 1, updated, replicas - 1, old);
    } else {
        set(status, replicas, replicas, replicas, replicas);
        status["currentRevision"] = status["updateRevision"].clone();
    }
    Some(next)
}

/// Counts of zero are left out, except those that the API server always writes.
fn set(status: &mut Value, total: u64, updated: u64, ready: u64, old: u64) {
    status["replicas"] = json!(total);
    status["availableReplicas"] = json!(ready);
    for (field, number) in [("readyReplicas", ready), ("updatedReplicas", updated), ("currentReplicas", old)]
    {
        if number == 0 {
            status.as_object_mut().unwrap().remove(field);
        } else {
            status[field] = json!(number);
        }
    }
}

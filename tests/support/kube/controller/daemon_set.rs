//! The steps of a `DaemonSet`: one node's pod is replaced after the other (maxUnavailable 1).

use super::{Moment, number};
use serde_json::{Value, json};

/// The next step. There are as many nodes as the status says.
pub fn step(moment: &Moment<'_>) -> Option<Value> {
    let object = moment.object;
    let mut next = object.clone();
    let status = &mut next["status"];
    let count = |pointer: &str| number(object, pointer);
    let nodes = count("/status/desiredNumberScheduled");
    let updated = count("/status/updatedNumberScheduled");
    if moment.observed < moment.generation {
        status["observedGeneration"] = json!(moment.generation);
        if moment.template_changed {
            status.as_object_mut()?.remove("updatedNumberScheduled");
        }
    } else if count("/status/numberReady") < nodes {
        if moment.broken {
            return None;
        }
        ready(status, nodes, nodes);
    } else if updated < nodes {
        status["updatedNumberScheduled"] = json!(updated + 1);
        ready(status, nodes - 1, nodes);
    } else {
        return None;
    }
    Some(next)
}

fn ready(status: &mut Value, ready: u64, nodes: u64) {
    status["numberReady"] = json!(ready);
    status["numberAvailable"] = json!(ready);
    if ready < nodes {
        status["numberUnavailable"] = json!(nodes - ready);
    } else {
        status.as_object_mut().unwrap().remove("numberUnavailable");
    }
}

//! The steps of a Deployment: one pod more than asked for (maxSurge 1), one replaced after the other.

use super::history::REVISION;
use super::{Moment, number};
use serde_json::{Value, json};

/// The counts of a Deployment's pods.
#[derive(Clone, Copy)]
struct Pods {
    total: u64,
    updated: u64,
    ready: u64,
    wanted: u64,
    /// One that is expected is not available.
    one_missing: bool,
}

/// The next step.
pub fn step(moment: &Moment<'_>) -> Option<Value> {
    let object = moment.object;
    let mut next = object.clone();
    if object["spec"]["paused"] == true {
        next["status"]["observedGeneration"] = json!(moment.generation);
        return (next != *object).then_some(next);
    }
    if moment.template_changed {
        // The revision and its condition come before the generation is observed.
        let annotations = &mut next["metadata"]["annotations"];
        let revision = annotations[REVISION].as_str().and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
        annotations[REVISION] = json!((revision + 1).to_string());
        if !moment.known {
            next["status"]["conditions"] = conditions(&moment.revision, "NewReplicaSetCreated");
        }
        return Some(next);
    }
    let (pods, reason) =
        if moment.observed < moment.generation { observed(moment) } else { replaced(moment)? };
    next["status"] = status(moment.generation, pods);
    next["status"]["conditions"] = conditions(&moment.revision, reason);
    Some(next)
}

fn pods(object: &Value) -> Pods {
    Pods {
        total: number(object, "/status/replicas"),
        updated: number(object, "/status/updatedReplicas"),
        ready: number(object, "/status/readyReplicas"),
        wanted: number(object, "/spec/replicas"),
        one_missing: number(object, "/status/unavailableReplicas") > 0,
    }
}

/// The generation is observed.
fn observed(moment: &Moment<'_>) -> (Pods, &'static str) {
    let pods = pods(moment.object);
    let wanted = pods.wanted;
    if reason(moment.object) != "NewReplicaSetCreated" {
        // Back to a ReplicaSet that still has its pods, or only scaled: the pods are there, one may have to go.
        (Pods { updated: wanted, ready: wanted, one_missing: false, ..pods }, "ReplicaSetUpdated")
    } else if moment.broken {
        (broken(wanted), "NewReplicaSetCreated")
    } else {
        let pods = Pods { total: wanted, updated: 0, ready: wanted, wanted, one_missing: true };
        (pods, "NewReplicaSetCreated")
    }
}

/// One pod comes, gets ready, another goes; none when all are done or time is up.
fn replaced(moment: &Moment<'_>) -> Option<(Pods, &'static str)> {
    let pods = pods(moment.object);
    let Pods { total, updated, ready, wanted, one_missing } = pods;
    let reason = reason(moment.object);
    if reason == "NewReplicaSetAvailable" || reason == "ProgressDeadlineExceeded" {
        return None;
    }
    // All are new and ready; where none had to be started, none has to be waited for.
    let all_ready = updated >= wanted && (ready > wanted || !one_missing);
    Some(if moment.broken {
        (broken(wanted), "ProgressDeadlineExceeded")
    } else if all_ready {
        (
            Pods { total: wanted, updated: wanted, ready: wanted, wanted, one_missing: false },
            "NewReplicaSetAvailable",
        )
    } else if total <= wanted {
        let updated = updated + 1;
        (Pods { total: wanted + 1, updated, ready: wanted, wanted, one_missing: true }, "ReplicaSetUpdated")
    } else if ready <= wanted {
        (Pods { ready: total, one_missing: false, ..pods }, "ReplicaSetUpdated")
    } else {
        (Pods { total: wanted, ready: wanted, one_missing: true, ..pods }, "ReplicaSetUpdated")
    })
}

/// One pod of the new revision was started, and it does not get ready.
fn broken(wanted: u64) -> Pods {
    Pods { total: wanted + 1, updated: 1, ready: wanted, wanted, one_missing: true }
}

fn reason(object: &Value) -> &str {
    let conditions = object["status"]["conditions"].as_array();
    let progressing = conditions.into_iter().flatten().find(|condition| condition["type"] == "Progressing");
    progressing.and_then(|condition| condition["reason"].as_str()).unwrap_or_default()
}

/// Counts of zero are left out, except terminatingReplicas.
fn status(generation: u64, pods: Pods) -> Value {
    let Pods { total, updated, ready, one_missing, .. } = pods;
    let mut status = json!({
        "observedGeneration": generation, "replicas": total, "readyReplicas": ready, "availableReplicas": ready,
        "terminatingReplicas": 0
    });
    if updated > 0 {
        status["updatedReplicas"] = json!(updated);
    }
    if one_missing {
        status["unavailableReplicas"] = json!(1);
    }
    status
}

fn conditions(revision: &str, reason: &str) -> Value {
    let (status, message) = match reason {
        "NewReplicaSetCreated" => ("True", format!("Created new replica set {revision:?}")),
        "ReplicaSetUpdated" => ("True", format!("ReplicaSet {revision:?} is progressing.")),
        "ProgressDeadlineExceeded" => {
            ("False", format!("ReplicaSet {revision:?} has timed out progressing."))
        }
        _ => ("True", format!("ReplicaSet {revision:?} has successfully progressed.")),
    };
    json!([
        {"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable",
         "message": "Deployment has minimum availability."},
        {"type": "Progressing", "status": status, "reason": reason, "message": message}
    ])
}

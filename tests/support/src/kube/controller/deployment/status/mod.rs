//! A Deployment's status: its counts, whether it is available, how its rollout goes.

pub mod condition;

use super::super::super::store::Key;
use super::super::super::world::World;
use super::super::names::{self, number};
use super::replica_set::Set;
use super::{replicas, scale};
use serde_json::{Value, json};
use std::time::Instant;

/// The status that a Deployment with these `ReplicaSets` has, and whether its rollout went forward.
pub fn status(deployment: &Value, sets: &[Set], newest: Option<usize>) -> (Value, bool) {
    let before = &deployment["status"];
    let mut status = counts(deployment, sets, newest);
    if let Some(conditions) = before.get("conditions") {
        status["conditions"] = conditions.clone();
    }
    available(deployment, &mut status);
    let mut progressed = false;
    if deployment["spec"]["paused"] == true {
        change(&mut status, "Progressing", "Unknown", "DeploymentPaused", "Deployment is paused");
    } else if condition::get(before, "Progressing").1 == "DeploymentPaused" {
        change(&mut status, "Progressing", "Unknown", "DeploymentResumed", "Deployment is resumed");
        progressed = true;
    } else if has_deadline(deployment) {
        progressed = progress(deployment, &mut status);
    } else {
        condition::remove(&mut status, "Progressing");
    }
    (status, progressed)
}

/// Counts of zero are left out, except terminatingReplicas.
fn counts(deployment: &Value, sets: &[Set], newest: Option<usize>) -> Value {
    let wanted: u64 = sets.iter().map(|set| set.wanted).sum();
    let total: u64 = sets.iter().map(|set| set.counts().0).sum();
    let ready: u64 = sets.iter().map(|set| set.counts().1).sum();
    let available: u64 = sets.iter().map(Set::available).sum();
    let updated = newest.map_or(0, |newest| sets[newest].counts().0);
    let mut status = json!({
        "observedGeneration": deployment["metadata"]["generation"], "terminatingReplicas": 0
    });
    let counts = [
        ("replicas", total),
        ("updatedReplicas", updated),
        ("readyReplicas", ready),
        ("availableReplicas", available),
        ("unavailableReplicas", wanted.saturating_sub(available)),
    ];
    for (field, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
        status[field] = json!(count);
    }
    status
}

fn available(deployment: &Value, status: &mut Value) {
    if number(status, "/availableReplicas") >= scale::needed(deployment) {
        let message = "Deployment has minimum availability.";
        change(status, "Available", "True", "MinimumReplicasAvailable", message);
    } else {
        let message = "Deployment does not have minimum availability.";
        change(status, "Available", "False", "MinimumReplicasUnavailable", message);
    }
}

/// Sets the condition Progressing where the rollout went forward; false where it did not.
fn progress(deployment: &Value, status: &mut Value) -> bool {
    let before = &deployment["status"];
    let count = |pointer: &str| (number(before, pointer), number(status, pointer));
    let (total, updated) = (count("/replicas"), count("/updatedReplicas"));
    if condition::get(before, "Progressing").1 == "NewReplicaSetAvailable" && total.1 == updated.1 {
        return false;
    }
    let forward = updated.1 > updated.0
        || total.1 - updated.1 < total.0.saturating_sub(updated.0)
        || [count("/readyReplicas"), count("/availableReplicas")]
            .iter()
            .any(|(before, after)| after > before);
    let set = names::revision(deployment);
    if complete(deployment, status) {
        let message = format!("ReplicaSet {set:?} has successfully progressed.");
        condition::set(status, "Progressing", "True", "NewReplicaSetAvailable", &message);
    } else if forward {
        let message = format!("ReplicaSet {set:?} is progressing.");
        condition::set(status, "Progressing", "True", "ReplicaSetUpdated", &message);
    } else {
        return false;
    }
    true
}

/// Whether a Deployment's status says that its rollout is over, with every pod new and available.
pub fn is_complete(deployment: &Value) -> bool {
    complete(deployment, &deployment["status"])
}

fn complete(deployment: &Value, status: &Value) -> bool {
    let all = |pointer: &str| number(status, pointer) == replicas(deployment);
    all("/updatedReplicas")
        && all("/replicas")
        && all("/availableReplicas")
        && status["observedGeneration"] == deployment["metadata"]["generation"]
}

/// Sets a condition whose status or reason is another.
fn change(status: &mut Value, kind: &str, value: &str, reason: &str, message: &str) {
    if condition::get(status, kind) != (value, reason) {
        condition::set(status, kind, value, reason, message);
    }
}

/// Whether a rollout can run out of time.
pub fn has_deadline(deployment: &Value) -> bool {
    let seconds = number(deployment, "/spec/progressDeadlineSeconds");
    seconds != 0 && seconds != 0x7fff_ffff
}

/// When a rollout that does not move any more runs out of time; none when it cannot.
pub fn deadline(world: &World, key: &Key) -> Option<Instant> {
    let deployment = &world.store.get(key)?.object;
    let waits = matches!(
        condition::get(&deployment["status"], "Progressing").1,
        "NewReplicaSetCreated" | "ReplicaSetUpdated" | "FoundNewReplicaSet" | "DeploymentResumed"
    );
    if !waits || deployment["spec"]["paused"] == true || !has_deadline(deployment) {
        return None;
    }
    let began = world.rollouts.progressed.get(key).copied().unwrap_or_else(Instant::now);
    began.checked_add(world.rollouts.deadline)
}

/// The rollout has run out of time.
pub fn time_is_up(world: &mut World, key: &Key) {
    world.store.touch(key, |deployment| {
        let message = format!("ReplicaSet {:?} has timed out progressing.", names::revision(deployment));
        condition::set(
            &mut deployment["status"],
            "Progressing",
            "False",
            "ProgressDeadlineExceeded",
            &message,
        );
    });
}

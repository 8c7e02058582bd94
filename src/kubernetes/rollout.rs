//! How far a rollout is, as `kubectl rollout status` judges it: a pure look at one object.
//!
//! The numbers of a status are believed only once its controller has observed the change: right after a patch they
//! still speak of what was there before.

mod argo;
mod knative;

pub use self::knative::judge_traffic;
use super::kind::Kind;
use super::object::{Condition, Object};
use super::patched::Patched;
use crate::text::shorten;

/// How a rollout stands. The texts are one short sentence, without a full stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is under way: what is still missing.
    Waiting(String),
    /// Every replica that takes the change is new and available.
    Complete,
    /// The cluster has given it up: why. A Knative Service may still recover; it should be seen so twice.
    Failed(String),
}

/// Judges an object that was read after its patch was answered with `generation`.
pub fn judge(kind: Kind, object: &Object, generation: i64) -> Standing {
    stands(kind, object, generation, None)
}

/// As [`judge`], from the answer to the patch itself, which knows more: another object of the same name has failed,
/// and a progress deadline that had passed before the patch says nothing of it. A way back begins just so: with one
/// replica, or with `Recreate`, the condition stays for a moment after the controller has observed the patch.
pub fn judge_since(kind: Kind, object: &Object, patched: &Patched) -> Standing {
    was_replaced(object, patched)
        .unwrap_or_else(|| stands(kind, object, patched.generation, patched.deadline_passed.as_deref()))
}

fn was_replaced(object: &Object, patched: &Patched) -> Option<Standing> {
    let replaced = !patched.uid.is_empty() && patched.uid != object.metadata.uid;
    replaced.then(|| Standing::Failed("it was deleted, and another one was made in its place".to_owned()))
}

fn stands(kind: Kind, object: &Object, generation: i64, passed_before: Option<&str>) -> Standing {
    if object.is_deleting() {
        return Standing::Failed("it is being deleted".to_owned());
    }
    let followed = match kind {
        Kind::CronJob => false,
        Kind::StatefulSet | Kind::DaemonSet => !object.spec.replaces_on_delete(),
        Kind::Deployment | Kind::Ksvc | Kind::Rollout => true,
    };
    if !followed {
        return Standing::Complete;
    }
    // A status that speaks of an older generation than the object's own would be compared with a newer spec.
    let wanted = generation.max(object.metadata.generation);
    let observed = object.status.observed_generation.unwrap_or(0);
    if observed < wanted || observed == 0 {
        return Standing::Waiting("its controller has not seen the change yet".to_owned());
    }
    match kind {
        Kind::Deployment => deployment(object, passed_before),
        Kind::StatefulSet => stateful_set(object),
        Kind::DaemonSet => daemon_set(object),
        Kind::CronJob => Standing::Complete,
        Kind::Ksvc => knative::service(object),
        Kind::Rollout => argo::rollout(object),
    }
}

fn deployment(object: &Object, passed_before: Option<&str>) -> Standing {
    let (spec, status) = (&object.spec, &object.status);
    let new = status.updated_replicas.unwrap_or(0);
    let available = status.available_replicas.unwrap_or(0);
    let old = status.replicas.unwrap_or(0) - new;
    if new >= spec.replicas() && old <= 0 && available >= new {
        return Standing::Complete;
    }
    let text = deployment_lacks(object);
    match object.deadline_passed() {
        Some(passed) if passed_before.is_none() || passed.last_update_time.as_deref() != passed_before => {
            let seconds = spec.progress_deadline_seconds.map(|s| format!(" of {s} s")).unwrap_or_default();
            Standing::Failed(format!("it has exceeded its progress deadline{seconds}: {text}"))
        }
        _ if spec.paused => Standing::Waiting(format!("it is paused: {text}")),
        _ => Standing::Waiting(text),
    }
}

/// What a Deployment still lacks, in numbers, and why pods cannot be made, if they cannot.
fn deployment_lacks(object: &Object) -> String {
    let (wanted, status) = (object.spec.replicas(), &object.status);
    let new = status.updated_replicas.unwrap_or(0);
    let old = status.replicas.unwrap_or(0) - new;
    let unavailable = status.unavailable_replicas.unwrap_or(0);
    let mut text = if new >= wanted && old <= 0 {
        let available = status.available_replicas.unwrap_or(0);
        format!("{available} of {new} new replicas are available")
    } else {
        // The status counts old and new ones together: which of them are not available, it does not say.
        let lacking = if unavailable > 0 { format!(" ({unavailable} not available)") } else { String::new() };
        let left = match old {
            1 if new >= wanted => ", 1 old one has yet to end".to_owned(),
            2.. if new >= wanted => format!(", {old} old ones have yet to end"),
            _ => String::new(),
        };
        format!("{new} of {wanted} replicas are new{lacking}{left}")
    };
    if let Some(failure) = status.condition("ReplicaFailure").filter(|condition| condition.is_true()) {
        text = format!("{text}; pods cannot be made{}", told(failure));
    }
    text
}

fn stateful_set(object: &Object) -> Standing {
    let (spec, status) = (&object.spec, &object.status);
    let (wanted, partition) = (spec.replicas(), spec.partition());
    let to_update = (wanted - partition).max(0);
    let new = status.updated_replicas.unwrap_or(0);
    let ready = status.ready_replicas.unwrap_or(0);
    // Old clusters do not count what is available: there a ready pod is.
    let available = status.available_replicas.unwrap_or(ready);
    if new < to_update || ready < wanted {
        return Standing::Waiting(format!(
            "{new} of {to_update} pods are new, {ready} of {wanted} are ready"
        ));
    }
    if available < wanted {
        return Standing::Waiting(format!("{available} of {wanted} pods are available"));
    }
    // With a partition the two stay apart.
    if partition <= 0 && status.current_revision != status.update_revision {
        return Standing::Waiting(
            "its pods are new, but its controller has not ended the update yet".to_owned(),
        );
    }
    Standing::Complete
}

fn daemon_set(object: &Object) -> Standing {
    let status = &object.status;
    let wanted = status.desired_number_scheduled.unwrap_or(0);
    let new = status.updated_number_scheduled.unwrap_or(0);
    let available = status.number_available.unwrap_or(0);
    if new < wanted {
        return Standing::Waiting(format!("{new} of {wanted} pods are new, {available} are available"));
    }
    if available < wanted {
        return Standing::Waiting(format!("{available} of {wanted} new pods are available"));
    }
    Standing::Complete
}

/// What a condition says, to be put after a sentence: `: RevisionFailed: Revision "game-2" failed with message: …`.
fn told(condition: &Condition) -> String {
    let mut text = String::new();
    for part in [&condition.reason, &condition.message].into_iter().filter(|part| !part.is_empty()) {
        text.push_str(": ");
        text.push_str(&shorten(part));
    }
    text
}

/// What a person should know of a rollout that is complete: why it shows less than it seems to.
pub fn remark(kind: Kind, object: &Object) -> Option<String> {
    let (spec, status) = (&object.spec, &object.status);
    match kind {
        Kind::StatefulSet | Kind::DaemonSet if spec.replaces_on_delete() => Some(
            "its updateStrategy is OnDelete: a pod becomes new only when somebody deletes it, so the rollout is \
             not followed"
                .to_owned(),
        ),
        Kind::DaemonSet => (status.desired_number_scheduled.unwrap_or(0) == 0)
            .then(|| "no node runs it: no pod has shown that the change works".to_owned()),
        Kind::Deployment | Kind::StatefulSet | Kind::Rollout if spec.replicas() == 0 => {
            Some("it has 0 replicas: no pod has shown that the change works".to_owned())
        }
        Kind::StatefulSet if spec.partition() > 0 => {
            let (all, partition) = (spec.replicas(), spec.partition());
            let new = (all - partition).max(0);
            Some(format!("its partition is {partition}: {new} of {all} pods take the change"))
        }
        Kind::Deployment | Kind::StatefulSet | Kind::Rollout | Kind::Ksvc => None,
        Kind::CronJob if spec.suspend == Some(true) => {
            Some("it is suspended: no job starts with the change".to_owned())
        }
        Kind::CronJob => Some("its next job takes the change".to_owned()),
    }
}

impl Object {
    /// The condition that says that a Deployment made no progress in time.
    pub(super) fn deadline_passed(&self) -> Option<&Condition> {
        let condition = self.status.condition("Progressing")?;
        (condition.reason == "ProgressDeadlineExceeded").then_some(condition)
    }
}

#[cfg(test)]
mod tests;

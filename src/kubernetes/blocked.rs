//! A `StatefulSet` whose broken pod blocks the way back.
//!
//! With `OrderedReady` its controller waits for a pod to become ready before it touches any other, though the pod is of
//! a revision that is wanted no more (kubernetes.io, "`StatefulSets`", Forced rollback). Only deleting that pod helps.

use super::client::Client;
use super::error::{ApiError, Asked, Trouble};
use super::kind::{Kind, Workload};
use super::object::Object;
use super::pods::{Pod, PodMetadata, pods_asked, selector_of};

/// What was done about a pod that blocks the way back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unblocked {
    /// Nothing: none does, or it is not known yet. A later look may find one.
    Nothing,
    /// This pod was deleted. Another one may be in the way once it is gone.
    Deleted(String),
    /// A person has to do it: one sentence, without a full stop, that says how.
    ByHand(String),
}

/// Deletes the one pod that blocks the way back, if there is one and the Role allows it. The object must have been read
/// after the patch that goes back.
pub async fn unblock(client: &Client, workload: &Workload, object: &Object) -> Result<Unblocked, ApiError> {
    let Some(update) = blockable(workload.kind, object) else { return Ok(Unblocked::Nothing) };
    let Some(selector) = selector_of(object, &[format!("controller-revision-hash!={update}")]) else {
        return Ok(Unblocked::Nothing);
    };
    let namespace = &workload.namespace;
    let listed = client.pods(namespace, &selector, |pod| Blocking::of(object, pod)).await;
    let mut blocking = match listed {
        Ok(blocking) => blocking,
        Err(error) if error.is_kind_closed() => return Ok(by_status(workload, object, &error)),
        Err(error) => return Err(error),
    };
    blocking.sort_by_key(|pod| std::cmp::Reverse(pod.ordinal));
    let Some(first) = blocking.first() else { return Ok(Unblocked::Nothing) };
    match client.delete_pod(namespace, &first.pod).await {
        Ok(()) => Ok(Unblocked::Deleted(first.pod.name.clone())),
        // It is gone, or has changed since it was read: the next look decides.
        Err(ApiError { trouble: Trouble::NotFound | Trouble::Conflict, .. }) => Ok(Unblocked::Nothing),
        Err(error) if error.retry().is_some() => Err(error),
        Err(error) => {
            let names: Vec<_> = blocking.iter().map(|blocking| blocking.pod.name.as_str()).collect();
            Ok(Unblocked::ByHand(by_hand(namespace, &names, &way_out(&error, namespace, &["delete"]))))
        }
    }
}

/// The revision that is wanted, if the controller has seen the way back and would wait for a pod of another one.
fn blockable(kind: Kind, object: &Object) -> Option<&str> {
    let (spec, status) = (&object.spec, &object.status);
    let in_order = spec.pod_management_policy.as_deref() != Some("Parallel");
    // Before that, the pods of another revision are the good ones.
    let seen = status.observed_generation.unwrap_or(0) >= object.metadata.generation;
    let waits = kind == Kind::StatefulSet && in_order && !spec.replaces_on_delete();
    let going = object.is_deleting();
    status.update_revision.as_deref().filter(|revision| waits && seen && !going && !revision.is_empty())
}

/// A pod that is of no use any more, and not ready.
#[derive(Debug)]
struct Blocking {
    ordinal: i64,
    pod: PodMetadata,
}

impl Blocking {
    fn of(object: &Object, pod: Pod) -> Option<Self> {
        let (spec, status) = (&object.spec, &object.status);
        let revision = pod.metadata.labels.revision.as_str();
        if !pod.belongs_to(&object.metadata.uid)
            || pod.is_ready()
            || pod.is_deleting()
            || Some(revision) == status.update_revision.as_deref()
        {
            return None;
        }
        let ordinal: i64 = pod.metadata.name.rsplit_once('-')?.1.parse().ok()?;
        let first = spec.ordinals.start.unwrap_or(0);
        // Below the partition a pod of the current revision is where it shall be.
        let stays =
            ordinal - first < spec.partition() && Some(revision) == status.current_revision.as_deref();
        (!stays).then_some(Self { ordinal, pod: pod.metadata })
    }
}

/// What the status alone says, where pods may not be listed: the controller changes pods from the highest ordinal down, one
/// at a time, so those that are not of the wanted revision are the last ones.
fn by_status(workload: &Workload, object: &Object, error: &ApiError) -> Unblocked {
    let (spec, status) = (&object.spec, &object.status);
    let (wanted, new) = (spec.replicas(), status.updated_replicas.unwrap_or(0));
    if status.ready_replicas.unwrap_or(0) >= wanted || new >= wanted {
        return Unblocked::Nothing;
    }
    let Workload { namespace, name, .. } = workload;
    let way_out = way_out(error, namespace, &["list", "delete"]);
    let ordinal = |place: i64| format!("{name}-{}", spec.ordinals.start.unwrap_or(0) + place);
    let settled = status.current_revision == status.update_revision && status.replicas == Some(wanted);
    if settled && new == wanted - 1 {
        return Unblocked::ByHand(by_hand(namespace, &[&ordinal(new)], &way_out));
    }
    let which = if settled {
        format!("the one of {} to {} that is not ready", ordinal(new), ordinal(wanted - 1))
    } else {
        "the one that is not ready".to_owned()
    };
    let find = selector_of(object, &[]).map(|selector| format!(" -l '{selector}'")).unwrap_or_default();
    Unblocked::ByHand(format!(
        "a pod of the failed version may block the way back: delete {which} (kubectl get pods -n {namespace}{find}; \
         kubectl delete pod NAME -n {namespace}); {way_out}"
    ))
}

fn by_hand(namespace: &str, pods: &[&str], way_out: &str) -> String {
    let (noun, verb) = if pods.len() == 1 { ("pod", "blocks") } else { ("pods", "block") };
    format!(
        "{noun} {} of the failed version {verb} the way back: kubectl delete pod {} -n {namespace}; {way_out}",
        pods.join(", "),
        pods.join(" ")
    )
}

/// How boathook could do it itself the next time.
fn way_out(error: &ApiError, namespace: &str, verbs: &[&'static str]) -> String {
    if !matches!(error.trouble, Trouble::Forbidden(_)) {
        return format!("boathook could not: {error}");
    }
    let needed: Vec<_> = verbs.iter().map(|verb| pods_asked(verb, namespace, None)).collect();
    let needed: Vec<_> = needed.iter().collect();
    format!("boathook may do it with {}", Asked::rule_for(&needed))
}

#[cfg(test)]
mod tests;

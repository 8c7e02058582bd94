//! Why a rollout does not get on: what the pods of the new revision say, as far as the Role allows to read them.

use super::client::Client;
use super::error::{ApiError, Asked, Trouble};
use super::kind::{Kind, Workload};
use super::object::{Condition, Object};
use super::pods::{Pod, ReplicaSet, pods_asked, replica_sets_asked, selector_of};
use super::selector::Selector;
use super::symptom::{Symptom, summary, symptom};
use crate::text::shorten;

/// What the pods of the new revision say, in one short text; empty if there is nothing to say. Where the Role forbids to
/// read them, the text says which right is missing.
pub async fn reasons(client: &Client, workload: &Workload, object: &Object) -> String {
    let namespace = &workload.namespace;
    let said = match workload.kind {
        Kind::Deployment => of_deployment(client, namespace, object).await,
        Kind::StatefulSet => of_stateful_set(client, namespace, object).await,
        Kind::DaemonSet => of_daemon_set(client, namespace, object).await,
        Kind::CronJob => Ok(String::new()),
        Kind::Rollout => of_argo_rollout(client, namespace, object).await,
        Kind::Ksvc => return of_knative_service(client, namespace, object).await,
    };
    said.unwrap_or_else(|error| unreadable(workload.kind, namespace, &error))
}

/// Which right is missing, if one is: both at once, so that nobody has to ask twice.
fn unreadable(kind: Kind, namespace: &str, error: &ApiError) -> String {
    if !matches!(error.trouble, Trouble::Forbidden(_)) {
        return format!("what its pods say cannot be read: {error}");
    }
    let (sets, pods) = (replica_sets_asked(namespace), pods_asked("list", namespace, None));
    let needed = if kind == Kind::Deployment { vec![&sets, &pods] } else { vec![&pods] };
    format!("what its pods say may not be read: allow it with {}", Asked::rule_for(&needed))
}

/// The newest `ReplicaSet`, as its Deployment numbers them.
struct Newest {
    revision: u64,
    hash: String,
    uid: String,
    /// Why it cannot make pods, if it cannot.
    failure: Option<String>,
}

impl Newest {
    /// `None` if it is another Deployment's.
    fn of(set: ReplicaSet, deployment: &str) -> Option<Self> {
        set.metadata.controller().filter(|owner| owner.uid == deployment)?;
        let revision = set.metadata.annotations?.revision?.parse().ok()?;
        let failure = set.status.condition("ReplicaFailure").filter(|condition| condition.is_true());
        let failure = failure.map(|condition| shorten(&condition.message));
        Some(Self { revision, hash: set.metadata.labels.pod_template_hash?, uid: set.metadata.uid, failure })
    }
}

async fn of_deployment(client: &Client, namespace: &str, object: &Object) -> Result<String, ApiError> {
    let Some(selector) = selector_of(object, &[]) else { return Ok(String::new()) };
    let uid = &object.metadata.uid;
    let sets = client.replica_sets(namespace, &selector, |set| Newest::of(set, uid)).await?;
    let Some(newest) = sets.into_iter().max_by_key(|set| set.revision) else { return Ok(String::new()) };
    let hash = format!("pod-template-hash={}", newest.hash);
    let Some(selector) = selector_of(object, &[hash]) else { return Ok(String::new()) };
    let said = summary(look(client, namespace, &selector, |pod| pod.belongs_to(&newest.uid)).await?);
    if !said.is_empty() {
        return Ok(said);
    }
    // What the Deployment's own condition says was told with its numbers.
    let told = object.status.condition("ReplicaFailure").is_some_and(Condition::is_true);
    Ok(newest.failure.filter(|_| !told).map(|why| format!("pods cannot be made: {why}")).unwrap_or_default())
}

async fn of_stateful_set(client: &Client, namespace: &str, object: &Object) -> Result<String, ApiError> {
    let Some(selector) = selector_of(object, &[]) else { return Ok(String::new()) };
    let (uid, update) = (&object.metadata.uid, object.status.update_revision.as_deref().unwrap_or_default());
    let keep = |pod: Pod| {
        let symptom = symptom(&pod).filter(|_| pod.belongs_to(uid))?;
        Some((pod.metadata.labels.revision == update, pod.metadata.name, symptom))
    };
    let found = client.pods(namespace, &selector, keep).await?;
    let of = |new: bool| {
        let found = found.iter().filter(|(is_new, ..)| *is_new == new);
        summary(found.map(|(_, name, symptom)| (name.clone(), symptom.clone())).collect())
    };
    let said = of(true);
    if !said.is_empty() {
        return Ok(said);
    }
    // An old pod that does not serve holds the new ones up.
    let old = of(false);
    Ok(if old.is_empty() { old } else { format!("of the old revision, {old}") })
}

/// A `DaemonSet`'s status does not name its newest revision, but its pods are numbered as its template is. Where they
/// are not, or the new ones are well, any of its pods may say why it does not get on.
async fn of_daemon_set(client: &Client, namespace: &str, object: &Object) -> Result<String, ApiError> {
    let annotations = object.metadata.annotations.as_ref();
    let template = annotations.and_then(|annotations| annotations.template_generation.as_deref());
    let newest =
        template.and_then(|number| selector_of(object, &[format!("pod-template-generation={number}")]));
    let uid = &object.metadata.uid;
    for selector in [newest, selector_of(object, &[])].into_iter().flatten() {
        let said = summary(look(client, namespace, &selector, |pod| pod.belongs_to(uid)).await?);
        if !said.is_empty() {
            return Ok(said);
        }
    }
    Ok(String::new())
}

/// Argo Rollouts labels the pods of each version.
async fn of_argo_rollout(client: &Client, namespace: &str, object: &Object) -> Result<String, ApiError> {
    let Some(hash) = &object.status.current_pod_hash else { return Ok(String::new()) };
    let Some(selector) = selector_of(object, &[format!("rollouts-pod-template-hash={hash}")]) else {
        return Ok(String::new());
    };
    Ok(summary(look(client, namespace, &selector, |_| true).await?))
}

/// Knative says most in its conditions; `Ready` itself was told with the standing.
async fn of_knative_service(client: &Client, namespace: &str, object: &Object) -> String {
    let status = &object.status;
    let ready = status.condition("Ready").map_or("", |ready| ready.message.as_str());
    let mut said: Vec<String> = Vec::new();
    for condition in
        status.conditions.iter().filter(|condition| condition.kind != "Ready" && !condition.is_true())
    {
        let message = shorten(&condition.message);
        if !message.is_empty() && condition.message != ready && !said.contains(&message) {
            said.push(message);
        }
    }
    let newest = status.latest_created_revision_name.as_deref();
    let selector = newest.map(|name| format!("serving.knative.dev/revision={name}"));
    let Some(selector) = selector.and_then(|selector| Selector::parse(&selector).ok()) else {
        return said.join("; ");
    };
    match look(client, namespace, &selector, |_| true).await {
        Ok(found) => said.extend(Some(summary(found)).filter(|said| !said.is_empty())),
        // Knative has said enough without the pods.
        Err(_) if !said.is_empty() || !ready.is_empty() => {}
        Err(error) => said.push(unreadable(Kind::Ksvc, namespace, &error)),
    }
    said.join("; ")
}

/// What the pods that a selector finds suffer from.
async fn look(
    client: &Client,
    namespace: &str,
    selector: &Selector,
    is_ours: impl Fn(&Pod) -> bool,
) -> Result<Vec<(String, Symptom)>, ApiError> {
    let keep = |pod: Pod| symptom(&pod).filter(|_| is_ours(&pod)).map(|symptom| (pod.metadata.name, symptom));
    client.pods(namespace, selector, keep).await
}

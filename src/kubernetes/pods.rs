//! What is read of the objects below a workload: its `ReplicaSet`s and pods. Never what is in their environment,
//! and nothing that a container wrote.

use reqwest::Method;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::json;

use super::client::{Client, Listing};
use super::error::{ApiError, Asked};
use super::object::{Condition, LabelSelector, Metadata, Object, OwnerReference, Status, or_default};
use super::selector::Selector;

/// The most pages that are read of a list of pods or `ReplicaSet`s: what the first hundreds say is enough.
const PAGES: usize = 8;

/// A pod.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Pod {
    pub(super) metadata: PodMetadata,
    #[serde(deserialize_with = "or_default")]
    pub(super) status: PodStatus,
}

/// What identifies a pod, and the revision that it was made from.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PodMetadata {
    pub(super) name: String,
    pub(super) uid: String,
    pub(super) resource_version: String,
    pub(super) deletion_timestamp: Option<String>,
    #[serde(deserialize_with = "or_default")]
    pub(super) labels: PodLabels,
    #[serde(deserialize_with = "or_default")]
    pub(super) owner_references: Vec<OwnerReference>,
}

/// The labels that controllers tell revisions apart by.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PodLabels {
    #[serde(rename = "controller-revision-hash")]
    pub(super) revision: String,
}

/// How a pod is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PodStatus {
    pub(super) phase: String,
    /// Why it has failed as a whole: `Evicted`.
    pub(super) reason: String,
    pub(super) message: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) conditions: Vec<Condition>,
    #[serde(deserialize_with = "or_default")]
    pub(super) init_container_statuses: Vec<ContainerStatus>,
    #[serde(deserialize_with = "or_default")]
    pub(super) container_statuses: Vec<ContainerStatus>,
}

/// How a container is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ContainerStatus {
    pub(super) name: String,
    pub(super) image: String,
    pub(super) ready: bool,
    /// Whether it has passed its startup probe.
    pub(super) started: Option<bool>,
    pub(super) restart_count: i64,
    #[serde(deserialize_with = "or_default")]
    pub(super) state: ContainerState,
    #[serde(deserialize_with = "or_default")]
    pub(super) last_state: ContainerState,
}

/// One of them is there.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ContainerState {
    pub(super) waiting: Option<ContainerWaiting>,
    pub(super) running: Option<IgnoredAny>,
    pub(super) terminated: Option<ContainerTerminated>,
}

/// It does not run yet, or not any more.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ContainerWaiting {
    pub(super) reason: String,
    pub(super) message: String,
}

/// It ended. Its message is not read: the container wrote it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ContainerTerminated {
    pub(super) exit_code: i64,
    pub(super) reason: String,
}

/// A `ReplicaSet`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ReplicaSet {
    pub(super) metadata: Metadata,
    #[serde(deserialize_with = "or_default")]
    pub(super) status: Status,
}

impl Pod {
    /// Whether it serves.
    pub(super) fn is_ready(&self) -> bool {
        self.condition("Ready").is_some_and(Condition::is_true)
    }

    /// Whether it is going away.
    pub(super) fn is_deleting(&self) -> bool {
        self.metadata.deletion_timestamp.is_some()
    }

    /// Whether the object with this uid made it.
    pub(super) fn belongs_to(&self, uid: &str) -> bool {
        self.metadata.owner_references.iter().any(|owner| owner.controller && owner.uid == uid)
    }

    pub(super) fn condition(&self, kind: &str) -> Option<&Condition> {
        self.status.conditions.iter().find(|condition| condition.kind == kind)
    }
}

impl Client {
    /// The `ReplicaSet`s of a Deployment, keeping what `keep` makes of each.
    pub(super) async fn replica_sets<T>(
        &self,
        namespace: &str,
        selector: &Selector,
        keep: impl FnMut(ReplicaSet) -> Option<T>,
    ) -> Result<Vec<T>, ApiError> {
        let path = format!("/apis/apps/v1/namespaces/{namespace}/replicasets");
        let asked = replica_sets_asked(namespace);
        self.pages(Listing { path, selector: Some(selector), pages: PAGES, asked }, keep).await
    }

    /// The pods that a selector finds, keeping what `keep` makes of each.
    pub(super) async fn pods<T>(
        &self,
        namespace: &str,
        selector: &Selector,
        keep: impl FnMut(Pod) -> Option<T>,
    ) -> Result<Vec<T>, ApiError> {
        let path = format!("/api/v1/namespaces/{namespace}/pods");
        let asked = pods_asked("list", namespace, None);
        self.pages(Listing { path, selector: Some(selector), pages: PAGES, asked }, keep).await
    }

    /// Deletes this very pod, as it was read: answers 409 if it has changed since.
    pub(super) async fn delete_pod(&self, namespace: &str, pod: &PodMetadata) -> Result<(), ApiError> {
        let path = format!("/api/v1/namespaces/{namespace}/pods/{}", pod.name);
        let options = json!({
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": {"uid": pod.uid, "resourceVersion": pod.resource_version},
        });
        let body = ("application/json", options.to_string().into_bytes());
        let asked = pods_asked("delete", namespace, Some(&pod.name));
        let _: IgnoredAny = self.send(Method::DELETE, &path, Some(body), asked).await?;
        Ok(())
    }
}

/// What a request asks of `ReplicaSet`s.
pub(super) fn replica_sets_asked(namespace: &str) -> Asked {
    Asked {
        verb: "list",
        group: "apps".to_owned(),
        resource: "replicasets".to_owned(),
        namespace: namespace.to_owned(),
        name: None,
    }
}

/// What a request asks of pods.
pub(super) fn pods_asked(verb: &'static str, namespace: &str, name: Option<&str>) -> Asked {
    Asked {
        verb,
        group: String::new(),
        resource: "pods".to_owned(),
        namespace: namespace.to_owned(),
        name: name.map(str::to_owned),
    }
}

/// The selector of a workload's pods and `ReplicaSet`s, with more requirements; `None` if it selects nothing.
pub(super) fn selector_of(object: &Object, more: &[String]) -> Option<Selector> {
    let LabelSelector { match_labels, match_expressions } = &object.spec.selector;
    let labels = match_labels.iter().map(|(key, value)| format!("{key}={value}"));
    let expressions = match_expressions.iter().map(|requirement| {
        let (key, values) = (&requirement.key, requirement.values.join(","));
        match requirement.operator.as_str() {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "DoesNotExist" => format!("!{key}"),
            _ => key.clone(),
        }
    });
    let own: Vec<_> = labels.chain(expressions).collect();
    if own.is_empty() {
        // More requirements alone would find the pods of others.
        return None;
    }
    Selector::parse(&[own.as_slice(), more].concat().join(",")).ok()
}

#[cfg(test)]
mod tests;

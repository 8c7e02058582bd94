//! What the cluster says of a workload: the numbers and conditions that a rollout is judged by.

use serde::{Deserialize, Deserializer};

use super::{Traffic, or_default};

/// A workload's status. What is not there is nothing or zero: the API leaves zeros out, and a custom resource may
/// write `null`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Status {
    #[serde(deserialize_with = "number_or_text")]
    pub(crate) observed_generation: Option<i64>,
    pub(crate) replicas: Option<i64>,
    pub(crate) updated_replicas: Option<i64>,
    pub(crate) ready_replicas: Option<i64>,
    pub(crate) available_replicas: Option<i64>,
    pub(crate) unavailable_replicas: Option<i64>,
    /// Of a `StatefulSet`: the revision that it comes from, and the one that it goes to.
    pub(crate) current_revision: Option<String>,
    pub(crate) update_revision: Option<String>,
    /// Of a `DaemonSet`: nodes that shall have a pod, have a new one, and have one that serves.
    pub(crate) desired_number_scheduled: Option<i64>,
    pub(crate) updated_number_scheduled: Option<i64>,
    pub(crate) number_available: Option<i64>,
    /// Of a Knative Service.
    pub(crate) latest_created_revision_name: Option<String>,
    pub(crate) latest_ready_revision_name: Option<String>,
    /// Of a Knative Service: where requests go, each entry with its revision.
    #[serde(deserialize_with = "or_default")]
    pub(crate) traffic: Vec<Traffic>,
    /// Of Argo Rollouts: `Healthy`, `Progressing`, `Paused`, `Degraded`.
    pub(crate) phase: Option<String>,
    pub(crate) message: Option<String>,
    /// Of Argo Rollouts: the update is given up, and the old version serves.
    pub(crate) abort: Option<bool>,
    pub(crate) controller_pause: Option<bool>,
    #[serde(deserialize_with = "or_default")]
    pub(crate) pause_conditions: Vec<PauseCondition>,
    pub(crate) current_step_index: Option<i64>,
    /// Of Argo Rollouts: a label of the new version's pods.
    pub(crate) current_pod_hash: Option<String>,
    #[serde(deserialize_with = "or_default")]
    pub(crate) conditions: Vec<Condition>,
}

/// Why a rollout is paused.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct PauseCondition {
    pub(crate) reason: String,
}

/// Argo Rollouts writes its generation as a text.
fn number_or_text<'de, D: Deserializer<'de>>(value: D) -> Result<Option<i64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Observed {
        Number(i64),
        Text(String),
    }
    Ok(match Option::deserialize(value)? {
        Some(Observed::Number(number)) => Some(number),
        // Before its version 0.10 it was a hash, which says nothing here.
        Some(Observed::Text(text)) => text.parse().ok(),
        None => None,
    })
}

/// One condition.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Condition {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// `True`, `False` or `Unknown`.
    pub(crate) status: String,
    #[serde(deserialize_with = "or_default")]
    pub(crate) reason: String,
    #[serde(deserialize_with = "or_default")]
    pub(crate) message: String,
    /// When the controller last had something new to say.
    pub(crate) last_update_time: Option<String>,
}

impl Status {
    /// The condition of this type.
    pub(crate) fn condition(&self, kind: &str) -> Option<&Condition> {
        self.conditions.iter().find(|condition| condition.kind == kind)
    }
}

impl Condition {
    /// Whether it is `True`.
    pub(crate) fn is_true(&self) -> bool {
        self.status == "True"
    }

    /// Whether it is `False`, which is not the same as not known.
    pub(crate) fn is_false(&self) -> bool {
        self.status == "False"
    }
}

//! What is wanted of a workload: the fields that decide how it is changed and when a rollout is complete.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{Template, Traffic, or_default};

/// A workload's spec.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Spec {
    pub(crate) paused: bool,
    /// Of a `CronJob`.
    pub(crate) suspend: Option<bool>,
    pub(crate) replicas: Option<i64>,
    #[serde(deserialize_with = "or_default")]
    pub(crate) selector: LabelSelector,
    /// `strategy` of a Deployment, `updateStrategy` of the others.
    #[serde(alias = "updateStrategy", deserialize_with = "or_default")]
    pub(crate) strategy: Strategy,
    pub(crate) progress_deadline_seconds: Option<i64>,
    pub(crate) pod_management_policy: Option<String>,
    #[serde(deserialize_with = "or_default")]
    pub(crate) ordinals: Ordinals,
    /// Of a Knative Service.
    #[serde(deserialize_with = "or_default")]
    pub(crate) traffic: Vec<Traffic>,
    /// Of Argo Rollouts: pods that are older are replaced.
    pub(crate) restart_at: Option<String>,
    /// Of Argo Rollouts: who has the pod template.
    pub(crate) workload_ref: Option<WorkloadRef>,
    pub(super) template: Option<Template>,
    pub(super) job_template: Option<JobTemplate>,
}

/// Which pods are a workload's.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct LabelSelector {
    #[serde(deserialize_with = "or_default")]
    pub(crate) match_labels: BTreeMap<String, String>,
    #[serde(deserialize_with = "or_default")]
    pub(crate) match_expressions: Vec<Requirement>,
}

/// One requirement of a selector.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Requirement {
    pub(crate) key: String,
    pub(crate) operator: String,
    #[serde(deserialize_with = "or_default")]
    pub(crate) values: Vec<String>,
}

/// How pods are replaced.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Strategy {
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    #[serde(deserialize_with = "or_default")]
    pub(crate) rolling_update: RollingUpdate,
    /// Of Argo Rollouts.
    #[serde(deserialize_with = "or_default")]
    pub(crate) canary: Canary,
    /// Of Argo Rollouts.
    #[serde(deserialize_with = "or_default")]
    pub(crate) blue_green: BlueGreen,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Canary {
    #[serde(deserialize_with = "or_default")]
    pub(crate) steps: Vec<CanaryStep>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct CanaryStep {
    pub(crate) pause: Option<Pause>,
}

/// A step that waits: for so long, or until somebody promotes the rollout.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Pause {
    /// Seconds, or a text such as `10m`.
    pub(crate) duration: Option<IgnoredAny>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct BlueGreen {
    /// After so many seconds nobody needs to promote it.
    pub(crate) auto_promotion_seconds: Option<i64>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct WorkloadRef {
    pub(crate) kind: String,
    pub(crate) name: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct RollingUpdate {
    /// Of a `StatefulSet`: pods below this ordinal stay as they are.
    pub(crate) partition: Option<i64>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Ordinals {
    /// The ordinal of a `StatefulSet`'s first pod.
    pub(crate) start: Option<i64>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct JobTemplate {
    #[serde(deserialize_with = "or_default")]
    pub(super) spec: JobSpec,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct JobSpec {
    pub(super) template: Option<Template>,
}

impl Spec {
    /// How many pods are wanted: one if nothing is said.
    pub(crate) fn replicas(&self) -> i64 {
        self.replicas.unwrap_or(1)
    }

    /// How many of a `StatefulSet`'s pods stay as they are.
    pub(crate) fn partition(&self) -> i64 {
        self.strategy.rolling_update.partition.unwrap_or(0)
    }

    /// Whether pods are replaced only when somebody deletes them.
    pub(crate) fn replaces_on_delete(&self) -> bool {
        self.strategy.kind.as_deref() == Some("OnDelete")
    }
}

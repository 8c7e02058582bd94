//! Of an object's metadata: what identifies this version of it, and who owns it.

use serde::Deserialize;

use super::or_default;

/// The metadata that matter.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Metadata {
    /// The object's name.
    pub name: String,
    /// Where it is.
    pub namespace: String,
    /// Another object of the same name has another one.
    pub uid: String,
    /// For optimistic concurrency.
    pub resource_version: String,
    /// Counts the changes of what is wanted; a status says which of them it speaks of.
    pub generation: i64,
    /// Set once the object is being deleted.
    pub deletion_timestamp: Option<String>,
    #[serde(deserialize_with = "or_default")]
    pub(crate) labels: Labels,
    pub(crate) annotations: Option<Annotations>,
    #[serde(deserialize_with = "or_default")]
    pub(crate) owner_references: Vec<OwnerReference>,
}

/// The labels by which owners mark what is theirs.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Labels {
    #[serde(rename = "kustomize.toolkit.fluxcd.io/name")]
    pub(crate) kustomization: Option<String>,
    #[serde(rename = "kustomize.toolkit.fluxcd.io/namespace")]
    pub(crate) kustomization_namespace: Option<String>,
    #[serde(rename = "kustomize.toolkit.fluxcd.io/reconcile")]
    pub(crate) kustomization_reconcile: Option<String>,
    #[serde(rename = "kustomize.toolkit.fluxcd.io/ssa")]
    pub(crate) kustomization_apply: Option<String>,
    #[serde(rename = "helm.toolkit.fluxcd.io/name")]
    pub(crate) helm_release: Option<String>,
    #[serde(rename = "helm.toolkit.fluxcd.io/namespace")]
    pub(crate) helm_release_namespace: Option<String>,
    #[serde(rename = "argocd.argoproj.io/instance")]
    pub(crate) argo_application: Option<String>,
    /// Of a `ReplicaSet`: its pods have it too.
    #[serde(rename = "pod-template-hash")]
    pub(crate) pod_template_hash: Option<String>,
}

/// The annotations that decide something. No other is kept: `kubectl apply` repeats the whole object in one.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Annotations {
    /// Of a `ReplicaSet`: the newest has the highest.
    #[serde(rename = "deployment.kubernetes.io/revision")]
    pub(crate) revision: Option<String>,
    /// Of a `DaemonSet`: which template it is; its pods have it as a label.
    #[serde(rename = "deprecated.daemonset.template.generation")]
    pub(crate) template_generation: Option<String>,
    #[serde(rename = "kustomize.toolkit.fluxcd.io/reconcile")]
    pub(crate) kustomization_reconcile: Option<String>,
    #[serde(rename = "kustomize.toolkit.fluxcd.io/ssa")]
    pub(crate) kustomization_apply: Option<String>,
    #[serde(rename = "argocd.argoproj.io/tracking-id")]
    pub(crate) argo_tracking: Option<String>,
}

/// What an object belongs to.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct OwnerReference {
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) uid: String,
    pub(crate) controller: bool,
}

impl Metadata {
    /// Whether the object has annotations at all, which a JSON patch must know.
    pub fn has_annotations(&self) -> bool {
        self.annotations.is_some()
    }

    /// What controls this object, if anything does.
    pub(crate) fn controller(&self) -> Option<&OwnerReference> {
        self.owner_references.iter().find(|owner| owner.controller)
    }
}

//! The kinds the double serves.

use serde_json::Value;

/// A kind of object, as discovery describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Kind {
    pub group: String,
    pub versions: Vec<String>,
    pub kind: String,
    pub plural: String,
    pub short: String,
    pub namespaced: bool,
    /// False for custom resources, which know no strategic merge patch.
    pub built_in: bool,
}

/// group, versions, kind, plural, short name.
const BUILT_IN: &[(&str, &str, &str, &str, &str)] = &[
    ("", "v1", "Namespace", "namespaces", "ns"),
    ("", "v1", "Pod", "pods", "po"),
    ("", "v1", "ConfigMap", "configmaps", "cm"),
    ("", "v1", "Secret", "secrets", ""),
    ("", "v1", "Service", "services", "svc"),
    ("", "v1", "ServiceAccount", "serviceaccounts", "sa"),
    ("", "v1", "Event", "events", "ev"),
    ("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims", "pvc"),
    ("apps", "v1", "Deployment", "deployments", "deploy"),
    ("apps", "v1", "StatefulSet", "statefulsets", "sts"),
    ("apps", "v1", "DaemonSet", "daemonsets", "ds"),
    ("apps", "v1", "ReplicaSet", "replicasets", "rs"),
    ("apps", "v1", "ControllerRevision", "controllerrevisions", ""),
    ("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", "crd"),
    ("batch", "v1", "CronJob", "cronjobs", "cj"),
    ("batch", "v1", "Job", "jobs", ""),
    ("events.k8s.io", "v1", "Event", "events", "ev"),
    ("rbac.authorization.k8s.io", "v1", "Role", "roles", ""),
    ("rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles", ""),
];

/// Kinds whose objects are in no namespace.
const CLUSTER_SCOPED: [&str; 3] = ["Namespace", "CustomResourceDefinition", "ClusterRole"];

const CUSTOM: &[(&str, &str, &str, &str, &str)] = &[
    ("serving.knative.dev", "v1", "Service", "services", "ksvc"),
    ("serving.knative.dev", "v1", "Revision", "revisions", "rev"),
    ("source.toolkit.fluxcd.io", "v1,v1beta2", "GitRepository", "gitrepositories", "gitrepo"),
    ("source.toolkit.fluxcd.io", "v1,v1beta2", "OCIRepository", "ocirepositories", "ocirepo"),
    ("source.toolkit.fluxcd.io", "v1,v1beta2", "HelmRepository", "helmrepositories", "helmrepo"),
    ("source.toolkit.fluxcd.io", "v1,v1beta2", "HelmChart", "helmcharts", "hc"),
    ("source.toolkit.fluxcd.io", "v1,v1beta2", "Bucket", "buckets", ""),
    ("kustomize.toolkit.fluxcd.io", "v1", "Kustomization", "kustomizations", "ks"),
    ("helm.toolkit.fluxcd.io", "v2", "HelmRelease", "helmreleases", "hr"),
    ("image.toolkit.fluxcd.io", "v1,v1beta2", "ImageRepository", "imagerepositories", "imgrepo"),
    ("image.toolkit.fluxcd.io", "v1,v1beta2", "ImagePolicy", "imagepolicies", "imgpol"),
    ("image.toolkit.fluxcd.io", "v1,v1beta2", "ImageUpdateAutomation", "imageupdateautomations", "iua"),
    ("notification.toolkit.fluxcd.io", "v1", "Receiver", "receivers", ""),
    ("argoproj.io", "v1alpha1", "Rollout", "rollouts", "ro"),
];

impl Kind {
    /// A custom resource, for [`super::Double::install`].
    pub fn custom(group: &str, version: &str, kind: &str, plural: &str) -> Self {
        Self::from_row((group, version, kind, plural, ""), false)
    }

    /// Every kind of the double's own.
    pub fn all() -> Vec<Self> {
        let built_in = BUILT_IN.iter().map(|row| Self::from_row(*row, true));
        built_in.chain(CUSTOM.iter().map(|row| Self::from_row(*row, false))).collect()
    }

    fn from_row(
        (group, versions, kind, plural, short): (&str, &str, &str, &str, &str),
        built_in: bool,
    ) -> Self {
        Self {
            group: group.to_owned(),
            versions: versions.split(',').map(str::to_owned).collect(),
            kind: kind.to_owned(),
            plural: plural.to_owned(),
            short: short.to_owned(),
            namespaced: !CLUSTER_SCOPED.contains(&kind),
            built_in,
        }
    }

    /// `deployments.apps`, `pods`: the resource as messages name it.
    pub fn qualified(&self) -> String {
        qualified(&self.plural, &self.group)
    }

    /// The object's apiVersion in this version of the API.
    pub fn api_version(&self, version: &str) -> String {
        if self.group.is_empty() { version.to_owned() } else { format!("{}/{version}", self.group) }
    }

    /// Whether metadata.generation counts changes (objects without a spec have none).
    pub fn has_generation(&self) -> bool {
        !self.built_in
            || matches!(self.group.as_str(), "apps" | "batch") && self.plural != "controllerrevisions"
    }

    /// Where the pod template is, as a JSON pointer.
    pub fn template(&self) -> Option<&'static str> {
        match self.kind.as_str() {
            "CronJob" => Some("/spec/jobTemplate/spec/template"),
            "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "Job" => Some("/spec/template"),
            _ => None,
        }
    }

    /// Whether an object's apiVersion and kind are this.
    pub fn is_of(&self, object: &Value) -> bool {
        let api_version = object["apiVersion"].as_str().unwrap_or_default();
        let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
        object["kind"] == self.kind && group == self.group && self.versions.iter().any(|own| own == version)
    }

    /// Whether a person means this kind: plural, plural.group, singular, short name, in any case.
    pub fn is_named(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        name == self.plural
            || name == self.qualified()
            || name == self.kind.to_ascii_lowercase()
            || (!self.short.is_empty() && name == self.short)
    }
}

/// `deployments.apps`, `pods`.
pub fn qualified(plural: &str, group: &str) -> String {
    if group.is_empty() { plural.to_owned() } else { format!("{plural}.{group}") }
}

//! In which order objects are applied, and what is known of kinds without asking a cluster.

use serde_json::Value;

use super::identity::Identity;
use crate::kubernetes::Kind;
use crate::kubernetes::discovery::Served;

/// The API group of custom resource definitions.
const EXTENSIONS: &str = "apiextensions.k8s.io";

/// Kinds that others need, in the order in which they are needed.
const RANKS: [&[&str]; 6] = [
    &["Namespace"],
    &["CustomResourceDefinition"],
    &[
        "PriorityClass",
        "StorageClass",
        "ResourceQuota",
        "LimitRange",
        "ServiceAccount",
        "Role",
        "ClusterRole",
        "RoleBinding",
        "ClusterRoleBinding",
    ],
    &["ConfigMap", "Secret"],
    &["PersistentVolume", "PersistentVolumeClaim"],
    &["Service"],
];

/// What runs: it needs everything above.
const WORKLOADS: [&str; 4] = ["Job", "Pod", "ReplicaSet", "ReplicationController"];

/// The rank of workloads, which roll out side by side.
pub(super) const WORKLOAD_RANK: usize = RANKS.len();

/// Kinds in no namespace.
const CLUSTER_SCOPED: [&str; 22] = [
    "APIService",
    "CSIDriver",
    "CSINode",
    "CertificateSigningRequest",
    "ClusterRole",
    "ClusterRoleBinding",
    "ClusterTrustBundle",
    "CustomResourceDefinition",
    "FlowSchema",
    "IngressClass",
    "MutatingAdmissionPolicy",
    "MutatingWebhookConfiguration",
    "Namespace",
    "Node",
    "PersistentVolume",
    "PriorityClass",
    "PriorityLevelConfiguration",
    "RuntimeClass",
    "StorageClass",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "ValidatingWebhookConfiguration",
];

/// Groups whose kinds are the API server's own. Others that end in `.k8s.io` may be of custom resources.
const BUILT_IN: [&str; 17] = [
    "",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apiregistration.k8s.io",
    "apps",
    "autoscaling",
    "batch",
    "certificates.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
    "flowcontrol.apiserver.k8s.io",
    "networking.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
];

/// When a kind is applied: what has a lower rank comes before it.
pub(super) fn rank(group: &str, kind: &str) -> usize {
    let last = RANKS.len() + 1;
    if Kind::of_object(group, kind).is_some() {
        return WORKLOAD_RANK;
    }
    if !is_built_in(group) {
        return last;
    }
    let rank = RANKS.iter().position(|kinds| kinds.contains(&kind));
    rank.unwrap_or(if WORKLOADS.contains(&kind) { WORKLOAD_RANK } else { last })
}

/// Whether the kinds of a group are the API server's own, so that it is known whether they are in namespaces.
pub(in crate::action) fn is_built_in(group: &str) -> bool {
    BUILT_IN.contains(&group)
}

/// Whether a kind of the API server's own is in namespaces.
pub(in crate::action) fn is_namespaced(kind: &str) -> bool {
    !CLUSTER_SCOPED.contains(&kind)
}

/// Whether an object defines a kind.
pub(super) fn is_definition(group: &str, kind: &str) -> bool {
    group == EXTENSIONS && kind == "CustomResourceDefinition"
}

/// A kind that a manifest defines: what a cluster will say of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Defined {
    group: String,
    versions: Vec<String>,
    pub(super) served: Served,
}

impl Defined {
    /// The kind that an object defines, if it does.
    pub(super) fn of(identity: &Identity, object: &Value) -> Option<Self> {
        if !is_definition(&identity.group, &identity.kind) {
            return None;
        }
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let versions = object.pointer("/spec/versions").and_then(Value::as_array)?;
        let version = |version: &Value| version.get("name").and_then(Value::as_str).map(str::to_owned);
        let served = Served {
            kind: text("/spec/names/kind")?,
            plural: text("/spec/names/plural")?,
            namespaced: text("/spec/scope")? == "Namespaced",
        };
        crate::rule::name::namespace_name(&served.plural).ok()?;
        Some(Self {
            group: text("/spec/group")?,
            versions: versions.iter().filter_map(version).collect(),
            served,
        })
    }

    /// Whether an object is of the kind, in a version of it.
    pub(super) fn is_of(&self, identity: &Identity) -> bool {
        self.group == identity.group
            && self.served.kind == identity.kind
            && self.versions.contains(&identity.version)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_others_need_comes_first() {
        let order = [
            ("", "Namespace"),
            ("apiextensions.k8s.io", "CustomResourceDefinition"),
            ("rbac.authorization.k8s.io", "Role"),
            ("", "Secret"),
            ("", "PersistentVolumeClaim"),
            ("", "Service"),
            ("apps", "Deployment"),
            ("example.com", "Thing"),
        ];
        let ranks: Vec<_> = order.iter().map(|(group, kind)| rank(group, kind)).collect();
        assert_eq!(ranks, [0, 1, 2, 3, 4, 5, WORKLOAD_RANK, 7]);
        assert_eq!(rank("serving.knative.dev", "Service"), WORKLOAD_RANK);
        assert_eq!(rank("batch", "Job"), WORKLOAD_RANK);
        assert_eq!(rank("example.com", "Namespace"), 7, "somebody else's kind of that name");
        assert_eq!(rank("networking.k8s.io", "Ingress"), 7);
    }

    #[test]
    fn a_definition_says_what_the_cluster_will_say() {
        let object = json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "x"},
            "spec": {"group": "example.com", "scope": "Cluster", "names": {"kind": "Thing", "plural": "things"},
                "versions": [{"name": "v1"}]},
        });
        let identity = Identity::of(&object).unwrap();
        let defined = Defined::of(&identity, &object).unwrap();
        let thing = |version: &str| {
            let object = json!({"apiVersion": format!("example.com/{version}"), "kind": "Thing", "metadata": {"name": "x"}});
            Identity::of(&object).unwrap()
        };
        assert!(defined.is_of(&thing("v1")) && !defined.is_of(&thing("v2")) && !defined.served.namespaced);
        assert_eq!(Defined::of(&thing("v1"), &object), None);
    }
}

//! An object of any kind: by its names, and which version of it the API showed.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::Asked;
use super::kind::{Kind, Workload};

/// An object of any kind. Its names are valid in a path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnyObject {
    /// Where it is; empty for one that is in no namespace.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// `ConfigMap`
    pub kind: String,
    /// The API group; empty for the core group.
    pub group: String,
    /// `v1`
    pub version: String,
    /// The resource as paths and RBAC name it: `configmaps`.
    pub plural: String,
    /// Its name.
    pub name: String,
}

impl AnyObject {
    /// The path of the object in the API.
    pub fn path(&self) -> String {
        let Self { namespace, group, version, plural, name, .. } = self;
        let api =
            if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") };
        let place = if namespace.is_empty() { String::new() } else { format!("/namespaces/{namespace}") };
        format!("{api}{place}/{plural}/{name}")
    }

    /// What a request asks of it, for its error.
    pub fn asked(&self, verb: &'static str) -> Asked {
        Asked {
            verb,
            group: self.group.clone(),
            resource: self.plural.clone(),
            namespace: self.namespace.clone(),
            name: Some(self.name.clone()),
        }
    }

    /// The workload that it is, if it is of a kind whose rollouts are understood.
    pub fn workload(&self) -> Option<Workload> {
        let kind = Kind::of_object(&self.group, &self.kind)?;
        Some(Workload { namespace: self.namespace.clone(), kind, name: self.name.clone() })
    }

    /// Whether what it holds must not be repeated anywhere.
    pub fn is_secret(&self) -> bool {
        self.group.is_empty() && self.kind == "Secret"
    }
}

impl From<&Workload> for AnyObject {
    fn from(Workload { namespace, kind, name }: &Workload) -> Self {
        let (api_version, object) = kind.type_meta();
        let (group, version) = api_version.split_once('/').unwrap_or(("", &api_version));
        Self {
            namespace: namespace.clone(),
            kind: object.to_owned(),
            group: group.to_owned(),
            version: version.to_owned(),
            plural: kind.plural().to_owned(),
            name: name.clone(),
        }
    }
}

/// `configmap/settings`; a workload as configurations name it, so that both are locked as one.
impl fmt::Display for AnyObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Kind::of_object(&self.group, &self.kind) {
            Some(kind) => write!(f, "{kind}/{}", self.name),
            None => write!(f, "{}/{}", self.kind.to_ascii_lowercase(), self.name),
        }
    }
}

/// Which version of an object the API showed. All of it may go into the journal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Version {
    /// Every change makes another one.
    pub resource_version: String,
    /// Counts the changes of what is wanted; 0 for an object that counts none.
    #[serde(skip_serializing_if = "is_zero")]
    pub generation: i64,
    /// When we last wrote something in it in the same way, by the API server's clock, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub written: Option<String>,
}

/// How a manager of fields writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Server-side apply.
    Apply,
    /// Any other write.
    Update,
}

impl Version {
    /// The version of an object that was read, as far as this manager's writes of this kind go.
    pub fn of(object: &Value, manager: &str, operation: Operation) -> Self {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let operation = match operation {
            Operation::Apply => "Apply",
            Operation::Update => "Update",
        };
        let entries = object.pointer("/metadata/managedFields").and_then(Value::as_array);
        let has =
            |entry: &Value, field: &str, value: &str| entry.get(field).and_then(Value::as_str) == Some(value);
        let own = entries.into_iter().flatten().find(|entry| {
            has(entry, "manager", manager)
                && has(entry, "operation", operation)
                && entry.get("subresource").is_none()
        });
        Self {
            resource_version: text("/metadata/resourceVersion").to_owned(),
            generation: object.pointer("/metadata/generation").and_then(Value::as_i64).unwrap_or(0),
            written: own.and_then(|entry| entry.get("time")?.as_str()).map(str::to_owned),
        }
    }

    /// Whether a server-side apply of ours in between changed nothing, though others may have written a status meanwhile.
    pub fn is_still(&self, after: &Self) -> bool {
        let same_wish = self.generation != 0 && self.generation == after.generation;
        self.resource_version == after.resource_version
            || same_wish && self.written.is_some() && self.written == after.written
    }
}

/// Whether an object that was read is being deleted.
pub fn is_deleting(object: &Value) -> bool {
    object.pointer("/metadata/deletionTimestamp").is_some_and(|time| !time.is_null())
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_zero(number: &i64) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(group: &str, kind: &str, plural: &str, namespace: &str) -> AnyObject {
        let [group, kind, plural, namespace] = [group, kind, plural, namespace].map(str::to_owned);
        AnyObject { namespace, kind, group, version: "v1".into(), plural, name: "web".into() }
    }

    #[test]
    fn paths_are_those_of_the_api_and_workloads_are_known() {
        let map = object("", "ConfigMap", "configmaps", "shop");
        assert_eq!(map.path(), "/api/v1/namespaces/shop/configmaps/web");
        let role = object("rbac.authorization.k8s.io", "ClusterRole", "clusterroles", "");
        assert_eq!(role.path(), "/apis/rbac.authorization.k8s.io/v1/clusterroles/web");
        assert_eq!((map.to_string(), map.workload()), ("configmap/web".to_owned(), None));
        let [core, knative] =
            ["", "serving.knative.dev"].map(|group| object(group, "Service", "services", "shop"));
        assert_eq!([core.to_string(), knative.to_string()], ["service/web", "ksvc/web"]);
        assert_eq!(knative.workload(), Some(Workload::new("shop", Kind::Ksvc, "web").unwrap()));
        assert_eq!(AnyObject::from(&knative.workload().unwrap()), knative);
        let json = serde_json::to_value(&role).unwrap();
        assert!(json.get("namespace").is_none());
        assert_eq!(serde_json::from_value::<AnyObject>(json).unwrap(), role);
    }

    #[test]
    fn a_version_is_still_the_same_though_a_status_was_written() {
        let seen = |version: &str, generation: i64, time: &str| {
            let ours = json!({"manager": "boathook", "operation": "Apply", "time": time});
            let others =
                json!({"manager": "boathook", "operation": "Update", "time": "2026-11-21T09:00:00Z"});
            let metadata = json!({"resourceVersion": version, "generation": generation, "managedFields": [others, ours]});
            Version::of(&json!({"metadata": metadata}), "boathook", Operation::Apply)
        };
        let (early, late) = ("2026-11-21T10:00:00Z", "2026-11-21T10:00:01Z");
        assert!(seen("5", 0, early).is_still(&seen("5", 0, early)));
        assert!(seen("5", 2, early).is_still(&seen("6", 2, early)), "a status was written");
        assert!(!seen("5", 2, early).is_still(&seen("6", 3, early)));
        assert!(!seen("5", 2, early).is_still(&seen("6", 2, late)), "labels were written");
        assert!(!seen("5", 0, early).is_still(&seen("6", 0, early)), "it has no status to be written");
        let read = Version::of(&json!({}), "boathook", Operation::Apply);
        assert_eq!(read, Version::default());
    }
}

//! What a manifest says of itself: its kind, its namespace and its name.

use std::fmt;

use serde_json::Value;

use crate::action::filled::is_literal;
use crate::rule::name::{kubernetes_name, namespace_name};
use crate::text::shorten;

/// Whose names may hold almost anything, as in `system:node`.
const RBAC: &str = "rbac.authorization.k8s.io";

/// What a manifest says of itself. Kind, group and version are valid in a path; namespace and name are too, once they
/// are filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    /// `ConfigMap`
    pub(super) kind: String,
    /// Empty for the core group.
    pub(super) group: String,
    /// `v1`
    pub(super) version: String,
    /// If it names one.
    pub(super) namespace: Option<String>,
    pub(super) name: String,
}

impl Identity {
    /// Reads what an object says of itself; names that hold variables are not looked at.
    pub(super) fn of(object: &Value) -> Result<Self, String> {
        if !object.is_object() {
            return Err("is not an object: it needs apiVersion, kind and metadata".to_owned());
        }
        let text = |pointer: &str, field: &str| match object.pointer(pointer) {
            None | Some(Value::Null) => Err(format!("{field} is missing")),
            Some(Value::String(text)) if !text.is_empty() => Ok(text.clone()),
            Some(_) => Err(format!("{field} must be text")),
        };
        let (api_version, kind) = (text("/apiVersion", "apiVersion")?, text("/kind", "kind")?);
        let (group, version) = api_version.rsplit_once('/').unwrap_or(("", &api_version));
        if !(group.is_empty() || kubernetes_name(group).is_ok()) || namespace_name(version).is_err() {
            return Err(format!("apiVersion: \"{}\" must be v1 or GROUP/VERSION", shorten(&api_version)));
        }
        if !kind.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(format!("kind: \"{}\" must be letters and digits", shorten(&kind)));
        }
        let name = text("/metadata/name", "metadata.name")?;
        let namespace = match object.pointer("/metadata/namespace") {
            None | Some(Value::Null) => None,
            Some(_) => Some(text("/metadata/namespace", "metadata.namespace")?),
        };
        for field in ["managedFields", "resourceVersion", "uid"] {
            if object.pointer(&format!("/metadata/{field}")).is_some() {
                return Err(format!("metadata.{field} is what the cluster says of an object: take it out"));
            }
        }
        let (group, version) = (group.to_owned(), version.to_owned());
        let identity = Self { kind, group, version, namespace, name };
        identity.check(is_literal)?;
        Ok(identity)
    }

    /// Whether what was filled in are names.
    pub(super) fn check_filled(&self) -> Result<(), String> {
        self.check(|_| true)
    }

    fn check(&self, is_known: impl Fn(&str) -> bool) -> Result<(), String> {
        if let Some(namespace) = self.namespace.as_deref().filter(|namespace| is_known(namespace)) {
            namespace_name(namespace).map_err(|why| format!("metadata.namespace: {why}"))?;
        }
        let is_rbac_name = |name: &str| {
            let fits = name.bytes().all(|b| b.is_ascii_alphanumeric() || b":._-".contains(&b));
            fits && name.len() <= 253 && name != "." && name != ".."
        };
        if !is_known(&self.name) || self.group == RBAC && is_rbac_name(&self.name) {
            return Ok(());
        }
        kubernetes_name(&self.name).map(drop).map_err(|why| format!("metadata.name: {why}"))
    }

    /// Whether another object is the same one, in whichever version.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        (&self.group, &self.kind, &self.namespace, &self.name)
            == (&other.group, &other.kind, &other.namespace, &other.name)
    }
}

/// `Deployment web`
impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, shorten(&self.name))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_object_says_what_it_is() {
        let of = |api: &str, name: &str, namespace: Value| {
            Identity::of(
                &json!({"apiVersion": api, "kind": "Thing", "metadata": {"name": name, "namespace": namespace}}),
            )
        };
        let core = of("v1", "web", json!("shop")).unwrap();
        assert_eq!(
            (core.group.as_str(), core.version.as_str(), core.namespace.as_deref()),
            ("", "v1", Some("shop"))
        );
        let other = of("apps.example/v1beta1", "web-${tag}", Value::Null).unwrap();
        assert_eq!((other.group.as_str(), other.version.as_str()), ("apps.example", "v1beta1"));
        assert!(other.check_filled().is_err(), "it is not filled in");
        let role = of("rbac.authorization.k8s.io/v1", "system:web_A", Value::Null).unwrap();
        assert_eq!((role.check_filled(), role.to_string().as_str()), (Ok(()), "Thing system:web_A"));
        for bad in ["..", "a/b", "a%2fb", "a?b"] {
            assert!(of("rbac.authorization.k8s.io/v1", bad, Value::Null).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_missing_or_wrong_is_told() {
        let named = json!({"name": "x"});
        for (object, told) in [
            (json!([]), "is not an object"),
            (json!({"kind": "A", "metadata": named}), "apiVersion is missing"),
            (json!({"apiVersion": "v1", "metadata": named}), "kind is missing"),
            (json!({"apiVersion": "v1", "kind": "A"}), "metadata.name is missing"),
            (
                json!({"apiVersion": "v1", "kind": "A", "metadata": {"generateName": "x-"}}),
                "metadata.name is missing",
            ),
            (json!({"apiVersion": "v1", "kind": "A", "metadata": {"name": 1}}), "metadata.name must be text"),
            (
                json!({"apiVersion": "v1", "kind": "A", "metadata": {"name": "../x"}}),
                "metadata.name: \"../x\" is not",
            ),
            (json!({"apiVersion": "a/b/c", "kind": "A", "metadata": named}), "must be v1 or GROUP/VERSION"),
            (json!({"apiVersion": "${tag}", "kind": "A", "metadata": named}), "must be v1 or GROUP/VERSION"),
            (json!({"apiVersion": "v1", "kind": "${tag}", "metadata": named}), "must be letters and digits"),
            (
                json!({"apiVersion": "v1", "kind": "A", "metadata": {"name": "x", "uid": "1"}}),
                "metadata.uid is what the cluster says of an object",
            ),
        ] {
            let error = Identity::of(&object).unwrap_err();
            assert!(error.contains(told), "{object}: {error}");
        }
    }
}

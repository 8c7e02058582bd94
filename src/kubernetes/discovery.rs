//! Which kinds a cluster serves: their plural, and whether their objects are in namespaces.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use reqwest::Method;
use serde::Deserialize;

use super::client::Client;
use super::error::{ApiError, Asked, Trouble};
use crate::rule::name::namespace_name;

/// A kind as the cluster serves it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Served {
    /// `ConfigMap`
    pub kind: String,
    /// As it stands in paths: `configmaps`.
    #[serde(rename = "name")]
    pub plural: String,
    /// Whether its objects are in namespaces.
    pub namespaced: bool,
}

/// What a cluster serves: the kinds of each group and version that was asked for; `None` if it serves no such.
pub type Kinds = BTreeMap<(String, String), Option<Vec<Served>>>;

#[derive(Debug, Deserialize)]
struct ResourceList {
    #[serde(default)]
    resources: Vec<Served>,
}

impl Client {
    /// The kinds of each of these groups and versions.
    pub async fn kinds(
        &self,
        versions: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Kinds, ApiError> {
        let mut kinds = Kinds::new();
        for of in versions {
            if let Entry::Vacant(entry) = kinds.entry(of) {
                let (group, version) = entry.key();
                let served = self.served(group, version).await?;
                entry.insert(served);
            }
        }
        Ok(kinds)
    }

    /// The kinds of a version of an API group (empty: the core group); `None` if the cluster does not serve it.
    pub async fn served(&self, group: &str, version: &str) -> Result<Option<Vec<Served>>, ApiError> {
        let path =
            if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") };
        let asked = Asked {
            verb: "get",
            group: group.to_owned(),
            resource: format!("the list of kinds at {path}"),
            namespace: String::new(),
            name: None,
        };
        match self.send::<ResourceList>(Method::GET, &path, None, asked).await {
            // The name of a subresource has a slash.
            Ok(list) => {
                Ok(Some(list.resources.into_iter().filter(|r| namespace_name(&r.plural).is_ok()).collect()))
            }
            Err(ApiError { trouble: Trouble::KindNotServed, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// English plurals, as Kubernetes' own code generators form them: what a kind is called in paths, unless the cluster
/// says something else.
pub fn plural(kind: &str) -> String {
    let lower = kind.to_ascii_lowercase();
    match lower.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'i', 'o', 'u']) => format!("{stem}ies"),
        _ if lower.ends_with(['s', 'x']) || lower.ends_with("ch") || lower.ends_with("sh") => {
            format!("{lower}es")
        }
        _ => format!("{lower}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plurals_are_those_of_the_api() {
        for (kind, expected) in [
            ("Gateway", "gateways"),
            ("Ingress", "ingresses"),
            ("ResourceSet", "resourcesets"),
            ("NetworkPolicy", "networkpolicies"),
            ("ConfigMap", "configmaps"),
            ("StorageClass", "storageclasses"),
        ] {
            assert_eq!(plural(kind), expected);
        }
    }
}

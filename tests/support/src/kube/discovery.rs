//! What is served: `/version`, `/api`, `/apis`, resource lists, health.

use super::super::serve::Answer;
use super::kinds::Kind;
use super::status::Failure;
use serde_json::{Value, json};

/// Answers a path that names no object.
pub fn answer(kinds: &[Kind], method: &str, path: &str) -> Result<Answer, Failure> {
    if method != "GET" && method != "HEAD" {
        return Err(Failure::no_such_path());
    }
    let path = path.trim_end_matches('/');
    let body = match path.split('/').skip(1).collect::<Vec<_>>().as_slice() {
        ["healthz" | "livez" | "readyz"] => return Ok(Answer::text(200, "ok")),
        ["version"] => json!({
            "major": "1", "minor": "36", "gitVersion": "v1.36.0", "gitTreeState": "clean", "platform": "linux/amd64"
        }),
        ["api"] => json!({"kind": "APIVersions", "versions": ["v1"]}),
        ["api", "v1"] => resources(kinds, "", "v1")?,
        ["apis"] => {
            let mut groups: Vec<&str> =
                kinds.iter().map(|kind| kind.group.as_str()).filter(|group| !group.is_empty()).collect();
            groups.dedup();
            let groups: Vec<Value> = groups.into_iter().filter_map(|name| group(kinds, name)).collect();
            json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
        }
        ["apis", name] => group(kinds, name).ok_or_else(Failure::no_such_path)?,
        ["apis", group, version] => resources(kinds, group, version)?,
        _ => return Err(Failure::no_such_path()),
    };
    Ok(Answer::json(200, &body))
}

fn group(kinds: &[Kind], name: &str) -> Option<Value> {
    let kind = kinds.iter().find(|kind| kind.group == name)?;
    let versions: Vec<Value> = kind
        .versions
        .iter()
        .map(|version| json!({"groupVersion": kind.api_version(version), "version": version}))
        .collect();
    Some(json!({
        "kind": "APIGroup", "apiVersion": "v1", "name": name, "versions": versions, "preferredVersion": versions[0]
    }))
}

fn resources(kinds: &[Kind], group: &str, version: &str) -> Result<Value, Failure> {
    let served: Vec<&Kind> = kinds
        .iter()
        .filter(|kind| kind.group == group && kind.versions.iter().any(|own| own == version))
        .collect();
    let first = served.first().ok_or_else(Failure::no_such_path)?;
    let resource = |kind: &&Kind| {
        json!({
            "name": kind.plural, "singularName": kind.kind.to_lowercase(), "namespaced": kind.namespaced,
            "kind": kind.kind, "verbs": ["create", "delete", "get", "list", "patch", "update"],
            "shortNames": [kind.short]
        })
    };
    Ok(json!({
        "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": first.api_version(version),
        "resources": served.iter().map(resource).collect::<Vec<_>>()
    }))
}

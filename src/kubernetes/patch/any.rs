//! Patches whose body a configuration or a manifest gives.

use serde_json::{Value, json};

use super::{CHANGE_CAUSE, JSON_PATCH, MERGE, PatchRequest, STRATEGIC_MERGE, request, with_manager};
use crate::kubernetes::any::AnyObject;
use crate::kubernetes::kind::Workload;

/// JSON is YAML.
const APPLY: &str = "application/apply-patch+yaml";

/// How a patch is to be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Lists are merged by the key of their items.
    Strategic,
    /// RFC 7386: a list takes the place of a list.
    Merge,
    /// RFC 6902: operations.
    Json,
}

impl Format {
    fn content_type(self) -> &'static str {
        match self {
            Self::Strategic => STRATEGIC_MERGE,
            Self::Merge => MERGE,
            Self::Json => JSON_PATCH,
        }
    }
}

/// Server-side apply of an object, whose body names itself. `force` takes fields over that others manage.
pub fn apply(object: &AnyObject, body: Value, force: bool, manager: &str) -> PatchRequest {
    let path = with_manager(&object.path(), manager);
    let path = if force { format!("{path}&force=true") } else { path };
    PatchRequest { path, content_type: APPLY, body, asked: object.asked("patch") }
}

/// A patch of an object.
pub fn patch_object(object: &AnyObject, format: Format, body: Value, manager: &str) -> PatchRequest {
    let path = with_manager(&object.path(), manager);
    PatchRequest { path, content_type: format.content_type(), body, asked: object.asked("patch") }
}

/// A patch of a workload. A merge says why it was made, unless the body says that itself.
pub fn patch_workload(
    workload: &Workload,
    format: Format,
    mut body: Value,
    change_cause: &str,
    manager: &str,
) -> PatchRequest {
    if format != Format::Json {
        add_cause(&mut body, change_cause);
    }
    request(workload, format.content_type(), body, manager)
}

/// Leaves alone what is there and is no mapping: `null` takes all annotations away.
fn add_cause(body: &mut Value, change_cause: &str) {
    let mut place = Some(body);
    for field in ["metadata", "annotations"] {
        let map = place.and_then(Value::as_object_mut);
        place = map.map(|map| map.entry(field).or_insert_with(|| json!({})));
    }
    if let Some(annotations) = place.and_then(Value::as_object_mut) {
        annotations.entry(CHANGE_CAUSE).or_insert_with(|| json!(change_cause));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::Kind;

    #[test]
    fn a_merge_says_why_unless_the_body_does() {
        let web = Workload::new("rec", Kind::Deployment, "web").unwrap();
        let patch =
            |format, body: &Value| patch_workload(&web, format, body.clone(), "boathook: x", "boathook");
        let scaled = json!({"spec": {"replicas": 3}});
        let made = patch(Format::Merge, &scaled);
        assert_eq!(made.path, "/apis/apps/v1/namespaces/rec/deployments/web?fieldManager=boathook");
        assert_eq!(made.content_type, "application/merge-patch+json");
        let cause = json!({"annotations": {"kubernetes.io/change-cause": "boathook: x"}});
        assert_eq!(made.body, json!({"spec": {"replicas": 3}, "metadata": cause}));
        for body in [
            json!({"metadata": {"annotations": {"kubernetes.io/change-cause": "mine"}}}),
            json!({"metadata": {"annotations": null}}),
            json!({"metadata": null}),
        ] {
            assert_eq!(patch(Format::Strategic, &body).body, body);
        }
        let operations = json!([{"op": "remove", "path": "/spec/paused"}]);
        let made = patch(Format::Json, &operations);
        assert_eq!((made.content_type, made.body), ("application/json-patch+json", operations));
    }
}

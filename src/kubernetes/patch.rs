//! Requests that change something, as pure functions.

mod any;
mod images;

use serde_json::{Value, json};

pub use self::any::{Format, apply, patch_object, patch_workload};
pub use self::images::{ImageChange, PolicyChange, Read, set_image};
use super::client::asked;
use super::error::Asked;
use super::kind::{Kind, Workload};

/// The annotation that restarts, as `kubectl rollout restart` sets it on the pod template.
pub const RESTARTED_AT: &str = "kubectl.kubernetes.io/restartedAt";

/// The annotation that `kubectl rollout history` shows.
const CHANGE_CAUSE: &str = "kubernetes.io/change-cause";

const STRATEGIC_MERGE: &str = "application/strategic-merge-patch+json";
const MERGE: &str = "application/merge-patch+json";
const JSON_PATCH: &str = "application/json-patch+json";

/// A PATCH, ready to be sent.
#[derive(Clone, Debug, PartialEq)]
pub struct PatchRequest {
    /// With its query.
    pub path: String,
    /// The kind of patch.
    pub content_type: &'static str,
    /// The patch.
    pub body: Value,
    /// For the error, if it fails.
    pub asked: Asked,
}

/// Restarts a workload. The time must differ from the one that is there: the same value starts nothing.
pub fn restart(workload: &Workload, restarted_at: &str, change_cause: &str, manager: &str) -> PatchRequest {
    let cause = json!({"annotations": {CHANGE_CAUSE: change_cause}});
    if workload.kind == Kind::Rollout {
        // An annotation of the template would be a new version, with all steps of its strategy.
        let body = json!({"metadata": cause, "spec": {"restartAt": restarted_at}});
        return request(workload, MERGE, body, manager);
    }
    let template = json!({"metadata": {"annotations": {RESTARTED_AT: restarted_at}}});
    request(workload, STRATEGIC_MERGE, json!({"metadata": cause, "spec": {"template": template}}), manager)
}

/// Sets one annotation of any object: what asks Flux to reconcile it.
pub fn annotate(path: &str, name: &str, value: &str, manager: &str, asked: Asked) -> PatchRequest {
    PatchRequest {
        path: with_manager(path, manager),
        content_type: MERGE,
        body: json!({"metadata": {"annotations": {name: value}}}),
        asked,
    }
}

fn request(workload: &Workload, content_type: &'static str, body: Value, manager: &str) -> PatchRequest {
    let path = path(workload, manager);
    let asked = asked("patch", workload.kind, &workload.namespace, Some(&workload.name));
    PatchRequest { path, content_type, body, asked }
}

/// Where a workload's patches go.
pub fn path(workload: &Workload, manager: &str) -> String {
    with_manager(&workload.path(), manager)
}

fn with_manager(path: &str, manager: &str) -> String {
    let manager: String = form_urlencoded::byte_serialize(manager.as_bytes()).collect();
    format!("{path}?fieldManager={manager}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restart_is_what_kubectl_sends_and_who_asked_for_it() {
        let web = Workload::new("rec", Kind::Deployment, "web").unwrap();
        let patch = restart(&web, "2026-11-21T01:31:47.123Z", "boathook: x", "boathook");
        assert_eq!(patch.path, "/apis/apps/v1/namespaces/rec/deployments/web?fieldManager=boathook");
        assert_eq!(patch.content_type, "application/strategic-merge-patch+json");
        assert_eq!(
            patch.body,
            json!({
                "metadata": {"annotations": {"kubernetes.io/change-cause": "boathook: x"}},
                "spec": {"template": {"metadata": {"annotations":
                    {"kubectl.kubernetes.io/restartedAt": "2026-11-21T01:31:47.123Z"}}}},
            })
        );
    }

    #[test]
    fn argo_rollouts_are_restarted_by_a_field_of_their_own() {
        let web = Workload::new("rec", Kind::Rollout, "web").unwrap();
        let patch = restart(&web, "2026-11-21T01:31:48Z", "boathook: x", "boathook");
        assert_eq!(
            patch.path,
            "/apis/argoproj.io/v1alpha1/namespaces/rec/rollouts/web?fieldManager=boathook"
        );
        assert_eq!(patch.content_type, "application/merge-patch+json");
        assert_eq!(
            patch.body,
            json!({
                "metadata": {"annotations": {"kubernetes.io/change-cause": "boathook: x"}},
                "spec": {"restartAt": "2026-11-21T01:31:48Z"},
            })
        );
    }
}

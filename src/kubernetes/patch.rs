//! Requests that change something, as pure functions.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::client::asked;
use super::error::Asked;
use super::kind::Workload;
use super::object::{ContainerList, Object, image_pointer};

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

/// What a patch must know of the object that it depends on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Read {
    /// The object as it was read: another version answers 409.
    pub resource_version: String,
    /// Whether the object has annotations at all, which a JSON patch must know.
    pub has_annotations: bool,
    /// Tells the object from another one of the same name.
    #[serde(default)]
    pub uid: String,
}

impl Read {
    /// This object.
    pub fn of(object: &Object) -> Self {
        let metadata = &object.metadata;
        Self {
            resource_version: metadata.resource_version.clone(),
            has_annotations: metadata.has_annotations(),
            uid: metadata.uid.clone(),
        }
    }
}

/// A container whose image changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageChange {
    /// Where it stands.
    pub list: ContainerList,
    /// Its place in that list.
    pub index: usize,
    /// Its name; only a Knative Service's may be empty.
    pub name: String,
    /// The image that is there.
    pub from: String,
    /// The image that shall be there.
    pub to: String,
}

impl ImageChange {
    /// Whether another change is of the same container: by name, since its place may have changed.
    pub fn is_of_same_container(&self, other: &Self) -> bool {
        self.list == other.list
            && if self.name.is_empty() { self.index == other.index } else { self.name == other.name }
    }
}

/// Restarts a workload. The time must differ from the one that is there: the same value starts nothing.
pub fn restart(workload: &Workload, restarted_at: &str, change_cause: &str, manager: &str) -> PatchRequest {
    let body = json!({
        "metadata": {"annotations": {CHANGE_CAUSE: change_cause}},
        "spec": {"template": {"metadata": {"annotations": {RESTARTED_AT: restarted_at}}}},
    });
    request(workload, STRATEGIC_MERGE, body, manager)
}

/// Sets images of containers that were just read. It depends on what was read, so it fails with 409 (or, as a
/// JSON patch, 422) if the object has changed since.
pub fn set_image(
    workload: &Workload,
    read: &Read,
    changes: &[ImageChange],
    change_cause: &str,
    manager: &str,
) -> PatchRequest {
    if workload.kind.takes_strategic_merge() {
        let body = strategic_images(workload, read, changes, change_cause);
        request(workload, STRATEGIC_MERGE, body, manager)
    } else {
        // Custom resources refuse strategic merge, and a merge patch would replace the whole list of containers.
        request(workload, JSON_PATCH, json_images(workload, read, changes, change_cause), manager)
    }
}

fn strategic_images(workload: &Workload, read: &Read, changes: &[ImageChange], change_cause: &str) -> Value {
    let mut pod = serde_json::Map::new();
    for list in [ContainerList::Containers, ContainerList::InitContainers] {
        let of_list = changes.iter().filter(|change| change.list == list);
        let containers: Vec<_> = of_list.map(|c| json!({"name": c.name, "image": c.to})).collect();
        if !containers.is_empty() {
            pod.insert(list.field().to_owned(), containers.into());
        }
    }
    // From the innermost field outwards: /spec/template or /spec/jobTemplate/spec/template.
    let fields = workload.kind.template().rsplit('/').filter(|field| !field.is_empty());
    let mut body = fields.fold(json!({"spec": pod}), |inner, field| json!({field: inner}));
    if let Some(fields) = body.as_object_mut() {
        let version = &read.resource_version;
        let metadata = json!({"resourceVersion": version, "annotations": {CHANGE_CAUSE: change_cause}});
        fields.insert("metadata".to_owned(), metadata);
    }
    body
}

fn json_images(workload: &Workload, read: &Read, changes: &[ImageChange], change_cause: &str) -> Value {
    let mut operations = Vec::new();
    for change in changes {
        let pointer = image_pointer(workload.kind, change.list, change.index);
        operations.push(json!({"op": "test", "path": pointer, "value": change.from}));
        operations.push(json!({"op": "replace", "path": pointer, "value": change.to}));
    }
    if read.has_annotations {
        // RFC 6901: a slash in a name is written ~1.
        let pointer = format!("/metadata/annotations/{}", CHANGE_CAUSE.replace('/', "~1"));
        operations.push(json!({"op": "add", "path": pointer, "value": change_cause}));
    } else {
        // Adding the map would replace one that came meanwhile.
        let version = &read.resource_version;
        operations.insert(0, json!({"op": "test", "path": "/metadata/resourceVersion", "value": version}));
        operations.push(
            json!({"op": "add", "path": "/metadata/annotations", "value": {CHANGE_CAUSE: change_cause}}),
        );
    }
    operations.into()
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
    use super::super::kind::Kind;
    use super::*;

    fn object(value: Value) -> Read {
        Read::of(&serde_json::from_value(value).unwrap())
    }

    fn change(name: &str, list: ContainerList) -> ImageChange {
        ImageChange {
            list,
            index: 0,
            name: name.into(),
            from: "ghcr.io/acme/web:1".into(),
            to: "ghcr.io/acme/web:2".into(),
        }
    }

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
    fn images_of_built_in_kinds_are_merged_by_name_at_the_version_that_was_read() {
        let job = Workload::new("rec", Kind::CronJob, "nightly").unwrap();
        let read = object(json!({"metadata": {"resourceVersion": "7"}}));
        let changes =
            [change("job", ContainerList::Containers), change("init", ContainerList::InitContainers)];
        let patch = set_image(&job, &read, &changes, "boathook: x", "boathook");
        assert_eq!(
            patch.body,
            json!({
                "metadata": {"resourceVersion": "7", "annotations": {"kubernetes.io/change-cause": "boathook: x"}},
                "spec": {"jobTemplate": {"spec": {"template": {"spec": {
                    "containers": [{"name": "job", "image": "ghcr.io/acme/web:2"}],
                    "initContainers": [{"name": "init", "image": "ghcr.io/acme/web:2"}],
                }}}}},
            })
        );
    }

    #[test]
    fn images_of_custom_resources_are_tested_and_replaced_in_place() {
        let game = Workload::new("rec", Kind::Ksvc, "game").unwrap();
        let changes = [change("", ContainerList::Containers)];
        let image = "/spec/template/spec/containers/0/image";
        let read = object(json!({"metadata": {"resourceVersion": "7", "annotations": {}}}));
        let patch = set_image(&game, &read, &changes, "c", "boathook");
        assert_eq!(patch.content_type, "application/json-patch+json");
        assert_eq!(
            patch.body,
            json!([
                {"op": "test", "path": image, "value": "ghcr.io/acme/web:1"},
                {"op": "replace", "path": image, "value": "ghcr.io/acme/web:2"},
                {"op": "add", "path": "/metadata/annotations/kubernetes.io~1change-cause", "value": "c"},
            ])
        );
        let bare = object(json!({"metadata": {"resourceVersion": "7"}}));
        let patch = set_image(&game, &bare, &changes, "c", "boathook");
        assert_eq!(patch.body[0], json!({"op": "test", "path": "/metadata/resourceVersion", "value": "7"}));
        assert_eq!(patch.body[3]["value"], json!({"kubernetes.io/change-cause": "c"}));
    }
}

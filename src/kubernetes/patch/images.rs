//! The patch that sets images, and what they are pulled by, of containers that were read.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{CHANGE_CAUSE, JSON_PATCH, PatchRequest, STRATEGIC_MERGE, request};
use crate::kubernetes::kind::Workload;
use crate::kubernetes::object::{ContainerList, Object, container_pointer};

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

/// A container whose image changes, or what it is pulled by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageChange {
    /// Where it stands.
    pub list: ContainerList,
    /// Its place in that list.
    pub index: usize,
    /// Its name; only a custom resource's may be empty.
    pub name: String,
    /// The image that is there.
    pub from: String,
    /// The image that shall be there.
    pub to: String,
    /// What becomes of its `imagePullPolicy`, if anything does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyChange>,
}

/// Another `imagePullPolicy`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyChange {
    /// The one that is there; a custom resource may have none.
    pub from: Option<String>,
    /// The one that shall be there; none on the way back to none.
    pub to: Option<String>,
}

impl ImageChange {
    /// Whether another change is of the same container: by name, since its place may have changed.
    pub fn is_of_same_container(&self, other: &Self) -> bool {
        self.list == other.list
            && if self.name.is_empty() { self.index == other.index } else { self.name == other.name }
    }

    /// This change, counted from what was there before an earlier one that it took the place of.
    #[must_use]
    pub fn after(self, earlier: &Self) -> Self {
        let policy = match (&earlier.policy, self.policy) {
            (Some(earlier), None) => Some(earlier.clone()),
            (Some(earlier), Some(policy)) if earlier.to == policy.from => {
                Some(PolicyChange { from: earlier.from.clone(), ..policy })
            }
            (_, policy) => policy,
        };
        Self { from: earlier.from.clone(), policy, ..self }
    }

    /// The change that undoes this one.
    #[must_use]
    pub fn reversed(&self) -> Self {
        let policy = self.policy.as_ref();
        Self {
            from: self.to.clone(),
            to: self.from.clone(),
            policy: policy.map(|policy| PolicyChange { from: policy.to.clone(), to: policy.from.clone() }),
            ..self.clone()
        }
    }
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
        let mut operations = json_images(workload, changes);
        operations.push(cause(read, change_cause));
        // What is not there cannot be tested, and adding it would replace what came meanwhile.
        let adds = changes.iter().any(|c| c.policy.as_ref().is_some_and(|policy| policy.from.is_none()));
        if adds || !read.has_annotations {
            operations.insert(0, test_version(read));
        }
        request(workload, JSON_PATCH, operations.into(), manager)
    }
}

fn strategic_images(workload: &Workload, read: &Read, changes: &[ImageChange], change_cause: &str) -> Value {
    let mut pod = serde_json::Map::new();
    for list in [ContainerList::Containers, ContainerList::InitContainers] {
        let of_list = changes.iter().filter(|change| change.list == list);
        let containers: Vec<_> = of_list.map(strategic_container).collect();
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

fn strategic_container(change: &ImageChange) -> Value {
    // Without a policy to go back to, null takes it away.
    match &change.policy {
        Some(policy) => json!({"name": change.name, "image": change.to, "imagePullPolicy": policy.to}),
        None => json!({"name": change.name, "image": change.to}),
    }
}

/// The operations of a JSON patch that set images, each after a test of what is there.
pub(super) fn json_images(workload: &Workload, changes: &[ImageChange]) -> Vec<Value> {
    let mut operations = Vec::new();
    for change in changes {
        let container = container_pointer(workload.kind, change.list, change.index);
        let image = format!("{container}/image");
        operations.push(json!({"op": "test", "path": image, "value": change.from}));
        if change.to != change.from {
            operations.push(json!({"op": "replace", "path": image, "value": change.to}));
        }
        if let Some(policy) = &change.policy {
            json_policy(&mut operations, &format!("{container}/imagePullPolicy"), policy);
        }
    }
    operations
}

/// The operation that says why something was changed.
pub(super) fn cause(read: &Read, change_cause: &str) -> Value {
    if !read.has_annotations {
        let annotations = json!({CHANGE_CAUSE: change_cause});
        return json!({"op": "add", "path": "/metadata/annotations", "value": annotations});
    }
    // RFC 6901: a slash in a name is written ~1.
    let pointer = format!("/metadata/annotations/{}", CHANGE_CAUSE.replace('/', "~1"));
    json!({"op": "add", "path": pointer, "value": change_cause})
}

/// The operation that fails if the object has changed since it was read.
pub(super) fn test_version(read: &Read) -> Value {
    json!({"op": "test", "path": "/metadata/resourceVersion", "value": read.resource_version})
}

fn json_policy(operations: &mut Vec<Value>, path: &str, policy: &PolicyChange) {
    if let Some(from) = &policy.from {
        operations.push(json!({"op": "test", "path": path, "value": from}));
    }
    // Add replaces what is there.
    operations.push(match &policy.to {
        Some(to) => json!({"op": "add", "path": path, "value": to}),
        None => json!({"op": "remove", "path": path}),
    });
}

#[cfg(test)]
mod tests;

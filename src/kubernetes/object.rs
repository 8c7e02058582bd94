//! What is read of a workload: the few fields that decide what to do. The rest, and above all managedFields
//! and environment variables, is never kept: not in annotations either, where `kubectl apply` repeats the object.

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize};

use super::kind::Kind;

/// A workload as the API showed it.
#[derive(Clone, Debug, Deserialize)]
pub struct Object {
    /// The object's metadata.
    #[serde(default)]
    pub metadata: Metadata,
    #[serde(default, deserialize_with = "or_default")]
    spec: Spec,
}

/// The metadata that matter.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Metadata {
    /// The object's name.
    pub name: String,
    /// g
    pub generation: i64,
    /// For optimistic concurrency.
    pub resource_version: String,
    /// Whether the object has annotations at all, which a JSON patch must know.
    #[serde(rename = "annotations", deserialize_with = "is_there")]
    pub has_annotations: bool,
    /// Set once the object is being deleted.
    pub deletion_timestamp: Option<String>,
    #[serde(deserialize_with = "or_default")]
    owner_references: Vec<OwnerReference>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct OwnerReference {
    kind: String,
    name: String,
    controller: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Spec {
    paused: bool,
    template: Option<Template>,
    job_template: Option<JobTemplate>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct JobTemplate {
    #[serde(deserialize_with = "or_default")]
    spec: JobSpec,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct JobSpec {
    template: Option<Template>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Template {
    #[serde(deserialize_with = "or_default")]
    metadata: TemplateMetadata,
    #[serde(deserialize_with = "or_default")]
    spec: PodSpec,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct TemplateMetadata {
    #[serde(deserialize_with = "or_default")]
    annotations: TemplateAnnotations,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct TemplateAnnotations {
    #[serde(rename = "kubectl.kubernetes.io/restartedAt")]
    restarted_at: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PodSpec {
    #[serde(deserialize_with = "or_default")]
    containers: Vec<Container>,
    #[serde(deserialize_with = "or_default")]
    init_containers: Vec<Container>,
}

/// A custom resource may say `null` where it has nothing; one such object must not spoil a whole list.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(value: D) -> Result<T, D::Error> {
    Option::deserialize(value).map(Option::unwrap_or_default)
}

/// Whether there is something, without a copy of it.
fn is_there<'de, D: Deserializer<'de>>(value: D) -> Result<bool, D::Error> {
    Option::<IgnoredAny>::deserialize(value).map(|there| there.is_some())
}

/// A container of the pod template.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Container {
    /// Empty for the only container of a Knative Service that names none.
    pub name: String,
    /// As it is spelt there.
    pub image: String,
}

/// Which list of the pod template a container stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ContainerList {
    /// `containers`
    Containers,
    /// `initContainers`
    InitContainers,
}

impl ContainerList {
    /// The field's name.
    pub fn field(self) -> &'static str {
        match self {
            Self::Containers => "containers",
            Self::InitContainers => "initContainers",
        }
    }
}

impl Object {
    /// Every container with its list and its place there.
    pub fn containers(&self) -> impl Iterator<Item = (ContainerList, usize, &Container)> {
        let spec = self.template().map(|template| &template.spec);
        let list = move |list, containers: fn(&PodSpec) -> &Vec<Container>| {
            spec.into_iter().flat_map(containers).enumerate().map(move |(i, container)| (list, i, container))
        };
        let containers = list(ContainerList::Containers, |spec| &spec.containers);
        containers.chain(list(ContainerList::InitContainers, |spec| &spec.init_containers))
    }

    /// The pod template's annotation [`RESTARTED_AT`](super::patch::RESTARTED_AT).
    pub fn restarted_at(&self) -> Option<&str> {
        self.template()?.metadata.annotations.restarted_at.as_deref()
    }

    /// Whether a Deployment is paused: it takes changes and rolls nothing out.
    pub fn is_paused(&self) -> bool {
        self.spec.paused
    }

    /// Whether the object is being deleted.
    pub fn is_deleting(&self) -> bool {
        self.metadata.deletion_timestamp.is_some()
    }

    /// What controls this object and would undo a change of it (`Revision game-00001`), if anything does.
    pub fn controller(&self) -> Option<String> {
        let owner = self.metadata.owner_references.iter().find(|owner| owner.controller)?;
        Some(format!("{} {}", owner.kind, owner.name))
    }

    fn template(&self) -> Option<&Template> {
        self.spec.template.as_ref().or_else(|| self.spec.job_template.as_ref()?.spec.template.as_ref())
    }
}

/// One page of a list.
#[derive(Debug, Deserialize)]
pub(super) struct Page {
    #[serde(default)]
    pub(super) metadata: ListMetadata,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) items: Vec<Object>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct ListMetadata {
    /// The next page's token.
    #[serde(rename = "continue", default)]
    pub(super) next: Option<String>,
}

/// A place in the pod template of a kind, as a JSON pointer.
pub fn image_pointer(kind: Kind, list: ContainerList, index: usize) -> String {
    format!("{}/spec/{}/{index}/image", kind.template(), list.field())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::patch::RESTARTED_AT;
    use super::*;

    #[test]
    fn containers_are_found_wherever_the_template_is() {
        let pod = json!({"spec": {
            "containers": [{"name": "web", "image": "web:1", "env": [{"name": "A", "value": "secret"}]}, {"image": "x"}],
            "initContainers": [{"name": "migrate", "image": "web:1"}],
        }});
        for spec in [json!({"template": pod}), json!({"jobTemplate": {"spec": {"template": pod}}})] {
            let object: Object =
                serde_json::from_value(json!({"metadata": {"name": "a"}, "spec": spec})).unwrap();
            let found: Vec<_> =
                object.containers().map(|(list, i, c)| (list.field(), i, c.name.as_str())).collect();
            assert_eq!(
                found,
                [("containers", 0, "web"), ("containers", 1, ""), ("initContainers", 0, "migrate")]
            );
            assert!(!format!("{object:?}").contains("secret"));
        }
    }

    #[test]
    fn of_annotations_only_what_decides_something_is_kept() {
        let applied = "kubectl.kubernetes.io/last-applied-configuration";
        let object: Object = serde_json::from_value(json!({
            "metadata": {"annotations": {applied: "{\"env\": \"secret\"}"}},
            "spec": {"template": {"metadata": {"annotations": {applied: "secret", RESTARTED_AT: "then"}}}},
        }))
        .unwrap();
        assert!(object.metadata.has_annotations);
        assert_eq!(object.restarted_at(), Some("then"));
        assert!(!format!("{object:?}").contains("secret"));
        for none in [json!({}), json!({"annotations": null})] {
            let pod = json!({"template": {"metadata": none}});
            let object: Object = serde_json::from_value(json!({"metadata": none, "spec": pod})).unwrap();
            assert!(!object.metadata.has_annotations && object.restarted_at().is_none());
        }
    }

    #[test]
    fn nothing_may_be_written_as_null() {
        let nothing = json!({"metadata": {"name": "a", "annotations": null, "ownerReferences": null}, "spec": {
            "template": {"metadata": null, "spec": {"containers": null, "initContainers": null}}}});
        let page: Page = serde_json::from_value(json!({"items": [nothing, {"spec": null}]})).unwrap();
        assert!(page.items.iter().all(|object| object.containers().next().is_none()));
        let page: Page =
            serde_json::from_value(json!({"items": null, "metadata": {"continue": null}})).unwrap();
        assert!(page.items.is_empty() && page.metadata.next.is_none());
    }

    #[test]
    fn what_controls_an_object_is_named() {
        let owner =
            json!([{"kind": "X", "name": "x"}, {"kind": "Revision", "name": "game-1", "controller": true}]);
        let object = json!({"metadata": {"name": "a", "ownerReferences": owner}});
        let object: Object = serde_json::from_value(object).unwrap();
        assert_eq!(object.controller().unwrap(), "Revision game-1");
    }
}

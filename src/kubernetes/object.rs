//! What is read of a workload: the few fields that decide what to do. The rest, and above all managedFields
//! and environment variables, is never kept: not in annotations either, where `kubectl apply` repeats the object.

mod metadata;
mod spec;
mod status;
pub mod traffic;

use serde::{Deserialize, Deserializer, Serialize};

pub use self::metadata::Metadata;
pub(crate) use self::metadata::OwnerReference;
pub(crate) use self::spec::LabelSelector;
use self::spec::Spec;
pub(crate) use self::status::{Condition, Status};
pub use self::traffic::{Shares, Traffic};
use super::kind::Kind;

/// A workload as the API showed it.
#[derive(Clone, Debug, Deserialize)]
pub struct Object {
    /// The object's metadata.
    #[serde(default)]
    pub metadata: Metadata,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) spec: Spec,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) status: Status,
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
pub(crate) fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    value: D,
) -> Result<T, D::Error> {
    Option::deserialize(value).map(Option::unwrap_or_default)
}

/// A container of the pod template.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Container {
    /// Empty for the only container of a Knative Service that names none.
    pub name: String,
    /// As it is spelt there.
    pub image: String,
    /// When it is pulled; a custom resource may leave it open.
    pub image_pull_policy: Option<String>,
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
    /// What is read of an object that was read whole. Through its text: what reads a workload from a `Value` would be
    /// 100 KiB of code that nothing else needs.
    pub fn of(whole: &serde_json::Value) -> serde_json::Result<Self> {
        serde_json::from_slice(&serde_json::to_vec(whole)?)
    }

    /// Every container with its list and its place there.
    pub fn containers(&self) -> impl Iterator<Item = (ContainerList, usize, &Container)> {
        let spec = self.template().map(|template| &template.spec);
        let list = move |list, containers: fn(&PodSpec) -> &Vec<Container>| {
            spec.into_iter().flat_map(containers).enumerate().map(move |(i, container)| (list, i, container))
        };
        let containers = list(ContainerList::Containers, |spec| &spec.containers);
        containers.chain(list(ContainerList::InitContainers, |spec| &spec.init_containers))
    }

    /// The pod template's annotation [`RESTARTED_AT`](super::patch::RESTARTED_AT); of Argo Rollouts their own field.
    pub fn restarted_at(&self) -> Option<&str> {
        let field = self.spec.restart_at.as_deref();
        field.or_else(|| self.template()?.metadata.annotations.restarted_at.as_deref())
    }

    /// The workload that has the pod template in the place of this one (`deployment/web`), if another has.
    pub fn template_elsewhere(&self) -> Option<String> {
        let reference = self.spec.workload_ref.as_ref()?;
        Some(format!("{}/{}", reference.kind.to_ascii_lowercase(), reference.name))
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
        let owner = self.metadata.controller()?;
        Some(format!("{} {}", owner.kind, owner.name))
    }

    fn template(&self) -> Option<&Template> {
        self.spec.template.as_ref().or_else(|| self.spec.job_template.as_ref()?.spec.template.as_ref())
    }
}

/// A container's place in objects of a kind, as a JSON pointer.
pub fn container_pointer(kind: Kind, list: ContainerList, index: usize) -> String {
    format!("{}/spec/{}/{index}", kind.template(), list.field())
}

#[cfg(test)]
mod tests;

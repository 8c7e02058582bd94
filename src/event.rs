//! What a delivery says happened, in boathook's own words: no sender's vocabulary passes this point.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::image::{Digest, Repository};

/// One thing that a delivery says. The JSON form is the contract of `explain --json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Event {
    /// An image was pushed to a registry.
    Image(ImagePushed),
    /// A branch or tag was pushed to a code host.
    Git(GitPushed),
    /// A CI run succeeded.
    Pipeline(GitPushed),
    /// Somebody asks for a deployment.
    Deploy(Box<DeployRequest>),
    /// The sender tests the connection.
    Ping,
    /// Authentic, but nothing that can be acted on.
    Ignored {
        /// Why, for a person.
        reason: String,
    },
}

impl Event {
    /// The word for this kind of event in configurations, logs and `explain`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Image(_) => "image",
            Self::Git(_) => "git",
            Self::Pipeline(_) => "pipeline",
            Self::Deploy(_) => "deploy",
            Self::Ping => "ping",
            Self::Ignored { .. } => "ignored",
        }
    }

    /// The `deployment_id` of a deploy request.
    pub fn deployment_id(&self) -> Option<&str> {
        match self {
            Self::Deploy(request) => Some(&request.id),
            _ => None,
        }
    }

    /// An [`Event::Ignored`] with this reason.
    pub fn ignored(reason: impl Into<String>) -> Self {
        Self::Ignored { reason: reason.into() }
    }
}

/// An image that was pushed: its repository, the tags that the delivery names, the manifest's digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImagePushed {
    /// Normalised, without tag.
    pub repository: Repository,
    /// Never empty: a push without a tag is [`Event::Ignored`].
    pub tags: Vec<String>,
    /// Absent when the sender names none or names one that is not valid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
}

/// A branch or tag that was pushed, or on which a CI run succeeded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitPushed {
    /// `acme/web`, with every group of a nested GitLab project.
    pub repository: String,
    /// Where it can be cloned from; the SSH form, which Flux v1 compares with, comes first.
    pub urls: Vec<String>,
    /// What moved.
    #[serde(flatten)]
    pub reference: GitRef,
    /// The commit, never an annotated tag's object; absent when the sender does not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
}

/// The short name of a branch (`main`, `feature/x`) or of a tag (`v1.2.3`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum GitRef {
    /// Without `refs/heads/`.
    Branch(String),
    /// Without `refs/tags/`.
    Tag(String),
}

impl GitRef {
    /// Reads a full reference (`refs/heads/main`); `None` for one that is neither a branch nor a tag.
    pub fn from_full(reference: &str) -> Option<Self> {
        let branch = reference.strip_prefix("refs/heads/").map(|name| Self::Branch(name.to_owned()));
        branch.or_else(|| reference.strip_prefix("refs/tags/").map(|name| Self::Tag(name.to_owned())))
    }

    /// The full reference, as Git writes it.
    pub fn full(&self) -> String {
        match self {
            Self::Branch(name) => format!("refs/heads/{name}"),
            Self::Tag(name) => format!("refs/tags/{name}"),
        }
    }
}

/// An explicit request of a CI job: this image, there, this way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeployRequest {
    /// `development`, `production`, …
    pub environment: String,
    /// Normalised repository of the image.
    pub image: Repository,
    /// The image's tag; empty when only a digest is given.
    pub tag: String,
    /// The image's digest, where the request pins one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// A valid Kubernetes namespace name.
    pub namespace: String,
    /// A valid Kubernetes object name.
    pub workload: String,
    /// `deployment_id`: the identity of the request.
    pub id: String,
    /// The commit that was built.
    pub commit: String,
    /// Who asks.
    pub by: String,
    /// `rolling`, `blue-green`, …
    pub strategy: String,
    /// Whether later environments may follow by themselves.
    pub auto_promotion: bool,
    /// Further fields that the endpoint's rules ask for, by JSON pointer: nothing else of the body is kept.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub asked: BTreeMap<String, String>,
}

impl DeployRequest {
    /// Whether another request is for the same image in the same environment.
    pub fn is_of_same(&self, other: &Self) -> bool {
        self.environment == other.environment
            && self.image == other.image
            && self.tag == other.tag
            && self.digest == other.digest
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_is_the_contract_of_explain() {
        let image = Event::Image(ImagePushed {
            repository: Repository::parse("nginx").unwrap(),
            tags: vec!["3.10".into()],
            digest: None,
        });
        let expected = json!({"kind": "image", "repository": "docker.io/library/nginx", "tags": ["3.10"]});
        assert_eq!(serde_json::to_value(&image).unwrap(), expected);

        let git = Event::Git(GitPushed {
            repository: "acme/web".into(),
            urls: vec!["git@example.com:acme/web.git".into()],
            reference: GitRef::Tag("v1".into()),
            commit: None,
        });
        let expected = json!({"kind": "git", "repository": "acme/web", "urls": ["git@example.com:acme/web.git"], "tag": "v1"});
        assert_eq!(serde_json::to_value(&git).unwrap(), expected);
        assert_eq!(serde_json::from_value::<Event>(expected).unwrap(), git);
        assert_eq!(serde_json::to_value(Event::Ping).unwrap(), json!({"kind": "ping"}));
    }

    #[test]
    fn full_references_round_trip() {
        for full in ["refs/heads/feature/x", "refs/tags/v1"] {
            assert_eq!(GitRef::from_full(full).unwrap().full(), full);
        }
        assert_eq!(GitRef::from_full("refs/merge-requests/1/head"), None);
    }
}

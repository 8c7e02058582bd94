//! What an event is about: of two events about the same subject that wait for the same rule, the newer one
//! supersedes the older.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::shown::shorten;
use crate::event::{Event, GitRef};
use crate::image::Repository;

/// What an event is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Subject {
    /// An image's repository; its tags are one subject, as each takes the place of another.
    Image(Repository),
    /// A branch, whether it was pushed or a run on it succeeded.
    Branch {
        /// `acme/web`.
        repository: String,
        /// Without `refs/heads/`.
        branch: String,
    },
    /// A Git tag: each is a subject of its own.
    Tag {
        /// `acme/web`.
        repository: String,
        /// Without `refs/tags/`.
        tag: String,
    },
    /// A workload in an environment that somebody wants deployed.
    Deploy {
        /// `production`, …
        environment: String,
        /// Where the workload is.
        namespace: String,
        /// The workload's name.
        workload: String,
    },
}

impl Subject {
    /// The subject of an event; `None` for those that no rule acts on.
    pub fn of(event: &Event) -> Option<Self> {
        match event {
            Event::Image(image) => Some(Self::Image(image.repository.clone())),
            Event::Git(git) | Event::Pipeline(git) => {
                let repository = git.repository.clone();
                Some(match &git.reference {
                    GitRef::Branch(branch) => Self::Branch { repository, branch: branch.clone() },
                    GitRef::Tag(tag) => Self::Tag { repository, tag: tag.clone() },
                })
            }
            Event::Deploy(deploy) => Some(Self::Deploy {
                environment: deploy.environment.clone(),
                namespace: deploy.namespace.clone(),
                workload: deploy.workload.clone(),
            }),
            Event::Ping | Event::Ignored { .. } => None,
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image(repository) => write!(f, "image {repository}"),
            Self::Branch { repository, branch } => {
                write!(f, "branch {} of {}", shorten(branch), shorten(repository))
            }
            Self::Tag { repository, tag } => write!(f, "tag {} of {}", shorten(tag), shorten(repository)),
            Self::Deploy { environment, namespace, workload } => {
                write!(f, "{}/{} in {}", shorten(namespace), shorten(workload), shorten(environment))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::samples::{deploy, git, image, pipeline};

    #[test]
    fn events_about_the_same_thing_share_a_subject() {
        let of = |event: &Event| Subject::of(event).unwrap();
        assert_eq!(of(&image("nginx", &["1"])), of(&image("docker.io/library/nginx", &["2"])));
        assert_eq!(of(&git("a/b", "refs/heads/main")), of(&pipeline("a/b", "refs/heads/main")));
        let mut other_image = deploy("web", "2");
        if let Event::Deploy(deploy) = &mut other_image {
            deploy.id = "other".into();
        }
        assert_eq!(of(&deploy("nginx", "1")), of(&other_image));
        let different = [
            image("nginx", &["1"]),
            image("quay.io/a/nginx", &["1"]),
            git("a/b", "refs/heads/main"),
            git("a/b", "refs/tags/main"),
            git("a/c", "refs/heads/main"),
            deploy("nginx", "1"),
        ];
        let subjects: std::collections::HashSet<_> = different.iter().map(of).collect();
        assert_eq!(subjects.len(), different.len());
        assert_eq!(Subject::of(&Event::Ping), None);
        assert_eq!(Subject::of(&Event::ignored("x")), None);
    }

    #[test]
    fn subjects_are_shown_and_journalled() {
        for (event, shown) in [
            (image("nginx", &["1"]), "image docker.io/library/nginx"),
            (git("a/b", "refs/heads/main"), "branch main of a/b"),
            (git("a/b", "refs/tags/v1"), "tag v1 of a/b"),
            (deploy("nginx", "1"), "prod/web in production"),
        ] {
            let subject = Subject::of(&event).unwrap();
            assert_eq!(subject.to_string(), shown);
            let json = serde_json::to_string(&subject).unwrap();
            assert_eq!(serde_json::from_str::<Subject>(&json).unwrap(), subject);
        }
    }
}

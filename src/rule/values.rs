//! What a template can name, and what an event has for it.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::shown::shorten;
use crate::config::fields::suggest;
use crate::event::{Event, GitPushed, GitRef};

/// What a template can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Variable {
    /// The image's repository, normalised: `ghcr.io/acme/web`. Image and deploy events.
    Image,
    /// The Git repository (`acme/web`); for image and deploy events the image's repository without its host.
    Repository,
    /// The tag that the rule's tag policy chose; for a pushed Git tag its name.
    Tag,
    /// The manifest's digest, where the sender names it.
    Digest,
    /// The commit, where the sender names it.
    Commit,
    /// The branch of a git or pipeline event.
    Branch,
    /// Where a deploy event wants its workload.
    Namespace,
    /// What a deploy event wants to deploy.
    Workload,
    /// The environment of a deploy event.
    Environment,
    /// The delivery's id.
    Delivery,
}

impl Variable {
    const ALL: [(&'static str, Self); 10] = [
        ("image", Self::Image),
        ("repository", Self::Repository),
        ("tag", Self::Tag),
        ("digest", Self::Digest),
        ("commit", Self::Commit),
        ("branch", Self::Branch),
        ("namespace", Self::Namespace),
        ("workload", Self::Workload),
        ("environment", Self::Environment),
        ("delivery", Self::Delivery),
    ];

    /// The name between the braces.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, variable)| *variable == self).map_or("", |(name, _)| name)
    }

    /// Reads the name between the braces; the error suggests the nearest one and the escape.
    pub(super) fn parse(name: &str) -> Result<Self, String> {
        if let Some((_, variable)) = Self::ALL.iter().find(|(known, _)| *known == name) {
            return Ok(*variable);
        }
        let shown = shorten(name);
        let hint = suggest(name.trim(), &Self::ALL.map(|(name, _)| name));
        Err(format!(
            "${{{shown}}} is not a variable{hint} (write $${{{shown}}} for the text ${{{shown}}} itself)"
        ))
    }
}

impl fmt::Display for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "${{{}}}", self.name())
    }
}

/// What an event has for each variable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Values {
    /// Which kind of event, for the error about a missing value.
    kind: String,
    values: BTreeMap<Variable, String>,
}

impl Values {
    /// No values.
    #[cfg(test)]
    pub fn none() -> Self {
        Self { kind: "ping".to_owned(), values: BTreeMap::new() }
    }

    /// The values of an event, with the tag that the rule chose and the delivery's id.
    pub fn new(event: &Event, tag: Option<&str>, delivery: &str) -> Self {
        let mut values = Self { kind: event.kind().to_owned(), values: BTreeMap::new() };
        match event {
            Event::Image(image) => {
                values.set(Variable::Image, image.repository.as_str());
                values.set(Variable::Repository, image.repository.path());
                values.set(Variable::Tag, tag.unwrap_or_default());
                values.set(Variable::Digest, image.digest.as_ref().map_or("", |digest| digest.as_str()));
            }
            Event::Git(git) | Event::Pipeline(git) => values.set_git(git),
            Event::Deploy(deploy) => {
                values.set(Variable::Image, deploy.image.as_str());
                values.set(Variable::Repository, deploy.image.path());
                values.set(Variable::Tag, tag.unwrap_or(&deploy.tag));
                values.set(Variable::Digest, deploy.digest.as_ref().map_or("", |digest| digest.as_str()));
                values.set(Variable::Commit, &deploy.commit);
                values.set(Variable::Namespace, &deploy.namespace);
                values.set(Variable::Workload, &deploy.workload);
                values.set(Variable::Environment, &deploy.environment);
            }
            Event::Ping | Event::Ignored { .. } => {}
        }
        values.set(Variable::Delivery, delivery);
        values
    }

    /// The value of a variable; `None` where the event has none.
    pub fn get(&self, variable: Variable) -> Option<&str> {
        self.values.get(&variable).map(String::as_str)
    }

    /// The value of a variable; the error says why the event has none.
    pub fn required(&self, variable: Variable) -> Result<&str, String> {
        self.get(variable).ok_or_else(|| self.missing(variable))
    }

    fn set_git(&mut self, git: &GitPushed) {
        self.set(Variable::Repository, &git.repository);
        match &git.reference {
            GitRef::Branch(branch) => self.set(Variable::Branch, branch),
            GitRef::Tag(tag) => self.set(Variable::Tag, tag),
        }
        self.set(Variable::Commit, git.commit.as_deref().unwrap_or_default());
    }

    /// An empty text is no value: rendered it would silently make a different name.
    fn set(&mut self, variable: Variable, value: &str) {
        if !value.is_empty() {
            self.values.insert(variable, value.to_owned());
        }
    }

    /// Why a variable has no value, for a person.
    fn missing(&self, variable: Variable) -> String {
        let article = if self.kind.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
        let why = match variable {
            Variable::Digest if matches!(self.kind.as_str(), "image" | "deploy") => ": its sender named none",
            Variable::Commit if self.kind != "image" => ": its sender named none",
            Variable::Branch if self.values.contains_key(&Variable::Tag) && self.kind != "image" => {
                " for a tag"
            }
            Variable::Tag if self.values.contains_key(&Variable::Branch) => " for a branch",
            _ => "",
        };
        format!("{article} {} event has no {variable}{why}", self.kind)
    }
}

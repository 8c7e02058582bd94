//! What actions work with: the event, the APIs; and what they say of their work.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::apply::Placed;
use crate::event::Event;
use crate::flux::{self, FluxAccess};
use crate::kubernetes::patch::ImageChange;
use crate::kubernetes::{self, Access, AnyObject, ApiError, Workload};
use crate::rule::{TagPolicy, Values};
use crate::run::outcome::Outcome;
use crate::text::shorten;

/// The APIs that changes are made through.
#[derive(Debug)]
pub struct Api {
    /// Kubernetes.
    pub kubernetes: kubernetes::Client,
    /// Flux v1.
    pub flux: flux::Client,
}

impl Api {
    /// Clients that have not connected yet. Fails if certificates cannot be read.
    pub fn new(kubernetes: &Access, flux: &FluxAccess) -> Result<Self, String> {
        Ok(Self { kubernetes: kubernetes::Client::new(kubernetes)?, flux: flux::Client::new(flux) })
    }
}

/// What an action is carried out for.
#[derive(Debug)]
pub struct Context<'a> {
    /// What happened.
    pub event: &'a Event,
    /// What the event has for templates.
    pub values: Values,
    /// The tag that the rule chose.
    pub tag: Option<&'a str>,
    /// The rule's tag filter.
    pub policy: Option<&'a TagPolicy>,
    /// The source's name.
    pub source: &'a str,
    /// The delivery's id.
    pub delivery: &'a str,
    /// From when on a restart is what is asked for, whoever made it: when the event was received, or the step before
    /// ended.
    pub since: Timestamp,
    /// Now.
    pub now: Timestamp,
    /// What this version is held by on the target, in words: it is not applied there.
    pub held: Option<String>,
    /// What runs whose place this one took have set on the target, if nobody knows yet whether it comes up.
    pub unproven: Vec<ImageChange>,
    /// The change may have been made before the process was killed.
    pub resumed: bool,
    /// The change may have been made by an earlier try, of this process or of the one before.
    pub tried: bool,
}

impl<'a> Context<'a> {
    /// A context for one attempt.
    pub fn new(
        event: &'a Event,
        tag: Option<&'a str>,
        policy: Option<&'a TagPolicy>,
        source: &'a str,
        delivery: &'a str,
        received: Timestamp,
        now: Timestamp,
    ) -> Self {
        let values = Values::new(event, tag, delivery);
        let since = received;
        Self {
            event,
            values,
            tag,
            policy,
            source,
            delivery,
            since,
            now,
            held: None,
            unproven: Vec::new(),
            resumed: false,
            tried: false,
        }
    }

    /// Why something changed, for `kubectl rollout history`:
    /// `boathook: ghcr.io/acme/web:1.2.3, GitHub delivery 72d3162e`.
    pub fn change_cause(&self) -> String {
        let what = match self.event {
            Event::Image(image) => image_and_tag(image.repository.as_str(), self.tag),
            Event::Deploy(deploy) => match (self.tag.filter(|tag| !tag.is_empty()), &deploy.digest) {
                (None, Some(digest)) => format!("{}@{digest}", deploy.image),
                (tag, _) => image_and_tag(deploy.image.as_str(), tag),
            },
            Event::Git(git) | Event::Pipeline(git) => format!("{} {}", git.repository, git.reference.full()),
            Event::Ping | Event::Ignored { .. } => self.event.kind().to_owned(),
        };
        let id: String = self.delivery.chars().take(8).collect();
        // A repository or branch may be named at any length; what an object carries in annotations is limited.
        format!("boathook: {}, {} delivery {id}", shorten(&what), self.source)
    }
}

fn image_and_tag(repository: &str, tag: Option<&str>) -> String {
    tag.map_or_else(|| repository.to_owned(), |tag| format!("{repository}:{tag}"))
}

/// What an action changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Target {
    /// A workload.
    Workload(Workload),
    /// An object of any kind.
    Object(AnyObject),
    /// An object of a directory of manifests.
    Manifest(Placed),
    /// Flux v1.
    Flux,
}

impl Target {
    /// Where it is.
    pub fn namespace(&self) -> Option<&str> {
        match self {
            Self::Workload(workload) => Some(&workload.namespace),
            Self::Object(object) | Self::Manifest(Placed { object, .. }) => {
                Some(object.namespace.as_str()).filter(|namespace| !namespace.is_empty())
            }
            Self::Flux => None,
        }
    }

    /// The workload that it is, whose rollout can be followed.
    pub fn workload(&self) -> Option<Workload> {
        match self {
            Self::Workload(workload) => Some(workload.clone()),
            Self::Manifest(placed) => placed.object.workload(),
            Self::Object(_) | Self::Flux => None,
        }
    }

    /// Targets of a step that have a lower one must end well before this one is begun.
    pub fn wave(&self) -> usize {
        match self {
            Self::Manifest(placed) => placed.wave(),
            Self::Workload(_) | Self::Object(_) | Self::Flux => 0,
        }
    }

    /// `default/deployment/web`: unlike any other target's.
    pub fn full_name(&self) -> String {
        self.namespace().map_or_else(|| self.to_string(), |namespace| format!("{namespace}/{self}"))
    }
}

/// `deployment/web`
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Workload(workload) => workload.fmt(f),
            Self::Object(object) | Self::Manifest(Placed { object, .. }) => object.fmt(f),
            Self::Flux => f.write_str("flux"),
        }
    }
}

/// The targets of a step.
#[derive(Debug, Default)]
pub struct Found {
    /// What there is to change.
    pub targets: Vec<Target>,
    /// What was looked for and passed over, and why.
    pub skipped: Vec<(String, String)>,
}

impl Found {
    /// Exactly these, each once.
    pub fn these(targets: Vec<Target>) -> Self {
        let mut found = Self::default();
        for target in targets {
            if !found.targets.contains(&target) {
                found.targets.push(target);
            }
        }
        found
    }
}

/// Why a target is left as it is.
#[derive(Debug, PartialEq, Eq)]
pub struct Done {
    /// Unchanged, skipped or held.
    pub outcome: Outcome,
    /// One sentence for a person.
    pub reason: String,
}

impl Done {
    pub(super) fn unchanged(reason: impl Into<String>) -> Self {
        Self { outcome: Outcome::Unchanged, reason: reason.into() }
    }

    pub(super) fn held(reason: impl Into<String>) -> Self {
        Self { outcome: Outcome::Held, reason: reason.into() }
    }

    pub(super) fn skipped(reason: impl Into<String>) -> Self {
        Self { outcome: Outcome::Skipped, reason: reason.into() }
    }
}

/// Why something was not done.
#[derive(Debug, PartialEq, Eq)]
pub struct Failure {
    /// One sentence for a person.
    pub reason: String,
    /// `None`: another try cannot help.
    pub retry: Option<Retry>,
}

/// Another try may help.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retry {
    /// How long the server asks to wait.
    pub after: Option<Duration>,
}

impl Failure {
    /// A failure that passes by itself.
    pub fn again(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), retry: Some(Retry::default()) }
    }

    /// A failure that another try cannot mend.
    pub fn last(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), retry: None }
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self { reason: error.to_string(), retry: error.retry().map(|after| Retry { after }) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{DIGEST, context, deploy, git, pushed};
    use super::*;

    #[test]
    fn the_cause_of_a_change_is_told_in_one_short_line() {
        let cause = |event: &Event, tag| context(event, tag, None).change_cause();
        let image = pushed("ghcr.io/acme/web", "1.2.3");
        assert_eq!(
            cause(&image, Some("1.2.3")),
            "boathook: ghcr.io/acme/web:1.2.3, GitHub delivery 72d3162e"
        );
        assert_eq!(cause(&git(), None), "boathook: acme/web refs/heads/main, GitHub delivery 72d3162e");
        let pinned = deploy("ghcr.io/acme/web", "", Some(DIGEST));
        let expected = format!("boathook: ghcr.io/acme/web@{DIGEST}, GitHub delivery 72d3162e");
        assert_eq!(cause(&pinned, Some("")), expected);
        let Event::Git(mut long) = git() else { panic!("not a push") };
        long.repository = "a\n".repeat(100_000);
        let told = cause(&Event::Git(long), None);
        assert!(told.len() < 400 && !told.contains('\n') && told.ends_with("delivery 72d3162e"), "{told}");
    }
}

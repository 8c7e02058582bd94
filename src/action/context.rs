//! What actions work with: the event, the APIs; and what they say of their work.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::reconcile::FluxObject;
use crate::event::Event;
use crate::flux::{self, FluxAccess};
use crate::kubernetes::{self, Access, ApiError, PatchRequest, Workload};
use crate::rule::{TagPolicy, Values};
use crate::run::outcome::Outcome;

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
    /// When the event was received.
    pub received: Timestamp,
    /// Now.
    pub now: Timestamp,
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
        Self { event, values, tag, policy, source, delivery, received, now }
    }

    /// Why something changed, for `kubectl rollout history`:
    /// `boathook: ghcr.io/acme/web:1.2.3, GitHub delivery 72d3162e`.
    pub fn change_cause(&self) -> String {
        let what = match self.event {
            Event::Image(image) => image_and_tag(image.repository.as_str(), self.tag),
            Event::Deploy(deploy) => {
                image_and_tag(deploy.image.as_str(), self.tag.filter(|tag| !tag.is_empty()))
            }
            Event::Git(git) | Event::Pipeline(git) => format!("{} {}", git.repository, git.reference.full()),
            Event::Ping | Event::Ignored { .. } => self.event.kind().to_owned(),
        };
        let id: String = self.delivery.chars().take(8).collect();
        format!("boathook: {what}, {} delivery {id}", self.source)
    }
}

fn image_and_tag(repository: &str, tag: Option<&str>) -> String {
    tag.map_or_else(|| repository.to_owned(), |tag| format!("{repository}:{tag}"))
}

/// What an action changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A workload.
    Workload(Workload),
    /// An object of Flux v2.
    Object(FluxObject),
    /// Flux v1.
    Flux,
}

impl Target {
    /// Where it is.
    pub fn namespace(&self) -> Option<&str> {
        match self {
            Self::Workload(workload) => Some(&workload.namespace),
            Self::Object(object) => Some(&object.namespace),
            Self::Flux => None,
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
            Self::Object(object) => object.fmt(f),
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
    /// Exactly these.
    pub fn these(targets: Vec<Target>) -> Self {
        Self { targets, skipped: Vec::new() }
    }
}

/// What became of a target.
#[derive(Debug, PartialEq, Eq)]
pub struct Done {
    /// Succeeded, unchanged or skipped.
    pub outcome: Outcome,
    /// One sentence for a person.
    pub reason: String,
}

impl Done {
    pub(super) fn succeeded(reason: impl Into<String>) -> Self {
        Self { outcome: Outcome::Succeeded, reason: reason.into() }
    }

    pub(super) fn unchanged(reason: impl Into<String>) -> Self {
        Self { outcome: Outcome::Unchanged, reason: reason.into() }
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

/// A request that would change something; its JSON is part of the contract of `explain --json`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Preview {
    /// The action that it belongs to, for a person.
    #[serde(skip)]
    action: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Value>,
    /// `live`: the request depends on what the cluster has.
    #[serde(skip_serializing_if = "Option::is_none")]
    needs: Option<&'static str>,
}

impl Preview {
    pub(super) fn patch(action: &'static str, base: &str, patch: PatchRequest) -> Self {
        Self {
            action,
            method: Some("PATCH"),
            url: Some(format!("{base}{}", patch.path)),
            content_type: Some(patch.content_type),
            body: Some(patch.body),
            needs: None,
        }
    }

    pub(super) fn post(action: &'static str, url: &str, body: Value) -> Self {
        Self {
            action,
            method: Some("POST"),
            url: Some(url.to_owned()),
            content_type: Some("application/json"),
            body: Some(body),
            needs: None,
        }
    }

    /// A request that cannot be known without the cluster; its URL perhaps can.
    pub(super) fn needs_live(action: &'static str, url: Option<String>) -> Self {
        let method = url.is_some().then_some("PATCH");
        Self { action, method, url, content_type: None, body: None, needs: Some("live") }
    }
}

impl fmt::Display for Preview {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.action)?;
        match (&self.method, &self.url) {
            (Some(method), Some(url)) => write!(f, "{method} {url}")?,
            _ => f.write_str("targets that must be looked up")?,
        }
        if let Some(content_type) = self.content_type {
            write!(f, "\n              {content_type}")?;
        }
        if let Some(body) = &self.body {
            write!(f, "\n              {body}")?;
        }
        if self.needs.is_some() {
            f.write_str(" (use --live to look in the cluster)")?;
        }
        Ok(())
    }
}

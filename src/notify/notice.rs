//! What is told of a run that has ended.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::event::Event;
use crate::rule::{Values, Variable};
use crate::run::outcome::Outcome;
use crate::run::record::Run;
use crate::run::report::{RunReport, StepReport, TargetReport};

/// How many targets are named, over all steps: a notice is kept until it is told, and nobody reads more.
const TARGETS: usize = 100;

/// The longest reason, in characters.
const REASON: usize = 2000;

/// A run that has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// The run's id, which is the notice's as well: unique, and the same however often it is sent.
    pub run: String,
    /// When the run ended.
    pub time: Timestamp,
    /// The rule's number in its endpoint, from 1.
    pub rule: usize,
    /// The delivery's id.
    pub delivery: String,
    /// When the delivery was received.
    pub received: Timestamp,
    /// The endpoint's name.
    pub endpoint: String,
    /// The source's name.
    pub source: String,
    /// Who caused it, as the sender says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// What happened.
    pub event: Event,
    /// What it was about: `image ghcr.io/acme/web`.
    pub subject: String,
    /// `ghcr.io/acme/web:1.2.3`, with the tag that the rule chose, where the event has an image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// One sentence for a person.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// What became of each action.
    pub steps: Vec<StepReport>,
    /// How many targets the steps leave out, since there are too many.
    #[serde(default)]
    pub left_out: usize,
}

impl Notice {
    /// What is told of this run, which has ended like this, at this time.
    pub fn of(run: &Run, report: &RunReport, outcome: Outcome, time: Timestamp) -> Self {
        let (steps, left_out) = bounded(&report.steps);
        Self {
            run: run.id.to_string(),
            time,
            rule: run.rule,
            delivery: run.delivery.id.clone(),
            received: run.delivery.received,
            endpoint: run.delivery.endpoint.clone(),
            source: run.delivery.source.clone(),
            actor: run.delivery.actor.clone(),
            event: run.event.clone(),
            subject: run.subject.to_string(),
            image: image(run),
            outcome,
            reason: report.reason.chars().take(REASON).collect(),
            steps,
            left_out,
        }
    }

    /// What it is about, as short as can be: the image, else the subject.
    pub fn about(&self) -> &str {
        self.image.as_deref().unwrap_or(&self.subject)
    }

    /// How long it took from the delivery to the end, in seconds.
    pub fn seconds(&self) -> f64 {
        self.time.duration_since(self.received).as_secs_f64().max(0.0)
    }

    /// Every target of every step, in order.
    pub fn targets(&self) -> impl Iterator<Item = &TargetReport> {
        self.steps.iter().filter_map(|step| step.targets.as_ref()).flatten()
    }
}

/// The image with the tag that the rule chose, else the one that the event names first.
fn image(run: &Run) -> Option<String> {
    let first = match &run.event {
        Event::Image(image) => image.tags.first().map(String::as_str),
        _ => None,
    };
    let values = Values::new(&run.event, run.tag.as_deref().or(first), &run.delivery.id);
    let repository = values.get(Variable::Image)?;
    let named = values.get(Variable::Tag).map(|tag| format!("{repository}:{tag}"));
    let pinned = || values.get(Variable::Digest).map(|digest| format!("{repository}@{digest}"));
    Some(named.or_else(pinned).unwrap_or_else(|| repository.to_owned()))
}

/// The steps with as many targets as are told, those first that did not end well, and how many that leaves out.
fn bounded(steps: &[StepReport]) -> (Vec<StepReport>, usize) {
    let (mut steps, mut room, mut left_out) = (steps.to_vec(), TARGETS, 0);
    for targets in steps.iter_mut().filter_map(|step| step.targets.as_mut()) {
        if targets.len() > room {
            targets.sort_by_key(|target| target.outcome.is_none_or(Outcome::is_good));
            left_out += targets.len() - room;
            targets.truncate(room);
        }
        room -= targets.len();
    }
    (steps, left_out)
}

#[cfg(test)]
pub(super) mod tests;

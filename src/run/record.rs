//! What is kept of deliveries and runs: the journal's records.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::outcome::Outcome;
use crate::action::Action;
use crate::event::Event;
use crate::rule::TagPolicy;
use crate::rule::{Comparison, Subject};

/// One rule applied to one event.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Run {
    /// Unique among all runs of all times: later runs sort after earlier ones.
    pub id: RunId,
    /// What it came from.
    pub delivery: Arc<Origin>,
    /// The rule's number in its endpoint, from 1.
    pub rule: usize,
    /// What happened.
    pub event: Event,
    /// What it is about.
    pub subject: Subject,
    /// Where it stands in line: newer runs of the same lane supersede it.
    pub lane: Lane,
    /// The tag that the rule chose among the event's.
    pub tag: Option<String>,
    /// The rule's tag filter, which an action may order tags by.
    pub policy: Option<TagPolicy>,
    /// The rule's actions when the event was accepted: a later configuration changes nothing here.
    pub actions: Arc<[Action]>,
    /// When and how long it may wait and be tried.
    pub timing: Timing,
    /// Set before the first request that changes something.
    #[serde(skip)]
    pub changing: Arc<AtomicBool>,
}

impl Run {
    /// Whether its tag is lower than another run's, by the order of the rule's tag filter.
    pub fn is_lower_than(&self, other: &Self) -> bool {
        let (Some(policy), Some(tag)) = (&self.policy, &self.tag) else { return false };
        policy.is_ordered() && matches!(policy.compare(other.tag.as_deref(), tag), Comparison::Older)
    }
}

/// What runs stand in line behind one another: the same actions of the same rule, on the same subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Lane([u8; 32]);

impl Lane {
    /// The lane of these parts.
    pub fn of(parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            // The length keeps the parts apart.
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        Self(hash.finalize().into())
    }
}

/// The delivery that a run came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The sender's id for it, or one made up.
    pub id: String,
    /// The endpoint's name.
    pub endpoint: String,
    /// The source's name.
    pub source: String,
    /// When it was received.
    pub received: Timestamp,
}

/// A run's waits, taken from the configuration when it was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timing {
    /// Milliseconds to wait after the last event for the same rule and subject; `None`: start at once, and
    /// let no newer run take this one's place.
    pub settle: Option<i64>,
    /// … but never longer than this after the first.
    pub max_wait: i64,
    /// How long a target that is down or refuses is tried.
    pub retry_for: i64,
}

/// A run's name: the time it was made and a number, in hex, so that they sort.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RunId(pub u64);

impl std::fmt::Display for RunId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:013x}", self.0)
    }
}

/// What became of a run, as `Prefer: wait` answers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunReport {
    /// The run.
    pub id: String,
    /// The rule's number, from 1.
    pub rule: usize,
    /// `None` while it is under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// One sentence for a person.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// In order.
    pub steps: Vec<StepReport>,
}

impl RunReport {
    /// How much it takes to remember: itself and its targets.
    pub fn weight(&self) -> usize {
        1 + self.steps.iter().filter_map(|step| step.targets.as_ref()).map(Vec::len).sum::<usize>()
    }
}

/// What became of one action of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepReport {
    /// The action's name.
    pub action: String,
    /// `None` until the step has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// `None` until they have been found.
    pub targets: Option<Vec<TargetReport>>,
}

/// What became of one target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetReport {
    /// `deployment/web`.
    pub target: String,
    /// Where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// `None` while it is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// One sentence for a person.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

//! What is kept of deliveries and runs: the journal's records.

use std::net::IpAddr;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::action::{Action, Context};
use crate::event::Event;
use crate::rule::TagPolicy;
use crate::rule::{Comparison, Subject};

/// One rule applied to one event.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Run {
    /// Unique among all runs of all times: later runs sort after earlier ones.
    pub id: RunId,
    /// What it came from; the journal keeps it once for all runs of a delivery.
    #[serde(skip)]
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
    /// Whether its tag is one that moves, such as `latest`.
    pub mutable: bool,
}

impl Run {
    /// Whether its tag is lower than another run's, by the order of the rule's tag filter.
    pub fn is_lower_than(&self, other: &Self) -> bool {
        let (Some(policy), Some(tag)) = (&self.policy, &self.tag) else { return false };
        policy.is_ordered() && matches!(policy.compare(other.tag.as_deref(), tag), Comparison::Older)
    }

    /// Whether another run of its lane takes its place: the higher tag, else the newer one. It need not come later: a
    /// delivery may have waited for the same one to be made safe.
    pub fn gives_way_to(&self, other: &Self) -> bool {
        self.is_lower_than(other) || self.id < other.id && !other.is_lower_than(self)
    }

    /// What its actions are carried out for, now.
    pub fn context(&self) -> Context<'_> {
        let Origin { source, id, received, .. } = &*self.delivery;
        let (tag, policy) = (self.tag.as_deref(), self.policy.as_ref());
        Context::new(&self.event, tag, policy, source, id, *received, Timestamp::now())
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
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The sender's id for it, or one made up.
    pub id: String,
    /// The endpoint's name.
    pub endpoint: String,
    /// The source's name.
    pub source: String,
    /// When it was received.
    pub received: Timestamp,
    /// The address that it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<IpAddr>,
    /// Who caused it (a pusher, an initiator, `triggered_by`), as the sender says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// What the delivery is known by when it comes again.
    pub mark: String,
    /// What it said, as far as it led to runs.
    pub events: Vec<Event>,
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

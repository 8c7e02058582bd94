//! What a person is told of a delivery: `boathook deliveries`, and what the journal keeps of one that has ended.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::outcome::Outcome;
use super::record::Origin;
use super::report::RunReport;
use crate::event::Event;

/// A delivery and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The sender's id for it, or one made up.
    pub id: String,
    /// The endpoint's name.
    pub endpoint: String,
    /// The source's name.
    pub source: String,
    /// When it was received.
    pub received: Timestamp,
    /// When its last run ended; `None` while one is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
    /// The address that it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Who caused it (a pusher, an initiator, `triggered_by`), as the sender says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// What it said: only the events that led to runs.
    pub events: Vec<Event>,
    /// Its runs.
    pub runs: Vec<RunReport>,
}

impl Account {
    /// A delivery with its runs as they stand.
    pub fn of(origin: &Origin, runs: Vec<RunReport>, ended: Option<Timestamp>) -> Self {
        Self {
            id: origin.id.clone(),
            endpoint: origin.endpoint.clone(),
            source: origin.source.clone(),
            received: origin.received,
            ended,
            from: origin.from.map(|address| address.to_string()),
            actor: origin.actor.clone(),
            events: origin.events.clone(),
            runs,
        }
    }

    /// Why it ended as it did, or what it waits for: the reasons of the runs that decided it.
    pub fn reason(&self) -> String {
        self.reasons(self.outcome())
    }

    /// The reasons of the runs that ended like this.
    pub fn reason_of(&self, outcome: Outcome) -> String {
        self.reasons(Some(outcome))
    }

    fn reasons(&self, outcome: Option<Outcome>) -> String {
        let decided = self.runs.iter().filter(|run| run.outcome == outcome && !run.reason.is_empty());
        decided.map(|run| run.reason.as_str()).collect::<Vec<_>>().join("; ")
    }

    /// The `deployment_id` of a deploy request.
    pub fn deployment_id(&self) -> Option<&str> {
        self.events.iter().find_map(Event::deployment_id)
    }

    /// The outcome of the whole; `None` while a run is under way.
    pub fn outcome(&self) -> Option<Outcome> {
        let outcomes = self.runs.iter().map(|run| run.outcome).collect::<Option<Vec<_>>>()?;
        Outcome::of(outcomes)
    }
}

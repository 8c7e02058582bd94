//! Versions that are held: which, and no longer.

use std::sync::Arc;

use hyper::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::page::Asked;
use crate::image::Repository;
use crate::kubernetes::Workload;
use crate::run::engine::Engine;
use crate::run::holds::{Hold, Version};
use crate::run::record::Run;
use crate::server::answer::{Answer, Problem};
use crate::text::printable;

/// A hold as it is answered.
#[derive(Debug, Serialize, Deserialize)]
pub struct Held {
    /// `default/deployment/web`
    pub workload: String,
    /// `ghcr.io/acme/web:1.2.3`, with the digest or the delivery that makes it the same one.
    pub version: String,
    /// The image's repository.
    pub repository: Repository,
    /// Its tag, where the event had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Since when.
    pub since: Timestamp,
    /// The delivery that brought it.
    pub delivery: String,
    /// What went wrong, for a person.
    pub reason: String,
}

/// An answer about holds.
#[derive(Debug, Serialize, Deserialize)]
pub struct Holds {
    /// Those that are there, or were lifted.
    pub holds: Vec<Held>,
}

impl From<Hold> for Held {
    fn from(hold: Hold) -> Self {
        let version = hold.version_text();
        let Hold { workload, repository, tag, version: _, since, delivery, reason } = hold;
        Self { workload: workload.full_name(), version, repository, tag, since, delivery, reason }
    }
}

pub(super) fn all(engine: &Engine) -> Answer {
    answer(engine.holds().into_iter().map(|(_, hold)| hold))
}

/// Lifts the holds of a workload: all, or those of one version.
pub(super) async fn lift(engine: &Engine, workload: &str, asked: &Asked) -> Result<Answer, Problem> {
    let workload = Workload::parse(workload).map_err(|why| {
        Problem::Malformed(format!(
            "{}: must be NAMESPACE/TYPE/NAME, such as default/deployment/web: {why}",
            printable(workload, 300)
        ))
    })?;
    let name = workload.full_name();
    let lifted = engine.lift(&name, asked.parameter("version")).await;
    if !lifted.is_empty() {
        return Ok(answer(lifted));
    }
    let there = engine.holds().into_iter().filter(|(_, hold)| hold.workload == workload);
    let there: Vec<_> = there.map(|(_, hold)| hold.version_text()).collect();
    let other =
        if there.is_empty() { String::new() } else { format!(" by that version, but {}", there.join(", ")) };
    Err(Problem::unknown(format!("nothing is held for {name}{other}")))
}

fn answer(holds: impl IntoIterator<Item = Hold>) -> Answer {
    Answer::json(StatusCode::OK, &Holds { holds: holds.into_iter().map(Held::from).collect() })
}

/// What is held of what these runs bring, on whatever workload, and the way out.
pub(super) fn in_the_way(holds: &[(u64, Hold)], runs: &[Arc<Run>]) -> Option<String> {
    let brought: Vec<_> = runs.iter().filter_map(|run| Version::of(run)).collect();
    let met = holds.iter().map(|(_, hold)| hold).filter(|hold| {
        brought.iter().any(|(repository, version)| *repository == hold.repository && *version == hold.version)
    });
    let told: Vec<_> = met.map(Hold::explain).collect();
    (!told.is_empty()).then(|| told.join("; "))
}

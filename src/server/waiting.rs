//! The answer to a delivery that was accepted, or had been: at once, or once its runs have ended.

use std::time::Duration;

use hyper::StatusCode;

use super::answer::{AcceptedRun, Answer, Runs, Told};
use crate::run::engine::Engine;
use crate::run::outcome::Outcome;
use crate::run::report::RunReport;
use crate::run::sameness::Seen;

/// How the caller would be answered.
pub(super) struct Wish {
    /// Held until the end, for at most this long.
    pub(super) wait: Option<Duration>,
    /// The delivery had been accepted before.
    pub(super) duplicate: bool,
    /// What is held and may stand in the way of what was accepted.
    pub(super) note: Option<String>,
}

pub(super) async fn answer(engine: &Engine, seen: Seen, wish: Wish) -> Answer {
    let Some(wait) = wish.wait else {
        let (id, runs) = looked(engine, seen).await;
        return if wish.duplicate {
            let told = Told { status: "duplicate", of: Some(&id), ..Told::default() };
            Answer::told(StatusCode::OK, &told)
        } else {
            accepted(&id, &runs, wish.note.as_deref())
        };
    };
    let ended = engine.wait(seen, wait).await;
    let (id, runs) = looked(engine, seen).await;
    let answer = if ended { outcome(&id, &runs) } else { accepted(&id, &runs, wish.note.as_deref()) };
    answer.preference_applied(wait)
}

/// What is known of a delivery; nothing once it has been forgotten.
async fn looked(engine: &Engine, seen: Seen) -> (String, Vec<RunReport>) {
    engine.look(seen).await.map(|account| (account.id, account.runs)).unwrap_or_default()
}

/// The runs are safe.
fn accepted(id: &str, runs: &[RunReport], reason: Option<&str>) -> Answer {
    let runs = Runs::Accepted(runs.iter().map(AcceptedRun::of).collect());
    let told = Told { delivery: Some(id), status: "accepted", reason, runs: Some(runs), ..Told::default() };
    Answer::told(StatusCode::ACCEPTED, &told)
}

/// The runs have ended.
fn outcome(id: &str, runs: &[RunReport]) -> Answer {
    let whole = Outcome::of(runs.iter().filter_map(|run| run.outcome)).unwrap_or(Outcome::Skipped);
    let superseded = runs.iter().any(|run| run.outcome == Some(Outcome::Superseded));
    let status = match whole {
        // Not 5xx: `curl --retry` would repeat a bad deployment.
        Outcome::Failed | Outcome::RolledBack | Outcome::Expired | Outcome::Held => {
            StatusCode::FAILED_DEPENDENCY
        }
        _ if superseded => StatusCode::CONFLICT,
        _ => StatusCode::OK,
    };
    let whole = if superseded && status == StatusCode::CONFLICT { Outcome::Superseded } else { whole };
    let runs = Some(Runs::Ended(runs));
    Answer::told(status, &Told { delivery: Some(id), status: whole.word(), runs, ..Told::default() })
}

//! The answer to a delivery that was accepted, or had been: at once, or once its runs have ended.

use std::time::Duration;

use hyper::StatusCode;
use serde_json::{Value, json};

use super::answer::Answer;
use crate::run::engine::Engine;
use crate::run::outcome::Outcome;
use crate::run::record::RunReport;
use crate::run::sameness::Seen;

/// How the caller would be answered.
pub(super) struct Wish {
    /// Held until the end, for at most this long.
    pub(super) wait: Option<Duration>,
    /// The delivery had been accepted before.
    pub(super) duplicate: bool,
}

pub(super) async fn answer(engine: &Engine, seen: Seen, wish: Wish) -> Answer {
    let Some(wait) = wish.wait else {
        let (id, runs) = engine.look(seen).unwrap_or_default();
        return if wish.duplicate {
            Answer::json(StatusCode::OK, &json!({"status": "duplicate", "of": id}))
        } else {
            accepted(&id, &runs)
        };
    };
    let ended = engine.wait(seen, wait).await;
    let (id, runs) = engine.look(seen).unwrap_or_default();
    let answer = if ended { outcome(&id, &runs) } else { accepted(&id, &runs) };
    answer.preference_applied(wait)
}

/// The runs are safe.
fn accepted(id: &str, runs: &[RunReport]) -> Answer {
    let runs: Vec<Value> = runs.iter().map(in_short).collect();
    Answer::json(StatusCode::ACCEPTED, &json!({"delivery": id, "status": "accepted", "runs": runs}))
}

fn in_short(run: &RunReport) -> Value {
    let steps = run.steps.iter().map(|step| {
        let names = |targets: &Vec<_>| {
            targets.iter().map(|t: &crate::run::record::TargetReport| t.target.clone()).collect()
        };
        let targets: Option<Vec<String>> = step.targets.as_ref().map(names);
        json!({"action": step.action, "targets": targets})
    });
    json!({"id": run.id, "rule": run.rule, "steps": steps.collect::<Vec<_>>()})
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
    Answer::json(status, &json!({"delivery": id, "status": whole, "runs": runs}))
}

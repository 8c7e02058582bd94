//! The answer to a delivery that was accepted, or had been: at once, or once its runs have ended.

use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;

use super::answer::{AcceptedRun, Answer, Runs, Told};
use crate::run::account::Account;
use crate::run::engine::Engine;
use crate::run::outcome::Outcome;
use crate::run::progress::Progress;
use crate::run::record::Run;
use crate::run::report::RunReport;
use crate::run::sameness::Seen;

/// What a delivery is to the one that is told of.
pub(super) enum Known {
    /// It is that one.
    New,
    /// That one had been accepted before.
    Duplicate,
    /// That one waited to be confirmed.
    Confirms,
}

/// How the caller would be answered.
pub(super) struct Wish {
    /// Held until the end, for at most this long.
    pub(super) wait: Option<Duration>,
    /// What it sent.
    pub(super) known: Known,
    /// What is held and may stand in the way of what was accepted.
    pub(super) note: Option<String>,
}

pub(super) async fn answer(engine: &Engine, seen: Seen, wish: Wish) -> Answer {
    let Some(wait) = wish.wait else {
        let account = engine.look(seen).await;
        return match wish.known {
            Known::New => accepted(account.as_ref(), wish.note),
            Known::Duplicate => known("duplicate", account.as_ref()),
            Known::Confirms => known("confirmed", account.as_ref()),
        };
    };
    let ended = engine.wait(seen, wait).await;
    let account = engine.look(seen).await;
    let answer = if ended { outcome(account.as_ref()) } else { accepted(account.as_ref(), wish.note) };
    answer.preference_applied(wait)
}

/// What is known of it is told to who waits.
fn known(status: &str, account: Option<&Account>) -> Answer {
    let of = Some(id(account));
    let deployment_id = account.and_then(Account::deployment_id);
    Answer::told(StatusCode::OK, &Told { deployment_id, status, of, ..Told::default() })
}

/// The id of a delivery; nothing once it has been forgotten.
fn id(account: Option<&Account>) -> &str {
    account.map_or("", |account| account.id.as_str())
}

/// The answer to a new delivery whose caller does not wait: nothing is looked up for it, whatever has become of its
/// runs in the meantime.
pub(super) fn new(runs: &[Arc<Run>]) -> Answer {
    let origin = runs.first().map(|run| &*run.delivery);
    let deployment_id = runs.iter().find_map(|run| run.event.deployment_id());
    let reports: Vec<_> = runs.iter().map(|run| RunReport::of(run, &Progress::default())).collect();
    let delivery = origin.map_or("", |origin| origin.id.as_str());
    told_accepted(delivery, deployment_id, None, &reports)
}

/// The runs are safe.
fn accepted(account: Option<&Account>, note: Option<String>) -> Answer {
    let runs = account.map(|account| account.runs.as_slice()).unwrap_or_default();
    let waits = || account.map(Account::reason).filter(|reason| !reason.is_empty());
    let reason = note.or_else(waits);
    told_accepted(id(account), account.and_then(Account::deployment_id), reason.as_deref(), runs)
}

fn told_accepted(
    delivery: &str,
    deployment_id: Option<&str>,
    reason: Option<&str>,
    runs: &[RunReport],
) -> Answer {
    let runs = Some(Runs::Accepted(runs.iter().map(AcceptedRun::of).collect()));
    let delivery = Some(delivery);
    let told = Told { delivery, deployment_id, status: "accepted", reason, runs, ..Told::default() };
    Answer::told(StatusCode::ACCEPTED, &told)
}

/// The runs have ended.
fn outcome(account: Option<&Account>) -> Answer {
    let runs = account.map(|account| account.runs.as_slice()).unwrap_or_default();
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
    let deployment_id = account.and_then(Account::deployment_id);
    // A job prints one line; who else asks looks at the runs.
    let reason = deployment_id.and(account).map(|account| account.reason_of(whole));
    let reason = reason.as_deref().filter(|reason| !reason.is_empty());
    let (delivery, runs) = (Some(id(account)), Some(Runs::Ended(runs)));
    Answer::told(
        status,
        &Told { delivery, deployment_id, status: whole.word(), reason, runs, ..Told::default() },
    )
}

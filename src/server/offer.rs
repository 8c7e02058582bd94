//! Offers the runs of a delivery to the engine, and tells what became of that.

use std::sync::Arc;
use std::time::Duration;

use super::App;
use super::answer::{Answer, Problem};
use super::budget::Share;
use super::waiting::{self, Known, Wish};
use crate::event::{DeployRequest, Event};
use crate::run::engine::{Accepted, Refused};
use crate::run::record::Run;
use crate::run::sameness::{Keys, Seen};

/// Runs that wait to be made safe.
pub(super) struct Offer {
    pub(super) keys: Keys,
    pub(super) runs: Vec<Arc<Run>>,
    /// It may be a confirmation that runs wait for.
    pub(super) confirms: Option<Box<Confirms>>,
}

/// A request that carries something that rules ask for.
pub(super) struct Confirms {
    pub(super) endpoint: String,
    pub(super) request: DeployRequest,
    pub(super) delivery: String,
    /// Why it leads to no run, if it is no confirmation and leads to none.
    pub(super) otherwise: String,
}

/// Confirms a run that waits, or has the delivery's own runs made safe; who wants their end waits for it.
pub(super) async fn offer_runs(
    app: &Arc<App>,
    offer: Offer,
    wait: Option<Duration>,
    (in_hand, most_waiting): (Share, usize),
) -> Result<Answer, Problem> {
    if let Some(confirms) = &offer.confirms {
        let Confirms { endpoint, request, delivery, otherwise } = &**confirms;
        let confirmed = app.engine.confirm(&offer.keys, endpoint, request, delivery).await;
        let confirmed = confirmed.map_err(|_| {
            log::error!("the journal is too slow for a confirmation, which is safe once it can be written");
            Problem::JournalFailed
        })?;
        if let Some(seen) = confirmed {
            return Ok(told(app, seen, Known::Confirms, wait, (in_hand, most_waiting)).await);
        }
        if offer.runs.is_empty() {
            return Ok(Answer::ignored(otherwise));
        }
    }
    let engine = Arc::clone(&app.engine);
    // A CI job polls with its deployment id: a failure is an answer, not to be begun again.
    let asks = wait.is_some() && offer.runs.iter().any(|run| matches!(run.event, Event::Deploy(_)));
    let held: Option<Vec<_>> = offer.runs.iter().map(|run| engine.holds_back(run)).collect();
    let runs = offer.runs.clone();
    // On a task of its own: a caller that hangs up cancels nothing.
    let accepting = tokio::spawn(async move { engine.accept(offer.keys, offer.runs, asks).await });
    let accepted = accepting.await.map_err(|error| {
        log::error!("accepting a delivery failed: {error}");
        Problem::JournalFailed
    })?;
    match accepted {
        Ok(Accepted::New(_)) if wait.is_none() => Ok(match held {
            // Its runs are safe, and will end as held.
            Some(held) => Answer::ignored(&held.join("; ")),
            None => waiting::new(&runs),
        }),
        Ok(Accepted::New(seen)) => Ok(told(app, seen, Known::New, wait, (in_hand, most_waiting)).await),
        Ok(Accepted::Duplicate(seen)) => {
            Ok(told(app, seen, Known::Duplicate, wait, (in_hand, most_waiting)).await)
        }
        Err(Refused::Full) => Err(Problem::TooMuchPending),
        Err(Refused::Closing) => Err(Problem::Closing),
        Err(Refused::Journal(error)) => {
            log::error!("{error}");
            Err(Problem::JournalFailed)
        }
    }
}

/// What is told of a delivery whose runs are safe. Who waits keeps no delivery out, and is not kept waiting where too
/// many do.
async fn told(
    app: &App,
    seen: Seen,
    known: Known,
    wait: Option<Duration>,
    (in_hand, most_waiting): (Share, usize),
) -> Answer {
    drop(in_hand);
    let waits = wait.and_then(|_| app.waiting.take(1, most_waiting));
    let wait = wait.map(|wait| if waits.is_some() { wait } else { Duration::ZERO });
    waiting::answer(&app.engine, seen, Wish { wait, known, note: None }).await
}

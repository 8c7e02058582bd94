//! Follows a change until the workload is complete or has failed: by reading it, with growing pauses.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::attempts::Stop;
use super::engine::Engine;
use super::outcome::{End, Outcome};
use super::record::Run;
use crate::action::{Change, Made, differs};
use crate::kubernetes::blocked::{self, Unblocked};
use crate::kubernetes::error::Trouble;
use crate::kubernetes::rollout::{Standing, judge_since, remark};
use crate::kubernetes::{ApiError, Kind, Object, Workload, reasons};
use crate::text::Escaped;

/// The first pause between two looks.
const FIRST: Duration = Duration::from_millis(250);

/// The longest pause between two looks.
const LONGEST: Duration = Duration::from_secs(10);

/// What became of a change.
pub(super) enum Followed {
    /// Every replica is new and available; what a person should know nevertheless.
    Complete(Option<String>),
    /// It will not get there, for this reason.
    Failed(String),
    /// There is nothing to follow any more.
    Ended(End),
    /// The change is there, and how it ended cannot be known.
    Unknown(End),
}

/// Follows a change that was made (`forward`), or what was put back in its place.
pub(super) async fn follow(
    engine: &Engine,
    run: &Run,
    workload: &Workload,
    change: &Change,
    made: Made,
    within: SignedDuration,
    forward: bool,
) -> Result<Followed, Stop> {
    let deadline = made.at.saturating_add(within).unwrap_or(Timestamp::MAX);
    // While the API is away nothing can be judged: it is waited for as for a target.
    let give_up = deadline.saturating_add(SignedDuration::from_millis(run.timing.retry_for));
    let give_up = give_up.unwrap_or(Timestamp::MAX);
    // Whether the last look saw a failure.
    let mut seen = false;
    let (mut pause, mut blocked) = (FIRST, String::new());
    loop {
        let late = Timestamp::now() >= deadline;
        match look(engine, workload).await {
            Ok(object) => {
                if let Some(end) = gone(&object, change, forward) {
                    return Ok(Followed::Ended(end));
                }
                match judge_since(workload.kind, &object, &made.patched) {
                    Standing::Complete => {
                        return Ok(Followed::Complete(remark(workload.kind, &object)));
                    }
                    // Knative's condition may be False for a moment.
                    Standing::Failed(_)
                        if workload.kind == Kind::Ksvc && !std::mem::replace(&mut seen, true) => {}
                    Standing::Failed(why) => return Ok(failed(engine, workload, &object, &why).await),
                    Standing::Waiting(state) if late => {
                        let why = format!("not complete within {within:#}: {state}{blocked}");
                        return Ok(failed(engine, workload, &object, &why).await);
                    }
                    Standing::Waiting(state) => {
                        seen = false;
                        log::debug!("run={} target={workload} rolling out: {}", run.id, Escaped(&state));
                    }
                }
                if !forward {
                    let by_hand = unblock(engine, run, workload, &object).await;
                    blocked = by_hand.map(|by_hand| format!("; {by_hand}")).unwrap_or_default();
                }
            }
            Err(error) if error.retry().is_some() => {
                log::warn!("run={} target={workload} cannot be followed now: {error}", run.id);
                if Timestamp::now() >= give_up {
                    let reason = format!("how it ended is not known: {error}");
                    return Ok(Followed::Unknown(End::new(Outcome::Expired, reason)));
                }
            }
            Err(ApiError { trouble: Trouble::NotFound, .. }) => {
                let reason = "it was deleted before it was complete";
                return Ok(Followed::Ended(End::new(Outcome::Skipped, reason)));
            }
            Err(error) => {
                let reason = format!("how it ended is not known: {error}");
                return Ok(Followed::Unknown(End::new(Outcome::Failed, reason)));
            }
        }
        let left = Duration::try_from(deadline.duration_since(Timestamp::now())).unwrap_or(LONGEST);
        tokio::select! {
            () = tokio::time::sleep(pause.min(left.max(FIRST))) => {}
            () = engine.closed() => return Err(stopped(engine, run, workload)),
        }
        pause = pause.mul_f64(1.5).min(LONGEST);
    }
}

async fn look(engine: &Engine, workload: &Workload) -> Result<Object, ApiError> {
    let _permit = engine.in_flight.acquire().await;
    engine.api().kubernetes.get(workload).await
}

/// Whether somebody else decides about the workload now.
fn gone(object: &Object, change: &Change, forward: bool) -> Option<End> {
    if object.is_deleting() {
        return Some(End::new(Outcome::Skipped, "it is being deleted"));
    }
    let other = differs(object, change.images()?, if forward { |c| &c.to } else { |c| &c.from })?;
    Some(End::new(Outcome::Failed, format!("before it was complete {other}")))
}

/// Deletes the pod that blocks the way back; what a person has to do if that is not allowed.
async fn unblock(engine: &Engine, run: &Run, workload: &Workload, object: &Object) -> Option<String> {
    let _permit = engine.in_flight.acquire().await;
    match blocked::unblock(&engine.api().kubernetes, workload, object).await {
        Ok(Unblocked::Nothing) => None,
        Ok(Unblocked::Deleted(pod)) => {
            log::info!("run={} target={workload} deleted pod {pod}, which was in the way back", run.id);
            None
        }
        Ok(Unblocked::ByHand(what)) => Some(what),
        Err(error) => {
            log::warn!("run={} target={workload} the pods in the way back: {error}", run.id);
            None
        }
    }
}

/// Adds what the pods say.
async fn failed(engine: &Engine, workload: &Workload, object: &Object, why: &str) -> Followed {
    let said = reasons::reasons(&engine.api().kubernetes, workload, object).await;
    Followed::Failed(if said.is_empty() { why.to_owned() } else { format!("{why}; {said}") })
}

/// The process ends: a journal that outlives it keeps the run.
fn stopped(engine: &Engine, run: &Run, workload: &Workload) -> Stop {
    if engine.is_durable() {
        log::info!("run={} target={workload} followed further at the next start", run.id);
        return Stop::Suspended;
    }
    log::warn!("run={} target={workload} not followed to its end", run.id);
    Stop::End(End::new(Outcome::Expired, "the change was made; the relay was stopped before it was complete"))
}

//! A run that has come to a confirmation: it was asked for, it has come, or its time is up.

use jiff::Timestamp;

use super::engine::Engine;
use super::outcome::{End, Outcome};
use super::progress::Stage;
use super::record::Run;
use crate::action::Confirm;

/// Takes the next step towards the end of the wait. `Some(Some(until))`: there is nothing to do until then, and the
/// run need not be at work. `None`: the process ends, and the next one waits further.
pub(super) async fn look(
    engine: &Engine,
    run: &Run,
    step: usize,
    confirm: &Confirm,
) -> Option<Option<Timestamp>> {
    let place = (step, 0);
    let now = Timestamp::now();
    let end = match engine.target(run.id, place)?.stage {
        Stage::Waiting if confirm.is_in_event(&run.event) => {
            let done = confirm.carried();
            End::new(done.outcome, done.reason)
        }
        Stage::Waiting => {
            let until = now.saturating_add(confirm.within()).unwrap_or(Timestamp::MAX);
            log::info!("run={} step={} waits for {confirm}", run.id, step + 1);
            engine.note(run.id, |progress| progress.set_stage(step, 0, Stage::Asked(until))).await;
            return Some(None);
        }
        Stage::Asked(until) if until <= now => {
            let reason = format!("nobody confirmed it within {:#}", confirm.within());
            End::new(Outcome::Expired, reason)
        }
        Stage::Asked(_) if engine.is_closing() && engine.is_durable() => return None,
        Stage::Asked(_) if engine.is_closing() => {
            let reason = "the relay was stopped while this waited to be confirmed, and without state: nothing \
                          outlives it";
            End::new(Outcome::Expired, reason)
        }
        Stage::Asked(until) => return Some(Some(until)),
        _ => return Some(None),
    };
    // Nothing is awaited between the look and this: a confirmation comes before, or too late.
    engine.end_target(run, place, end, None).await;
    Some(None)
}

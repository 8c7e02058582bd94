//! The lines that say what became of deliveries: one for each target and one for each run. (That of the delivery
//! itself is the hook's.) What came from outside is escaped.

use jiff::Timestamp;

use super::outcome::{End, Outcome};
use super::record::{Origin, Run};
use crate::action::{Action, Change, Target};
use crate::text::Escaped;

/// A target has ended.
pub(super) fn target(run: &Run, step: usize, target: &Target, end: &End, change: Option<&Change>) {
    let (old, new) = change.map(Change::from_to).unwrap_or_default();
    log::info!(
        "run={} {} rule={} action={} target={} outcome={} old={} new={} took={:.3}s reason={}",
        run.id,
        Who(&run.delivery),
        run.rule,
        run.actions.get(step).map_or("-", Action::name),
        Escaped(&target.full_name()),
        end.outcome,
        Escaped(or_none(&old)),
        Escaped(or_none(&new)),
        seconds(run),
        Escaped(&end.reason),
    );
}

/// A run has ended.
pub(super) fn run(run: &Run, outcome: Outcome, reason: &str) {
    log::info!(
        "run={} {} rule={} event={} subject={} outcome={outcome} took={:.3}s reason={}",
        run.id,
        Who(&run.delivery),
        run.rule,
        run.event.kind(),
        Escaped(&run.subject.to_string()),
        seconds(run),
        Escaped(reason),
    );
}

/// Since the delivery was received.
fn seconds(run: &Run) -> f64 {
    Timestamp::now().duration_since(run.delivery.received).as_secs_f64()
}

fn or_none(text: &str) -> &str {
    if text.is_empty() { "-" } else { text }
}

/// Which delivery it was, from where, and who caused it.
struct Who<'a>(&'a Origin);

impl std::fmt::Display for Who<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Origin { id, endpoint, source, from, actor, .. } = self.0;
        write!(f, "delivery={} endpoint={endpoint} source={source} ", Escaped(id))?;
        match from {
            Some(address) => write!(f, "from={address} ")?,
            None => f.write_str("from=- ")?,
        }
        write!(f, "who={}", Escaped(actor.as_deref().map_or("-", or_none)))
    }
}

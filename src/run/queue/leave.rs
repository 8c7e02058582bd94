//! What a process that ends leaves to the next one.

use jiff::Timestamp;

use super::{Effects, Queue};
use crate::run::record::{Lane, Run};

impl Queue {
    /// A started run is worked on by this process no longer. It goes on in the next one, unless one that waits, or
    /// comes while this process still sends what is due, takes its place: what is sent now must not be undone then.
    pub fn leave(&mut self, run: &Run, now: Timestamp) -> Effects {
        let mut effects = Effects::default();
        if let Some(state) = self.lanes.get_mut(&run.lane) {
            state.left = Some(run.id);
        }
        self.replace_left(run.lane, now, &mut effects);
        effects
    }

    /// Puts the run that waits in the place of the one that was left, if it is newer or higher and nothing of the
    /// other is half done.
    pub(super) fn replace_left(&mut self, lane: Lane, now: Timestamp, effects: &mut Effects) {
        let Some(state) = self.lanes.get_mut(&lane) else { return };
        let (Some(left), Some(waiting)) = (state.left, state.waiting.as_ref().map(|waiting| waiting.run))
        else {
            return;
        };
        let (Some(old), Some(new)) = (self.runs.get(&left), self.runs.get(&waiting)) else { return };
        if old.run.gives_way_to(&new.run) && !old.progress.is_half_way() {
            state.left = None;
            self.free(lane, now);
            self.supersede(left, waiting, now, effects);
        }
    }
}

//! Taking deliveries in, each once.

use std::sync::Arc;

use jiff::Timestamp;

use super::{PENDING_BYTES, Queue, Reply};
use crate::action::Action;
use crate::run::journal::{Table, Write};
use crate::run::progress::Progress;
use crate::run::record::{Run, RunId};
use crate::run::sameness::{Keys, Seen};
use crate::run::stored::{self, put};

impl Queue {
    /// Takes a delivery in that came at `now`, with the runs that it leads to. `awaited` is the same one, which was
    /// being made safe before: as its duplicate this one would have been lost with it.
    pub fn reserve(
        &mut self,
        keys: &Keys,
        runs: &[Arc<Run>],
        awaited: Option<Seen>,
        now: Timestamp,
    ) -> Reply {
        let safe = awaited.filter(|seen| self.deliveries.get(*seen).is_some());
        if let Some(seen) = safe.or_else(|| self.same(keys, now)) {
            if self.reserved.contains(&seen) {
                return Reply::Awaits(seen);
            }
            let writes = if keys.look_alike() { self.came_again(seen, now) } else { Vec::new() };
            return Reply::Duplicate(seen, writes);
        }
        if self.pending + runs.len() > self.most.0 {
            return Reply::Full;
        }
        let origin = runs.first().map(|run| Arc::clone(&run.delivery)).unwrap_or_default();
        let record = stored::Pending { keys: keys.clone(), origin, runs: runs.to_vec() };
        let record = put(Table::Pending, 0, &record);
        let bytes = record.value.as_ref().map_or(0, Vec::len);
        if self.bytes + bytes > PENDING_BYTES {
            return Reply::Full;
        }
        let seen = self.deliveries.remember(keys.clone(), runs.iter().map(|run| run.id).collect(), now);
        self.reserved.insert(seen);
        for run in runs {
            self.enter(seen, Arc::clone(run), Progress::default(), bytes / runs.len().max(1));
        }
        Reply::Reserved(seen, vec![Write { key: seen.0, ..record }])
    }

    pub(super) fn same(&self, keys: &Keys, now: Timestamp) -> Option<Seen> {
        let changing = |run| self.runs.get(&run).is_some_and(|entry| entry.progress.is_changing());
        self.deliveries.same(keys, now, changing)
    }

    /// What may be another push came while the first one's runs wait: they are for it too, so that a restart before
    /// now is not enough.
    fn came_again(&mut self, seen: Seen, now: Timestamp) -> Vec<Write> {
        let runs = self.deliveries.get(seen).map(|memory| memory.runs.clone()).unwrap_or_default();
        let by_time = |run: &RunId| {
            self.runs.get(run).is_some_and(|entry| entry.run.actions.iter().any(Action::counts_from_event))
        };
        let runs: Vec<_> = runs.into_iter().filter(by_time).collect();
        let again = |run: &mut Progress| run.came_again = run.came_again.max(Some(now));
        runs.into_iter().filter_map(|run| self.note(run, again)).collect()
    }

    /// Gives a reservation up: its runs could not be made safe.
    pub fn cancel(&mut self, seen: Seen) {
        self.reserved.remove(&seen);
        for run in self.deliveries.cancel(seen) {
            self.pending -= usize::from(self.remove(run).is_some());
        }
    }
}

//! What waits, what runs and what takes whose place: the rules of DESIGN.md section 7 as a pure state machine.
//! It does no I/O and reads no clock; the engine tells it the time, and writes and carries out what it says.

mod accept;
mod confirm;
mod leave;
mod look;
mod restore;
mod targets;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

pub use self::confirm::Confirmed;
pub use self::restore::{Restored, Resumed};
pub use self::targets::Place;
use super::holds::Holds;
use super::journal::{Table, Write};
use super::outcome::{End, Outcome};
use super::progress::Progress;
use super::record::{Lane, Run, RunId};
use super::report::RunReport;
use super::sameness::{Deliveries, Seen};
use super::stored::{Ended, put, remove};
use super::unproven;

/// How many runs may be pending before deliveries are answered 503, unless [`Queue::set_pending_limit`] says otherwise.
pub const PENDING_LIMIT: usize = 4096;

/// How many bytes the records of pending deliveries may have before deliveries are answered 503.
const PENDING_BYTES: usize = 16 * 1024 * 1024;

/// All runs that are pending, and the deliveries that are remembered.
#[derive(Debug, Default)]
pub struct Queue {
    deliveries: Deliveries,
    /// Those that are being made safe.
    reserved: HashSet<Seen>,
    /// Of deliveries that have not ended.
    runs: HashMap<RunId, Entry>,
    lanes: HashMap<Lane, LaneState>,
    /// Runs that wait, by when they may start.
    due: BTreeMap<(Timestamp, RunId), Lane>,
    /// Started runs that nobody works on, by when they are to be looked at again.
    resting: BTreeSet<(Timestamp, RunId)>,
    /// Versions that are not applied.
    pub holds: Holds,
    pending: usize,
    /// How many may be pending.
    most: Most,
    /// Of the records of pending deliveries.
    bytes: usize,
    draining: bool,
}

#[derive(Debug)]
struct Most(usize);

impl Default for Most {
    fn default() -> Self {
        Self(PENDING_LIMIT)
    }
}

#[derive(Debug, Default)]
struct LaneState {
    /// In [`Queue::due`] only while nothing of the lane is under way.
    waiting: Option<Waiting>,
    /// How many are under way: at most one.
    started: usize,
    /// The one that is under way is worked on by nobody: it goes on in the next process, or waits for a confirmation.
    left: Option<RunId>,
}

#[derive(Debug)]
struct Waiting {
    run: RunId,
    /// When the first event came that this run stands for.
    first: Timestamp,
    due: Timestamp,
}

#[derive(Debug)]
struct Entry {
    delivery: Seen,
    run: Arc<Run>,
    progress: Progress,
    /// Whether the journal has a record of its progress.
    noted: bool,
    /// Its part of the delivery's record.
    bytes: usize,
}

/// What the queue says to a delivery.
#[derive(Debug, PartialEq, Eq)]
pub enum Reply {
    /// The same delivery is being made safe: what this one is is known once that has been decided.
    Awaits(Seen),
    /// The same delivery has been seen; these must be safe before that is said.
    Duplicate(Seen, Vec<Write>),
    /// Too much is pending.
    Full,
    /// It is remembered; its runs wait to be [activated](Queue::activate) once this is safe.
    Reserved(Seen, Vec<Write>),
}

/// What follows from something that happened.
#[derive(Debug, Default)]
pub struct Effects {
    /// What the journal must know, in this order.
    pub writes: Vec<Write>,
    /// The runs that ended by it, each with what is told of it.
    pub ended: Vec<(Arc<Run>, RunReport)>,
}

impl Queue {
    /// From now on so many runs may be pending before deliveries are answered 503.
    pub fn set_pending_limit(&mut self, most: usize) {
        self.most = Most(most);
    }

    fn enter(&mut self, delivery: Seen, run: Arc<Run>, progress: Progress, bytes: usize) {
        self.pending += usize::from(progress.end.is_none());
        self.bytes += bytes;
        let noted = progress != Progress::default();
        self.runs.insert(run.id, Entry { delivery, run, progress, noted, bytes });
    }

    /// Removes a run; whether the journal has a record of its progress.
    fn remove(&mut self, run: RunId) -> Option<bool> {
        let entry = self.runs.remove(&run)?;
        self.bytes -= entry.bytes;
        Some(entry.noted)
    }

    /// Puts the runs of a reservation in line; some may end by being superseded.
    pub fn activate(&mut self, seen: Seen, now: Timestamp) -> Effects {
        self.reserved.remove(&seen);
        let runs = self.deliveries.get(seen).map(|memory| memory.runs.clone()).unwrap_or_default();
        let mut effects = Effects::default();
        for run in runs {
            self.line_up(run, now, now, &mut effects);
        }
        effects
    }

    /// Puts one run in line, whose event came at `came`; it supersedes the run that waits, or is superseded by it.
    fn line_up(&mut self, id: RunId, came: Timestamp, now: Timestamp, effects: &mut Effects) {
        let Some(run) = self.runs.get(&id).map(|entry| Arc::clone(&entry.run)) else { return };
        let settle = if self.draining { 0 } else { run.timing.settle.unwrap_or(0) };
        let state = self.lanes.entry(run.lane).or_default();
        let before = state.waiting.take();
        let first = before.as_ref().map_or(came, |waiting| waiting.first);
        let due = add(came, settle).min(add(first, run.timing.max_wait)).max(now);
        let waits = before.as_ref().and_then(|waiting| Some(&*self.runs.get(&waiting.run)?.run));
        let standing = waits.filter(|waits| run.gives_way_to(waits)).map_or(id, |waits| waits.id);
        if state.started == 0 {
            if let Some(waiting) = &before {
                self.due.remove(&(waiting.due, waiting.run));
            }
            self.due.insert((due, standing), run.lane);
        }
        state.waiting = Some(Waiting { run: standing, first, due });
        let lane = run.lane;
        self.replace_left(lane, now, effects);
        let Some(before) = before.map(|waiting| waiting.run) else { return };
        let loser = if standing == id { before } else { id };
        self.supersede(loser, standing, now, effects);
    }

    fn supersede(&mut self, loser: RunId, by: RunId, now: Timestamp, effects: &mut Effects) {
        let left = self.runs.get(&loser).map(|entry| unproven::left(&entry.run.actions, &entry.progress));
        if let Some(left) = left.filter(|left| !left.is_empty()) {
            effects.writes.extend(self.note(by, |progress| progress.unproven = left));
        }
        let end = End::new(Outcome::Superseded, format!("superseded by run {by}"));
        self.end(loser, end, now, effects);
    }

    /// Starts what is due: each run is handed out once. While a lane is busy its next run is not due, so that a
    /// newer one can take its place.
    pub fn start_due(&mut self, now: Timestamp) -> Vec<Arc<Run>> {
        self.start_some(now, usize::MAX)
    }

    /// Starts of what is due as many as that; the rest stays due.
    pub fn start_some(&mut self, now: Timestamp, most: usize) -> Vec<Arc<Run>> {
        let mut started = self.wake(now, most);
        while started.len() < most
            && let Some(due) = self.due.first_entry().filter(|due| due.key().0 <= now)
        {
            let ((_, id), lane) = due.remove_entry();
            if let Some(state) = self.lanes.get_mut(&lane) {
                state.waiting = None;
                state.started += 1;
            }
            started.extend(self.runs.get(&id).map(|entry| Arc::clone(&entry.run)));
        }
        started
    }

    /// When the next run may start; `None` if nothing waits for time alone.
    pub fn next_due(&self) -> Option<Timestamp> {
        let waiting = self.due.first_key_value().map(|((due, _), _)| *due);
        let resting = self.resting.first().map(|(due, _)| *due);
        waiting.into_iter().chain(resting).min()
    }

    /// From now on nothing settles: what waits is due.
    pub fn drain(&mut self, now: Timestamp) {
        self.draining = true;
        for ((_, run), lane) in std::mem::take(&mut self.due) {
            if let Some(waiting) = self.lanes.get_mut(&lane).and_then(|state| state.waiting.as_mut()) {
                waiting.due = now;
            }
            self.due.insert((now, run), lane);
        }
        // Whether they outlive the process is not known here.
        self.resting = std::mem::take(&mut self.resting).into_iter().map(|(_, run)| (now, run)).collect();
    }

    /// A started run has ended; its lane is free for the one that waits.
    pub fn finish(&mut self, run: &Run, end: End, now: Timestamp) -> Effects {
        let mut effects = Effects::default();
        self.free(run.lane, now);
        self.end(run.id, end, now, &mut effects);
        effects
    }

    /// Nothing of a lane is under way any longer: what waits there is due when its time comes.
    fn free(&mut self, lane: Lane, now: Timestamp) {
        let Some(state) = self.lanes.get_mut(&lane) else { return };
        state.started = state.started.saturating_sub(1);
        match &mut state.waiting {
            Some(waiting) if state.started == 0 => {
                if self.draining {
                    waiting.due = now;
                }
                self.due.insert((waiting.due, waiting.run), lane);
            }
            None if state.started == 0 => {
                self.lanes.remove(&lane);
            }
            _ => {}
        }
    }

    fn end(&mut self, id: RunId, end: End, now: Timestamp, effects: &mut Effects) {
        let Some(entry) = self.runs.get_mut(&id) else { return };
        entry.progress.end = Some(end);
        self.pending -= 1;
        self.resting.retain(|(_, resting)| *resting != id);
        effects.ended.push((Arc::clone(&entry.run), RunReport::of(&entry.run, &entry.progress)));
        let seen = entry.delivery;
        // Only once every run has one.
        let Some(account) = self.account_ended(seen, now) else {
            effects.writes.extend(self.note(id, |_| {}));
            return;
        };
        let well = account.outcome().is_none_or(Outcome::is_good);
        let Some(memory) = self.deliveries.get(seen) else { return };
        let record = put(Table::Ended, seen.0, &Ended { keys: memory.keys.clone(), account });
        effects.writes.push(remove(Table::Pending, seen.0));
        for run in &memory.runs.clone() {
            if self.remove(*run) == Some(true) {
                effects.writes.push(remove(Table::Progress, run.0));
            }
        }
        let bytes = record.value.as_ref().map_or(0, Vec::len);
        effects.writes.push(record);
        let forgotten = self.deliveries.end(seen, well, bytes, now);
        effects.writes.extend(forgotten.into_iter().map(|seen| remove(Table::Ended, seen.0)));
    }

    /// Changes how far a run has come; the write makes it safe.
    pub fn note(&mut self, run: RunId, change: impl FnOnce(&mut Progress)) -> Option<Write> {
        let entry = self.runs.get_mut(&run)?;
        change(&mut entry.progress);
        entry.noted = true;
        Some(put(Table::Progress, run.0, &entry.progress))
    }
}

fn add(at: Timestamp, millis: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_millis(millis)).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;

//! What waits, what runs and what takes whose place: the rules of DESIGN.md section 7 as a pure state machine.
//! It does no I/O and reads no clock; the engine tells it the time and carries out what it says.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use jiff::{SignedDuration, Timestamp};

use super::outcome::Outcome;
use super::record::{Lane, Run, RunId, RunReport, StepReport};
use super::sameness::{Deliveries, Keys, Seen};

/// How many runs may be pending before deliveries are answered 503.
pub const PENDING_LIMIT: usize = 4096;

/// All runs that are pending or remembered, and the deliveries they came from.
#[derive(Debug, Default)]
pub struct Queue {
    deliveries: Deliveries,
    runs: HashMap<RunId, Entry>,
    lanes: HashMap<Lane, LaneState>,
    /// Runs that wait, by when they may start.
    due: BTreeMap<(Timestamp, RunId), Lane>,
    pending: usize,
    draining: bool,
}

#[derive(Debug, Default)]
struct LaneState {
    /// In [`Queue::due`] only while nothing of the lane is under way.
    waiting: Option<Waiting>,
    started: Option<RunId>,
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
    /// Until the run has ended.
    run: Option<Arc<Run>>,
    report: RunReport,
}

/// What the queue says to a delivery.
#[derive(Debug, PartialEq, Eq)]
pub enum Reply {
    /// The same delivery has been seen.
    Duplicate(Seen),
    /// Too much is pending.
    Full,
    /// It is remembered; its runs wait to be [activated](Queue::activate) once they are safe.
    Reserved(Seen),
}

impl Queue {
    /// Takes a delivery in, with the runs that it leads to.
    pub fn reserve(&mut self, keys: Keys, id: String, runs: Vec<Arc<Run>>, now: Timestamp) -> Reply {
        let changing = |run| {
            let run = self.runs.get(&run).and_then(|entry| entry.run.as_ref());
            run.is_some_and(|run| run.changing.load(Ordering::Relaxed))
        };
        if let Some(seen) = self.deliveries.same(&keys, now, changing) {
            return Reply::Duplicate(seen);
        }
        if self.pending + runs.len() > PENDING_LIMIT {
            return Reply::Full;
        }
        let seen = self.deliveries.remember(keys, id, runs.iter().map(|run| run.id).collect(), now);
        self.pending += runs.len();
        for run in runs {
            let report = RunReport {
                id: run.id.to_string(),
                rule: run.rule,
                outcome: None,
                reason: String::new(),
                steps: run.actions.iter().map(|action| StepReport::waiting(action, &run)).collect(),
            };
            self.runs.insert(run.id, Entry { delivery: seen, run: Some(run), report });
        }
        Reply::Reserved(seen)
    }

    /// Gives a reservation up: its runs could not be made safe.
    pub fn cancel(&mut self, seen: Seen) {
        for run in self.deliveries.forget(seen) {
            self.pending -= usize::from(self.runs.remove(&run).is_some());
        }
    }

    /// Puts the runs of a reservation in line; returns those that ended by being superseded.
    pub fn activate(&mut self, seen: Seen, now: Timestamp) -> Vec<RunId> {
        let runs = self.deliveries.get(seen).map(|memory| memory.runs.clone()).unwrap_or_default();
        runs.into_iter().filter_map(|run| self.line_up(run, now)).collect()
    }

    /// Puts one run in line; returns the run that is superseded by it, or by which it is.
    fn line_up(&mut self, id: RunId, now: Timestamp) -> Option<RunId> {
        let run = Arc::clone(self.runs.get(&id)?.run.as_ref()?);
        let settle = if self.draining { 0 } else { run.timing.settle.unwrap_or(0) };
        let state = self.lanes.entry(run.lane).or_default();
        let before = state.waiting.take();
        let first = before.as_ref().map_or(now, |waiting| waiting.first);
        let due = add(now, settle).min(add(first, run.timing.max_wait)).max(now);
        let waits = before.as_ref().and_then(|waiting| self.runs.get(&waiting.run)?.run.as_deref());
        let standing = waits.filter(|waits| run.is_lower_than(waits)).map_or(id, |waits| waits.id);
        if state.started.is_none() {
            if let Some(waiting) = &before {
                self.due.remove(&(waiting.due, waiting.run));
            }
            self.due.insert((due, standing), run.lane);
        }
        state.waiting = Some(Waiting { run: standing, first, due });
        let before = before?.run;
        let loser = if standing == id { before } else { id };
        self.end(loser, Outcome::Superseded, format!("superseded by run {standing}"), now);
        Some(loser)
    }

    /// Starts what is due: each run is handed out once. While a lane is busy its next run is not due, so that a
    /// newer one can take its place.
    pub fn start_due(&mut self, now: Timestamp) -> Vec<Arc<Run>> {
        let mut started = Vec::new();
        while let Some(due) = self.due.first_entry().filter(|due| due.key().0 <= now) {
            let ((_, id), lane) = due.remove_entry();
            if let Some(state) = self.lanes.get_mut(&lane) {
                state.waiting = None;
                state.started = Some(id);
            }
            started.extend(self.runs.get(&id).and_then(|entry| entry.run.clone()));
        }
        started
    }

    /// When the next run may start; `None` if nothing waits for time alone.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.due.first_key_value().map(|((due, _), _)| *due)
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
    }

    /// A started run has ended; its lane is free for the one that waits.
    pub fn finish(&mut self, run: &Run, outcome: Outcome, reason: String, now: Timestamp) {
        if let Some(state) = self.lanes.get_mut(&run.lane) {
            state.started = None;
            match &mut state.waiting {
                Some(waiting) => {
                    if self.draining {
                        waiting.due = now;
                    }
                    self.due.insert((waiting.due, waiting.run), run.lane);
                }
                None => {
                    self.lanes.remove(&run.lane);
                }
            }
        }
        self.end(run.id, outcome, reason, now);
    }

    fn end(&mut self, id: RunId, outcome: Outcome, reason: String, now: Timestamp) {
        let Some(entry) = self.runs.get_mut(&id) else { return };
        entry.report.outcome = Some(outcome);
        entry.report.reason = reason;
        entry.run = None;
        self.pending -= 1;
        let seen = entry.delivery;
        let Some(memory) = self.deliveries.get(seen) else { return };
        let outcomes = memory.runs.iter().map(|run| self.runs.get(run).and_then(|e| e.report.outcome));
        // Only once every run has one.
        let Some(outcomes) = outcomes.collect::<Option<Vec<_>>>() else { return };
        let well = outcomes.into_iter().all(Outcome::is_good);
        let weight = memory.runs.iter().filter_map(|run| Some(self.runs.get(run)?.report.weight())).sum();
        for forgotten in self.deliveries.end(seen, well, weight, now) {
            self.runs.remove(&forgotten);
        }
    }

    /// Changes what is reported of a run.
    pub fn report(&mut self, run: RunId, change: impl FnOnce(&mut RunReport)) {
        if let Some(entry) = self.runs.get_mut(&run) {
            change(&mut entry.report);
        }
    }

    /// What is known of a delivery's runs; `None` if it has been forgotten.
    pub fn look(&self, seen: Seen) -> Option<(String, Vec<RunReport>)> {
        let memory = self.deliveries.get(seen)?;
        let reports = memory.runs.iter().filter_map(|run| self.runs.get(run));
        Some((memory.id.clone(), reports.map(|entry| entry.report.clone()).collect()))
    }

    /// Whether a delivery's runs have all ended.
    pub fn is_ended(&self, seen: Seen) -> bool {
        self.deliveries.get(seen).is_none_or(|memory| memory.fate.is_some())
    }

    /// The runs that have not ended, and what is reported of them.
    pub fn unfinished(&self) -> impl Iterator<Item = (&Run, &RunReport)> {
        self.runs.values().filter_map(|entry| Some((entry.run.as_deref()?, &entry.report)))
    }

    /// How many runs have not ended.
    pub fn pending(&self) -> usize {
        self.pending
    }
}

fn add(at: Timestamp, millis: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_millis(millis)).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;

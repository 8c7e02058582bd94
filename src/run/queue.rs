//! What waits, what runs and what takes whose place: the rules of DESIGN.md section 7 as a pure state machine.
//! It does no I/O and reads no clock; the engine tells it the time and carries out what it says.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::{SignedDuration, Timestamp};

use super::outcome::Outcome;
use super::record::{Run, RunId, RunReport, StepReport};
use super::sameness::{Deliveries, Keys, Seen};
use crate::rule::Comparison;
use crate::rule::Subject;

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

/// Where runs stand in line behind one another: the same rule, the same subject.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Lane {
    endpoint: String,
    rule: usize,
    subject: Subject,
    /// Set for runs that start at once and stand in no line.
    alone: Option<RunId>,
}

#[derive(Debug, Default)]
struct LaneState {
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
    /// Taken when the run starts.
    run: Option<Arc<Run>>,
    /// Whether the run has begun to change something.
    changing: Arc<AtomicBool>,
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
        let changing = |run| self.runs.get(&run).is_some_and(|entry| entry.changing.load(Ordering::Relaxed));
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
            self.runs.insert(
                run.id,
                Entry { delivery: seen, changing: Arc::clone(&run.changing), run: Some(run), report },
            );
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
        let run = self.runs.get(&id)?.run.as_ref()?;
        let alone = run.timing.settle.is_none().then_some(id);
        let settle = if self.draining { 0 } else { run.timing.settle.unwrap_or(0) };
        let max_wait = run.timing.max_wait;
        let lane = Lane {
            endpoint: run.delivery.endpoint.clone(),
            rule: run.rule,
            subject: run.subject.clone(),
            alone,
        };
        let waiting = self.lanes.entry(lane.clone()).or_default().waiting.take();
        let mut first = now;
        let mut standing = id;
        let mut superseded = None;
        if let Some(waiting) = waiting {
            self.due.remove(&(waiting.due, waiting.run));
            first = waiting.first;
            if self.is_lower(id, waiting.run) {
                standing = waiting.run;
            }
            superseded = Some((if standing == id { waiting.run } else { id }, standing));
        }
        let due = add(now, settle).min(add(first, max_wait)).max(now);
        self.due.insert((due, standing), lane.clone());
        if let Some(state) = self.lanes.get_mut(&lane) {
            state.waiting = Some(Waiting { run: standing, first, due });
        }
        let (loser, winner) = superseded?;
        self.end(loser, Outcome::Superseded, format!("superseded by run {winner}"), now);
        Some(loser)
    }

    /// Whether a newer run's tag is lower than a waiting one's, by the order of the rule's tag filter.
    fn is_lower(&self, newer: RunId, waiting: RunId) -> bool {
        let run = |id| self.runs.get(&id).and_then(|entry| entry.run.as_deref());
        let (Some(newer), Some(waiting)) = (run(newer), run(waiting)) else { return false };
        let (Some(policy), Some(offered)) = (&newer.policy, &newer.tag) else { return false };
        policy.is_ordered() && matches!(policy.compare(waiting.tag.as_deref(), offered), Comparison::Older)
    }

    /// Starts what is due: each run is handed out once and counts as started. A run whose lane is still busy
    /// waits on, so that a newer one can take its place.
    pub fn start_due(&mut self, now: Timestamp) -> Vec<Arc<Run>> {
        let mut started = Vec::new();
        let due: Vec<_> = self.due.range(..=(now, RunId(u64::MAX))).map(|(key, _)| *key).collect();
        for key in due {
            let Some(lane) = self.due.get(&key).cloned() else { continue };
            let Some(state) = self.lanes.get_mut(&lane) else { continue };
            if state.started.is_some() {
                continue;
            }
            self.due.remove(&key);
            state.waiting = None;
            state.started = Some(key.1);
            if let Some(entry) = self.runs.get_mut(&key.1) {
                started.extend(entry.run.take());
            }
        }
        started
    }

    /// When something is due that could start then; `None` if nothing waits for time alone.
    pub fn next_due(&self) -> Option<Timestamp> {
        let free = |lane: &Lane| self.lanes.get(lane).is_none_or(|state| state.started.is_none());
        self.due.iter().find(|(_, lane)| free(lane)).map(|((due, _), _)| *due)
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
        let alone = run.timing.settle.is_none().then_some(run.id);
        let lane = Lane {
            endpoint: run.delivery.endpoint.clone(),
            rule: run.rule,
            subject: run.subject.clone(),
            alone,
        };
        if let Some(state) = self.lanes.get_mut(&lane) {
            state.started = None;
            if state.waiting.is_none() {
                self.lanes.remove(&lane);
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
        for forgotten in self.deliveries.end(seen, well, now) {
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

    /// The runs that have not ended.
    pub fn unfinished(&self) -> impl Iterator<Item = &RunReport> {
        self.runs.values().map(|entry| &entry.report).filter(|report| report.outcome.is_none())
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

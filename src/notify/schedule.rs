//! When which notice is sent: the rules of waiting, without any input or output.
//!
//! Each target has a lane of its own, in which one notice is under way at a time, the oldest first. A target that
//! cannot be reached is left alone for growing pauses and its notices wait. A notice that the target answers with
//! an error waits by itself as well, so that the others come to their turn.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::courier::{Failure, Fault};
use crate::run::backoff::pause;

/// How many notices of one target wait at most.
pub(super) const MOST: usize = 500;

/// How many are under way at once, over all targets.
const UNDER_WAY: usize = 16;

/// How long a notice is tried.
const PATIENCE: SignedDuration = SignedDuration::from_hours(24);

/// The pauses of a target that does not take what it is told.
const TARGET_PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(300));

/// The pauses of a notice that makes the target fail.
const BROKEN_PAUSES: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(900));

/// The pauses of a notice that the target refuses: somebody has to change something first.
const REFUSED_PAUSES: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(3600));

/// What waits, by target.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    lanes: BTreeMap<String, Lane>,
    closing: bool,
}

/// One target's notices.
#[derive(Debug)]
struct Lane {
    waiting: BTreeMap<u64, Waiting>,
    under_way: Option<u64>,
    /// The target is left alone until then.
    not_before: Timestamp,
    /// Failures since it last took something.
    failures: u32,
    /// Notices were dropped since it last took something.
    overflowed: bool,
    /// The process is ending and it has failed: there is no other try.
    closed: bool,
}

/// One notice that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Waiting {
    /// When it was first due.
    pub(super) first: Timestamp,
    /// When it is due.
    pub(super) next: Timestamp,
    /// How often the target answered it with an error.
    pub(super) attempts: u32,
}

/// What came of a failure.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Failed {
    /// It is the target's first failure since it last took something.
    pub(super) is_first: bool,
    /// The notice as it waits from now on, if that has changed.
    pub(super) waits: Option<Waiting>,
    /// The notices whose time is up.
    pub(super) given_up: Vec<u64>,
}

/// A notice that had to go for another.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Dropped {
    pub(super) key: u64,
    /// It is the first one since the target last took something.
    pub(super) is_first: bool,
}

impl Schedule {
    /// Adds a notice; the oldest one that is not under way goes if there are too many.
    pub(super) fn add(&mut self, target: &str, key: u64, waiting: Waiting) -> Option<Dropped> {
        let lane = self.lanes.entry(target.to_owned()).or_default();
        lane.waiting.insert(key, waiting);
        if lane.waiting.len() <= MOST {
            return None;
        }
        let key = *lane.waiting.keys().find(|key| lane.under_way != Some(**key))?;
        lane.waiting.remove(&key);
        Some(Dropped { key, is_first: !std::mem::replace(&mut lane.overflowed, true) })
    }

    /// The notices to send now, which are under way from here on. Targets that are well come first.
    pub(super) fn start_due(&mut self, now: Timestamp) -> Vec<(String, u64)> {
        let room = UNDER_WAY.saturating_sub(self.under_way());
        let mut due: Vec<_> =
            self.lanes.iter_mut().filter_map(|(target, lane)| Some((lane.due(now)?, target, lane))).collect();
        due.sort_by_key(|((next, _), _, lane)| (lane.failures, *next));
        let start = |((_, key), target, lane): ((Timestamp, u64), &String, &mut Lane)| {
            lane.under_way = Some(key);
            (target.clone(), key)
        };
        due.into_iter().take(room).map(start).collect()
    }

    /// When something is due; `None` while nothing can be started.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        if self.under_way() >= UNDER_WAY {
            return None;
        }
        self.lanes.values().filter_map(Lane::next_due).min()
    }

    /// The target has taken it. Returns whether it is the first one after failures.
    pub(super) fn delivered(&mut self, target: &str, key: u64) -> bool {
        let Some(lane) = self.lanes.get_mut(target) else { return false };
        let had_failed = lane.failures > 0;
        *lane = Lane { waiting: std::mem::take(&mut lane.waiting), ..Lane::default() };
        lane.waiting.remove(&key);
        self.forget_if_idle(target);
        had_failed
    }

    /// It is not known any more.
    pub(super) fn remove(&mut self, target: &str, key: u64) {
        if let Some(lane) = self.lanes.get_mut(target) {
            lane.waiting.remove(&key);
            lane.under_way = lane.under_way.filter(|under_way| *under_way != key);
            self.forget_if_idle(target);
        }
    }

    /// The target has not taken it.
    pub(super) fn failed(&mut self, target: &str, key: u64, failure: &Failure, now: Timestamp) -> Failed {
        let Some(lane) = self.lanes.get_mut(target) else { return Failed::default() };
        lane.under_way = None;
        lane.closed = self.closing;
        let is_first = lane.failures == 0;
        lane.not_before = later(now, pause(TARGET_PAUSES, lane.failures, failure.after));
        lane.failures += 1;
        let pauses = match failure.fault {
            Fault::Away => None,
            Fault::Broken => Some(BROKEN_PAUSES),
            Fault::Refused => Some(REFUSED_PAUSES),
        };
        let mut waits = None;
        if let (Some(pauses), Some(waiting)) = (pauses, lane.waiting.get_mut(&key)) {
            waiting.next = later(now, pause(pauses, waiting.attempts, failure.after));
            waiting.attempts += 1;
            waits = Some(*waiting);
        }
        let given_up = lane.give_up(key, waits.is_none(), now);
        waits = waits.filter(|_| !given_up.contains(&key));
        self.forget_if_idle(target);
        Failed { is_first, waits, given_up }
    }

    /// Drops the notices of targets that are not `known`, except those under way; returns them by target.
    pub(super) fn forget_unknown(&mut self, known: impl Fn(&str) -> bool) -> Vec<(String, Vec<u64>)> {
        let unknown = self.lanes.iter_mut().filter(|(target, _)| !known(target));
        let mut gone: Vec<_> = unknown
            .map(|(target, lane)| {
                let under_way = lane.under_way;
                let keys: Vec<_> =
                    lane.waiting.keys().copied().filter(|key| Some(*key) != under_way).collect();
                lane.waiting.retain(|key, _| Some(*key) == under_way);
                (target.clone(), keys)
            })
            .collect();
        for (target, _) in &gone {
            self.forget_if_idle(target);
        }
        gone.retain(|(_, keys)| !keys.is_empty());
        gone
    }

    /// The process is ending: everything is due, and a target that fails once is not tried again.
    pub(super) fn close(&mut self) {
        self.closing = true;
        for lane in self.lanes.values_mut() {
            lane.not_before = Timestamp::MIN;
            lane.waiting.values_mut().for_each(|waiting| waiting.next = waiting.first);
        }
    }

    /// How many wait or are under way.
    pub(super) fn len(&self) -> usize {
        self.lanes.values().map(|lane| lane.waiting.len()).sum()
    }

    fn under_way(&self) -> usize {
        self.lanes.values().filter(|lane| lane.under_way.is_some()).count()
    }

    /// A lane without notices is nothing but memory.
    fn forget_if_idle(&mut self, target: &str) {
        if self.lanes.get(target).is_some_and(|lane| lane.waiting.is_empty()) {
            self.lanes.remove(target);
        }
    }
}

impl Lane {
    /// Its next notice and when that is due.
    fn next(&self) -> Option<(Timestamp, u64)> {
        if self.under_way.is_some() || self.closed {
            return None;
        }
        let (next, key) = self.waiting.iter().map(|(key, waiting)| (waiting.next, *key)).min()?;
        Some((next.max(self.not_before), key))
    }

    fn next_due(&self) -> Option<Timestamp> {
        self.next().map(|(next, _)| next)
    }

    fn due(&self, now: Timestamp) -> Option<(Timestamp, u64)> {
        self.next().filter(|(next, _)| *next <= now)
    }

    /// Takes out those whose time is up: of a target that is away all of them, else only the one that failed.
    fn give_up(&mut self, failed: u64, all: bool, now: Timestamp) -> Vec<u64> {
        let is_up = |key: &u64, waiting: &Waiting| {
            (all || *key == failed) && now.duration_since(waiting.first) >= PATIENCE
        };
        let up: Vec<_> = self.waiting.iter().filter(|(key, w)| is_up(key, w)).map(|(key, _)| *key).collect();
        self.waiting.retain(|key, _| !up.contains(key));
        up
    }
}

impl Default for Lane {
    fn default() -> Self {
        Self {
            waiting: BTreeMap::new(),
            under_way: None,
            not_before: Timestamp::MIN,
            failures: 0,
            overflowed: false,
            closed: false,
        }
    }
}

fn later(now: Timestamp, pause: Duration) -> Timestamp {
    now.saturating_add(pause).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;

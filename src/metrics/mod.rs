//! What is counted, for who watches from outside: [`catalogue`] declares every metric, [`Metrics`] counts, `page` writes
//! what `/metrics` answers. One [`Metrics`] belongs to one engine; nothing here is global.
//!
//! No label holds anything that a sender or a path could choose: endpoints' names, actions, outcomes, status codes.

pub mod catalogue;
mod endpoints;
mod exposition;
mod histogram;
mod page;
mod process;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use self::endpoints::Endpoints;
pub use self::exposition::Format;
pub use self::histogram::{Commits, Histogram};
pub use self::page::{Api, Facts, Journal, page};
use crate::run::outcome::Outcome;

/// Seconds: from an API that answers at once to a rollout that takes an hour.
const WAITS: &[f64] = &[0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0];

/// What one relay has counted since it started.
#[derive(Debug)]
pub struct Metrics {
    started: Timestamp,
    /// Deliveries, by endpoint.
    pub endpoints: Endpoints,
    /// Requests to hooks that are not configured.
    pub unknown_hooks: Counter,
    /// Runs that ended, by their first action.
    pub runs: Ends,
    /// Targets that ended.
    pub targets: Ends,
    /// From a delivery's arrival until the API took a change.
    pub change_delay: Histogram,
    /// From a delivery's arrival until a run ended.
    pub run_duration: Histogram,
    /// Tries that failed and are made again.
    pub retries: Counter,
    /// New configurations that are served.
    pub reloads: Counter,
    /// New configurations that were refused.
    pub refused_reloads: Counter,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            started: Timestamp::now(),
            endpoints: Endpoints::default(),
            unknown_hooks: Counter::default(),
            runs: Ends::default(),
            targets: Ends::default(),
            change_delay: Histogram::new(WAITS),
            run_duration: Histogram::new(WAITS),
            retries: Counter::default(),
            reloads: Counter::default(),
            refused_reloads: Counter::default(),
        }
    }
}

impl Metrics {
    /// A run ended, whose delivery was received then. What never came to its turn took no time that says anything.
    pub fn run_ended(&self, action: &'static str, outcome: Outcome, received: Timestamp) {
        self.runs.count(action, outcome);
        if outcome != Outcome::Superseded {
            self.run_duration.observe(seconds_since(received));
        }
    }

    /// The API took a change for a delivery that was received then.
    pub fn changed(&self, received: Timestamp) {
        self.change_delay.observe(seconds_since(received));
    }
}

/// Never below zero, whatever the clock did.
fn seconds_since(then: Timestamp) -> f64 {
    Timestamp::now().duration_since(then).as_secs_f64().max(0.0)
}

/// Something that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How things ended, by action and outcome.
#[derive(Debug, Default)]
pub struct Ends(Mutex<BTreeMap<&'static str, [u64; Outcome::ALL.len()]>>);

impl Ends {
    /// One of this action ended so.
    pub fn count(&self, action: &'static str, outcome: Outcome) {
        let mut ends = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let counts = ends.entry(action).or_default();
        for (count, _) in counts.iter_mut().zip(Outcome::ALL).filter(|(_, other)| *other == outcome) {
            *count += 1;
        }
    }

    /// All of them, and zeros for these actions: what is not there before its first time cannot be seen to grow.
    fn counts(&self, actions: &[&'static str]) -> Vec<(&'static str, Outcome, u64)> {
        let mut ends = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for action in actions {
            ends.entry(action).or_default();
        }
        let counts = ends.into_iter().flat_map(|(action, counts)| {
            Outcome::ALL.into_iter().zip(counts).map(move |(outcome, count)| (action, outcome, count))
        });
        counts.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_counted_by_action_and_outcome_with_zeros_for_what_may_come() {
        let ends = Ends::default();
        ends.count("restart", Outcome::Failed);
        ends.count("restart", Outcome::Failed);
        let counts = ends.counts(&["restart", "setImage"]);
        assert_eq!(counts.len(), 2 * Outcome::ALL.len());
        let counted: Vec<_> = counts.into_iter().filter(|(_, _, count)| *count > 0).collect();
        assert_eq!(counted, [("restart", Outcome::Failed, 2)]);
    }

    #[test]
    fn what_was_superseded_has_no_duration() {
        let metrics = Metrics::default();
        metrics.run_ended("restart", Outcome::Superseded, Timestamp::now());
        metrics.run_ended("restart", Outcome::Succeeded, Timestamp::MAX);
        assert_eq!(metrics.run_duration.read().count(), 1);
    }
}

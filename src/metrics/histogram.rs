//! Durations, counted in buckets without a lock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use super::Counter;

/// Counts observations by size.
#[derive(Debug)]
pub struct Histogram {
    /// The upper bounds of all buckets but the last, ascending.
    bounds: &'static [f64],
    /// How many observations are in each bucket alone.
    counts: Box<[AtomicU64]>,
    /// Of all observations, in millionths.
    millionths: AtomicU64,
}

/// A histogram at one moment.
#[derive(Debug)]
pub(super) struct Reading {
    /// Upper bounds, and how many observations are not above them; the last bound is infinite.
    pub(super) buckets: Vec<(f64, u64)>,
    pub(super) sum: f64,
}

impl Histogram {
    /// An empty one with these upper bounds, ascending.
    pub fn new(bounds: &'static [f64]) -> Self {
        let counts = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Self { bounds, counts, millionths: AtomicU64::new(0) }
    }

    /// Counts a value that is not negative.
    pub fn observe(&self, value: f64) {
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        if let Some(count) = self.counts.get(bucket) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "not negative; what is too large is cut"
        )]
        self.millionths.fetch_add((value * 1e6) as u64, Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> Reading {
        let mut below = 0;
        let counts = self.counts.iter().map(|count| {
            below += count.load(Ordering::Relaxed);
            below
        });
        let bounds = self.bounds.iter().copied().chain([f64::INFINITY]);
        let buckets = bounds.zip(counts).collect();
        #[allow(clippy::cast_precision_loss, reason = "a sum of seconds: exact for 285 years")]
        let sum = self.millionths.load(Ordering::Relaxed) as f64 / 1e6;
        Reading { buckets, sum }
    }
}

impl Reading {
    /// How many observations there are.
    pub(super) fn count(&self) -> u64 {
        self.buckets.last().map_or(0, |(_, count)| *count)
    }
}

/// How the journal's commits went.
#[derive(Debug)]
pub struct Commits {
    /// How long those took that reached the disk.
    pub time: Histogram,
    /// Those that did not.
    pub failures: Counter,
}

impl Default for Commits {
    fn default() -> Self {
        /// Seconds: from a file in memory to a disk that is overloaded.
        const BOUNDS: &[f64] = &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];
        Self { time: Histogram::new(BOUNDS), failures: Counter::default() }
    }
}

impl Commits {
    /// Counts a commit that was begun then.
    pub fn count(&self, begun: Instant, landed: bool) {
        if landed {
            self.time.observe(begun.elapsed().as_secs_f64());
        } else {
            self.failures.count();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_counts_in_every_bucket_whose_bound_it_does_not_pass() {
        let histogram = Histogram::new(&[1.0, 2.0]);
        for value in [0.0, 1.0, 1.5, 2.5] {
            histogram.observe(value);
        }
        let reading = histogram.read();
        assert_eq!(reading.buckets, [(1.0, 2), (2.0, 3), (f64::INFINITY, 4)]);
        assert_eq!((reading.count(), reading.sum.to_string().as_str()), (4, "5"));
    }
}

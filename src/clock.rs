//! Waiting for a time of day, and numbers that go with it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;

/// Returns once this time has come; with `None` never.
pub async fn sleep_until(due: Option<Timestamp>) {
    match due {
        Some(due) => {
            let wait = due.duration_since(Timestamp::now());
            tokio::time::sleep(wait.try_into().unwrap_or(Duration::ZERO)).await;
        }
        None => std::future::pending().await,
    }
}

/// Numbers that only grow, from the time and a count: also higher than those of earlier processes, unless the clock
/// went back.
#[derive(Debug, Default)]
pub struct Numbers(AtomicU64);

impl Numbers {
    /// A number that is higher than all before it.
    pub fn next(&self) -> u64 {
        let now = u64::try_from(Timestamp::now().as_millisecond()).unwrap_or(0) << 10;
        let next = |last: u64| Some(now.max(last.saturating_add(1)));
        let last = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
        now.max(last.unwrap_or(0).saturating_add(1))
    }

    /// From now on numbers are higher than this one, which an earlier process gave.
    pub fn above(&self, number: u64) {
        self.0.fetch_max(number, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_grow_also_past_those_of_a_clock_that_was_ahead() {
        let numbers = Numbers::default();
        let first = numbers.next();
        assert!(numbers.next() > first);
        numbers.above(u64::MAX / 2);
        assert_eq!(numbers.next(), u64::MAX / 2 + 1);
        numbers.above(first);
        assert_eq!(numbers.next(), u64::MAX / 2 + 2, "it is higher already");
        numbers.above(u64::MAX);
        assert_eq!(numbers.next(), u64::MAX, "no record makes it panic");
    }
}

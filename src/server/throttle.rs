//! Keeps what anybody can cause from filling the log.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Lines in one [`PERIOD`].
const LINES: u32 = 20;

/// After this the count begins anew.
const PERIOD: Duration = Duration::from_secs(1);

/// Lets a few lines a second pass and counts the rest.
#[derive(Debug, Default)]
pub(super) struct Throttle(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    since: Option<Instant>,
    lines: u32,
    kept_back: u64,
}

/// What to do with a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Pass {
    /// Log it; so many before it were kept back.
    Yes { kept_back: u64 },
    /// Keep it back.
    No,
}

impl Throttle {
    /// Whether a line may be logged now.
    pub(super) fn pass(&self, now: Instant) -> Pass {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.since.is_none_or(|since| now.duration_since(since) >= PERIOD) {
            (state.since, state.lines) = (Some(now), 0);
        }
        if state.lines >= LINES {
            state.kept_back += 1;
            return Pass::No;
        }
        state.lines += 1;
        Pass::Yes { kept_back: std::mem::take(&mut state.kept_back) }
    }

    /// Counts a line that is not logged for another reason.
    pub(super) fn keep_back(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).kept_back += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_lines_a_second_pass_and_the_rest_is_counted() {
        let (throttle, start) = (Throttle::default(), Instant::now());
        for _ in 0..LINES {
            assert_eq!(throttle.pass(start), Pass::Yes { kept_back: 0 });
        }
        for _ in 0..3 {
            assert_eq!(throttle.pass(start), Pass::No);
        }
        assert_eq!(throttle.pass(start + PERIOD), Pass::Yes { kept_back: 3 });
        assert_eq!(throttle.pass(start + PERIOD), Pass::Yes { kept_back: 0 });
    }
}

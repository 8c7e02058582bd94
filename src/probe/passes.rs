//! Tries until enough of them in a row were good, or the time is up.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::prober::{Good, Prober};
use super::{Probe, duration, shown};
use crate::rule::Values;

/// Probes until it passes, which says what was seen, or its time is up, which says why the last bad try was one; both
/// name the URL. The time counts from `since`, which may be in an earlier process: however long ago that was, there is
/// time for one sequence of tries from now on.
pub async fn passes(probe: &Probe, values: &Values, since: Timestamp) -> Result<String, String> {
    let prober = Prober::new(probe, values)?;
    let url = shown(&prober.url);
    let deadline = Instant::now() + time_left(probe, since, Timestamp::now());
    let mut streak = Streak::default();
    loop {
        let next = Instant::now() + probe.every;
        // A try that the end of the time falls into is still waited for: that takes no longer than maxLatency.
        match prober.attempt().await {
            Ok(good) => streak.add(&good),
            Err(why) => {
                log::debug!("probe={url} {why}");
                streak = Streak { trouble: Some(why), ..Streak::default() };
            }
        }
        if streak.good >= probe.consecutive {
            return Ok(format!("{url} {}", streak.told()));
        }
        if next.max(Instant::now()) > deadline {
            return Err(format!(
                "{url} is not well after {}: {}",
                duration(probe.within),
                streak.why_not(probe.consecutive)
            ));
        }
        tokio::time::sleep_until(next).await;
    }
}

/// How long may be tried from now on.
fn time_left(probe: &Probe, since: Timestamp, now: Timestamp) -> Duration {
    let passed = Duration::try_from(now.duration_since(since)).unwrap_or_default();
    let sequence = (probe.every + probe.max_latency).saturating_mul(probe.consecutive);
    probe.within.saturating_sub(passed).max(sequence.min(probe.within))
}

/// The good tries in a row.
#[derive(Default)]
struct Streak {
    good: u32,
    /// What the answers were, each once.
    statuses: Vec<u16>,
    slowest: Duration,
    /// Why the try before them was not good.
    trouble: Option<String>,
}

impl Streak {
    fn add(&mut self, good: &Good) {
        self.good += 1;
        self.slowest = self.slowest.max(good.latency);
        if !self.statuses.contains(&good.status) {
            self.statuses.push(good.status);
        }
    }

    /// `answered 200, 3 times in a row, slowest 41 ms`
    fn told(&self) -> String {
        let statuses: Vec<_> = self.statuses.iter().map(u16::to_string).collect();
        let (statuses, slowest) = (statuses.join(" and "), self.slowest.as_millis());
        match self.good {
            1 => format!("answered {statuses} in {slowest} ms"),
            times => format!("answered {statuses}, {times} times in a row, slowest {slowest} ms"),
        }
    }

    fn why_not(&self, consecutive: u32) -> String {
        match (&self.trouble, self.good) {
            (Some(why), 0) => why.clone(),
            (Some(why), good) => {
                format!("{good} of {consecutive} tries in a row were good; the one before: {why}")
            }
            (None, good) => format!("only {good} of {consecutive} tries were made"),
        }
    }
}

#[cfg(test)]
mod tests;

//! How often something may happen: a token bucket, kept as one number (the generic cell rate algorithm).

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::config::fields::Fields;
use crate::config::units::Shown;

/// The most that `burst` may say.
const LARGEST_BURST: u64 = 1_000_000;

/// The longest time that `per` may say.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// So many in so much time: all of them at once, if none came before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// At least 1.
    pub burst: u32,
    /// The time after which all of them are there again.
    pub per: Duration,
}

impl Rate {
    /// Reads the field `name: {burst, per}`. `None` if it is not there, or wrong.
    pub fn read(fields: &mut Fields<'_>, name: &'static str) -> Option<Self> {
        let mut section = fields.section(name)?;
        for needed in ["burst", "per"] {
            if !section.has(needed) {
                let text = format!("{needed} is missing: write {{burst: 100, per: 1m}}");
                section.report().mistake(section.path(), text);
            }
        }
        let burst = section.number("burst", 1, LARGEST_BURST);
        let per = section.duration_within("per", Duration::from_secs(1), LONGEST);
        section.finish();
        Some(Self { burst: u32::try_from(burst?).ok()?, per: per? })
    }

    /// What one costs, in nanoseconds.
    fn cost(self) -> u64 {
        (nanoseconds(self.per) / u64::from(self.burst.max(1))).max(1)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{burst: {}, per: {}}}", self.burst, Shown(self.per))
    }
}

/// What is left of a [`Rate`]: the moment, in nanoseconds after some beginning, at which all is there again.
#[derive(Debug, Default)]
pub struct Bucket(AtomicU64);

impl Bucket {
    /// Takes one at `now`, a time since the beginning. If there is none, says how long until there is; then nothing
    /// is taken.
    pub fn take(&self, rate: Rate, now: Duration) -> Result<(), Duration> {
        let (now, cost, most) = (nanoseconds(now), rate.cost(), nanoseconds(rate.per));
        let taken = |full_at: u64| {
            let next = full_at.max(now).saturating_add(cost);
            (next - now <= most).then_some(next)
        };
        match self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, taken) {
            Ok(_) => Ok(()),
            Err(full_at) => Err(Duration::from_nanos(
                full_at.saturating_add(cost).saturating_sub(now.saturating_add(most)),
            )),
        }
    }
}

/// A bucket of its own with the clock that it goes by.
#[derive(Debug)]
pub struct Limited {
    /// So many are let through.
    pub rate: Rate,
    bucket: Bucket,
    since: Instant,
}

impl Limited {
    /// A full bucket.
    pub fn new(rate: Rate) -> Self {
        Self { rate, bucket: Bucket::default(), since: Instant::now() }
    }

    /// Takes one; if there is none, says how long until there is.
    pub fn take(&self) -> Result<(), Duration> {
        self.bucket.take(self.rate, self.since.elapsed())
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { burst: 3, per: Duration::from_secs(30) };

    #[test]
    fn a_burst_is_there_at_once_and_comes_back_with_time() {
        let bucket = Bucket::default();
        let take = |seconds: u64| bucket.take(RATE, Duration::from_secs(seconds));
        assert_eq!([take(100), take(100), take(100)], [Ok(()); 3]);
        assert_eq!(take(100), Err(Duration::from_secs(10)));
        // Asking in vain takes nothing.
        assert_eq!(take(104), Err(Duration::from_secs(6)));
        assert_eq!(take(110), Ok(()));
        assert_eq!(take(110), Err(Duration::from_secs(10)));
        assert_eq!([take(900), take(900), take(900)], [Ok(()); 3]);
        assert!(take(900).is_err(), "never more than the burst");
    }

    #[test]
    fn uneven_rates_let_the_whole_burst_through() {
        for burst in [1, 7, 60, 1_000_000] {
            let (bucket, rate) = (Bucket::default(), Rate { burst, per: Duration::from_secs(1) });
            let through = (0..=burst).filter(|_| bucket.take(rate, Duration::ZERO).is_ok()).count();
            assert_eq!(through, burst as usize);
        }
    }
}

//! Chance that can be repeated: the same seed brings the same dice, though not the same moments.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A stream of random numbers (`SplitMix64`).
pub(super) struct Dice(u64);

impl Dice {
    /// The stream of a seed; another `number` is another stream.
    pub(super) fn new(seed: u64, number: u64) -> Self {
        Self(seed ^ number.wrapping_mul(0xd1b5_4a32_d192_ed03))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0, below this.
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// One time in so many.
    pub(super) fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// A duration from nothing to so many milliseconds.
    pub(super) fn up_to(&mut self, milliseconds: u64) -> Duration {
        Duration::from_micros(self.below(milliseconds * 1000))
    }
}

/// `BOATHOOK_TEST_SEED`, or another one each time.
pub(super) fn seed() -> u64 {
    number("BOATHOOK_TEST_SEED").unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        u64::from(now.subsec_nanos()) ^ now.as_secs()
    })
}

/// A number in the environment.
pub(super) fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text} is not a number")))
}

/// Lets time pass.
#[expect(
    clippy::disallowed_methods,
    reason = "a moment that nobody can know of beforehand is what is asked for"
)]
pub(super) fn pause(duration: Duration) {
    std::thread::sleep(duration);
}

//! Growing, jittered pauses between tries.

use std::time::Duration;

/// The first pause.
const FIRST: Duration = Duration::from_millis(500);

/// The longest pause: how soon a target is tried after it came back.
const LONGEST: Duration = Duration::from_secs(15);

/// The pauses of one target.
#[derive(Debug, Default)]
pub struct Backoff {
    tries: u32,
}

impl Backoff {
    /// The pauses after so many tries.
    pub fn after(tries: u32) -> Self {
        Self { tries }
    }

    /// How many pauses there have been.
    pub fn tries(&self) -> u32 {
        self.tries
    }

    /// The next pause: twice the last one, give or take a quarter so that many targets do not come back at
    /// once, and never less than what the server asked for.
    pub fn next(&mut self, asked: Option<Duration>) -> Duration {
        let pause = pause((FIRST, LONGEST), self.tries, asked);
        self.tries += 1;
        pause
    }
}

/// The pause after so many tries before this one, from the first to the longest of these: it doubles with each,
/// give or take a quarter, and is never less than what the server asked for.
pub fn pause((first, longest): (Duration, Duration), tries: u32, asked: Option<Duration>) -> Duration {
    let grown = first.saturating_mul(1 << tries.min(20)).min(longest);
    let jittered = grown.mul_f64(0.75 + 0.5 * fraction());
    asked.map_or(jittered, |asked| asked.max(jittered))
}

/// A random number from 0 to 1.
fn fraction() -> f64 {
    let mut byte = [0u8; 2];
    // Without randomness pauses are merely not jittered.
    let _ = ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut byte);
    f64::from(u16::from_le_bytes(byte)) / f64::from(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_limit_and_heed_the_server() {
        let mut backoff = Backoff::default();
        let pauses: Vec<_> = (0..12).map(|_| backoff.next(None)).collect();
        for pair in pauses.windows(3) {
            assert!(pair[2] > pair[0] || pair[2] > LONGEST.mul_f64(0.7), "{pauses:?}");
        }
        assert!(pauses.iter().all(|pause| *pause <= LONGEST.mul_f64(1.25)));
        assert!(pauses[0] >= FIRST.mul_f64(0.75) && pauses[0] <= FIRST.mul_f64(1.25));
        assert_eq!(backoff.next(Some(Duration::from_secs(60))), Duration::from_secs(60));
    }
}

//! Failures at random: how often, which, and the same again for the same seed.

use super::super::serve::Request;
use super::Double;
use super::fault::Fault;
use std::time::Duration;

/// How many lots there are.
const LOTS: f64 = 4_294_967_296.0;

/// Random failures. With one client that sends one request after the other the same seed gives the same failures.
#[derive(Clone, Debug)]
pub struct Chaos {
    seed: u64,
    rate: f64,
    faults: Vec<Fault>,
}

impl Chaos {
    /// So many of all requests fail (0 to 1), in each way that a client has to survive.
    pub fn new(seed: u64, rate: f64) -> Self {
        let faults = vec![
            Fault::Status(500),
            Fault::Status(503),
            Fault::Status(504),
            Fault::TooManyRequests(1),
            Fault::Conflict,
            Fault::Close,
            Fault::LoseAnswer,
            Fault::CloseMidResponse,
            Fault::Slow(Duration::from_millis(20)),
        ];
        Self { seed, rate, faults }
    }

    /// Only in these ways; one that is named twice comes twice as often.
    #[must_use]
    pub fn only(mut self, faults: &[Fault]) -> Self {
        self.faults = faults.to_vec();
        self
    }

    /// The failure of this request, if it is one of those that fail.
    pub fn draw(&mut self, request: &Request) -> Option<Fault> {
        let fitting: Vec<&Fault> = self.faults.iter().filter(|fault| fault.fits(request)).collect();
        let (lot, which) = (draw(&mut self.seed), draw(&mut self.seed));
        if f64::from(lot) >= self.rate * LOTS || fitting.is_empty() {
            return None;
        }
        Some(fitting[usize::try_from(which).unwrap() % fitting.len()].clone())
    }
}

/// The next number of `SplitMix64`, its upper half.
fn draw(state: &mut u64) -> u32 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^= mixed >> 31;
    u32::try_from(mixed >> 32).unwrap()
}

impl Double {
    /// Requests fail at random from now on, besides those that planned faults hit, until [`Self::clear_faults`].
    pub fn fail_at_random(&self, chaos: Chaos) {
        self.change(|world| world.faults.chaos = Some(chaos));
    }

    /// How many requests have failed on purpose, planned or at random.
    pub fn count_faults(&self) -> usize {
        self.world().faults.taken()
    }
}

//! Counts what each client was refused (401, 404, 413). One that is refused too often is told 429 instead, which costs
//! next to nothing and has no line in the log. Nothing else happens to it: a delivery that verifies is taken from any
//! address, so that nobody can lock out a sender by using its address.

use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::client::Client;
use crate::cidr::client_network;
use crate::rate::{Bucket, Rate};

/// Clients share this many buckets, of 8 bytes each. Two that share one only see each other's 429 in the place of
/// another refusal.
const BUCKETS: usize = 4096;

/// The buckets of all clients.
#[derive(Debug)]
pub(super) struct Refusals {
    buckets: Box<[Bucket]>,
    /// Keyed, so that nobody can choose whom to share a bucket with.
    hash: RandomState,
    since: Instant,
}

impl Default for Refusals {
    fn default() -> Self {
        let buckets = std::iter::repeat_with(Bucket::default).take(BUCKETS).collect();
        Self { buckets, hash: RandomState::new(), since: Instant::now() }
    }
}

impl Refusals {
    /// Charges the client for a refusal. Fails when it has had too many: with the time until it may have another.
    pub(super) fn charge(&self, client: Client, rate: Rate, now: Instant) -> Result<(), Duration> {
        match self.bucket(client.address).filter(|_| client.counted) {
            Some(bucket) => bucket.take(rate, now.duration_since(self.since)),
            None => Ok(()),
        }
    }

    fn bucket(&self, address: IpAddr) -> Option<&Bucket> {
        let hash = self.hash.hash_one(client_network(address));
        let place = usize::try_from(hash).unwrap_or(usize::MAX) % self.buckets.len().max(1);
        self.buckets.get(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { burst: 2, per: Duration::from_secs(60) };

    fn client(address: &str, counted: bool) -> Client {
        Client { address: address.parse().unwrap(), counted }
    }

    #[test]
    fn each_client_is_charged_for_its_own() {
        let (refusals, now) = (Refusals::default(), Instant::now());
        let charge = |address: &str, counted| refusals.charge(client(address, counted), RATE, now).is_ok();
        assert!(charge("2001:db8::1", true) && charge("2001:db8::2", true), "one network is one client");
        assert!(!charge("2001:db8::3", true));
        let bucket = |address: &str| refusals.bucket(address.parse().unwrap()).unwrap();
        let elsewhere = |other: &&str| !std::ptr::eq(bucket(other), bucket("2001:db8::1"));
        let other = ["203.0.113.7", "203.0.113.8"].into_iter().find(elsewhere).unwrap();
        assert!(charge(other, true) && charge(other, true) && !charge(other, true));
        assert!((0..10).all(|_| charge(other, false)), "who may be many is not charged");
    }
}

//! Deliveries, by endpoint. An endpoint has an entry from its first request on.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

/// What was counted for each endpoint.
#[derive(Debug, Default)]
pub struct Endpoints(Mutex<HashMap<String, Counts>>);

/// What was counted for one endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Status codes: a few, the one that came first before the others.
    pub(super) answers: Vec<(u16, u64)>,
    pub(super) unverified: u64,
    pub(super) unknown_shapes: u64,
    /// When the last authentic delivery came.
    pub(super) last: Option<Timestamp>,
}

impl Endpoints {
    /// A request was answered with this status code.
    pub fn answered(&self, endpoint: &str, code: u16) {
        self.change(endpoint, |counts| match counts.answers.iter_mut().find(|(other, _)| *other == code) {
            Some((_, count)) => *count += 1,
            None => counts.answers.push((code, 1)),
        });
    }

    /// A delivery came that is authentic.
    pub fn verified(&self, endpoint: &str, now: Timestamp) {
        self.change(endpoint, |counts| counts.last = counts.last.max(Some(now)));
    }

    /// A delivery came that does not prove where it comes from.
    pub fn unverified(&self, endpoint: &str) {
        self.change(endpoint, |counts| counts.unverified += 1);
    }

    /// A delivery came that is authentic and of a shape that nobody knows.
    pub fn unknown_shape(&self, endpoint: &str) {
        self.change(endpoint, |counts| counts.unknown_shapes += 1);
    }

    /// Forgets all but these: the configuration has no others any more.
    pub fn keep<'a>(&self, names: impl Iterator<Item = &'a str>) {
        let names: HashSet<_> = names.collect();
        self.all().retain(|name, _| names.contains(name.as_str()));
    }

    pub(super) fn of(&self, endpoint: &str) -> Counts {
        self.all().get(endpoint).cloned().unwrap_or_default()
    }

    fn change(&self, endpoint: &str, change: impl FnOnce(&mut Counts)) {
        let mut all = self.all();
        // Without a copy of the name but for the first request.
        match all.get_mut(endpoint) {
            Some(counts) => change(counts),
            None => change(all.entry(endpoint.to_owned()).or_default()),
        }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<String, Counts>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_endpoint_has_its_own_counts_until_it_is_taken_out() {
        let endpoints = Endpoints::default();
        for code in [202, 401, 202] {
            endpoints.answered("a", code);
        }
        endpoints.unverified("a");
        endpoints.verified("b", Timestamp::UNIX_EPOCH);
        assert_eq!(endpoints.of("a").answers, [(202, 2), (401, 1)]);
        assert_eq!((endpoints.of("a").unverified, endpoints.of("a").last), (1, None));
        assert_eq!(endpoints.of("b").last, Some(Timestamp::UNIX_EPOCH));
        endpoints.keep(["b", "c"].into_iter());
        assert_eq!(endpoints.of("a"), Counts::default());
        assert_ne!(endpoints.of("b"), Counts::default());
    }
}

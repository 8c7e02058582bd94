//! Which deliveries have been seen: the same one again is answered, not repeated (DESIGN.md section 7).

use std::collections::{HashMap, VecDeque};

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};

use super::record::RunId;
use crate::source::Identity;

/// How long a delivery is remembered.
const KEPT: SignedDuration = SignedDuration::from_hours(72);

/// How many deliveries are remembered, each counted with its runs and targets; the oldest that have ended go
/// first.
const LIMIT: usize = 8192;

/// What a delivery is recognised by, scoped to its endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    marks: Vec<[u8; 32]>,
    /// Whether a delivery is still the same one once a run of the first has begun to change something.
    lasting: bool,
    asking: bool,
}

impl Keys {
    /// The keys of a delivery with this identity and body. With `lasting` false only a delivery that
    /// waits is taken for the same one, as flux-recv's users are used to.
    pub fn new(endpoint: &str, identity: &Identity, body: &[u8], lasting: bool) -> Self {
        let mark = |kind: &[u8], bytes: &[u8]| {
            let mut hash = Sha256::new();
            // The endpoint's name has no NUL, so parts cannot run into each other.
            hash.update(endpoint.as_bytes());
            hash.update([0]);
            hash.update(kind);
            hash.update(bytes);
            <[u8; 32]>::from(hash.finalize())
        };
        let (marks, while_pending) = match identity {
            Identity::Unknown => (Vec::new(), false),
            Identity::Id(id) => (vec![mark(b"id ", id.as_bytes())], false),
            Identity::IdOrBody(id) => (vec![mark(b"id ", id.as_bytes()), mark(b"body ", body)], false),
            Identity::Body => (vec![mark(b"body ", body)], false),
            Identity::BodyWhilePending => (vec![mark(b"body ", body)], true),
        };
        Self { marks, lasting: lasting && !while_pending, asking: false }
    }

    /// With `asking` also a delivery that has ended badly is the same one: its caller wants to know its end, not
    /// to begin it again.
    #[must_use]
    pub fn asking(self, asking: bool) -> Self {
        Self { asking, ..self }
    }
}

/// A delivery that was accepted: its number in the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Seen(u64);

/// What is remembered of one delivery.
#[derive(Debug)]
pub struct Memory {
    /// The id that it was answered with.
    pub id: String,
    /// Its runs.
    pub runs: Vec<RunId>,
    /// `None` while a run is under way; else whether all ended well.
    pub fate: Option<bool>,
    keys: Keys,
    at: Timestamp,
    /// What it counts for once it has ended.
    weight: usize,
}

/// All deliveries that are remembered.
#[derive(Debug, Default)]
pub struct Deliveries {
    by_mark: HashMap<[u8; 32], Seen>,
    memories: HashMap<Seen, Memory>,
    /// In the order of their ends. A pending delivery is never forgotten; the queue bounds their number.
    ended: VecDeque<Seen>,
    /// Of all that have ended.
    weight: usize,
    next: u64,
}

impl Deliveries {
    /// The delivery that this one repeats, if it shall not run again. `changing` says whether a run has begun to
    /// change something: what is pushed from then on may not be in it.
    pub fn same(&self, keys: &Keys, now: Timestamp, changing: impl Fn(RunId) -> bool) -> Option<Seen> {
        let found = keys.marks.iter().filter_map(|mark| self.by_mark.get(mark));
        found.copied().find(|seen| {
            self.memories.get(seen).is_some_and(|memory| match memory.fate {
                None => keys.lasting || !memory.runs.iter().any(|run| changing(*run)),
                Some(well) => (well || keys.asking) && keys.lasting && now.duration_since(memory.at) < KEPT,
            })
        })
    }

    /// Remembers a delivery as pending.
    pub fn remember(&mut self, keys: Keys, id: String, runs: Vec<RunId>, at: Timestamp) -> Seen {
        let seen = Seen(self.next);
        self.next += 1;
        for mark in &keys.marks {
            self.by_mark.insert(*mark, seen);
        }
        self.memories.insert(seen, Memory { id, runs, fate: None, keys, at, weight: 0 });
        seen
    }

    /// What is remembered of a delivery.
    pub fn get(&self, seen: Seen) -> Option<&Memory> {
        self.memories.get(&seen)
    }

    /// All runs of a delivery have ended, all well or not, and count for so much. Returns the runs of deliveries that are forgotten
    /// from now on.
    pub fn end(&mut self, seen: Seen, well: bool, weight: usize, now: Timestamp) -> Vec<RunId> {
        if let Some(memory) = self.memories.get_mut(&seen) {
            memory.fate = Some(well);
            memory.weight = 1 + weight;
            self.weight += memory.weight;
            self.ended.push_back(seen);
        }
        let mut forgotten = Vec::new();
        while let Some((first, memory)) = self.ended.front().and_then(|s| Some((*s, self.memories.get(s)?))) {
            if self.weight <= LIMIT && now.duration_since(memory.at) < KEPT {
                break;
            }
            self.weight -= memory.weight;
            self.ended.pop_front();
            forgotten.extend(self.forget(first));
        }
        forgotten
    }

    /// Forgets a pending delivery as if it had never come: its runs could not be made safe.
    pub fn forget(&mut self, seen: Seen) -> Vec<RunId> {
        let Some(memory) = self.memories.remove(&seen) else { return Vec::new() };
        for mark in &memory.keys.marks {
            // A later delivery may have taken the mark over.
            if self.by_mark.get(mark) == Some(&seen) {
                self.by_mark.remove(mark);
            }
        }
        memory.runs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn keys(identity: &Identity, body: &[u8]) -> Keys {
        Keys::new("ghcr", identity, body, true)
    }

    #[test]
    fn an_unsigned_id_does_not_make_a_replayed_body_new() {
        let mut seen = Deliveries::default();
        let first = keys(&Identity::IdOrBody("1".into()), b"body");
        let number = seen.remember(first, "1".into(), vec![], at(0));
        seen.end(number, true, 0, at(0));
        assert!(seen.same(&keys(&Identity::IdOrBody("2".into()), b"body"), at(1), |_| false).is_some());
        assert!(seen.same(&keys(&Identity::IdOrBody("1".into()), b"other"), at(1), |_| false).is_some());
        assert!(seen.same(&keys(&Identity::IdOrBody("2".into()), b"other"), at(1), |_| false).is_none());
        assert!(
            seen.same(&keys(&Identity::Id("body".into()), b""), at(1), |_| false).is_none(),
            "an id is no body"
        );
        let elsewhere = Keys::new("other", &Identity::IdOrBody("1".into()), b"body", true);
        assert!(seen.same(&elsewhere, at(1), |_| false).is_none(), "another endpoint");
    }

    #[test]
    fn what_failed_runs_again_and_what_looks_alike_is_the_same_only_while_pending() {
        let mut seen = Deliveries::default();
        let id = Identity::Id("1".into());
        let number = seen.remember(keys(&id, b""), "1".into(), vec![], at(0));
        assert!(seen.same(&keys(&id, b""), at(0), |_| false).is_some());
        seen.end(number, false, 0, at(0));
        assert!(seen.same(&keys(&id, b""), at(0), |_| false).is_none());
        let asking = keys(&id, b"").asking(true);
        assert!(
            seen.same(&asking, at(0), |_| false).is_some(),
            "who asks for the end does not begin it again"
        );

        let quay = Identity::BodyWhilePending;
        let number = seen.remember(keys(&quay, b"b"), "2".into(), vec![RunId(7)], at(0));
        assert!(seen.same(&keys(&quay, b"b"), at(0), |_| false).is_some());
        let changing = |run| run == RunId(7);
        assert!(seen.same(&keys(&quay, b"b"), at(0), changing).is_none(), "it may not be in what runs");
        seen.end(number, true, 0, at(0));
        assert!(seen.same(&keys(&quay, b"b"), at(0), |_| false).is_none());
    }

    #[test]
    fn memory_is_bounded_in_time_and_number() {
        let mut seen = Deliveries::default();
        let key = |i: usize| keys(&Identity::Id(i.to_string()), b"");
        for i in 0..=LIMIT {
            let number = seen.remember(key(i), i.to_string(), vec![RunId(i as u64)], at(0));
            let forgotten = seen.end(number, true, 0, at(0));
            assert_eq!(forgotten, if i < LIMIT { vec![] } else { vec![RunId(0)] });
        }
        assert!(seen.same(&key(0), at(0), |_| false).is_none(), "the oldest went");
        assert!(seen.same(&key(1), at(0), |_| false).is_some());
        assert!(seen.same(&key(1), at(72 * 3600), |_| false).is_none(), "three days are over");
        let number = seen.remember(key(0), "0".into(), vec![], at(72 * 3600));
        let forgotten = seen.end(number, true, 0, at(72 * 3600));
        assert_eq!(forgotten.len(), LIMIT);
        assert_eq!((seen.by_mark.len(), seen.memories.len(), seen.ended.len()), (1, 1, 1));
    }
}

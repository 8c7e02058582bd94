//! Which deliveries have been seen: the same one again is answered, not repeated (DESIGN.md section 7).

use std::collections::{HashMap, VecDeque};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::record::RunId;
use crate::source::Identity;

/// How long a delivery is remembered.
const KEPT: SignedDuration = SignedDuration::from_hours(72);

/// How many deliveries are remembered; the oldest that have ended go first.
const LIMIT: usize = 8192;

/// How many bytes the records of deliveries that have ended may take; the oldest go first.
const LIMIT_BYTES: usize = 8 * 1024 * 1024;

/// A hash that one delivery is recognised by: long enough that no two meet by chance.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct Mark([u8; 16]);

/// What a delivery is recognised by, scoped to its endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keys {
    marks: Vec<Mark>,
    /// The requests that confirmed it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    confirmed_by: Vec<Mark>,
    /// Whether a delivery is still the same one once a run of the first has begun to change something.
    lasting: bool,
    #[serde(skip)]
    asking: bool,
    /// A person asks for it again, so it is none that has been seen.
    #[serde(skip)]
    again: bool,
}

impl Keys {
    /// The keys of a delivery with this identity and body. With `lasting` false only a delivery that
    /// waits is taken for the same one, as flux-recv's users are used to.
    pub fn new(endpoint: &str, identity: &Identity, body: &[u8], lasting: bool) -> Self {
        let mark = |kind: &[u8], bytes: &[u8]| {
            // The endpoint's name has no NUL, so parts cannot run into each other.
            Mark::of(&[endpoint.as_bytes(), &[0], kind, bytes])
        };
        let (marks, while_pending) = match identity {
            Identity::Unknown => (Vec::new(), false),
            Identity::Id(id) => (vec![mark(b"id ", id.as_bytes())], false),
            Identity::IdOrBody(id) => (vec![mark(b"id ", id.as_bytes()), mark(b"body ", body)], false),
            Identity::Body => (vec![mark(b"body ", body)], false),
            Identity::BodyWhilePending => (vec![mark(b"body ", body)], true),
        };
        let lasting = lasting && !while_pending;
        Self { marks, confirmed_by: Vec::new(), lasting, asking: false, again: false }
    }

    /// With `asking` also a delivery that has ended badly is the same one: its caller wants to know its end, not
    /// to begin it again.
    #[must_use]
    pub fn asking(self, asking: bool) -> Self {
        Self { asking, ..self }
    }

    /// The keys of the same delivery, carried out once more on purpose: only one that has not ended stands in the
    /// way.
    #[must_use]
    pub fn again(self) -> Self {
        // It needs a confirmation of its own.
        Self { again: true, confirmed_by: Vec::new(), ..self }
    }

    /// What a request is recognised by as a confirmation: as a delivery it may be one of its own, or the one that
    /// waits.
    fn as_confirmation(&self) -> impl Iterator<Item = Mark> {
        self.marks.iter().map(|mark| Mark::of(&[b"confirms ", &mark.0]))
    }

    /// Everything that leads to the delivery.
    fn all(&self) -> impl Iterator<Item = &Mark> {
        self.marks.iter().chain(&self.confirmed_by)
    }

    /// Whether another push may look the same; what a person asks for again is none.
    pub fn look_alike(&self) -> bool {
        !self.lasting && !self.again
    }

    /// What a hold knows the delivery by; empty if nothing tells it from another, as from a later push that looks
    /// alike. An id that is not signed may differ when the same body comes again.
    pub fn mark(&self) -> String {
        self.marks.last().filter(|_| self.lasting).copied().map(String::from).unwrap_or_default()
    }
}

impl Mark {
    fn of(parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update(part);
        }
        let mut half = [0; 16];
        half.copy_from_slice(hash.finalize().split_at(16).0);
        Self(half)
    }
}

impl From<Mark> for String {
    fn from(mark: Mark) -> Self {
        hex::encode(mark.0)
    }
}

impl TryFrom<String> for Mark {
    type Error = hex::FromHexError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let mut bytes = [0; 16];
        hex::decode_to_slice(text, &mut bytes)?;
        Ok(Self(bytes))
    }
}

impl std::fmt::Debug for Mark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&String::from(*self))
    }
}

/// A delivery that was accepted: its number in the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Seen(pub u64);

/// What is remembered of one delivery.
#[derive(Debug)]
pub struct Memory {
    /// Its runs, until they have all ended.
    pub runs: Vec<RunId>,
    /// `None` while a run is under way; else whether all ended well.
    pub fate: Option<bool>,
    /// What it is recognised by.
    pub keys: Keys,
    at: Timestamp,
    /// The length of its record once it has ended.
    bytes: usize,
}

/// All deliveries that are remembered.
#[derive(Debug, Default)]
pub struct Deliveries {
    by_mark: HashMap<Mark, Seen>,
    memories: HashMap<Seen, Memory>,
    /// In the order of their ends. A pending delivery is never forgotten; the queue bounds their number.
    ended: VecDeque<Seen>,
    /// Of all that have ended.
    bytes: usize,
    next: u64,
}

impl Deliveries {
    /// The delivery that this one repeats, if it shall not run again. `changing` says whether a run has begun to
    /// change something: what is pushed from then on may not be in it.
    pub fn same(&self, keys: &Keys, now: Timestamp, changing: impl Fn(RunId) -> bool) -> Option<Seen> {
        let found = keys.marks.iter().filter_map(|mark| self.by_mark.get(mark));
        found.copied().find(|seen| {
            self.memories.get(seen).is_some_and(|memory| match memory.fate {
                None => keys.again || keys.lasting || !memory.runs.iter().any(|run| changing(*run)),
                Some(_) if keys.again => false,
                Some(well) => (well || keys.asking) && keys.lasting && now.duration_since(memory.at) < KEPT,
            })
        })
    }

    /// Remembers a delivery as pending.
    pub fn remember(&mut self, keys: Keys, runs: Vec<RunId>, at: Timestamp) -> Seen {
        let seen = Seen(self.next);
        self.restore(seen, keys, runs, at);
        seen
    }

    /// Remembers a delivery of an earlier process as pending, under the number that it had.
    pub fn restore(&mut self, seen: Seen, keys: Keys, runs: Vec<RunId>, at: Timestamp) {
        self.next = self.next.max(seen.0.saturating_add(1));
        for mark in keys.all() {
            self.by_mark.insert(*mark, seen);
        }
        self.memories.insert(seen, Memory { runs, fate: None, keys, at, bytes: 0 });
    }

    /// The delivery that a request has confirmed before.
    pub fn confirmed_by(&self, keys: &Keys) -> Option<Seen> {
        keys.as_confirmation().find_map(|mark| self.by_mark.get(&mark).copied())
    }

    /// A request confirms a delivery.
    pub fn confirm(&mut self, seen: Seen, keys: &Keys) {
        let Some(memory) = self.memories.get_mut(&seen) else { return };
        for mark in keys.as_confirmation() {
            self.by_mark.insert(mark, seen);
            memory.keys.confirmed_by.push(mark);
        }
    }

    /// Whether a delivery has ended, and not well.
    pub fn has_failed(&self, seen: Seen) -> bool {
        self.memories.get(&seen).is_some_and(|memory| memory.fate == Some(false))
    }

    /// What is remembered of a delivery.
    pub fn get(&self, seen: Seen) -> Option<&Memory> {
        self.memories.get(&seen)
    }

    /// All runs of a delivery have ended, all well or not, and its record has so many bytes. Returns the
    /// deliveries that are forgotten from now on.
    pub fn end(&mut self, seen: Seen, well: bool, bytes: usize, now: Timestamp) -> Vec<Seen> {
        if let Some(memory) = self.memories.get_mut(&seen) {
            memory.fate = Some(well);
            memory.runs = Vec::new();
            memory.bytes = bytes;
            self.bytes += bytes;
            self.ended.push_back(seen);
        }
        let mut forgotten = Vec::new();
        while let Some((first, memory)) = self.ended.front().and_then(|s| Some((*s, self.memories.get(s)?))) {
            let fits = self.bytes <= LIMIT_BYTES && self.ended.len() <= LIMIT;
            if fits && now.duration_since(memory.at) < KEPT {
                break;
            }
            self.bytes -= memory.bytes;
            self.ended.pop_front();
            self.forget(first);
            forgotten.push(first);
        }
        forgotten
    }

    /// Forgets a pending delivery as if it had never come: its runs could not be made safe. One that it was a
    /// redelivery of is known again.
    pub fn cancel(&mut self, seen: Seen) -> Vec<RunId> {
        let Some(memory) = self.memories.remove(&seen) else { return Vec::new() };
        for mark in memory.keys.all() {
            let others = self.memories.iter().filter(|(_, other)| other.keys.all().any(|own| own == mark));
            match others.map(|(other, _)| *other).max() {
                Some(before) => self.by_mark.insert(*mark, before),
                None => self.by_mark.remove(mark),
            };
        }
        memory.runs
    }

    fn forget(&mut self, seen: Seen) {
        let Some(memory) = self.memories.remove(&seen) else { return };
        for mark in memory.keys.all() {
            // A later delivery may have taken the mark over.
            if self.by_mark.get(mark) == Some(&seen) {
                self.by_mark.remove(mark);
            }
        }
    }
}

#[cfg(test)]
mod tests;

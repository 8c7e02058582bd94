//! A disk: what was written lands later, in order, or not at all when the process is killed.

use std::collections::{BTreeMap, VecDeque};

use crate::run::journal::{Table, Write};
use crate::run::sameness::Seen;

/// The journal, and what is on its way there.
#[derive(Debug, Default)]
pub(super) struct Disk {
    pub(super) records: BTreeMap<(Table, u64), Vec<u8>>,
    under_way: VecDeque<Batch>,
    last: u64,
}

/// Writes that land together.
#[derive(Debug)]
struct Batch {
    number: u64,
    writes: Vec<Write>,
    /// What may be answered once it has landed.
    answers: Option<Answer>,
}

/// What a caller is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Its delivery is accepted.
    Accepted(Seen),
    /// It is the same one, of which it was written that it came again at this time.
    Duplicate(Seen, i64),
}

impl Disk {
    /// Writes in the end; the number says when.
    pub(super) fn write(&mut self, writes: Vec<Write>) -> u64 {
        self.push(writes, None)
    }

    /// Writes, or is refused.
    pub(super) fn accept(&mut self, answer: Answer, writes: Vec<Write>) -> u64 {
        self.push(writes, Some(answer))
    }

    fn push(&mut self, writes: Vec<Write>, answers: Option<Answer>) -> u64 {
        self.last += 1;
        self.under_way.push_back(Batch { number: self.last, writes, answers });
        self.last
    }

    /// Whether a batch has landed, and so everything before it.
    pub(super) fn has(&self, number: u64) -> bool {
        self.under_way.front().is_none_or(|batch| batch.number > number)
    }

    /// The last batch that has landed.
    pub(super) fn landed(&self) -> u64 {
        self.under_way.front().map_or(self.last, |batch| batch.number - 1)
    }

    /// How many batches are on their way.
    pub(super) fn under_way(&self) -> usize {
        self.under_way.len()
    }

    /// So many batches land; returns what may be answered now.
    pub(super) fn land(&mut self, count: usize) -> Vec<Answer> {
        let count = count.min(self.under_way.len());
        let mut answers = Vec::new();
        for Batch { writes, answers: answer, .. } in self.under_way.drain(..count) {
            for Write { table, key, value } in writes {
                match value {
                    Some(value) => self.records.insert((table, key), value),
                    None => self.records.remove(&(table, key)),
                };
            }
            answers.extend(answer);
        }
        answers
    }

    /// What asks to be accepted is refused; the rest lands later.
    pub(super) fn refuse(&mut self) -> Vec<Answer> {
        let refused = self.under_way.iter().filter_map(|batch| batch.answers).collect();
        self.under_way.retain(|batch| batch.answers.is_none());
        refused
    }

    /// The process is killed: what has not landed is lost.
    pub(super) fn lose(&mut self) {
        self.last = self.landed();
        self.under_way.clear();
    }
}

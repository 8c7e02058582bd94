//! One run at a time for each workload, in the order in which they asked.

use std::collections::{BTreeMap, VecDeque};

/// Leave to work on a workload: its name, and who asked.
pub(super) type Leave = (String, u64);

/// Who works on what, and who waits behind.
#[derive(Debug, Default)]
pub(super) struct Locks {
    asked: BTreeMap<String, VecDeque<u64>>,
    last: u64,
}

impl Locks {
    /// Asks for a workload.
    pub(super) fn ask(&mut self, name: String) -> Leave {
        self.last += 1;
        self.asked.entry(name.clone()).or_default().push_back(self.last);
        (name, self.last)
    }

    /// Takes all of these, or none.
    pub(super) fn take_now(&mut self, names: Vec<String>) -> Vec<Leave> {
        let is_free = |name: &String| self.asked.get(name).is_none_or(VecDeque::is_empty);
        if names.iter().all(is_free) {
            names.into_iter().map(|name| self.ask(name)).collect()
        } else {
            Vec::new()
        }
    }

    /// Whether it is the turn of who asked.
    pub(super) fn is_held(&self, (name, asked): &Leave) -> bool {
        self.asked.get(name).and_then(VecDeque::front) == Some(asked)
    }

    /// Gives it back, or does not wait any longer.
    pub(super) fn give_back(&mut self, (name, asked): &Leave) {
        self.asked.get_mut(name).unwrap().retain(|other| other != asked);
    }

    /// Whether nobody works or waits.
    pub(super) fn are_free(&self) -> bool {
        self.asked.values().all(VecDeque::is_empty)
    }
}

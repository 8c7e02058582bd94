//! What the disk owes: records that are to be written as soon as it takes them.

use std::collections::BTreeMap;

use tokio::sync::oneshot;

use super::{Table, Write};

/// Everything that was written since the disk failed, and what undoes the records that were refused.
///
/// It is committed in one transaction, so only the last write of a record counts.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    records: BTreeMap<(Table, u64), Option<Vec<u8>>>,
    waiting: Vec<oneshot::Sender<()>>,
    writes: usize,
}

impl Backlog {
    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Takes a write that is not on the disk yet.
    pub(super) fn write(&mut self, writes: Vec<Write>, landed: oneshot::Sender<()>) {
        for Write { table, key, value } in writes {
            self.records.insert((table, key), value);
        }
        // Most callers do not wait.
        if !landed.is_closed() {
            self.waiting.push(landed);
        }
        self.writes += 1;
    }

    /// Puts back what a refused record may have replaced, unless that was written anew.
    pub(super) fn undo(&mut self, before: Write) {
        self.records.entry((before.table, before.key)).or_insert(before.value);
    }

    /// A record as it will be; `None` if it is not known here.
    pub(super) fn read(&self, table: Table, key: u64) -> Option<&Option<Vec<u8>>> {
        self.records.get(&(table, key))
    }

    pub(super) fn records(&self) -> impl Iterator<Item = (Table, u64, Option<&[u8]>)> {
        self.records.iter().map(|((table, key), value)| (*table, *key, value.as_deref()))
    }

    /// Everything is on the disk.
    pub(super) fn landed(&mut self) {
        for landed in std::mem::take(self).waiting {
            // Nobody may wait any more.
            let _ = landed.send(());
        }
    }

    /// How many writes would be lost now.
    pub(super) fn writes(&self) -> usize {
        self.writes
    }
}

//! A journal in memory: what `serve` without a state directory uses.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::{Table, Write};

/// The records.
#[derive(Debug, Default)]
pub(super) struct Memory {
    records: Mutex<BTreeMap<(Table, u64), Vec<u8>>>,
}

impl Memory {
    pub(super) fn write(&self, writes: Vec<Write>) {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        for Write { table, key, value } in writes {
            match value {
                Some(value) => records.insert((table, key), value),
                None => records.remove(&(table, key)),
            };
        }
    }

    pub(super) fn read(&self, table: Table, key: u64) -> Option<Vec<u8>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner).get(&(table, key)).cloned()
    }

    pub(super) fn newest(&self, table: Table, before: Option<u64>, limit: usize) -> Vec<(u64, Vec<u8>)> {
        let records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        let below = match before {
            Some(before) => records.range((table, 0)..(table, before)),
            None => records.range((table, 0)..=(table, u64::MAX)),
        };
        below.rev().take(limit).map(|((_, key), value)| (*key, value.clone())).collect()
    }
}

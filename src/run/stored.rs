//! The journal's records of deliveries: JSON, so that a person can read them and a later version too.

use std::sync::Arc;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::account::Account;
use super::journal::{Table, Write};
use super::record::{Origin, Run};
use super::sameness::Keys;

/// A delivery with runs that have not ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Pending {
    /// What it is recognised by.
    pub(super) keys: Keys,
    /// What is known of it.
    pub(super) origin: Arc<Origin>,
    /// All its runs, also those that have ended before the others.
    pub(super) runs: Vec<Arc<Run>>,
}

impl Pending {
    /// The runs with what they came from.
    pub(super) fn runs(self) -> Vec<Arc<Run>> {
        let origin = self.origin;
        let whole = |run: Arc<Run>| {
            let mut run = Arc::unwrap_or_clone(run);
            run.delivery = Arc::clone(&origin);
            Arc::new(run)
        };
        self.runs.into_iter().map(whole).collect()
    }
}

/// A delivery that has ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Ended {
    /// What it is recognised by.
    pub(super) keys: Keys,
    /// What a person is told of it.
    pub(super) account: Account,
}

/// What is restored of a delivery that has ended: the rest stays in the journal.
#[derive(Debug, Deserialize)]
pub(super) struct EndedMark {
    pub(super) keys: Keys,
    pub(super) account: EndedAccount,
}

/// The part of an account that says how a delivery ended.
#[derive(Debug, Deserialize)]
pub(super) struct EndedAccount {
    pub(super) received: Timestamp,
    pub(super) runs: Vec<EndedRun>,
}

/// How a run ended.
#[derive(Debug, Deserialize)]
pub(super) struct EndedRun {
    pub(super) outcome: Option<super::outcome::Outcome>,
}

/// How long most records are, in bytes: room is made for it once.
const USUAL: usize = 2048;

/// A record that is written.
pub(super) fn put(table: Table, key: u64, value: &impl Serialize) -> Write {
    let mut record = Vec::with_capacity(USUAL);
    // Our own types always serialize: no map has keys that are not text.
    if serde_json::to_writer(&mut record, value).is_err() {
        record.clear();
    }
    record.shrink_to_fit();
    Write { table, key, value: Some(record) }
}

/// A record that is removed.
pub(super) fn remove(table: Table, key: u64) -> Write {
    Write { table, key, value: None }
}

/// A record that was read; one that cannot be understood is passed over, loudly.
pub(super) fn get<T: DeserializeOwned>(table: Table, key: u64, bytes: &[u8]) -> Option<T> {
    let read = serde_json::from_slice(bytes);
    read.map_err(|error| {
        log::error!(
            "the journal's record {key} of {table:?} cannot be understood and is passed over: {error}"
        );
    })
    .ok()
}

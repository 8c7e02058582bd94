//! A notice as the journal keeps it.

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::Waiting;
use crate::notify::Notice;

/// One notice for one target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    target: String,
    first: Timestamp,
    next: Timestamp,
    attempts: u32,
    pub(super) notice: Notice,
}

/// What is kept in memory of a record.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) target: String,
    pub(super) waiting: Waiting,
}

impl Record {
    /// A notice that is due at once.
    pub(super) fn new(target: &str, notice: &Notice) -> Self {
        let (target, notice) = (target.to_owned(), notice.clone());
        Self { target, first: notice.time, next: notice.time, attempts: 0, notice }
    }

    /// The same notice, waiting so.
    pub(super) fn with(mut self, waiting: Waiting) -> Self {
        (self.first, self.next, self.attempts) = (waiting.first, waiting.next, waiting.attempts);
        self
    }

    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        read(bytes)
    }

    /// How often its target answered it with an error.
    #[cfg(test)]
    pub(super) fn attempts(&self) -> u32 {
        self.attempts
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        // Nothing in a record can fail to be written; an empty one would be dropped with a line in the log.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

impl Head {
    /// Reads who is told when, and passes over what.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Stored {
            target: String,
            first: Timestamp,
            next: Timestamp,
            attempts: u32,
        }
        let Stored { target, first, next, attempts } = read(bytes)?;
        Ok(Self { target, waiting: Waiting { first, next, attempts } })
    }
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    serde_json::from_slice(bytes).map_err(|error| error.to_string())
}

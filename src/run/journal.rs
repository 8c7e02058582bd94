//! Where runs are made safe before their delivery is answered 202.
//!
//! Today runs are kept in memory only: a run is as safe as the process. The calls stand where a durable journal
//! writes: before a delivery is accepted, and after everything that may not be done twice.

use std::fmt;
use std::sync::Arc;

use super::record::Run;

/// Keeps runs until they have ended.
#[derive(Debug, Default)]
pub struct Journal {}

impl Journal {
    /// Makes runs safe. Returns only when they are.
    #[expect(clippy::unused_async, reason = "a durable journal waits for its disk here")]
    pub async fn accept(&self, _runs: &[Arc<Run>]) -> Result<(), JournalError> {
        Ok(())
    }
}

/// Runs could not be made safe, so the delivery must not be accepted.
#[derive(Debug)]
pub struct JournalError(String);

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the journal cannot be written: {}", self.0)
    }
}

impl std::error::Error for JournalError {}

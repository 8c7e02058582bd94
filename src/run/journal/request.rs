//! What is asked of the thread that writes the journal.

use tokio::sync::oneshot;

use super::backlog::Backlog;
use super::failure::Failure;
use super::store::Tables;
use super::{JournalError, Table, Write};

/// Something to do, and where to say that it is done.
pub(super) enum Request {
    Change(Change),
    Read { table: Table, key: u64, answer: Answer<Option<Vec<u8>>> },
    Newest { table: Table, before: Option<u64>, limit: usize, answer: Answer<Vec<(u64, Vec<u8>)>> },
    Close { answer: oneshot::Sender<()> },
}

pub(super) type Answer<T> = oneshot::Sender<Result<T, JournalError>>;

/// Records that change together, or not at all.
pub(super) enum Change {
    Accept { writes: Vec<Write>, answer: Answer<()> },
    Write { writes: Vec<Write>, landed: oneshot::Sender<()> },
}

impl Change {
    /// Takes part in a transaction. What accepted records replace is noted, so that it can be undone.
    pub(super) fn put(&self, tables: &mut Tables<'_>, before: &mut Vec<Write>) -> Result<(), Failure> {
        match self {
            Self::Accept { writes, .. } => {
                for write in writes {
                    let value = tables.exchange(write)?;
                    before.push(Write { table: write.table, key: write.key, value });
                }
            }
            Self::Write { writes, .. } => {
                for Write { table, key, value } in writes {
                    tables.put(*table, *key, value.as_deref())?;
                }
            }
        }
        Ok(())
    }

    /// It is on the disk. Nobody may wait for that any more.
    pub(super) fn done(self) {
        match self {
            Self::Accept { answer, .. } => drop(answer.send(Ok(()))),
            Self::Write { landed, .. } => drop(landed.send(())),
        }
    }

    /// The disk refuses it: what is accepted is not, and what is written lands later.
    pub(super) fn refused(self, error: &JournalError, backlog: &mut Backlog) {
        match self {
            Self::Accept { answer, .. } => drop(answer.send(Err(error.clone()))),
            Self::Write { writes, landed } => backlog.write(writes, landed),
        }
    }
}

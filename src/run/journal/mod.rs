//! Where runs are made safe before their delivery is answered 202, and everything that may not be done twice
//! before it is done.
//!
//! The journal knows nothing of what it keeps: five tables of numbered records. What is [accepted](Journal::accept)
//! is refused when it cannot be made safe; what is [written](Journal::write) lands in the end, in the order in
//! which it was written, however often the disk fails before.

mod backlog;
mod disk;
mod durable;
mod failure;
#[cfg(test)]
mod faulty;
mod header;
mod inbox;
mod memory;
mod open;
mod request;
mod scribe;
mod store;
mod usher;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use self::durable::Durable;
pub use self::failure::OpenError;
use self::memory::Memory;
use crate::metrics::Commits;

/// How long may a predecessor take to end?
const PATIENCE: Duration = Duration::from_secs(30);

/// What records are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// Deliveries with runs that have not ended, by delivery.
    Pending,
    /// How far a run has come, by run.
    Progress,
    /// Deliveries that have ended, by delivery.
    Ended,
    /// Versions that are not applied to a workload.
    Holds,
    /// What is still to be told to notification targets.
    Notices,
}

impl Table {
    /// Every table.
    pub const ALL: [Self; 5] = [Self::Pending, Self::Progress, Self::Ended, Self::Holds, Self::Notices];
}

/// A record that is replaced, or removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// Where it stands.
    pub table: Table,
    /// Its number there.
    pub key: u64,
    /// `None` removes it.
    pub value: Option<Vec<u8>>,
}

/// Keeps runs until they have ended, and what became of them for a while.
#[derive(Debug)]
pub struct Journal {
    keeper: Keeper,
}

#[derive(Debug)]
enum Keeper {
    Memory(Memory),
    Durable(Durable),
}

/// A write on its way. It lands also when this is dropped.
#[derive(Debug)]
#[must_use = "a write that is not waited for may not have landed yet"]
pub struct Landed(Option<oneshot::Receiver<()>>);

impl Landed {
    /// Returns once the write is safe.
    pub async fn wait(self) {
        if let Some(landed) = self.0 {
            // The keeper is gone only when the process ends.
            let _ = landed.await;
        }
    }
}

impl Journal {
    /// A journal that is as safe as the process.
    pub fn in_memory() -> Self {
        Self { keeper: Keeper::Memory(Memory::default()) }
    }

    /// Opens the journal in a directory, or begins one there, and hands out every record that it holds. Blocks, for
    /// as long as a predecessor needs to end.
    pub fn open(directory: &Path, each: impl FnMut(Table, u64, &[u8])) -> Result<Self, OpenError> {
        let (disk, store) = open::open(directory, PATIENCE, each)?;
        let path = disk.path().to_owned();
        let durable = Durable::start(disk, store).map_err(|error| OpenError::Refused { path, error })?;
        Ok(Self { keeper: Keeper::Durable(durable) })
    }

    /// Whether it outlives the process.
    pub fn is_durable(&self) -> bool {
        match &self.keeper {
            Keeper::Memory(_) => false,
            Keeper::Durable(_) => true,
        }
    }

    /// Why nothing can be accepted now, if so.
    pub fn trouble(&self) -> Option<String> {
        match &self.keeper {
            Keeper::Memory(_) => None,
            Keeper::Durable(durable) => durable.trouble(),
        }
    }

    /// How its commits go; `None` for one in memory, which has none.
    pub fn commits(&self) -> Option<&Commits> {
        match &self.keeper {
            Keeper::Memory(_) => None,
            Keeper::Durable(durable) => Some(durable.commits()),
        }
    }

    /// Makes records safe, or fails at once and keeps none of them.
    ///
    /// A record that was refused because the disk failed halfway is removed as soon as the disk works again; only
    /// if the process is killed before can it turn up at the next start.
    pub async fn accept(&self, writes: Vec<Write>) -> Result<(), JournalError> {
        match &self.keeper {
            Keeper::Memory(memory) => {
                memory.write(writes);
                Ok(())
            }
            Keeper::Durable(durable) => durable.accept(writes).await,
        }
    }

    /// Writes records after everything that was written before; they land in the end, whatever the disk does.
    pub fn write(&self, writes: Vec<Write>) -> Landed {
        match &self.keeper {
            _ if writes.is_empty() => Landed(None),
            Keeper::Memory(memory) => {
                memory.write(writes);
                Landed(None)
            }
            Keeper::Durable(durable) => Landed(Some(durable.write(writes))),
        }
    }

    /// The same for what a crash may undo: it lands with what is accepted or written next, or a moment later.
    pub fn write_later(&self, writes: Vec<Write>) {
        match &self.keeper {
            _ if writes.is_empty() => {}
            Keeper::Memory(memory) => memory.write(writes),
            Keeper::Durable(durable) => durable.write_later(writes),
        }
    }

    /// Reads a record, with everything that was written before the call.
    pub async fn read(&self, table: Table, key: u64) -> Result<Option<Vec<u8>>, JournalError> {
        match &self.keeper {
            Keeper::Memory(memory) => Ok(memory.read(table, key)),
            Keeper::Durable(durable) => durable.read(table, key).await,
        }
    }

    /// Reads the newest records of a table (those of the highest numbers), at most so many, newest first, of
    /// those with lower numbers than `before`.
    pub async fn newest(
        &self,
        table: Table,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Vec<u8>)>, JournalError> {
        match &self.keeper {
            Keeper::Memory(memory) => Ok(memory.newest(table, before, limit)),
            Keeper::Durable(durable) => durable.newest(table, before, limit).await,
        }
    }

    /// Writes what is still to be written and lets go of the file, so that a successor can have it. Of a disk that
    /// fails it does not wait: the log says what is lost. Nothing can be accepted, written or read afterwards.
    pub async fn close(&self) {
        match &self.keeper {
            Keeper::Memory(_) => {}
            Keeper::Durable(durable) => durable.close().await,
        }
    }
}

/// The disk refuses.
#[derive(Clone, Debug)]
pub struct JournalError(Arc<str>);

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the journal cannot be used: {}", self.0)
    }
}

impl std::error::Error for JournalError {}

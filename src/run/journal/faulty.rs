//! A disk in memory that fails on demand, and forgets what was not synced when the power fails.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redb::StorageBackend;

use super::disk::{Place, write_again};

/// What goes wrong, until it is healed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Nothing more can be written.
    Full,
    /// The file cannot grow; what is in it can be written.
    NoRoom,
    /// Half of what is written arrives.
    ShortWrite,
    /// Writing works, syncing does not: what was written is read, but never gets to the disk.
    Sync,
    /// Nothing can be read.
    Read,
    /// A sync panics, once. (A panic under one of redb's own locks makes it panic in a destructor too, which ends
    /// the process; there is nothing lost then.)
    Panic,
}

/// The disk. Clones are the same disk.
#[derive(Clone, Debug, Default)]
pub(super) struct Faulty(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    /// What is read.
    cached: Vec<u8>,
    /// What is left when the power fails.
    kept: Vec<u8>,
    /// What is on its way from the one to the other.
    dirty: Vec<Change>,
    fault: Option<Fault>,
    /// So many writes and syncs succeed before it fails.
    fails_after: usize,
    unsynced: bool,
    set_aside: Vec<String>,
    syncs: usize,
}

#[derive(Clone, Debug)]
enum Change {
    Length(usize),
    Bytes(usize, Vec<u8>),
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Length(length) => bytes.resize(*length, 0),
            Self::Bytes(offset, data) => {
                let end = offset + data.len();
                if bytes.len() < end {
                    bytes.resize(end, 0);
                }
                bytes[*offset..end].copy_from_slice(data);
            }
        }
    }
}

impl Faulty {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on it fails, after so many writes and syncs that succeed.
    pub(super) fn fail(&self, fault: Fault, after: usize) {
        let mut inner = self.inner();
        inner.fault = Some(fault);
        inner.fails_after = after;
    }

    pub(super) fn heal(&self) {
        self.inner().fault = None;
    }

    /// Changes a byte of everything that is there.
    pub(super) fn spoil(&self) {
        let mut inner = self.inner();
        let mut bytes = inner.cached.clone();
        bytes.iter_mut().skip(4096).for_each(|byte| *byte ^= 1);
        inner.change(Change::Bytes(0, bytes));
    }

    /// Why databases were set aside.
    pub(super) fn set_aside(&self) -> Vec<String> {
        self.inner().set_aside.clone()
    }

    /// How often it was synced.
    pub(super) fn syncs(&self) -> usize {
        self.inner().syncs
    }

    /// The disk after a power failure, of whose last writes some arrived.
    pub(super) fn after_power_failure(&self, mut arrives: impl FnMut() -> bool) -> Self {
        let inner = self.inner();
        let mut kept = inner.kept.clone();
        for change in &inner.dirty {
            if arrives() {
                change.apply(&mut kept);
            }
        }
        Self(Arc::new(Mutex::new(Inner { cached: kept.clone(), kept, ..Inner::default() })))
    }
}

impl Inner {
    /// What fails now, if anything.
    fn next_fault(&mut self) -> Option<Fault> {
        let fault = self.fault?;
        if self.fails_after > 0 {
            self.fails_after -= 1;
            return None;
        }
        Some(fault)
    }

    fn change(&mut self, change: Change) {
        change.apply(&mut self.cached);
        self.dirty.push(change);
    }
}

fn full() -> io::Error {
    io::ErrorKind::StorageFull.into()
}

impl Place for Faulty {
    type Backend = Self;

    fn open(&mut self) -> io::Result<Self> {
        if self.inner().unsynced {
            write_again(self)?;
            self.inner().unsynced = false;
        }
        Ok(self.clone())
    }

    fn set_aside(&mut self, reason: &str) -> io::Result<PathBuf> {
        let mut inner = self.inner();
        inner.set_aside.push(reason.to_owned());
        inner.change(Change::Length(0));
        Ok(PathBuf::new())
    }
}

impl StorageBackend for Faulty {
    fn len(&self) -> io::Result<u64> {
        Ok(self.inner().cached.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let inner = self.inner();
        if inner.fault == Some(Fault::Read) {
            return Err(io::Error::other("unreadable"));
        }
        let start = usize::try_from(offset).unwrap();
        let bytes = inner.cached.get(start..start + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(bytes);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut inner = self.inner();
        let len = usize::try_from(len).unwrap();
        match inner.next_fault() {
            Some(Fault::Full | Fault::ShortWrite) => return Err(full()),
            Some(Fault::NoRoom) if len > inner.cached.len() => return Err(full()),
            _ => inner.change(Change::Length(len)),
        }
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut inner = self.inner();
        inner.syncs += 1;
        let fault = inner.next_fault();
        if fault == Some(Fault::Panic) {
            inner.fault = None;
            drop(inner);
            panic!("the disk makes the code panic");
        }
        let changes = std::mem::take(&mut inner.dirty);
        if fault == Some(Fault::Sync) {
            // Every other write arrives; the rest is taken for written. Lengths are not data.
            for (number, change) in changes.iter().enumerate() {
                if number % 2 == 0 || matches!(change, Change::Length(_)) {
                    change.apply(&mut inner.kept);
                }
            }
            inner.unsynced = true;
            return Err(io::Error::other("not synced"));
        }
        for change in changes {
            change.apply(&mut inner.kept);
        }
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut inner = self.inner();
        let offset = usize::try_from(offset).unwrap();
        match inner.next_fault() {
            Some(Fault::Full) => Err(full()),
            Some(Fault::ShortWrite) => {
                inner.change(Change::Bytes(offset, data[..data.len() / 2].to_vec()));
                Err(io::Error::other("short"))
            }
            _ => {
                inner.change(Change::Bytes(offset, data.to_vec()));
                Ok(())
            }
        }
    }
}

//! The file under the journal.
//!
//! It stays open and locked from start to end, also while the database in it is closed after a failure: a
//! successor gets it when this process has nothing more to write.

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use redb::StorageBackend;

use super::failure::OpenError;

/// The file's name in the state directory.
const NAME: &str = "journal.redb";

/// How often is looked whether a predecessor has ended.
const POLL: Duration = Duration::from_millis(20);

/// Where a database is kept, and found again after a failure.
pub(super) trait Place: Send + 'static {
    /// What the database reads and writes.
    type Backend: StorageBackend;

    /// Opens it, once nothing is left over from before.
    fn open(&mut self) -> io::Result<Self::Backend>;

    /// Puts away a database that cannot be used. The next one is empty.
    fn set_aside(&mut self, reason: &str) -> io::Result<PathBuf>;
}

/// A file that is locked.
#[derive(Debug)]
pub(super) struct Disk {
    path: PathBuf,
    file: Arc<File>,
    unsynced: Arc<AtomicBool>,
}

impl Disk {
    /// Takes the file in this directory, which is made if need be; waits this long for a predecessor that is ending.
    pub(super) fn claim(directory: &Path, patience: Duration) -> Result<Self, OpenError> {
        make(directory).map_err(|error| OpenError::Refused { path: directory.to_owned(), error })?;
        let path = directory.join(NAME);
        match locked(&path, patience) {
            Ok(Some(file)) => Ok(Self { path, file: Arc::new(file), unsynced: Arc::default() }),
            Ok(None) => Err(OpenError::Held { path, waited: patience }),
            Err(error) => Err(OpenError::Refused { path, error }),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// How much it takes on the disk.
    pub(super) fn size(&self) -> u64 {
        self.file.metadata().map_or(0, |metadata| metadata.len())
    }

    /// Takes what is at the path now, if it is not the file of before.
    fn follow(&mut self) -> io::Result<()> {
        if !is_at(&self.file, &self.path) {
            let file = locked(&self.path, Duration::ZERO)?;
            let file = file.ok_or_else(|| io::Error::other("another boathook has taken the journal over"))?;
            log::error!("the journal {} is another file than before", self.path.display());
            self.file = Arc::new(file);
        }
        Ok(())
    }
}

impl Place for Disk {
    type Backend = Bytes;

    fn open(&mut self) -> io::Result<Bytes> {
        self.follow()?;
        let bytes = Bytes { file: Arc::clone(&self.file), unsynced: Arc::clone(&self.unsynced) };
        if self.unsynced.load(Ordering::Relaxed) {
            write_again(&bytes)?;
            self.unsynced.store(false, Ordering::Relaxed);
        }
        Ok(bytes)
    }

    fn set_aside(&mut self, reason: &str) -> io::Result<PathBuf> {
        let aside = free_name(&self.path);
        fs::rename(&self.path, &aside)?;
        let (path, named) = (self.path.display(), aside.display());
        log::error!(
            "the journal {path} is damaged ({reason}): it is now {named}, and a new one begins; what it held is not \
             carried out"
        );
        let file = locked(&self.path, Duration::ZERO)?;
        self.file =
            Arc::new(file.ok_or_else(|| io::Error::other("another boathook has begun a new journal"))?);
        Ok(aside)
    }
}

/// Makes a directory that only its owner can enter.
fn make(directory: &Path) -> io::Result<()> {
    if !directory.is_dir() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        // It survives a power failure once the one that it is in is on the disk.
        let _ = directory.parent().map(|parent| File::open(parent).and_then(|parent| parent.sync_all()));
    }
    Ok(())
}

/// Opens and locks the file at a path; `None` if another process has it for longer than this.
fn locked(path: &Path, patience: Duration) -> io::Result<Option<File>> {
    let start = Instant::now();
    let mut said = false;
    loop {
        let file =
            File::options().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
        match file.try_lock() {
            Ok(()) if is_at(&file, path) => {
                keep_name(&file, path)?;
                return Ok(Some(file));
            }
            // Its holder set it aside before it let go.
            Ok(()) => {}
            Err(TryLockError::WouldBlock) if start.elapsed() >= patience => return Ok(None),
            Err(TryLockError::WouldBlock) => {
                if !said {
                    log::warn!("waiting for the journal {}: another boathook has it", path.display());
                    said = true;
                }
                pause();
            }
            Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => {
                log::warn!("the journal {} cannot be locked: {error}", path.display());
                return Ok(Some(file));
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "at start, before there is a runtime")]
fn pause() {
    thread::sleep(POLL);
}

fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::metadata(path)) {
        (Ok(file), Ok(named)) => (file.dev(), file.ino()) == (named.dev(), named.ino()),
        _ => false,
    }
}

/// A new file survives a power failure once its directory is on the disk too.
fn keep_name(file: &File, path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(directory) if file.metadata()?.len() == 0 => File::open(directory)?.sync_all(),
        _ => Ok(()),
    }
}

/// The name of a damaged file: with the time, and a number for the second one in a second.
fn free_name(path: &Path) -> PathBuf {
    let now = Timestamp::from_second(Timestamp::now().as_second()).unwrap_or_default().to_string();
    let plain = format!("{}.damaged-{}", path.display(), now.replace(':', "-"));
    let numbered = (2..).map(|number| format!("{plain}.{number}"));
    let mut names = std::iter::once(plain.clone()).chain(numbered).map(PathBuf::from);
    names.find(|name| !name.exists()).unwrap_or_else(|| plain.into())
}

/// Writes what is there once more.
///
/// After a sync that failed, Linux takes for written what it could not write: what is read is there, but not on
/// the disk, and no later sync brings it there. Blocks of zeros are left out: they are holes, or the unused ends
/// of pages.
pub(super) fn write_again(bytes: &impl StorageBackend) -> io::Result<()> {
    let mut block = [0; 4096];
    let length = bytes.len()?;
    let mut offset = 0;
    while offset < length {
        let size = usize::try_from(length - offset).unwrap_or(usize::MAX).min(block.len());
        let (block, _) = block.split_at_mut(size);
        bytes.read(offset, block)?;
        if block.iter().any(|byte| *byte != 0) {
            bytes.write(offset, block)?;
        }
        offset += size as u64;
    }
    bytes.sync_data()
}

/// What the database reads and writes. The lock is the [`Disk`]'s.
#[derive(Debug)]
pub(super) struct Bytes {
    file: Arc<File>,
    unsynced: Arc<AtomicBool>,
}

impl StorageBackend for Bytes {
    fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(out, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data().inspect_err(|_| self.unsynced.store(true, Ordering::Relaxed))
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.file.write_all_at(data, offset)
    }
}

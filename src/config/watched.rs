//! A file that is read again when it changes.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A file as it was at one moment. A mounted Secret changes by a symlink swap, so files are looked at through
/// their links: another file behind the same name is a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watched {
    path: PathBuf,
    mark: Mark,
}

/// What tells one state of a file from another: device, inode, size and time of change; `None` without a file.
type Mark = Option<(u64, u64, u64, i64, i64)>;

impl Watched {
    /// The file as it is now, whether it is there or not.
    pub fn now(path: PathBuf) -> Self {
        let mark = mark(&path);
        Self { path, mark }
    }

    /// Its name.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is another one than it was.
    pub fn has_changed(&self) -> bool {
        mark(&self.path) != self.mark
    }
}

fn mark(path: &Path) -> Mark {
    let about = std::fs::metadata(path).ok()?;
    Some((about.dev(), about.ino(), about.size(), about.ctime(), about.ctime_nsec()))
}

//! What goes wrong below the journal.

use std::any::Any;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::Duration;

use super::store::FORMAT;

/// Why the database cannot be used.
#[derive(Debug)]
pub(super) enum Failure {
    /// The disk refuses; the file is as good as it was.
    Refused(io::Error),
    /// The file is not what was written.
    Damaged(String),
    /// A later boathook wrote it, in this format.
    Newer(String),
}

impl Failure {
    /// What a database's error says about its file.
    pub(super) fn of(error: impl Into<redb::Error>) -> Self {
        match error.into() {
            redb::Error::Io(error) => error.into(),
            // The error itself was answered to an earlier call.
            error @ redb::Error::PreviousIo => Self::Refused(io::Error::other(error.to_string())),
            error => Self::Damaged(error.to_string()),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            // The file is shorter than it says, or begins with something else.
            io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData => Self::Damaged(error.to_string()),
            _ => Self::Refused(error),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(error) => error.fmt(f),
            Self::Damaged(reason) => f.write_str(reason),
            Self::Newer(format) => write!(f, "it has {format}, and this boathook knows format {FORMAT}"),
        }
    }
}

/// Does something with the database. A panic in it ends neither the thread nor the process: a file that it cannot
/// cope with is damaged.
pub(super) fn unpanicked<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(Failure::Damaged(said(panic.as_ref()))))
}

fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    format!("the database panicked: {}", text.unwrap_or("no reason"))
}

/// Why a journal cannot be opened, and the way out.
#[derive(Debug)]
pub enum OpenError {
    /// The directory or the file cannot be made, read or written.
    Refused {
        /// Which one.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Another process has it, and does not end.
    Held {
        /// The file.
        path: PathBuf,
        /// How long was waited.
        waited: Duration,
    },
    /// A later boathook wrote it.
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        format: String,
    },
    /// The file broke while it was read; it has been set aside.
    Broken {
        /// The file.
        path: PathBuf,
        /// Where it is now.
        aside: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { path, error } => {
                let path = path.display();
                write!(f, "the journal cannot be kept in {path}: {error}; {}", way_out(error.kind()))
            }
            Self::Held { path, waited } => write!(
                f,
                "the journal {} is in use by another boathook, for {} s now; end that one, or give this one \
                 another state directory",
                path.display(),
                waited.as_secs()
            ),
            Self::Newer { path, format } => write!(
                f,
                "the journal {} was written by a newer boathook: it has {format}, and this boathook knows format \
                 {FORMAT}; use the newer boathook, or another state directory",
                path.display()
            ),
            Self::Broken { path, aside, reason } => write!(
                f,
                "the journal {} broke while it was read ({reason}) and is now {}; the next start begins a new one",
                path.display(),
                aside.display()
            ),
        }
    }
}

impl std::error::Error for OpenError {}

fn way_out(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::PermissionDenied => {
            "give the state directory to the user that boathook runs as (in Kubernetes: fsGroup)"
        }
        io::ErrorKind::ReadOnlyFilesystem => "mount the state directory writable",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            "make room on its volume"
        }
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => "name a directory as state directory",
        io::ErrorKind::IsADirectory => "move that directory away",
        _ => "look after its volume, or name another state directory",
    }
}

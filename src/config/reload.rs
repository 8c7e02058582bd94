//! Reads the configuration again when it or a file that it names changes.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::report::Watched;
use super::{Config, Loaded, Overrides};

/// How often the files are looked at.
pub const INTERVAL: Duration = Duration::from_secs(2);

/// How often a file that changes while it is read is read again at once: somebody is writing it.
const READINGS: usize = 5;

/// How many files are looked at before others may go on: each takes some microseconds.
const FILES_AT_ONCE: usize = 100;

/// Watches a configuration file and the files that it names.
#[derive(Clone, Debug)]
pub struct Watch {
    file: PathBuf,
    overrides: Overrides,
    files: Vec<Watched>,
}

impl Watch {
    /// Starts from a configuration that was just loaded from this file, and the files that it was made of.
    pub fn new(file: &Path, overrides: &Overrides, files: Vec<Watched>) -> Self {
        Self { file: file.to_owned(), overrides: overrides.clone(), files }
    }

    /// Whether something has changed since it was read. Deliveries go on meanwhile.
    pub async fn sees_change(&self) -> bool {
        for files in self.files.chunks(FILES_AT_ONCE) {
            if files.iter().any(Watched::has_changed) {
                return true;
            }
            tokio::task::yield_now().await;
        }
        false
    }

    /// Loads the configuration again: a matter of a second for ten thousand endpoints, on a thread of its own, so that
    /// deliveries go on. Fails if that broke off.
    pub async fn read_again(&mut self) -> Result<Loaded, String> {
        let mut reading = self.clone();
        let read = tokio::task::spawn_blocking(move || {
            let loaded = reading.read();
            (reading, loaded)
        });
        let (watch, loaded) = read.await.map_err(|error| format!("reading it broke off: {error}"))?;
        *self = watch;
        Ok(loaded)
    }

    fn read(&mut self) -> Loaded {
        let mut loaded = self.load();
        for _ in 1..READINGS {
            if !self.files.iter().any(Watched::has_changed) {
                break;
            }
            loaded = self.load();
        }
        loaded
    }

    fn load(&mut self) -> Loaded {
        let loaded = Config::load(&self.file, &self.overrides);
        let mut files = loaded.findings.files.clone();
        if loaded.config.is_none() {
            // A broken file may name no keys: those of the last good one stay watched.
            let named = |old: &Watched| files.iter().any(|file| file.path() == old.path());
            let lost: Vec<_> = self.files.iter().filter(|old| !named(old)).collect();
            let lost: Vec<_> = lost.into_iter().map(|old| Watched::now(old.path().to_owned())).collect();
            files.extend(lost);
        }
        self.files = files;
        loaded
    }
}

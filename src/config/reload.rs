//! Reads the configuration again when it or a file that it names changes.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::report::Watched;
use super::{Config, Loaded, Overrides};

/// How often the files are looked at.
pub const INTERVAL: Duration = Duration::from_secs(2);

/// How often a file that changes while it is read is read again at once: somebody is writing it.
const READINGS: usize = 5;

/// Watches a configuration file and the files that it names.
#[derive(Debug)]
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

    /// Loads the configuration again if something has changed since the last look, or anyway if `forced`.
    pub fn look(&mut self, forced: bool) -> Option<Loaded> {
        if !forced && !self.has_changed() {
            return None;
        }
        let mut loaded = self.load();
        for _ in 1..READINGS {
            if !self.has_changed() {
                break;
            }
            loaded = self.load();
        }
        Some(loaded)
    }

    fn has_changed(&self) -> bool {
        self.files.iter().any(Watched::has_changed)
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

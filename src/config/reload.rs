//! Reads the configuration again when it or a key file changes. A mounted Secret changes by a symlink swap, so
//! files are looked at through their links: another file behind the same name is a change.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Config, Loaded, Overrides};

/// How often the files are looked at.
pub const INTERVAL: Duration = Duration::from_secs(2);

/// Watches a configuration file and the files that it names.
#[derive(Debug)]
pub struct Watch {
    file: PathBuf,
    overrides: Overrides,
    files: Vec<PathBuf>,
    seen: Vec<Mark>,
}

impl Watch {
    /// Starts from a configuration that was just loaded from this file.
    pub fn new(file: &Path, overrides: &Overrides, files: Vec<PathBuf>) -> Self {
        let seen = marks(file, &files);
        Self { file: file.to_owned(), overrides: overrides.clone(), files, seen }
    }

    /// Loads the configuration again if something has changed since the last look, or anyway if `forced`.
    pub fn look(&mut self, forced: bool) -> Option<Loaded> {
        let seen = marks(&self.file, &self.files);
        if seen == self.seen && !forced {
            return None;
        }
        let loaded = Config::load(&self.file, &self.overrides);
        // A broken file may name no keys: those of the last good one stay watched.
        for file in &loaded.findings.files {
            if !self.files.contains(file) {
                self.files.push(file.clone());
            }
        }
        if loaded.config.is_some() {
            self.files.clone_from(&loaded.findings.files);
        }
        self.seen = marks(&self.file, &self.files);
        Some(loaded)
    }
}

/// What tells one state of a file from another: device, inode, size and time of change.
type Mark = Option<(u64, u64, u64, i64, i64)>;

fn marks(file: &Path, files: &[PathBuf]) -> Vec<Mark> {
    let mark = |path: &Path| {
        let about = std::fs::metadata(path).ok()?;
        Some((about.dev(), about.ino(), about.size(), about.ctime(), about.ctime_nsec()))
    };
    std::iter::once(file).chain(files.iter().map(PathBuf::as_path)).map(mark).collect()
}

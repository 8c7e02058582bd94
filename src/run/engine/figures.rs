//! What `/metrics` asks of the engine when somebody looks.

use jiff::Timestamp;

use super::Engine;
use crate::metrics::Journal;

impl Engine {
    /// When the oldest delivery was received that has a run which has not ended and waits for no person.
    pub fn oldest_pending(&self) -> Option<Timestamp> {
        self.queue().oldest_pending()
    }

    /// How many versions are held.
    pub fn held_versions(&self) -> usize {
        self.queue().holds.iter().count()
    }

    /// How the journal does; `None` if there is none on disk.
    pub fn journal_state(&self) -> Option<Journal<'_>> {
        let commits = self.journal.commits()?;
        Some(Journal { up: self.journal.trouble().is_none(), commits })
    }
}

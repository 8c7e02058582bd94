//! How those who wait for a commit are told of it.

use std::sync::{Arc, OnceLock};

use tokio::sync::mpsc::{self, UnboundedSender};

use super::request::Change;

/// Changes that are on the disk. Whoever waits for one is told when this is dropped.
struct Safe(Vec<Change>);

impl Drop for Safe {
    fn drop(&mut self) {
        self.0.drain(..).for_each(Change::done);
    }
}

/// Tells those who wait from their own thread. To wake a task from there costs next to nothing; from another
/// thread it takes a system call for each, and between two of them the threads change places.
#[derive(Clone, Default)]
pub(super) struct Usher(Arc<OnceLock<UnboundedSender<Safe>>>);

impl Usher {
    /// Begins to work in this runtime, if it does not yet.
    pub(super) fn begin(&self) {
        self.0.get_or_init(|| {
            let (sender, mut receiver) = mpsc::unbounded_channel();
            tokio::spawn(async move { while receiver.recv().await.is_some() {} });
            sender
        });
    }

    /// These are on the disk.
    pub(super) fn tell(&self, changes: Vec<Change>) {
        let safe = Safe(changes);
        if let (2.., Some(usher)) = (safe.0.len(), self.0.get()) {
            // Where the runtime has ended it comes back, and is dropped here.
            drop(usher.send(safe));
        }
    }
}

//! What the queue knows, for those who ask.

use jiff::Timestamp;

use super::Queue;
use crate::run::account::Account;
use crate::run::progress::Progress;
use crate::run::record::{Run, RunId};
use crate::run::report::RunReport;
use crate::run::sameness::{Keys, Seen};

impl Queue {
    /// How far a run has come.
    pub fn progress(&self, run: RunId) -> Option<&Progress> {
        self.runs.get(&run).map(|entry| &entry.progress)
    }

    /// What is known of a delivery with runs that have not ended.
    pub fn account(&self, seen: Seen) -> Option<Account> {
        let memory = self.deliveries.get(seen).filter(|memory| memory.fate.is_none())?;
        let entries: Vec<_> = memory.runs.iter().filter_map(|run| self.runs.get(run)).collect();
        let origin = &entries.first()?.run.delivery;
        let runs = entries.iter().map(|entry| RunReport::of(&entry.run, &entry.progress)).collect();
        Some(Account::of(origin, runs, None))
    }

    pub(super) fn account_ended(&self, seen: Seen, now: Timestamp) -> Option<Account> {
        let account = self.account(seen)?;
        account.outcome()?;
        Some(Account { ended: Some(now), ..account })
    }

    /// The deliveries with runs that have not ended, the newest first.
    pub fn pending_deliveries(&self) -> Vec<Seen> {
        let mut seen: Vec<_> = self.runs.values().map(|entry| entry.delivery).collect();
        seen.sort_unstable_by(|a, b| b.cmp(a));
        seen.dedup();
        seen
    }

    /// Whether a delivery's runs have all ended.
    pub fn is_ended(&self, seen: Seen) -> bool {
        self.deliveries.get(seen).is_none_or(|memory| memory.fate.is_some())
    }

    /// What a delivery is recognised by, if it is remembered.
    pub fn keys(&self, seen: Seen) -> Option<Keys> {
        self.deliveries.get(seen).map(|memory| memory.keys.clone())
    }

    /// The runs that have not ended, and what there is to tell of them.
    pub fn unfinished(&self) -> impl Iterator<Item = (&Run, RunReport)> {
        let open = self.runs.values().filter(|entry| entry.progress.end.is_none());
        open.map(|entry| (&*entry.run, RunReport::of(&entry.run, &entry.progress)))
    }

    /// When the oldest delivery was received that has a run which has not ended. One that waits for a confirmation is left
    /// out: a person may take days.
    pub fn oldest_pending(&self) -> Option<Timestamp> {
        let open = self.runs.values().filter(|entry| entry.progress.end.is_none() && entry.asked().is_none());
        open.map(|entry| entry.run.delivery.received).min()
    }

    /// How many runs have not ended.
    pub fn pending(&self) -> usize {
        self.pending
    }
}

//! Who is told of what became of deliveries: the log, people who ask, notification targets.

use std::sync::{Arc, PoisonError};

use jiff::Timestamp;

use super::Engine;
use crate::action::{Action, Target};
use crate::kubernetes::event::{self, Happening, Reason};
use crate::notify::{Notice, Targets};
use crate::run::account::Account;
use crate::run::audit;
use crate::run::holds::Hold;
use crate::run::journal::{JournalError, Table, Write};
use crate::run::outcome::End;
use crate::run::progress::Stage;
use crate::run::record::Run;
use crate::run::report::RunReport;
use crate::run::sameness::{Keys, Seen};
use crate::run::stored::{Ended, get};
use crate::text::Escaped;

/// How many records are read at once.
const PAGE: usize = 64;

impl Engine {
    /// Tells that a run has ended: the log at once, others by the writes that are returned.
    pub(super) fn tell(&self, run: &Run, report: &RunReport) -> Vec<Write> {
        let Some(outcome) = report.outcome else { return Vec::new() };
        audit::run(run, outcome, &report.reason);
        let action = run.actions.first().map_or("none", Action::name);
        self.metrics.run_ended(action, outcome, run.delivery.received);
        let targets = self.notify_targets();
        if targets.is_empty() {
            return Vec::new();
        }
        self.outbox.writes(&targets, &Notice::of(run, report, outcome, Timestamp::now()))
    }

    /// Who is told from now on how runs ended.
    pub fn set_notify_targets(&self, targets: Targets) {
        *self.notify_targets.write().unwrap_or_else(PoisonError::into_inner) = targets;
    }

    fn notify_targets(&self) -> Targets {
        Arc::clone(&self.notify_targets.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Tells notification targets until the engine is closed, and then what is left once more.
    pub async fn tell_others(self: Arc<Self>, closing: impl Future<Output = ()> + Send) {
        let targets = || self.notify_targets();
        Arc::clone(&self.outbox).work(targets, closing).await;
    }

    /// Records what became of a workload as an Event on it, where the Role allows that. Nothing waits for it.
    pub(super) fn record_event(&self, run: &Run, step: usize, target: &Target, end: &End, stage: &Stage) {
        let (Some(workload), Some(action)) = (target.workload(), run.actions.get(step)) else {
            return;
        };
        if *stage == Stage::Waiting && !end.outcome.is_good() {
            // It could not even be read.
            return;
        }
        // What is merely decided was refused, or its answer was lost.
        let changed = !matches!(stage, Stage::Waiting | Stage::Decided(_));
        let action = action.name();
        let Some(reason) = Reason::of(action, end.outcome, changed) else { return };
        let uid = stage.made().map(|made| made.patched.uid.clone()).filter(|uid| !uid.is_empty());
        let (api, note) = (self.api(), format!("{}, {}", end.reason, run.context().change_cause()));
        tokio::spawn(async move {
            let happening = Happening { reason, action, note: &note };
            event::record(&api.kubernetes, &workload, uid.as_deref(), &happening).await;
        });
    }

    /// The last deliveries, the newest first; those that have not ended are among them.
    pub async fn deliveries(&self, limit: usize) -> Result<Vec<Account>, JournalError> {
        let mut all = self.pending_accounts();
        for (key, bytes) in self.journal.newest(Table::Ended, None, limit).await? {
            all.extend(get(Table::Ended, key, &bytes).map(|ended: Ended| (Seen(key), ended.account)));
        }
        all.sort_by_key(|(seen, _)| std::cmp::Reverse(*seen));
        all.truncate(limit);
        Ok(all.into_iter().map(|(_, account)| account).collect())
    }

    /// Every delivery of this id that is known, or whose id begins like this, the newest first.
    pub async fn delivery(&self, id: &str) -> Result<Vec<(Seen, Account)>, JournalError> {
        let is_meant = |account: &Account| account.id.starts_with(id);
        let mut found = self.pending_accounts();
        found.retain(|(_, account)| is_meant(account));
        let mut before = None;
        loop {
            let page = self.journal.newest(Table::Ended, before, PAGE).await?;
            let Some((last, _)) = page.last() else { break };
            before = Some(*last);
            for (key, bytes) in page {
                let ended: Option<Ended> = get(Table::Ended, key, &bytes);
                found.extend(ended.map(|e| (Seen(key), e.account)).filter(|(_, account)| is_meant(account)));
            }
        }
        if found.iter().any(|(_, account)| account.id == id) {
            found.retain(|(_, account)| account.id == id);
        }
        found.sort_by_key(|(seen, _)| std::cmp::Reverse(*seen));
        Ok(found)
    }

    /// What a delivery is recognised by, if it is remembered.
    pub fn keys(&self, seen: Seen) -> Option<Keys> {
        self.queue().keys(seen)
    }

    /// The versions that are not applied.
    pub fn holds(&self) -> Vec<(u64, Hold)> {
        self.queue().holds.iter().map(|(number, hold)| (number, hold.clone())).collect()
    }

    /// Lifts the holds of a workload (`default/deployment/web`), or one of them; returns those that were lifted.
    pub async fn lift(&self, workload: &str, version: Option<&str>) -> Vec<Hold> {
        let mut lifted = Vec::new();
        let landed = self.write(|queue| {
            let is_meant = |hold: &Hold| {
                hold.workload.full_name() == workload && version.is_none_or(|version| hold.is_called(version))
            };
            let (holds, writes) = queue.holds.lift(is_meant);
            lifted = holds;
            writes
        });
        landed.wait().await;
        for hold in &lifted {
            log::info!("hold={} lifted", Escaped(&hold.to_string()));
        }
        lifted
    }

    fn pending_accounts(&self) -> Vec<(Seen, Account)> {
        let queue = self.queue();
        let seen = queue.pending_deliveries().into_iter();
        seen.filter_map(|seen| Some((seen, queue.account(seen)?))).collect()
    }
}

//! Drives the queue: accepts deliveries, starts runs when they are due, answers who waits for their end.

mod closing;
mod confirming;
mod figures;
mod notes;
mod telling;

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::JoinSet;

use super::account::Account;
use super::journal::{Journal, JournalError, Table, Write};
use super::locks::{Leave, Locks};
use super::queue::{Effects, Queue, Reply, Restored, Resumed};
use super::record::{Run, RunId};
use super::sameness::{Keys, Seen};
use super::stored::{Ended, get};
use super::worker::{self, Rest};
use crate::action::Api;
use crate::clock::{Numbers, sleep_until};
use crate::metrics::Metrics;
use crate::notify::{Outbox, Targets};

/// How many targets are worked on at once, over all runs.
const TARGETS_IN_FLIGHT: usize = 16;

/// How many look-ups of targets are under way at once, over all runs: their answers may be large.
const LOOKUPS_IN_FLIGHT: usize = 2;

/// How many runs are worked on or followed at once: each takes memory while it is.
const RUNS_AT_WORK: usize = 512;

/// Carries runs out.
#[derive(Debug)]
pub struct Engine {
    queue: Mutex<Queue>,
    journal: Arc<Journal>,
    outbox: Arc<Outbox>,
    notify_targets: RwLock<Targets>,
    /// Replaced when the configuration says another way to the API.
    api: RwLock<Arc<Api>>,
    pub(super) locks: Arc<Locks>,
    pub(super) in_flight: Semaphore,
    pub(super) finding: Semaphore,
    /// The relay's own workload (`namespace/deployment/name`), which is touched last.
    own_workload: Option<String>,
    /// When this process began.
    pub(super) started: Timestamp,
    /// Runs that an earlier process had started, with the workloads that they had begun to change.
    resumed: Mutex<Vec<(Arc<Run>, Vec<Leave>)>>,
    /// Something may be due.
    wake: Notify,
    /// Counts ends of runs; who waits for one looks again.
    ended: watch::Sender<u64>,
    /// Counts deliveries that were made safe, or could not be.
    decided: watch::Sender<u64>,
    /// Becomes true when nothing settles any more and pauses are cut short.
    closing: watch::Sender<bool>,
    /// Becomes true when no more is accepted.
    sealed: AtomicBool,
    /// Changes that were given up because the process is ending.
    unsent: AtomicUsize,
    ids: Numbers,
    /// What is counted.
    pub metrics: Metrics,
}

/// What became of a delivery that was offered.
#[derive(Debug)]
pub enum Accepted {
    /// Its runs are safe.
    New(Seen),
    /// It has been seen before.
    Duplicate(Seen),
}

/// Why a delivery is not accepted.
#[derive(Debug)]
pub enum Refused {
    /// Too many runs are pending.
    Full,
    /// It cannot be made safe.
    Journal(JournalError),
    /// The process is ending.
    Closing,
}

impl Engine {
    /// An engine that goes on with what the journal had.
    pub fn new(
        api: Api,
        own_workload: Option<String>,
        notify_targets: Targets,
        journal: Arc<Journal>,
        restored: Restored,
    ) -> Self {
        let outbox = Outbox::new(Arc::clone(&journal));
        for (key, bytes) in &restored.notices {
            outbox.restore(*key, bytes);
        }
        let (queue, resumed, effects) = restored.into_queue(Timestamp::now());
        let ids = Numbers::default();
        // Those that were started are among the unfinished.
        queue.unfinished().for_each(|(run, _)| ids.above(run.id.0));
        let locks = Arc::new(Locks::default());
        let with_leave = |Resumed { run, workloads }| (run, locks.take_now(workloads).unwrap_or_default());
        let resumed = resumed.into_iter().map(with_leave).collect();
        let engine = Self {
            queue: Mutex::new(queue),
            journal,
            outbox: Arc::new(outbox),
            notify_targets: RwLock::new(notify_targets),
            api: RwLock::new(Arc::new(api)),
            locks,
            in_flight: Semaphore::new(TARGETS_IN_FLIGHT),
            finding: Semaphore::new(LOOKUPS_IN_FLIGHT),
            own_workload,
            started: Timestamp::now(),
            resumed: Mutex::new(resumed),
            wake: Notify::new(),
            ended: watch::Sender::new(0),
            decided: watch::Sender::new(0),
            closing: watch::Sender::new(false),
            sealed: AtomicBool::new(false),
            unsent: AtomicUsize::new(0),
            ids,
            metrics: Metrics::default(),
        };
        engine.change(write, |_| effects);
        engine
    }

    /// A run id that is higher than all before it, also those of earlier processes unless the clock went back.
    pub fn next_id(&self) -> RunId {
        RunId(self.ids.next())
    }

    /// From now on so many runs may be pending before deliveries are refused as [`Refused::Full`].
    pub fn set_pending_limit(&self, most: usize) {
        self.queue().set_pending_limit(most);
    }

    /// Accepts a delivery with the runs that it leads to; returns once they are safe.
    /// With `asks` a delivery that has ended badly is a duplicate too: its caller wants to know its end.
    pub async fn accept(&self, keys: Keys, runs: Vec<Arc<Run>>, asks: bool) -> Result<Accepted, Refused> {
        let (keys, came) = (keys.asking(asks), Timestamp::now());
        let (mut awaited, mut decided) = (None, self.decided.subscribe());
        let (seen, writes) = loop {
            if self.sealed.load(Ordering::Relaxed) {
                return Err(Refused::Closing);
            }
            let reply = self.queue().reserve(&keys, &runs, awaited, came);
            match reply {
                Reply::Awaits(seen) => awaited = Some(seen),
                Reply::Duplicate(seen, writes) => {
                    if !writes.is_empty() {
                        self.journal.accept(writes).await.map_err(Refused::Journal)?;
                    }
                    return Ok(Accepted::Duplicate(seen));
                }
                Reply::Full => return Err(Refused::Full),
                Reply::Reserved(seen, writes) => break (seen, writes),
            }
            // It fails only when the sender is gone, and that is self.
            let _ = decided.changed().await;
        };
        let safe = self.journal.accept(writes).await;
        match &safe {
            // What this supersedes need not be waited for: it would be superseded again after a crash.
            Ok(()) => self.change(Journal::write_later, |queue| queue.activate(seen, Timestamp::now())),
            Err(_) => self.queue().cancel(seen),
        }
        self.decided.send_modify(|count| *count += 1);
        self.wake.notify_one();
        safe.map(|()| Accepted::New(seen)).map_err(Refused::Journal)
    }

    /// Changes the queue; what follows from it is told, and on its way to the journal when this returns.
    fn change(&self, write: fn(&Journal, Vec<Write>), change: impl FnOnce(&mut Queue) -> Effects) {
        let mut queue = self.queue();
        let Effects { mut writes, ended } = change(&mut queue);
        let notices: Vec<_> = ended.iter().flat_map(|(run, report)| self.tell(run, report)).collect();
        writes.extend_from_slice(&notices);
        // Under the queue's lock, so that the journal has everything in the order in which it happened.
        write(&self.journal, writes);
        drop(queue);
        if !notices.is_empty() {
            self.outbox.added(&notices);
        }
        for (run, _) in &ended {
            self.locks.free_from(run.id);
        }
        if !ended.is_empty() {
            self.ended.send_modify(|count| *count += 1);
        }
    }

    /// What is known of a delivery. `None` once it has been forgotten.
    pub async fn look(&self, seen: Seen) -> Option<Account> {
        if let Some(account) = self.queue().account(seen) {
            return Some(account);
        }
        let bytes = self.journal.read(Table::Ended, seen.0).await.ok()??;
        get(Table::Ended, seen.0, &bytes).map(|ended: Ended| ended.account)
    }

    /// Waits until all runs of a delivery have ended; false if time runs out or the process is ending.
    pub async fn wait(&self, seen: Seen, limit: Duration) -> bool {
        let mut ended = self.ended.subscribe();
        let mut closing = self.closing.subscribe();
        let all_ended = async { while !self.queue().is_ended(seen) && ended.changed().await.is_ok() {} };
        tokio::select! {
            biased;
            () = all_ended => true,
            _ = closing.wait_for(|closing| *closing) => false,
            () = tokio::time::sleep(limit) => false,
        }
    }

    /// How many runs have not ended.
    pub fn pending(&self) -> usize {
        self.queue().pending()
    }

    /// Why nothing can be accepted now, if so.
    pub fn trouble(&self) -> Option<String> {
        self.journal.trouble()
    }

    /// From now on another API is used, also by runs that are under way.
    pub fn set_api(&self, api: Api) {
        api.kubernetes.goes_on_from(&self.api().kubernetes);
        *self.api.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(api);
    }

    /// The API as it is configured now.
    pub fn api(&self) -> Arc<Api> {
        Arc::clone(&self.api.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Starts runs as they become due, until the engine is sealed and nothing is left to do.
    pub async fn work(self: Arc<Self>) {
        let mut runs = JoinSet::new();
        // A run whose task panics must end all the same, or its lane would be busy for ever.
        let mut under_way = HashMap::new();
        let resumed = std::mem::take(&mut *self.resumed.lock().unwrap_or_else(PoisonError::into_inner));
        let mut resumed = VecDeque::from(resumed);
        loop {
            // At the end everything is tried once more.
            let most = if self.is_closing() { usize::MAX } else { RUNS_AT_WORK };
            let mut room = most.saturating_sub(runs.len());
            let mut due: Vec<_> = resumed.drain(..resumed.len().min(room)).collect();
            room -= due.len();
            let started = self.queue().start_some(Timestamp::now(), room);
            room -= started.len();
            due.extend(started.into_iter().map(|run| (run, Vec::new())));
            for (run, locks) in due {
                let (engine, own) = (Arc::clone(&self), Arc::clone(&run));
                let task = runs.spawn(async move { worker::carry_out(&engine, &own, locks).await });
                under_way.insert(task.id(), run);
            }
            let next = self.queue().next_due();
            let timer = next.filter(|_| room > 0);
            if self.sealed.load(Ordering::Relaxed) && runs.is_empty() && next.is_none() {
                return;
            }
            tokio::select! {
                () = self.wake.notified() => {}
                () = sleep_until(timer) => {}
                Some(ended) = runs.join_next_with_id() => {
                    let (id, rest) = match ended {
                        Ok((id, rest)) => (id, rest),
                        Err(error) => (error.id(), Some(Rest::Ended(worker::panicked(&error)))),
                    };
                    if let Some(run) = under_way.remove(&id) {
                        self.rested(&run, rest);
                    }
                }
            }
        }
    }

    /// A run has ended, waits for a confirmation, or is left to the next process.
    fn rested(&self, run: &Run, rest: Option<Rest>) {
        match rest {
            Some(Rest::Ended(end)) => {
                self.change(write, |queue| queue.finish(run, end, Timestamp::now()));
            }
            Some(Rest::Asks(until)) => {
                self.change(write, |queue| queue.rest(run, until, Timestamp::now()));
            }
            None => self.change(write, |queue| queue.leave(run, Timestamp::now())),
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Nobody waits for it, but it shall not be done again after a crash.
fn write(journal: &Journal, writes: Vec<Write>) {
    drop(journal.write(writes));
}

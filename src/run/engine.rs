//! Drives the queue: accepts deliveries, starts runs when they are due, answers who waits for their end.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::JoinSet;

use super::journal::{Journal, JournalError};
use super::locks::Locks;
use super::queue::{Queue, Reply};
use super::record::{Run, RunId, RunReport};
use super::sameness::{Keys, Seen};
use super::worker;
use crate::action::{Action, Api};
use crate::text::Escaped;

/// How many targets are worked on at once, over all runs.
const TARGETS_IN_FLIGHT: usize = 16;

/// How many look-ups of targets are under way at once, over all runs: their answers may be large.
const LOOKUPS_IN_FLIGHT: usize = 2;

/// Carries runs out.
#[derive(Debug)]
pub struct Engine {
    queue: Mutex<Queue>,
    journal: Journal,
    /// Replaced when the configuration says another way to the API.
    api: RwLock<Arc<Api>>,
    pub(super) locks: Locks,
    pub(super) in_flight: Semaphore,
    pub(super) finding: Semaphore,
    /// The relay's own workload (`namespace/deployment/name`), which is touched last.
    pub(super) own_workload: Option<String>,
    /// Something may be due.
    wake: Notify,
    /// Counts ends of runs; who waits for one looks again.
    ended: watch::Sender<u64>,
    /// Becomes true when nothing settles any more and pauses are cut short.
    closing: watch::Sender<bool>,
    /// Becomes true when no more is accepted.
    sealed: AtomicBool,
    /// Changes that were given up because the process is ending.
    unsent: AtomicUsize,
    last_id: AtomicU64,
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
    /// An engine with nothing to do.
    pub fn new(api: Api, own_workload: Option<String>) -> Self {
        Self {
            queue: Mutex::default(),
            journal: Journal::in_memory(),
            api: RwLock::new(Arc::new(api)),
            locks: Locks::default(),
            in_flight: Semaphore::new(TARGETS_IN_FLIGHT),
            finding: Semaphore::new(LOOKUPS_IN_FLIGHT),
            own_workload,
            wake: Notify::new(),
            ended: watch::Sender::new(0),
            closing: watch::Sender::new(false),
            sealed: AtomicBool::new(false),
            unsent: AtomicUsize::new(0),
            last_id: AtomicU64::new(0),
        }
    }

    /// A run id that is higher than all before it, also those of earlier processes unless the clock went back.
    pub fn next_id(&self) -> RunId {
        let now = u64::try_from(Timestamp::now().as_millisecond()).unwrap_or(0) << 10;
        let next = |last: u64| Some(now.max(last + 1));
        let last = self.last_id.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
        RunId(now.max(last.unwrap_or(0) + 1))
    }

    /// Accepts a delivery with the runs that it leads to; returns once they are safe.
    /// With `asks` a delivery that has ended badly is a duplicate too: its caller wants to know its end.
    pub async fn accept(
        &self,
        keys: Keys,
        id: String,
        runs: Vec<Arc<Run>>,
        asks: bool,
    ) -> Result<Accepted, Refused> {
        if self.sealed.load(Ordering::Relaxed) {
            return Err(Refused::Closing);
        }
        let reply = self.queue().reserve(keys.asking(asks), id, runs.clone(), Timestamp::now());
        let seen = match reply {
            Reply::Duplicate(seen) => return Ok(Accepted::Duplicate(seen)),
            Reply::Full => return Err(Refused::Full),
            Reply::Reserved(seen) => seen,
        };
        if let Err(error) = self.journal.accept(Vec::new()).await {
            self.queue().cancel(seen);
            return Err(Refused::Journal(error));
        }
        let superseded = self.queue().activate(seen, Timestamp::now());
        for run in superseded {
            log::info!("run={run} outcome=superseded");
            self.ended.send_modify(|count| *count += 1);
        }
        self.wake.notify_one();
        Ok(Accepted::New(seen))
    }

    /// What is known of a delivery: its id and its runs. `None` once it has been forgotten.
    pub fn look(&self, seen: Seen) -> Option<(String, Vec<RunReport>)> {
        self.queue().look(seen)
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

    /// Logs every run that has not ended: what the end of the process loses.
    pub fn name_what_is_left(&self) {
        for (run, report) in self.queue().unfinished() {
            let targets = report.steps.iter().flat_map(|step| step.targets.iter().flatten());
            let left: Vec<_> = targets.filter(|t| t.outcome.is_none()).map(|t| t.target.as_str()).collect();
            let actions: Vec<_> = run.actions.iter().map(Action::name).collect();
            log::error!(
                "run={} delivery={} endpoint={} rule={} subject={} actions={} target={} not finished before the end",
                run.id,
                Escaped(&run.delivery.id),
                run.delivery.endpoint,
                run.rule,
                Escaped(&run.subject.to_string()),
                actions.join(","),
                Escaped(&left.join(","))
            );
        }
    }

    /// How many changes were given up because the process is ending; each has its line in the log.
    pub fn unsent(&self) -> usize {
        self.unsent.load(Ordering::Relaxed)
    }

    pub(super) fn count_unsent(&self) {
        self.unsent.fetch_add(1, Ordering::Relaxed);
    }

    /// From now on another API is used, also by runs that are under way.
    pub fn set_api(&self, api: Api) {
        *self.api.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(api);
    }

    /// The API as it is configured now.
    pub fn api(&self) -> Arc<Api> {
        Arc::clone(&self.api.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Cuts settling and pauses short and answers who waits. Requests that are under way are still accepted,
    /// since most senders send only once; what comes of them is due at once.
    pub fn close(&self) {
        self.queue().drain(Timestamp::now());
        self.closing.send_replace(true);
        self.wake.notify_one();
    }

    /// Accepts nothing more: [`Engine::work`] ends once nothing is pending.
    pub fn seal(&self) {
        self.sealed.store(true, Ordering::Relaxed);
        self.wake.notify_one();
    }

    /// Whether [`Engine::close`] was called.
    pub fn is_closing(&self) -> bool {
        *self.closing.borrow()
    }

    /// Resolves when [`Engine::close`] is called.
    pub async fn closed(&self) {
        // It fails only when the sender is gone, and that is self.
        let _ = self.closing.subscribe().wait_for(|closing| *closing).await;
    }

    /// Starts runs as they become due, until the engine is sealed and nothing is pending.
    pub async fn work(self: Arc<Self>) {
        let mut runs = JoinSet::new();
        // A run whose task panics must end all the same, or its lane would be busy for ever.
        let mut under_way = HashMap::new();
        loop {
            let due = self.queue().start_due(Timestamp::now());
            for run in due {
                let (engine, own) = (Arc::clone(&self), Arc::clone(&run));
                let task = runs.spawn(async move { worker::carry_out(&engine, own).await });
                under_way.insert(task.id(), run);
            }
            if self.sealed.load(Ordering::Relaxed) && runs.is_empty() && self.pending() == 0 {
                return;
            }
            let next = self.queue().next_due();
            tokio::select! {
                () = self.wake.notified() => {}
                () = sleep_until(next) => {}
                Some(ended) = runs.join_next_with_id() => {
                    let (id, end) = match ended {
                        Ok((id, end)) => (id, end),
                        Err(error) => (error.id(), worker::panicked(&error)),
                    };
                    if let Some(run) = under_way.remove(&id) {
                        self.queue().finish(&run, end.0, end.1, Timestamp::now());
                        self.ended.send_modify(|count| *count += 1);
                    }
                }
            }
        }
    }

    /// Changes what is reported of a run.
    pub(super) fn report(&self, run: RunId, change: impl FnOnce(&mut RunReport)) {
        self.queue().report(run, change);
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn sleep_until(due: Option<Timestamp>) {
    match due {
        Some(due) => {
            let wait = due.duration_since(Timestamp::now());
            tokio::time::sleep(wait.try_into().unwrap_or(Duration::ZERO)).await;
        }
        None => std::future::pending().await,
    }
}

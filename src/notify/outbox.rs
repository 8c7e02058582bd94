//! Keeps notices in the journal until their targets have taken them.
//!
//! A notice gets into the journal together with the end of its run, and out of it when it was taken or its time is
//! up. In memory there is only who is told when.

mod record;

use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::task::{JoinError, JoinSet};

use self::record::{Head, Record};
use super::Notice;
use super::courier::{Courier, Failure, Fault};
use super::schedule::{MOST, Schedule, Waiting};
use crate::clock::{Numbers, sleep_until};
use crate::config::NotifyTarget;
use crate::run::journal::{Journal, Table, Write};
use crate::text::Escaped;

/// How long the last tries may take when the process ends.
const LAST_TRIES: Duration = Duration::from_secs(5);

/// Everyone who is told something, as the configuration has it.
pub type Targets = Arc<[Arc<NotifyTarget>]>;

/// What is still to be told, and to whom.
#[derive(Debug)]
pub struct Outbox {
    journal: Arc<Journal>,
    schedule: Mutex<Schedule>,
    keys: Numbers,
    courier: Courier,
    /// Something may be due.
    wake: Notify,
}

/// What came of one try.
#[derive(Debug)]
enum Tried {
    Delivered,
    Failed(Failure, Option<Box<Record>>),
    /// The journal does not have it, or not in a form that can be read.
    Lost(String),
}

/// A try that is under way.
#[derive(Debug)]
struct Try {
    target: String,
    key: u64,
}

impl Outbox {
    /// An outbox with nothing in it.
    pub fn new(journal: Arc<Journal>) -> Self {
        Self {
            journal,
            schedule: Mutex::default(),
            keys: Numbers::default(),
            courier: Courier::default(),
            wake: Notify::new(),
        }
    }

    /// What is to be written together with the end of a run: one record for each target that wants the notice.
    /// Once it is written, [`Outbox::added`] must be told.
    pub fn writes(&self, targets: &[Arc<NotifyTarget>], notice: &Notice) -> Vec<Write> {
        let wants = targets.iter().filter(|target| target.wants(&notice.endpoint, notice.outcome));
        let write = |target: &Arc<NotifyTarget>| {
            let record = Record::new(&target.name, notice);
            Write { table: Table::Notices, key: self.keys.next(), value: Some(record.to_bytes()) }
        };
        wants.map(write).collect()
    }

    /// These writes are on their way to the journal. Those of other tables are passed over.
    pub fn added(&self, writes: &[Write]) {
        let own = writes.iter().filter(|write| write.table == Table::Notices);
        for write in own {
            let Some(bytes) = &write.value else { continue };
            self.restore(write.key, bytes);
        }
        self.wake.notify_one();
    }

    /// Takes up a record that the journal has of [`Table::Notices`].
    pub fn restore(&self, key: u64, bytes: &[u8]) {
        self.keys.above(key);
        let head = match Head::read(bytes) {
            Ok(head) => head,
            Err(why) => {
                log::error!("a notice in the journal cannot be read and is dropped: {why}");
                self.forget(&[key]);
                return;
            }
        };
        let Some(dropped) = self.schedule().add(&head.target, key, head.waiting) else { return };
        self.forget(&[dropped.key]);
        if dropped.is_first {
            log::error!(
                "notify={} more than {MOST} notices wait: from now on the oldest are dropped",
                Escaped(&head.target)
            );
        }
    }

    /// Sends what is due until `closing` resolves, and then tries everything that is left once more: a journal in
    /// an emptyDir goes with its pod.
    pub async fn work(
        self: Arc<Self>,
        targets: impl Fn() -> Targets + Send,
        closing: impl Future<Output = ()> + Send,
    ) {
        let (mut tries, mut under_way) = (JoinSet::new(), HashMap::new());
        let mut closing = pin!(closing);
        loop {
            self.start(&targets(), &mut tries, &mut under_way);
            let next = self.schedule().next_due();
            tokio::select! {
                () = self.wake.notified() => {}
                () = sleep_until(next) => {}
                Some(ended) = tries.join_next_with_id() => self.end(ended, &mut under_way),
                () = &mut closing => break,
            }
        }
        self.schedule().close();
        let last = async {
            loop {
                self.start(&targets(), &mut tries, &mut under_way);
                let Some(ended) = tries.join_next_with_id().await else { break };
                self.end(ended, &mut under_way);
            }
        };
        let _ = tokio::time::timeout(LAST_TRIES, last).await;
        self.tell_what_is_left();
    }

    fn start(
        self: &Arc<Self>,
        targets: &Targets,
        tries: &mut JoinSet<Tried>,
        under_way: &mut HashMap<tokio::task::Id, Try>,
    ) {
        let find = |name: &str| targets.iter().find(|target| target.name == name);
        let unknown = self.schedule().forget_unknown(|name| find(name).is_some());
        for (target, keys) in unknown {
            let (target, number) = (Escaped(&target), keys.len());
            log::warn!("notify={target} is not configured any more: {number} notices are dropped");
            self.forget(&keys);
        }
        let due = self.schedule().start_due(Timestamp::now());
        for (name, key) in due {
            let Some(target) = find(&name) else { continue };
            let (outbox, target) = (Arc::clone(self), Arc::clone(target));
            let task = tries.spawn(async move { outbox.attempt(&target, key).await });
            under_way.insert(task.id(), Try { target: name, key });
        }
    }

    async fn attempt(&self, target: &NotifyTarget, key: u64) -> Tried {
        let record = match self.journal.read(Table::Notices, key).await {
            Ok(Some(bytes)) => Record::read(&bytes),
            Ok(None) => Err("the journal does not have it".to_owned()),
            Err(error) => {
                let why = error.to_string();
                return Tried::Failed(Failure { fault: Fault::Away, after: None, why }, None);
            }
        };
        match record {
            Ok(record) => match self.courier.send(target, &record.notice).await {
                Ok(()) => Tried::Delivered,
                Err(failure) => Tried::Failed(failure, Some(Box::new(record))),
            },
            Err(why) => Tried::Lost(why),
        }
    }

    fn end(
        &self,
        ended: Result<(tokio::task::Id, Tried), JoinError>,
        under_way: &mut HashMap<tokio::task::Id, Try>,
    ) {
        let (id, tried) = match ended {
            Ok(ended) => ended,
            Err(error) => {
                (error.id(), Tried::Lost(format!("a defect of boathook, please report it: {error}")))
            }
        };
        let Some(Try { target, key }) = under_way.remove(&id) else { return };
        let shown = Escaped(&target);
        match tried {
            Tried::Delivered => {
                self.forget(&[key]);
                if self.schedule().delivered(&target, key) {
                    log::info!("notify={shown} takes notices again");
                }
            }
            Tried::Lost(why) => {
                log::error!("notify={shown} a notice is dropped: {why}");
                self.forget(&[key]);
                self.schedule().remove(&target, key);
            }
            Tried::Failed(failure, record) => self.failed(&target, key, &failure, record),
        }
    }

    fn failed(&self, target: &str, key: u64, failure: &Failure, record: Option<Box<Record>>) {
        let failed = self.schedule().failed(target, key, failure, Timestamp::now());
        let (target, why) = (Escaped(target), Escaped(&failure.why));
        if failed.is_first {
            log::warn!("notify={target} does not take notices, which are tried for a day: reason={why}");
        } else {
            log::debug!("notify={target} reason={why}");
        }
        if let (Some(waits), Some(record)) = (failed.waits, record) {
            let value = Some(record.with(waits).to_bytes());
            drop(self.journal.write(vec![Write { table: Table::Notices, key, value }]));
        }
        if !failed.given_up.is_empty() {
            let number = failed.given_up.len();
            log::error!("notify={target} {number} notices are given up after a day: reason={why}");
            self.forget(&failed.given_up);
        }
    }

    fn tell_what_is_left(&self) {
        match self.schedule().len() {
            0 => {}
            left if self.journal.is_durable() => log::info!("{left} notices are kept for the next start"),
            left => log::error!("{left} notices were not taken and are lost"),
        }
    }

    /// Takes these records out of the journal.
    fn forget(&self, keys: &[u64]) {
        let remove = |key: &u64| Write { table: Table::Notices, key: *key, value: None };
        // They land in the end, and until then the worst is a notice that is sent twice, with one id.
        drop(self.journal.write(keys.iter().map(remove).collect()));
    }

    fn schedule(&self) -> MutexGuard<'_, Schedule> {
        self.schedule.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;

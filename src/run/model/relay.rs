//! The relay as the model runs it: what the engine does with the queue and the journal, but one thing at a time and
//! by a clock that the test drives.

use std::sync::Arc;

use jiff::Timestamp;

use super::cluster::Cluster;
use super::disk::{Answer, Disk};
use super::judge::{Fact, Judge};
use super::locks::Locks;
use super::senders::Said;
use super::setup::config;
use super::work::Worker;
use crate::run::plan::{Arrival, plan};
use crate::run::queue::{Effects, Queue, Reply, Restored, Resumed};
use crate::run::record::{Run, RunId};
use crate::run::sameness::{Keys, Seen};

/// Everything there is.
pub(super) struct Relay {
    /// Milliseconds since the test began.
    pub(super) clock: i64,
    pub(super) cluster: Cluster,
    pub(super) disk: Disk,
    pub(super) judge: Judge,
    pub(super) process: Process,
    /// What has been sent so far.
    pub(super) sent: Vec<Said>,
    last_id: u64,
}

/// What a process that is killed forgets.
#[derive(Default)]
pub(super) struct Process {
    pub(super) queue: Queue,
    pub(super) workers: Vec<Worker>,
    pub(super) locks: Locks,
    /// Its end has begun.
    pub(super) closing: bool,
    /// Deliveries that wait for the same one to be safe, or not.
    arrived: Vec<Offer>,
    /// Deliveries that are being made safe.
    offered: Vec<(Seen, Offer)>,
}

/// A delivery with the runs that it leads to.
#[derive(Clone)]
pub(super) struct Offer {
    pub(super) said: Said,
    pub(super) wish: Wish,
    pub(super) runs: Vec<Arc<Run>>,
    keys: Keys,
    /// When it came.
    came: i64,
    /// The same delivery, which is being made safe.
    awaits: Option<Seen>,
}

/// What a caller wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// It to be carried out.
    Do,
    /// To know how it ended, or to begin it.
    Ask,
    /// It to be done again, whatever became of it.
    Again,
}

impl Relay {
    pub(super) fn new() -> Self {
        Self {
            clock: 0,
            cluster: Cluster::new(),
            disk: Disk::default(),
            judge: Judge::default(),
            process: Process::default(),
            sent: Vec::new(),
            last_id: 0,
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        at(self.clock)
    }

    /// A delivery arrives.
    pub(super) fn receive(&mut self, said: Said, wish: Wish) {
        let keys = Keys::new(said.endpoint, &said.identity, &said.body, true);
        self.sent.push(said.clone());
        let mark = keys.mark();
        self.plan(said, wish, keys.asking(wish == Wish::Ask), mark);
    }

    /// A person wants a delivery to be done again, of those that have ended.
    pub(super) fn redeliver(&mut self, which: usize) {
        let ended = self.judge.ended_deliveries(self.clock);
        let Some(known) = ended.get(which % ended.len().max(1)) else { return };
        let (seen, mut said, id) = (known.seen, known.said.clone(), known.id.clone());
        let keys = self.process.queue.keys(seen).expect("it is remembered");
        let (mark, marks_of) = (keys.mark(), said.identity.clone());
        said.identity = crate::source::Identity::Id(id);
        self.plan_as(said, marks_of, Wish::Again, keys.again(), mark);
    }

    fn plan(&mut self, said: Said, wish: Wish, keys: Keys, mark: String) {
        let identity = said.identity.clone();
        self.plan_as(said, identity, wish, keys, mark);
    }

    /// Plans what is said; it is known by `identity` afterwards.
    fn plan_as(
        &mut self,
        said: Said,
        identity: crate::source::Identity,
        wish: Wish,
        keys: Keys,
        mark: String,
    ) {
        let endpoint = config().endpoints.iter().find(|endpoint| endpoint.name == said.endpoint).unwrap();
        let arrival = Arrival { received: self.now(), from: None, mark };
        let last_id = &mut self.last_id;
        let next_id = || {
            *last_id += 1;
            RunId(*last_id)
        };
        let runs = plan(config(), endpoint, &said.decoded(), arrival, next_id).runs;
        assert!(!runs.is_empty(), "no rule for {said:?}");
        let said = Said { identity, ..said };
        self.process.arrived.push(Offer { said, wish, runs, keys, came: self.clock, awaits: None });
        self.reserve();
    }

    /// Takes in what has arrived, unless the same delivery is being made safe: its fate is waited for.
    fn reserve(&mut self) {
        for mut offer in std::mem::take(&mut self.process.arrived) {
            let expected = self.judge.same(&offer, self.clock);
            match self.process.queue.reserve(&offer.keys, &offer.runs, offer.awaits, at(offer.came)) {
                Reply::Full => panic!("the queue is full"),
                Reply::Awaits(seen) => {
                    offer.awaits = Some(seen);
                    self.judge.count("awaited");
                    self.process.arrived.push(offer);
                }
                Reply::Duplicate(seen, writes) => {
                    let is_right = offer.awaits == Some(seen) || expected == Some(seen);
                    assert!(is_right, "{offer:?} is taken for a duplicate of {seen:?}, not {expected:?}");
                    if writes.is_empty() {
                        self.judge.is_duplicate(seen);
                    } else {
                        self.disk.accept(Answer::Duplicate(seen, offer.came), writes);
                    }
                }
                Reply::Reserved(seen, writes) => {
                    assert_eq!(expected, None, "{offer:?} is not taken for a duplicate");
                    self.disk.accept(Answer::Accepted(seen), writes);
                    self.process.offered.push((seen, offer));
                }
            }
        }
    }

    /// So many batches of writes land.
    pub(super) fn land(&mut self, count: usize) {
        for answer in self.disk.land(count) {
            match answer {
                Answer::Accepted(seen) => {
                    self.is_safe(seen);
                    let effects = self.process.queue.activate(seen, at(self.clock));
                    self.effects(effects);
                }
                Answer::Duplicate(seen, at) => self.judge.came_again(seen, at),
            }
        }
        self.reserve();
    }

    fn is_safe(&mut self, seen: Seen) {
        let place = self.process.offered.iter().position(|(other, _)| *other == seen).unwrap();
        let (_, offer) = self.process.offered.remove(place);
        self.judge.accepted(seen, offer, self.clock);
    }

    /// The disk refuses what asks to be accepted: it is answered 503.
    pub(super) fn refuse(&mut self) {
        for answer in self.disk.refuse() {
            self.judge.count("refused");
            if let Answer::Accepted(seen) = answer {
                self.process.offered.retain(|(other, _)| *other != seen);
                self.process.queue.cancel(seen);
            }
        }
        self.reserve();
    }

    /// Starts what is due.
    pub(super) fn start(&mut self) {
        for run in self.process.queue.start_due(at(self.clock)) {
            self.judge.started(&run, &self.process.workers);
            self.process.workers.push(Worker::new(run));
        }
    }

    /// What follows from a change of the queue is written.
    pub(super) fn effects(&mut self, Effects { writes, ended }: Effects) {
        let batch = self.disk.write(writes);
        for (run, report) in ended {
            self.judge.run_ended(&run, &report, batch, self.process.closing);
        }
    }

    /// A person lifts the holds of a workload.
    pub(super) fn lift(&mut self, which: usize) {
        let holds: Vec<_> = self.process.queue.holds.iter().map(|(_, hold)| hold.workload.clone()).collect();
        let Some(workload) = holds.get(which % holds.len().max(1)) else { return };
        let (_, writes) = self.process.queue.holds.lift(|hold| hold.workload == *workload);
        let batch = self.disk.write(writes);
        let name = workload.full_name();
        self.judge.count("lifted");
        self.judge.note(batch, Fact::Lifted(name));
    }

    /// A person sets an image.
    pub(super) fn meddle(&mut self, name: &str, image: &str) {
        let version = self.cluster.get(name).version;
        assert!(self.cluster.set_image(name, image, version));
        self.judge.meddled(name, image, &self.process.workers);
    }

    /// The process is killed, after so many batches more have landed, and started again.
    pub(super) fn kill(&mut self, landing: usize) {
        for answer in self.disk.land(landing) {
            // Nobody was told.
            if let Answer::Accepted(seen) = answer {
                self.is_safe(seen);
            }
        }
        self.disk.lose();
        self.judge.killed(self.disk.landed());
        self.begin();
    }

    /// A process goes on with what the journal has.
    pub(super) fn begin(&mut self) {
        let mut restored = Restored::default();
        for ((table, key), value) in &self.disk.records {
            restored.take(*table, *key, value);
        }
        let (queue, resumed, effects) = restored.into_queue(at(self.clock));
        self.process = Process { queue, ..Process::default() };
        self.effects(effects);
        for Resumed { run, workloads } in resumed {
            self.judge.started(&run, &self.process.workers);
            let leaves = self.process.locks.take_now(workloads);
            self.judge.count(if leaves.is_empty() { "resumed" } else { "resumed in the middle" });
            self.process.workers.push(Worker { leaves, ..Worker::new(run) });
        }
        self.judge.restored(&self.process.queue);
    }
}

pub(super) fn at(clock: i64) -> Timestamp {
    Timestamp::from_millisecond(1_800_000_000_000 + clock).unwrap()
}

impl std::fmt::Debug for Offer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ids: Vec<_> = self.runs.iter().map(|run| run.id.to_string()).collect();
        write!(
            f,
            "{:?} {:?} of {} (runs {})",
            self.wish,
            self.said.identity,
            self.said.endpoint,
            ids.join(", ")
        )
    }
}

//! What the worker does with one target of a step, one request or one write at a time.

mod back;
mod forward;
mod watch;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

pub(super) use self::forward::asked;
use super::locks::Leave;
use super::relay::{Relay, at};
use super::work::{Fate, State, Tried};
use crate::action::{Action, Change, Made, Target};
use crate::kubernetes::{Kind, Patched};
use crate::run::outcome::{End, Outcome};
use crate::run::progress::{Stage, Tries};
use crate::run::queue::Place;
use crate::run::record::Run;

/// Works on one target.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) place: Place,
    pub(super) lock: Option<Leave>,
    state: At,
    resumed: bool,
    /// How often the target was not what it had been.
    stale: u32,
    /// Until when what is put back is tried.
    until: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// It goes on from the stage that it stands at, not before this time.
    Stage(i64),
    /// A stage is on its way to the journal.
    Landing(u64),
    Resting,
    Suspended,
}

impl Task {
    pub(super) fn new(place: Place, lock: Option<Leave>, tries: Tries) -> Self {
        let due = tries.next.map_or(0, |next| i64::try_from(next.duration_since(at(0)).as_millis()).unwrap());
        Self { place, lock, state: At::Stage(due), resumed: true, stale: 0, until: None }
    }

    pub(super) fn rests(&self) -> bool {
        matches!(self.state, At::Resting | At::Suspended)
    }

    pub(super) fn is_suspended(&self) -> bool {
        self.state == At::Suspended
    }
}

/// Where a target stands after a step.
enum Then {
    /// At another stage, once that has landed.
    Landed(u64),
    /// At another stage, at once.
    AtOnce,
    Later(i64),
    Suspended,
}

impl From<Tried> for Result<Then, End> {
    fn from(tried: Tried) -> Self {
        match tried {
            Tried::Later(when) => Ok(Then::Later(when)),
            Tried::Suspended => Ok(Then::Suspended),
            Tried::NotAnyMore(end) => Err(end),
        }
    }
}

impl Relay {
    pub(super) fn is_able(&self, Task { lock, state, .. }: &Task) -> bool {
        lock.as_ref().is_none_or(|leave| self.process.locks.is_held(leave))
            && match state {
                At::Stage(when) => self.is_time(*when),
                At::Landing(batch) => self.disk.has(*batch),
                At::Resting | At::Suspended => false,
            }
    }

    fn task(&mut self, worker: usize, task: usize) -> &mut Task {
        let State::Working(tasks) = &mut self.process.workers[worker].state else {
            panic!("it does not work")
        };
        &mut tasks[task]
    }

    pub(super) fn target_goes_on(&mut self, worker: usize, task: usize, fate: Fate) {
        let run = Arc::clone(&self.process.workers[worker].run);
        let Task { place, resumed, stale, until, .. } = *self.task(worker, task);
        let target = self.process.queue.progress(run.id).unwrap().target(place.0, place.1).unwrap().clone();
        let mut work = Work { relay: self, run, place, target: target.target, resumed, stale, until };
        let then = match target.stage {
            Stage::Waiting => work.decide(fate),
            Stage::Decided(change) => work.make(change, fate),
            Stage::Made(change, made) => work.follow(change, &made, fate),
            Stage::Undoing(change, why) => work.put_back(change, &why, fate),
            Stage::Undone(change, why, made) => work.follow_back(&change, &why, &made, fate),
            Stage::Broken(..) | Stage::Ended(..) => return self.rest(worker, task, At::Resting),
        };
        let (stale, until) = (work.stale, work.until);
        let next = match then {
            Then::Landed(batch) => At::Landing(batch),
            Then::AtOnce => At::Stage(0),
            Then::Later(when) => {
                // It is still at the same stage, and tries that.
                let task = self.task(worker, task);
                (task.state, task.until) = (At::Stage(when), until);
                return;
            }
            Then::Suspended => return self.rest(worker, task, At::Suspended),
        };
        let task = self.task(worker, task);
        (task.state, task.resumed, task.stale, task.until) = (next, false, stale, None);
    }

    fn rest(&mut self, worker: usize, task: usize, state: At) {
        let task = self.task(worker, task);
        task.state = state;
        if let Some(leave) = task.lock.take() {
            self.process.locks.give_back(&leave);
        }
    }
}

/// One target, and what it is worked on for.
struct Work<'a> {
    relay: &'a mut Relay,
    run: Arc<Run>,
    place: Place,
    target: Target,
    resumed: bool,
    stale: u32,
    until: Option<Timestamp>,
}

impl Work<'_> {
    fn action(&self) -> &Action {
        &self.run.actions[self.place.0]
    }

    fn name(&self) -> String {
        self.target.full_name()
    }

    fn tried(&mut self, until: Timestamp) -> Result<Then, End> {
        self.relay.tried(&self.run, Some(self.place), until).into()
    }

    fn stage(&mut self, stage: Stage) -> Then {
        let (step, place) = self.place;
        Then::Landed(self.relay.note(&self.run, |progress| progress.set_stage(step, place, stage)))
    }

    fn end(&mut self, end: End, change: Option<Change>) -> Then {
        self.relay.judge.rests(&self.run, self.place, &end);
        let changed = change.is_some() && end.outcome.is_good();
        self.relay.judge.target_ended(&self.run, &self.name(), &end, &self.relay.cluster);
        let writes = self.relay.process.queue.end_target(&self.run, self.place, end, change);
        let batch = self.relay.disk.write(writes);
        self.relay.judge.looked(&self.run, self.place, batch);
        if changed {
            self.relay.judge.came(&self.run, &self.target, batch);
        }
        Then::Landed(batch)
    }

    fn fails(&mut self, why: &str, change: Option<Change>) -> Then {
        self.relay.judge.trouble(self.run.id);
        self.end(End::new(Outcome::Failed, why), change)
    }

    fn made(&self) -> Made {
        Made { patched: Patched::default(), at: self.relay.now() }
    }

    fn within(&self) -> Option<SignedDuration> {
        let within = self.action().rollout()?.within?;
        self.target.workload().filter(|workload| workload.kind != Kind::CronJob)?;
        Some(SignedDuration::try_from(within).unwrap())
    }
}

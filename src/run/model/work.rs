//! What the worker does with a run, one request or one write at a time.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::judge::Fact;
use super::locks::Leave;
use super::relay::{Relay, at};
use super::setup::OWN;
use super::target::Task;
use crate::run::outcome::{End, Outcome};
use crate::run::progress::{Stage, Todo, Tries};
use crate::run::record::Run;
use crate::run::worker::lock_name;

/// What comes of a request to the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is answered.
    Answered,
    /// It is answered, and a rollout has not got far.
    Early,
    /// It is refused, which will pass.
    Refused,
    /// It is done, and the answer is lost.
    Lost,
    /// It is forbidden.
    Forbidden,
}

/// Carries a run out.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) run: Arc<Run>,
    pub(super) state: State,
    /// Of all targets of a step that may be undone as a whole.
    pub(super) leaves: Vec<Leave>,
}

/// What a worker is at.
#[derive(Debug)]
pub(super) enum State {
    /// It asks what is to be done next, once this has landed.
    Next(u64),
    /// As [`State::Next`], and lets go of the step's workloads.
    NextStep(u64),
    /// It looks for the targets of a step, not before this time.
    Finding(usize, i64),
    /// It waits for the workloads of a step, the last of these first.
    Locking(usize, Vec<usize>, Vec<String>),
    /// It works on targets.
    Working(Vec<Task>),
}

/// Something that can go on: a run's worker, or one of its targets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hand {
    pub(super) worker: usize,
    pub(super) task: Option<usize>,
}

impl Worker {
    pub(super) fn new(run: Arc<Run>) -> Self {
        Self { run, state: State::Next(0), leaves: Vec::new() }
    }
}

impl Relay {
    /// Everything that can go on now.
    pub(super) fn hands(&self) -> Vec<Hand> {
        let mut hands = Vec::new();
        for (worker, Worker { state, leaves, .. }) in self.process.workers.iter().enumerate() {
            let itself = Hand { worker, task: None };
            match state {
                State::Next(batch) | State::NextStep(batch) if self.disk.has(*batch) => hands.push(itself),
                State::Finding(_, when) if self.is_time(*when) => hands.push(itself),
                State::Locking(..) if leaves.last().is_none_or(|leave| self.process.locks.is_held(leave)) => {
                    hands.push(itself);
                }
                State::Working(tasks) if tasks.iter().all(Task::rests) => hands.push(itself),
                State::Working(tasks) => {
                    let able = tasks.iter().enumerate().filter(|(_, task)| self.is_able(task));
                    hands.extend(able.map(|(task, _)| Hand { worker, task: Some(task) }));
                }
                State::Next(_) | State::NextStep(_) | State::Finding(..) | State::Locking(..) => {}
            }
        }
        hands
    }

    /// Whether a pause is over; at the end all are cut short.
    pub(super) fn is_time(&self, when: i64) -> bool {
        when <= self.clock || self.process.closing
    }

    /// Goes on with something.
    pub(super) fn go_on(&mut self, hand: Hand, fate: Fate) {
        match hand.task {
            None => self.worker_goes_on(hand.worker, fate),
            Some(task) => self.target_goes_on(hand.worker, task, fate),
        }
        if !self.process.closing {
            self.judge.look_at(&self.process.workers, &self.process.queue);
        }
    }

    fn worker_goes_on(&mut self, number: usize, fate: Fate) {
        let state = std::mem::replace(&mut self.process.workers[number].state, State::Next(0));
        match state {
            State::NextStep(_) => {
                self.let_go(number);
                self.next(number);
            }
            State::Finding(step, _) => self.find(number, step, fate),
            State::Locking(step, places, names) => self.lock(number, step, places, names),
            State::Working(tasks) if tasks.iter().any(Task::is_suspended) => self.leave(number),
            State::Next(_) | State::Working(_) => self.next(number),
        }
    }

    fn let_go(&mut self, number: usize) {
        for leave in std::mem::take(&mut self.process.workers[number].leaves) {
            self.process.locks.give_back(&leave);
        }
    }

    fn next(&mut self, number: usize) {
        let run = Arc::clone(&self.process.workers[number].run);
        let progress = self.process.queue.progress(run.id).unwrap();
        let next = match progress.todo(run.actions.len(), Some(OWN)) {
            Todo::Find(step) => {
                let due = progress.finding.next.map_or(0, |next| next.duration_since(at(0)).as_millis());
                State::Finding(step, i64::try_from(due).unwrap())
            }
            Todo::Work(step, places) => {
                if run.actions[step].rolls_back() && self.process.workers[number].leaves.is_empty() {
                    let targets = progress.steps[step].targets.iter();
                    let mut names: Vec<_> = targets.filter_map(|target| lock_name(&target.target)).collect();
                    names.sort_unstable();
                    names.dedup();
                    names.reverse();
                    State::Locking(step, places, names)
                } else {
                    self.tasks(number, step, &places)
                }
            }
            Todo::LeaveAlone(step, places) => {
                let end = End::new(Outcome::Skipped, "left alone");
                for place in &places {
                    self.judge.count(end.outcome.word());
                    self.judge.rests(&run, (step, *place), &end);
                }
                let leave = |progress: &mut crate::run::progress::Progress| {
                    for place in places {
                        progress.set_stage(step, place, Stage::Ended(end.clone(), None));
                    }
                };
                State::Next(self.note(&run, leave))
            }
            Todo::Undo(step) => {
                let (holds, writes) = self.process.queue.undo(&run, step, at(self.clock));
                let batch = self.disk.write(writes);
                for hold in holds {
                    self.judge.holds(&run, &hold.workload, batch);
                }
                State::Next(batch)
            }
            Todo::EndStep(step, end) => {
                let batch = self.note(&run, |progress| progress.end_step(step, end));
                self.judge.step_ended(&run, &self.cluster, batch);
                State::NextStep(batch)
            }
            Todo::EndRun(end) => {
                self.let_go(number);
                self.process.workers.remove(number);
                let effects = self.process.queue.finish(&run, end, at(self.clock));
                return self.effects(effects);
            }
        };
        self.process.workers[number].state = next;
    }

    /// Asks for the workloads of a step one after the other.
    fn lock(&mut self, number: usize, step: usize, places: Vec<usize>, mut names: Vec<String>) {
        let next = match names.pop() {
            Some(name) => {
                let leave = self.process.locks.ask(name);
                self.process.workers[number].leaves.push(leave);
                State::Locking(step, places, names)
            }
            None => self.tasks(number, step, &places),
        };
        self.process.workers[number].state = next;
    }

    fn tasks(&mut self, number: usize, step: usize, places: &[usize]) -> State {
        let Worker { run, leaves, .. } = &mut self.process.workers[number];
        let progress = self.process.queue.progress(run.id).unwrap();
        let each = !run.actions[step].rolls_back();
        let mut tasks = Vec::new();
        for place in places {
            let target = progress.target(step, *place).unwrap();
            let name = lock_name(&target.target).filter(|_| each);
            let had = leaves.iter().position(|(had, _)| Some(had) == name.as_ref());
            let had = had.map(|had| leaves.swap_remove(had));
            let lock = had.or_else(|| name.map(|name| self.process.locks.ask(name)));
            tasks.push(Task::new((step, *place), lock, target.tries));
        }
        State::Working(tasks)
    }

    fn find(&mut self, number: usize, step: usize, fate: Fate) {
        let run = Arc::clone(&self.process.workers[number].run);
        let next = match fate {
            Fate::Answered | Fate::Early => {
                let targets = run.actions[step].named_targets(&run.context()).unwrap();
                self.judge.found(&run, step);
                State::Next(self.note(&run, |progress| progress.begin_step(targets, String::new())))
            }
            Fate::Refused | Fate::Lost => match self.tried(&run, None, retry_until(&run)) {
                Tried::Later(when) => State::Finding(step, when),
                Tried::NotAnyMore(end) => self.not_found(&run, step, end),
                Tried::Suspended => return self.leave(number),
            },
            Fate::Forbidden => self.not_found(&run, step, End::new(Outcome::Failed, "forbidden")),
        };
        self.process.workers[number].state = next;
    }

    fn not_found(&mut self, run: &Run, step: usize, end: End) -> State {
        self.judge.trouble(run.id);
        let ended = |progress: &mut crate::run::progress::Progress| {
            progress.begin_step(Vec::new(), String::new());
            progress.end_step(step, end);
        };
        let batch = self.note(run, ended);
        self.judge.step_ended(run, &self.cluster, batch);
        State::Next(batch)
    }

    /// A try failed: when the next one is, if there is one.
    pub(super) fn tried(&mut self, run: &Run, place: Option<(usize, usize)>, until: Timestamp) -> Tried {
        if self.process.closing {
            return Tried::Suspended;
        }
        let progress = self.process.queue.progress(run.id).unwrap();
        let before = match place {
            None => progress.finding,
            Some((step, place)) => progress.target(step, place).unwrap().tries,
        };
        let pause = (500 << before.made.min(10)).min(15_000);
        let next = at(self.clock + pause);
        if next > until {
            self.judge.expires(run, self.clock);
            return Tried::NotAnyMore(End::new(Outcome::Expired, "given up"));
        }
        self.note(run, |progress| {
            progress.set_tries(place, Tries { made: before.made + 1, next: Some(next), since: None });
        });
        Tried::Later(self.clock + pause)
    }

    /// The process ends before the run does.
    fn leave(&mut self, number: usize) {
        self.let_go(number);
        let run = self.process.workers.remove(number).run;
        self.judge.left(&run);
        let effects = self.process.queue.leave(&run, at(self.clock));
        self.effects(effects);
    }

    pub(super) fn note(
        &mut self,
        run: &Run,
        change: impl FnOnce(&mut crate::run::progress::Progress),
    ) -> u64 {
        let write = self.process.queue.note(run.id, change);
        let batch = self.disk.write(write.into_iter().collect());
        self.judge.note(batch, Fact::Noted(run.id));
        batch
    }
}

/// What follows from a try that failed.
pub(super) enum Tried {
    Later(i64),
    NotAnyMore(End),
    Suspended,
}

/// How long a target is tried: the model counts from the delivery, since it knows no time in which nothing was tried.
pub(super) fn retry_until(run: &Run) -> Timestamp {
    let retry_for = SignedDuration::from_millis(run.timing.retry_for);
    run.delivery.received.saturating_add(retry_for).unwrap()
}

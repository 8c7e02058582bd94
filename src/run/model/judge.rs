//! The reference: what must hold, in the words of the contract and without a line of the code that is tested.
//!
//! It knows what really happened: the deliveries that are safe, the requests that were made, and, as [facts](Fact),
//! what was decided. A fact is known from its write on, and is forgotten with it when the process is killed.

mod changes;
mod ends;
mod holds;
mod sameness;

use std::collections::{BTreeMap, BTreeSet};

use super::relay::Offer;
use super::senders::Said;
use super::work::Worker;
use crate::action::Target;
use crate::kubernetes::Workload;
use crate::run::outcome::{End, Outcome};
use crate::run::progress::{Progress, Stage};
use crate::run::queue::{Place, Queue};
use crate::run::record::{Run, RunId};
use crate::run::sameness::Seen;

/// Watches, and panics when something is not as it must be.
#[derive(Debug, Default)]
pub(super) struct Judge {
    /// Deliveries that are safe, in the order in which they were accepted.
    known: Vec<Known>,
    facts: Vec<(u64, Fact)>,
    /// What was done to the cluster, which nothing undoes.
    deeds: Vec<Deed>,
    /// Runs that something went wrong for: they may end badly.
    trouble: BTreeSet<RunId>,
    /// Targets that could not be put back.
    stuck: BTreeSet<(RunId, String)>,
    /// Runs that were tried for as long as they may be.
    expired: BTreeSet<RunId>,
    /// Runs that a process that ended left to the next one: what was due went out beside them.
    left: BTreeSet<RunId>,
    /// Workloads that somebody else changed: a run may have to do something there again.
    meddled: BTreeSet<String>,
    /// Workloads where somebody else set what a run had set too: whose it is cannot be seen.
    unclear: BTreeSet<String>,
    /// What it came to, and how often.
    pub(super) counts: BTreeMap<&'static str, usize>,
}

/// A delivery that was accepted.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) seen: Seen,
    pub(super) said: Said,
    /// What its sender or the relay calls it.
    pub(super) id: String,
    /// When it came.
    at: i64,
    /// When it came again, or one that looks alike, and was taken for this one.
    last: i64,
    runs: Vec<std::sync::Arc<Run>>,
}

/// Something that is known from its write on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fact {
    /// How far a run has come was written.
    Noted(RunId),
    /// A run has looked at a target and decided what to do there, or must look again.
    Looked(RunId, Place, bool),
    /// A version came to a workload.
    Came { workload: String, repository: String, version: String },
    /// A version is held for a workload.
    Held { workload: String, repository: String, version: String },
    /// A person lifted what is held for a workload.
    Lifted(String),
    /// What is there on a workload now is there to stay, unless another step changes it.
    Stays { workload: String, image: String },
    /// What a run made does not come up.
    Broke(RunId),
    /// A run has ended.
    Ended(RunId, Outcome),
}

/// Something that was done to the cluster.
#[derive(Clone, Debug)]
struct Deed {
    run: RunId,
    place: Place,
    target: String,
    did: Did,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Did {
    Set { from: String, to: String },
    PutBack { from: String, to: String },
    Restarted,
    Told,
}

impl Judge {
    /// Something is worth to be counted.
    pub(super) fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    /// A delivery is safe.
    pub(super) fn accepted(&mut self, seen: Seen, offer: Offer, at: i64) {
        let Offer { said, runs, .. } = offer;
        let received = runs[0].delivery.received.duration_since(super::relay::at(0)).as_millis();
        let came = i64::try_from(received).unwrap();
        assert!(came <= at, "it is safe before it came");
        for (place, known) in self.known.iter_mut().enumerate().filter(|(_, known)| known.seen == seen) {
            assert!(at - known.at >= sameness::THREE_DAYS, "{seen:?} twice");
            // It is forgotten, and its number was free again after a restart.
            known.seen = Seen(u64::MAX - place as u64);
        }
        let id = runs[0].delivery.id.clone();
        self.known.push(Known { seen, said, id, at: came, last: came, runs });
    }

    /// A delivery is answered duplicate: the first one must be safe.
    pub(super) fn is_duplicate(&mut self, seen: Seen) {
        self.count("duplicate");
        assert!(
            self.known.iter().any(|known| known.seen == seen),
            "a duplicate of {seen:?}, which is not safe"
        );
    }

    /// One that looks alike came again, and is answered that the first one is under way.
    pub(super) fn came_again(&mut self, seen: Seen, at: i64) {
        self.is_duplicate(seen);
        self.count("looked alike");
        let known = self.known.iter_mut().filter(|known| known.seen == seen && known.said.looks_alike());
        known.for_each(|known| known.last = known.last.max(at));
    }

    pub(super) fn note(&mut self, batch: u64, fact: Fact) {
        self.facts.push((batch, fact));
    }

    pub(super) fn looked(&mut self, run: &Run, place: Place, batch: u64) {
        self.note(batch, Fact::Looked(run.id, place, true));
    }

    /// A target is not what it was: nothing was changed.
    pub(super) fn looks_again(&mut self, run: &Run, place: Place, batch: u64) {
        self.note(batch, Fact::Looked(run.id, place, false));
        self.count("decided again");
    }

    pub(super) fn trouble(&mut self, run: RunId) {
        self.trouble.insert(run);
    }

    /// What a run made does not come up.
    pub(super) fn broke(&mut self, run: &Run, batch: u64) {
        self.note(batch, Fact::Broke(run.id));
        self.trouble.insert(run.id);
    }

    fn is_broken(&self, run: RunId) -> bool {
        self.facts.iter().any(|(_, fact)| *fact == Fact::Broke(run))
    }

    /// A process that ends leaves a run to the next one.
    pub(super) fn left(&mut self, run: &Run) {
        self.left.insert(run.id);
        self.count("left");
    }

    /// A target cannot be put back.
    pub(super) fn stuck(&mut self, run: &Run, target: &Target) {
        self.stuck.insert((run.id, target.full_name()));
    }

    /// A run is not tried any longer.
    pub(super) fn expires(&mut self, run: &Run, clock: i64) {
        const LONGEST_PAUSE: i64 = 15_000;
        let since = super::relay::at(clock + LONGEST_PAUSE).duration_since(run.delivery.received);
        assert!(since.as_millis() > i128::from(run.timing.retry_for), "{} is given up too soon", run.id);
        self.expired.insert(run.id);
        self.trouble.insert(run.id);
    }

    /// Somebody else set an image.
    pub(super) fn meddled(&mut self, name: &str, image: &str, workers: &[Worker]) {
        self.somebody_set(name, image);
        self.meddled.insert(name.to_owned());
        self.trouble.extend(workers.iter().map(|worker| worker.run.id));
        // Also those that the journal has and no worker yet.
        self.trouble.extend(self.open_runs());
    }

    fn open_runs(&self) -> Vec<RunId> {
        let runs = self.known.iter().flat_map(|known| &known.runs).map(|run| run.id);
        runs.filter(|run| self.ended(*run).is_none()).collect()
    }

    /// The process was killed: what had not landed did not happen.
    pub(super) fn killed(&mut self, landed: u64) {
        self.facts.retain(|(batch, _)| *batch <= landed);
    }

    /// Another process has read the journal.
    pub(super) fn restored(&self, queue: &Queue) {
        let open = self.known.iter().filter(|known| self.fate(known).is_none()).count();
        let pending = queue.pending_deliveries();
        assert_eq!(open, pending.len(), "deliveries that have not ended: the journal has {pending:?}");
        for known in &self.known {
            assert_eq!(self.fate(known).is_some(), queue.is_ended(known.seen), "{known:?}");
        }
    }

    /// How a run ended.
    fn ended(&self, run: RunId) -> Option<Outcome> {
        self.facts.iter().find_map(|(_, fact)| match fact {
            Fact::Ended(ended, outcome) if *ended == run => Some(*outcome),
            _ => None,
        })
    }

    /// How the runs of a delivery ended, if all have: whether well.
    fn fate(&self, known: &Known) -> Option<bool> {
        let outcomes: Option<Vec<_>> = known.runs.iter().map(|run| self.ended(run.id)).collect();
        let bad = [Outcome::Failed, Outcome::RolledBack, Outcome::Expired];
        outcomes.map(|outcomes| !outcomes.iter().any(|outcome| bad.contains(outcome)))
    }

    /// Deliveries that have ended and are not forgotten.
    pub(super) fn ended_deliveries(&self, clock: i64) -> Vec<&Known> {
        let kept = self.known.iter().filter(|known| clock - known.at < sameness::THREE_DAYS);
        kept.filter(|known| self.fate(known).is_some()).collect()
    }

    /// A run is started, or goes on after a restart.
    pub(super) fn started(&self, run: &Run, workers: &[Worker]) {
        assert_eq!(self.ended(run.id), None, "{} has ended", run.id);
        let other = workers.iter().find(|worker| worker.run.lane == run.lane);
        assert!(other.is_none(), "{} is started beside {other:?}", run.id);
        assert!(self.known.iter().any(|known| known.runs.iter().any(|known| known.id == run.id)), "{run:?}");
    }

    /// The targets of a step were found.
    pub(super) fn found(&self, run: &Run, step: usize) {
        let later = self.deeds.iter().find(|deed| deed.run == run.id && deed.place.0 >= step);
        assert!(later.is_none(), "step {step} of {} is begun after {later:?}", run.id);
    }

    /// Looks at all that is under way.
    pub(super) fn look_at(&self, workers: &[Worker], queue: &Queue) {
        let mut at_work: BTreeMap<String, RunId> = BTreeMap::new();
        for Worker { run, state, .. } in workers {
            let progress = queue.progress(run.id).unwrap();
            for target in in_the_middle(run, progress) {
                let other = at_work.insert(target.clone(), run.id).filter(|other| *other != run.id);
                if let Some(other) =
                    other.filter(|other| ![*other, run.id].iter().any(|id| self.left.contains(id)))
                {
                    panic!("{} and {other} work on {target}, one at {state:?}", run.id);
                }
            }
        }
    }
}

/// The workloads that a run has begun to change and has not come to an end with.
fn in_the_middle(run: &Run, progress: &Progress) -> Vec<String> {
    let Some((number, step)) = progress.steps.iter().enumerate().next_back() else { return Vec::new() };
    let mut names = Vec::new();
    for target in &step.targets {
        let is_done = match &target.stage {
            Stage::Waiting => true,
            // It may still be put back with another one.
            Stage::Ended(_, change) => {
                step.end.is_some() || change.is_none() || !run.actions[number].rolls_back()
            }
            _ => false,
        };
        if !is_done && target.target != Target::Flux {
            names.push(target.target.full_name());
        }
    }
    names
}

fn name_of(workload: &Workload) -> String {
    workload.full_name()
}

/// How a part ended, for a message.
fn shown(end: &End) -> String {
    format!("{}: {}", end.outcome, end.reason)
}

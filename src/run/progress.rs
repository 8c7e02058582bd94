//! How far a started run has come: a pure state machine, and the journal's record of it. Whatever may not be done
//! twice is written here before it is done, so that a run goes on at the right place after a crash.

mod shift;
mod stage;
mod undo;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::shift::{Phase, Shift};
pub use self::stage::Stage;
use super::outcome::{End, Outcome};
use super::unproven::Unproven;
use super::worker::lock_name;
use crate::action::{Target, What};

/// How far a run has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The steps that have been started, in order.
    pub steps: Vec<Step>,
    /// The tries to find the targets of the next step.
    #[serde(default, skip_serializing_if = "Tries::is_none")]
    pub finding: Tries,
    /// When another delivery that looks alike came before anything was changed: the run stands for that one too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub came_again: Option<Timestamp>,
    /// What runs whose place this one took had changed without its being known whether that comes up.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unproven: Vec<Unproven>,
    /// How the run ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<End>,
}

/// A step whose targets have been found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What it changes.
    pub targets: Vec<TargetProgress>,
    /// When it was begun, if it builds on another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// What was passed over, and why.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub passed_over: String,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<End>,
}

/// A target and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetProgress {
    /// What it is.
    pub target: Target,
    /// Where it stands.
    pub stage: Stage,
    /// The tries of this stage that failed.
    #[serde(default, skip_serializing_if = "Tries::is_none")]
    pub tries: Tries,
}

/// Tries that failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tries {
    /// How many.
    pub made: u32,
    /// When the next one is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Timestamp>,
    /// When the first one was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
}

impl Tries {
    fn is_none(&self) -> bool {
        self.made == 0
    }
}

/// What is to be done next for a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Todo {
    /// Find the targets of this step.
    Find(usize),
    /// Work on these targets of this step, side by side.
    Work(usize, Vec<usize>),
    /// Decide to undo what this step changed.
    Undo(usize),
    /// Leave these targets of the step as they are: another one failed.
    LeaveAlone(usize, Vec<usize>),
    /// The step has ended like this.
    EndStep(usize, End),
    /// The run has ended like this.
    EndRun(End),
}

impl Progress {
    /// What is to be done next, for a run of so many steps. `own` is the relay's own workload, which is touched
    /// last.
    pub fn todo(&self, steps: usize, own: Option<&str>) -> Todo {
        if let Some((number, step)) = self.open_step() {
            return step.todo(number, own);
        }
        let goes_on =
            self.steps.iter().all(|step| step.end.as_ref().is_some_and(|end| end.outcome.goes_on()));
        if goes_on && self.steps.len() < steps {
            Todo::Find(self.steps.len())
        } else {
            Todo::EndRun(self.summary())
        }
    }

    /// The step that is worked on: the last one, or one before it that is undone.
    pub fn open_step(&self) -> Option<(usize, &Step)> {
        self.steps.iter().enumerate().find(|(_, step)| step.end.is_none())
    }

    /// The end that follows from those of the steps. What undid an earlier step speaks through what became of that.
    fn summary(&self) -> End {
        let ends: Vec<_> = self.steps.iter().filter_map(|step| step.end.clone()).collect();
        let bad = ends.iter().position(|end| !end.outcome.goes_on()).map_or(ends.len(), |bad| bad + 1);
        summary(ends.into_iter().take(bad))
    }

    /// The targets of the next step have been found.
    pub fn begin_step(&mut self, targets: Vec<Target>, passed_over: String) {
        let targets = targets.into_iter().map(TargetProgress::new).collect();
        self.finding = Tries::default();
        self.steps.push(Step { targets, since: None, passed_over, end: None });
    }

    /// The step that has just begun builds on the one before: only what happens from now on can be its doing.
    pub fn build_on(&mut self, since: Timestamp) {
        if self.steps.len() > 1
            && let Some(step) = self.steps.last_mut()
        {
            step.since = Some(since);
        }
    }

    /// From when on somebody else's restart counts as a step's own; `None`: since the event was received.
    pub fn since(&self, step: usize) -> Option<Timestamp> {
        self.steps.get(step).and_then(|step| step.since).or(self.came_again)
    }

    /// Where a target stands.
    pub fn target(&self, step: usize, place: usize) -> Option<&TargetProgress> {
        self.steps.get(step)?.targets.get(place)
    }

    /// A target stands somewhere else from now on.
    pub fn set_stage(&mut self, step: usize, place: usize, stage: Stage) {
        if let Some(target) = self.steps.get_mut(step).and_then(|step| step.targets.get_mut(place)) {
            target.stage = stage;
            target.tries = Tries::default();
        }
    }

    /// A try failed: of this target, or of finding the next step's.
    pub fn set_tries(&mut self, place: Option<(usize, usize)>, tries: Tries) {
        match place {
            None => self.finding = tries,
            Some((step, place)) => {
                if let Some(target) = self.steps.get_mut(step).and_then(|step| step.targets.get_mut(place)) {
                    target.tries = tries;
                }
            }
        }
    }

    /// A step has ended.
    pub fn end_step(&mut self, number: usize, end: End) {
        if let Some(step) = self.steps.get_mut(number) {
            step.end = Some(end);
        }
    }

    /// The names of the workloads that the run has begun to change and has not come to an end with. `together` says
    /// of a step whether its targets are put back as a whole.
    pub fn workloads(&self, together: impl FnOnce(usize) -> bool) -> Vec<String> {
        let Some((number, step)) = self.open_step() else { return Vec::new() };
        let has_begun = |target: &TargetProgress| target.stage != Stage::Waiting;
        let mut names: Vec<_> = if together(number) {
            let any = step.targets.iter().any(has_begun);
            step.targets.iter().filter(|_| any).filter_map(|target| lock_name(&target.target)).collect()
        } else {
            let at_work = step.targets.iter().filter(|target| has_begun(target) && target.stage.is_at_work());
            at_work.filter_map(|target| lock_name(&target.target)).collect()
        };
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The step that waits for a confirmation, and until when.
    pub fn asked(&self) -> Option<(usize, Timestamp)> {
        let number = self.steps.len().checked_sub(1)?;
        match self.target(number, 0)?.stage {
            Stage::Asked(until) => Some((number, until)),
            _ => None,
        }
    }

    /// Whether it must come to its end before another run: something is being put back, or is to be, or requests go to
    /// two revisions.
    pub fn is_half_way(&self) -> bool {
        let mut stages = self.steps.iter().flat_map(|step| &step.targets).map(|target| &target.stage);
        stages.any(|stage| {
            matches!(stage, Stage::Shifting(..) | Stage::Broken(..) | Stage::Undoing(..) | Stage::Undone(..))
        })
    }

    /// Whether it was decided what becomes of a target, be it nothing: what happens from then on may not be in it.
    pub fn is_changing(&self) -> bool {
        // One that was superseded has no steps.
        self.end.is_some()
            || self.steps.iter().flat_map(|step| &step.targets).any(|target| match &target.stage {
                Stage::Waiting => false,
                // Flux looks itself at what there is to see.
                Stage::Decided(change) => change.what != What::Notify,
                _ => true,
            })
    }
}

impl Step {
    fn todo(&self, number: usize, own: Option<&str>) -> Todo {
        let is_own = |target: &TargetProgress| own.is_some_and(|own| target.target.full_name() == own);
        let places = |of: &dyn Fn(&TargetProgress) -> bool| -> Vec<usize> {
            self.targets.iter().enumerate().filter(|(_, target)| of(target)).map(|(place, _)| place).collect()
        };
        // A wave begins once those before it have ended well. What has begun, be it to be undone, goes on.
        let ended_well = |target: &TargetProgress| !target.stage.is_at_work() && !target.stage.has_failed();
        let may_begin = |target: &TargetProgress| {
            let before =
                |other: &&TargetProgress| other.target.wave() < target.target.wave() && !is_own(other);
            target.stage != Stage::Waiting || self.targets.iter().filter(before).all(ended_well)
        };
        let others = places(&|target| target.stage.is_at_work() && !is_own(target) && may_begin(target));
        if !others.is_empty() {
            return Todo::Work(number, others);
        }
        let has_failed = self.targets.iter().any(|target| target.stage.has_failed());
        let last = places(&|target| target.stage.is_at_work());
        if has_failed {
            let untouched = places(&|target| target.stage == Stage::Waiting);
            if !untouched.is_empty() {
                return Todo::LeaveAlone(number, untouched);
            }
        }
        if !last.is_empty() {
            // The relay's own workload: this process may end at any moment from here on.
            return Todo::Work(number, last);
        }
        if self.targets.iter().any(|target| matches!(target.stage, Stage::Broken(..))) {
            return Todo::Undo(number);
        }
        Todo::EndStep(number, self.summary())
    }

    fn summary(&self) -> End {
        if self.targets.is_empty() {
            return End::new(Outcome::Skipped, self.passed_over.clone());
        }
        summary(self.targets.iter().filter_map(|target| match &target.stage {
            // A run's reason names the target that it is about; what is seen at a URL does so itself.
            Stage::Ended(end, _)
                if end.reason.is_empty() || end.reason.starts_with(&target.target.to_string()) =>
            {
                Some(end.clone())
            }
            Stage::Ended(end, _) => Some(End::new(end.outcome, format!("{}: {}", target.target, end.reason))),
            _ => None,
        }))
    }
}

impl TargetProgress {
    fn new(target: Target) -> Self {
        Self { target, stage: Stage::Waiting, tries: Tries::default() }
    }
}

/// The worst failure, else what was achieved, with the reason of the part that decided it.
fn summary(ends: impl Iterator<Item = End>) -> End {
    let ends: Vec<_> = ends.collect();
    let whole = Outcome::of(ends.iter().map(|end| end.outcome)).unwrap_or(Outcome::Skipped);
    let reasons: Vec<_> = ends
        .into_iter()
        .filter(|end| end.outcome == whole && !end.reason.is_empty())
        .map(|end| end.reason)
        .collect();
    End::new(whole, reasons.join("; "))
}

#[cfg(test)]
mod tests;

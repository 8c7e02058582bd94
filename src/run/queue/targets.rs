//! What becomes of targets, and of the versions that are held for them, in one write each.

use jiff::Timestamp;

use super::Queue;
use crate::action::{Change, Target};
use crate::run::holds::Hold;
use crate::run::journal::Write;
use crate::run::outcome::{End, Outcome};
use crate::run::progress::{Stage, TargetProgress};
use crate::run::record::Run;
use crate::run::unproven;

/// A target's place: its step and its number there.
pub type Place = (usize, usize);

impl Queue {
    /// What holds a run's version back from a target.
    pub fn held(&self, run: &Run, target: &Target) -> Option<&Hold> {
        let Target::Workload(workload) = target else { return None };
        self.holds.find(workload, run)
    }

    /// A target was changed and is followed: versions that were held there before are history.
    pub fn made(&mut self, run: &Run, place: Place, stage: Stage) -> Vec<Write> {
        let mut writes = self.release(run, place);
        writes.extend(self.overtake(run, place, stage.change()));
        writes.extend(self.set_stage(run, place, stage));
        writes
    }

    /// A target has ended, with what was changed if that stayed, or may have been made.
    pub fn end_target(&mut self, run: &Run, place: Place, end: End, change: Option<Change>) -> Vec<Write> {
        // Without a rollout to follow, a change that was made ends at once.
        let made = change.is_some() && end.outcome.is_good();
        let mut writes = if made { self.release(run, place) } else { Vec::new() };
        if made {
            writes.extend(self.overtake(run, place, change.as_ref()));
        }
        writes.extend(self.set_stage(run, place, Stage::Ended(end, change)));
        writes
    }

    /// Everything that a step changed is to be put back, and the version is held for each workload, before anything
    /// is. Returns the holds too.
    pub fn undo(&mut self, run: &Run, step: usize, now: Timestamp) -> (Vec<Hold>, Vec<Write>) {
        let mut targets = Vec::new();
        let note = self.note(run.id, |progress| targets = progress.undo(step));
        let mut writes: Vec<Write> = note.into_iter().collect();
        let mut holds = Vec::new();
        for (target, why) in targets {
            let Target::Workload(workload) = target else { continue };
            if let Some(hold) = Hold::of(run, &workload, &why, now) {
                writes.extend(self.holds.add(hold.clone()));
                holds.push(hold);
            }
        }
        (holds, writes)
    }

    /// Other runs followed what they had set on a target when they were left to the next process, and now it is not
    /// there any more.
    fn overtake(&mut self, run: &Run, (step, place): Place, change: Option<&Change>) -> Vec<Write> {
        let target = self
            .progress(run.id)
            .and_then(|progress| progress.target(step, place))
            .map(|at| at.target.clone());
        let (Some(target), Some(images)) = (target, change.and_then(Change::images)) else {
            return Vec::new();
        };
        let is_over = |at: &TargetProgress| at.target == target && at.stage.is_overwritten_by(images);
        let others = self.runs.iter().filter(|(id, other)| **id != run.id && other.progress.end.is_none());
        let overtaken: Vec<_> = others
            .filter(|(_, other)| {
                other.progress.steps.last().is_some_and(|step| step.targets.iter().any(is_over))
            })
            .map(|(id, other)| (*id, unproven::left(&other.run.actions, &other.progress)))
            .collect();
        let end = End::new(Outcome::Superseded, format!("superseded by run {}", run.id));
        let mut writes = Vec::new();
        for (id, left) in overtaken {
            let left = left.into_iter().filter(|left| left.target == target);
            writes.extend(self.note(run.id, |progress| progress.unproven.extend(left)));
            writes.extend(self.note(id, |progress| {
                for at in
                    progress.steps.iter_mut().flat_map(|step| &mut step.targets).filter(|at| is_over(at))
                {
                    at.stage = Stage::Ended(end.clone(), None);
                }
            }));
        }
        writes
    }

    fn set_stage(&mut self, run: &Run, (step, place): Place, stage: Stage) -> Option<Write> {
        self.note(run.id, |progress| {
            let stage = match progress.target(step, place).map(|at| &at.target) {
                Some(target) => stage.since_before_all(&progress.unproven, target),
                None => stage,
            };
            progress.set_stage(step, place, stage);
        })
    }

    fn release(&mut self, run: &Run, (step, place): Place) -> Vec<Write> {
        match self.progress(run.id).and_then(|progress| progress.target(step, place)).map(|t| &t.target) {
            Some(Target::Workload(workload)) => {
                let workload = workload.clone();
                self.holds.release(&workload, run)
            }
            Some(Target::Object(_) | Target::Manifest(_) | Target::Flux) | None => Vec::new(),
        }
    }
}

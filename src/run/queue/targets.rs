//! What becomes of targets, and of the versions that are held for them, in one write each.

use jiff::Timestamp;

use super::Queue;
use crate::action::{Change, Target};
use crate::run::holds::Hold;
use crate::run::journal::Write;
use crate::run::outcome::End;
use crate::run::progress::Stage;
use crate::run::record::Run;

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
        writes.extend(self.set_stage(run, place, stage));
        writes
    }

    /// A target has ended, with what was changed if that stayed, or may have been made.
    pub fn end_target(&mut self, run: &Run, place: Place, end: End, change: Option<Change>) -> Vec<Write> {
        // Without a rollout to follow, a change that was made ends at once.
        let made = change.is_some() && end.outcome.is_good();
        let mut writes = if made { self.release(run, place) } else { Vec::new() };
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
            Some(Target::Object(_) | Target::Flux) | None => Vec::new(),
        }
    }
}

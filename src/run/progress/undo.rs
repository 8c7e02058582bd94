//! From forward to back: what a step changed is undone, because one of its targets failed or a later check did.

use super::{Progress, Stage, Tries};
use crate::action::Target;
use crate::run::outcome::{End, Outcome};

impl Progress {
    /// Everything that the step changed is undone from now on. Returns the targets that it is about, and why.
    pub fn undo(&mut self, number: usize) -> Vec<(Target, String)> {
        let Some(step) = self.steps.get_mut(number) else { return Vec::new() };
        let broken = step.targets.iter().find_map(|target| match &target.stage {
            Stage::Broken(_, why) => Some(format!("put back with {}, which failed: {why}", target.target)),
            _ => None,
        });
        let mut undone = Vec::new();
        for target in &mut step.targets {
            let (change, why) = match &target.stage {
                Stage::Broken(change, why) => (change.clone(), why.clone()),
                Stage::Ended(_, Some(change)) => (change.clone(), broken.clone().unwrap_or_default()),
                _ => continue,
            };
            undone.push((target.target.clone(), why.clone()));
            target.stage = Stage::Undoing(change, why);
            target.tries = Tries::default();
        }
        undone
    }

    /// A check at this place has failed, for this reason: what an earlier step changed is undone from now on. Returns
    /// the targets that it is about, and why.
    pub fn undo_before(
        &mut self,
        (step, place): (usize, usize),
        earlier: Option<usize>,
        why: &str,
    ) -> Vec<(Target, String)> {
        let mut undone = Vec::new();
        if let Some(before) = earlier.and_then(|earlier| self.steps.get_mut(earlier)) {
            for target in &mut before.targets {
                let Stage::Ended(_, Some(change)) = &target.stage else { continue };
                let (change, why) = (change.clone(), format!("{change}; {why}"));
                undone.push((target.target.clone(), why.clone()));
                target.stage = Stage::Undoing(change, why);
                target.tries = Tries::default();
            }
            if !undone.is_empty() {
                before.end = None;
            }
        }
        let nothing =
            if undone.is_empty() { "; the run has changed nothing that could be put back" } else { "" };
        let end = End::new(Outcome::Failed, format!("{why}{nothing}"));
        self.set_stage(step, place, Stage::Ended(end, None));
        undone
    }
}

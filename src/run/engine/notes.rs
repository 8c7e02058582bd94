//! What workers read and write of the runs that they carry out.

use std::sync::Arc;

use jiff::Timestamp;

use super::Engine;
use crate::action::{Change, Target};
use crate::run::holds::Hold;
use crate::run::journal::{Landed, Write};
use crate::run::outcome::End;
use crate::run::progress::{Progress, Stage, TargetProgress, Todo, Tries};
use crate::run::queue::Queue;
use crate::run::record::{Run, RunId};

impl Engine {
    /// What is to be done next for a run; `None` if it is not known.
    pub(in crate::run) fn todo(&self, run: &Run) -> Option<Todo> {
        Some(self.queue().progress(run.id)?.todo(run.actions.len(), self.own_workload.as_deref()))
    }

    /// Where a target stands.
    pub(in crate::run) fn target(&self, run: RunId, (step, place): (usize, usize)) -> Option<TargetProgress> {
        self.queue().progress(run)?.target(step, place).cloned()
    }

    /// The targets of a step.
    pub(in crate::run) fn targets(&self, run: RunId, step: usize) -> Vec<Target> {
        let queue = self.queue();
        let step = queue.progress(run).and_then(|progress| progress.steps.get(step));
        step.into_iter().flat_map(|step| &step.targets).map(|target| target.target.clone()).collect()
    }

    /// From when on a restart of a step's targets is what is asked for, if not since the event was received.
    pub(in crate::run) fn since(&self, run: RunId, step: usize) -> Option<Timestamp> {
        self.queue().progress(run)?.steps.get(step)?.since
    }

    /// The tries of a target, or of finding targets, that failed.
    pub(in crate::run) fn tries(&self, run: RunId, place: Option<(usize, usize)>) -> Tries {
        let queue = self.queue();
        let Some(progress) = queue.progress(run) else { return Tries::default() };
        match place {
            None => progress.finding,
            Some((step, place)) => {
                progress.target(step, place).map(|target| target.tries).unwrap_or_default()
            }
        }
    }

    /// Changes how far a run has come; returns once that is safe.
    pub(in crate::run) async fn note(&self, run: RunId, change: impl FnOnce(&mut Progress)) {
        self.write(|queue| queue.note(run, change).into_iter().collect()).wait().await;
    }

    /// Changes how far a run has come; the journal will know it soon.
    pub(in crate::run) fn note_soon(&self, run: RunId, change: impl FnOnce(&mut Progress)) {
        drop(self.write(|queue| queue.note(run, change).into_iter().collect()));
    }

    /// A target was changed: versions that were held there before are history.
    pub(in crate::run) async fn made(&self, run: &Run, place: (usize, usize), target: &Target, stage: Stage) {
        let made = |queue: &mut Queue| {
            let mut writes = release(queue, run, target);
            writes.extend(queue.note(run.id, |progress| progress.set_stage(place.0, place.1, stage)));
            writes
        };
        self.write(made).wait().await;
    }

    /// What holds a run's version back from a target, in words.
    pub(in crate::run) fn held(&self, run: &Run, target: &Target) -> Option<String> {
        let Target::Workload(workload) = target else { return None };
        self.queue().holds.find(workload, run).map(Hold::explain)
    }

    /// Why a run that is offered will change nothing, if its version is held for every workload that its first
    /// action names.
    pub fn holds_back(&self, run: &Run) -> Option<String> {
        let action = run.actions.first().filter(|action| action.heeds_holds())?;
        let targets = action.named_targets(&run.context())?;
        let held: Option<Vec<_>> = targets.iter().map(|target| self.held(run, target)).collect();
        held.filter(|held| !held.is_empty()).map(|held| held.join("; "))
    }

    /// A target has ended; its line is written.
    pub(in crate::run) async fn end_target(
        &self,
        run: &Run,
        place: (usize, usize),
        end: End,
        change: Option<Change>,
    ) {
        let Some(target) = self.target(run.id, place).map(|target| target.target) else { return };
        let before = self.changed(run.id, place).or_else(|| change.clone());
        self.tell_target(run, place.0, &target, &end, before.as_ref());
        let ended = |queue: &mut Queue| {
            // Without a rollout to follow, a change that was made ends at once.
            let mut writes = if change.is_some() { release(queue, run, &target) } else { Vec::new() };
            let stage = Stage::Ended(end, change);
            writes.extend(queue.note(run.id, |progress| progress.set_stage(place.0, place.1, stage)));
            writes
        };
        self.write(ended).wait().await;
    }

    /// Everything that a step changed is to be put back, and the version is held for each workload, before
    /// anything is.
    pub(in crate::run) async fn undo(&self, run: &Arc<Run>, step: usize) {
        let undone = |queue: &mut Queue| {
            let mut targets = Vec::new();
            let note = queue.note(run.id, |progress| targets = progress.undo(step));
            let mut writes: Vec<Write> = note.into_iter().collect();
            for (target, why) in targets {
                let Target::Workload(workload) = target else { continue };
                if let Some(hold) = Hold::of(run, &workload, &why, Timestamp::now()) {
                    log::warn!("run={} hold={hold}", run.id);
                    writes.extend(queue.holds.add(hold));
                }
            }
            writes
        };
        self.write(undone).wait().await;
    }

    fn changed(&self, run: RunId, place: (usize, usize)) -> Option<Change> {
        match self.target(run, place)?.stage {
            Stage::Waiting => None,
            Stage::Decided(change)
            | Stage::Made(change, _)
            | Stage::Broken(change, _)
            | Stage::Undoing(change, _)
            | Stage::Undone(change, ..) => Some(change),
            Stage::Ended(_, change) => change,
        }
    }

    /// Changes the queue and writes what it says, in the order in which it happened.
    pub(super) fn write(&self, change: impl FnOnce(&mut Queue) -> Vec<Write>) -> Landed {
        let mut queue = self.queue();
        let writes = change(&mut queue);
        self.journal.write(writes)
    }
}

fn release(queue: &mut Queue, run: &Run, target: &Target) -> Vec<Write> {
    match target {
        Target::Workload(workload) => queue.holds.release(workload, run),
        Target::Object(_) | Target::Flux => Vec::new(),
    }
}

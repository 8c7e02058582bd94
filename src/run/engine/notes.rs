//! What workers read and write of the runs that they carry out.

use jiff::Timestamp;

use super::Engine;
use crate::action::{Action, Change, Target};
use crate::kubernetes::patch::ImageChange;
use crate::run::audit;
use crate::run::holds::Hold;
use crate::run::journal::{Landed, Write};
use crate::run::outcome::{End, Outcome};
use crate::run::progress::{Progress, Stage, TargetProgress, Todo, Tries};
use crate::run::queue::{Place, Queue};
use crate::run::record::{Run, RunId};
use crate::run::unproven;
use crate::text::Escaped;

impl Engine {
    /// What is to be done next for a run; `None` if it is not known.
    pub(in crate::run) fn todo(&self, run: &Run) -> Option<Todo> {
        Some(self.queue().progress(run.id)?.todo(run.actions.len(), self.own_workload.as_deref()))
    }

    /// Where a target stands.
    pub(in crate::run) fn target(&self, run: RunId, (step, place): Place) -> Option<TargetProgress> {
        self.queue().progress(run)?.target(step, place).cloned()
    }

    /// The targets of a step.
    pub(in crate::run) fn targets(&self, run: RunId, step: usize) -> Vec<Target> {
        let queue = self.queue();
        let step = queue.progress(run).and_then(|progress| progress.steps.get(step));
        step.into_iter().flat_map(|step| &step.targets).map(|target| target.target.clone()).collect()
    }

    /// Whether something is still to be sent to such a target of the step that is under way.
    pub(in crate::run) fn has_to_send(&self, run: RunId, is_meant: impl Fn(&Target) -> bool) -> bool {
        let queue = self.queue();
        let step = queue.progress(run).and_then(Progress::open_step);
        step.is_some_and(|(_, step)| {
            step.targets.iter().any(|at| at.stage.is_unsent() && is_meant(&at.target))
        })
    }

    /// The tries of a target, or of finding targets, that failed.
    pub(in crate::run) fn tries(&self, run: RunId, place: Option<Place>) -> Tries {
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

    /// A target was changed and is followed.
    pub(in crate::run) async fn made(&self, run: &Run, place: Place, stage: Stage) {
        self.write(|queue| queue.made(run, place, stage)).wait().await;
    }

    /// From when on a restart of a step's targets is what is asked for, whoever made it: when the event happened, as far
    /// as is known (it may have happened again), or the step before ended.
    pub(in crate::run) fn since(&self, run: &Run, step: usize) -> Timestamp {
        let known = self.queue().progress(run.id).and_then(|progress| progress.since(step));
        known.unwrap_or(run.delivery.received)
    }

    /// What runs whose place this one took have set on a target, if nobody knows yet whether it comes up.
    pub(in crate::run) fn unproven(&self, run: RunId, target: &Target) -> Vec<ImageChange> {
        let queue = self.queue();
        let unproven = queue.progress(run).map(|progress| progress.unproven.as_slice()).unwrap_or_default();
        unproven::of(unproven, target).cloned().collect()
    }

    /// What holds a run's version back from a target, in words.
    pub(in crate::run) fn held(&self, run: &Run, target: &Target) -> Option<String> {
        self.queue().held(run, target).map(Hold::explain)
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
    pub(in crate::run) async fn end_target(&self, run: &Run, place: Place, end: End, change: Option<Change>) {
        let Some(TargetProgress { target, stage, .. }) = self.target(run.id, place) else { return };
        audit::target(run, place.0, &target, &end, stage.change().or(change.as_ref()));
        self.record_event(run, place.0, &target, &end, &stage);
        self.metrics.targets.count(run.actions.get(place.0).map_or("none", Action::name), end.outcome);
        self.write(|queue| queue.end_target(run, place, end, change)).wait().await;
    }

    /// Everything that a step changed is to be put back, and the version is held for each workload, before
    /// anything is.
    pub(in crate::run) async fn undo(&self, run: &Run, step: usize) {
        self.undo_and_tell(run, |queue| queue.undo(run, step, Timestamp::now())).await;
    }

    /// A check has failed; its line is written. What the step before it changed is to be put back, as after
    /// [`Engine::undo`].
    pub(in crate::run) async fn undo_before(&self, run: &Run, place: Place, why: String) {
        let Some(TargetProgress { target, .. }) = self.target(run.id, place) else { return };
        let end = End::new(Outcome::Failed, why);
        audit::target(run, place.0, &target, &end, None);
        self.undo_and_tell(run, |queue| queue.undo_before(run, place, &end.reason, Timestamp::now())).await;
    }

    async fn undo_and_tell(&self, run: &Run, undo: impl FnOnce(&mut Queue) -> (Vec<Hold>, Vec<Write>)) {
        let undone = |queue: &mut Queue| {
            let (holds, writes) = undo(queue);
            for hold in holds {
                log::warn!("run={} hold={}", run.id, Escaped(&hold.to_string()));
            }
            writes
        };
        self.write(undone).wait().await;
    }

    /// Changes the queue and writes what it says, in the order in which it happened.
    pub(super) fn write(&self, change: impl FnOnce(&mut Queue) -> Vec<Write>) -> Landed {
        let mut queue = self.queue();
        let writes = change(&mut queue);
        self.journal.write(writes)
    }
}

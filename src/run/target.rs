//! Works on one target of a step: decides, makes the change, follows it, and puts back what was there if it has to.
//! Every stage is safe in the journal before the next one begins.

mod back;
mod shift;

use jiff::{SignedDuration, Timestamp};

use super::attempts::{Attempts, Stop};
use super::engine::Engine;
use super::follow::{self, Aim, Followed};
use super::locks::Leave;
use super::outcome::{End, Outcome};
use super::progress::{Stage, Tries};
use super::queue::Place;
use super::record::Run;
use crate::action::{Action, Change, Decision, Failure, Handover, Made, Making, Rollout, Target};
use crate::kubernetes::rollout::remark;
use crate::kubernetes::{Kind, Object, Patched};
use crate::probe::passes;

/// How often a workload that changes under our hands is read again at once.
const READS: u32 = 5;

/// What keeps other runs off a target.
pub(super) enum Lock {
    /// Nothing, or the run has it for the whole step.
    None,
    /// The lock of this name, once it is free.
    Take(String),
    /// One that the run has had since before the process began.
    Taken(Leave),
}

/// Works on a target until it comes to a rest: ended, or broken and waiting for the others of its step. `None` if
/// the process ends first.
pub(super) async fn work(engine: &Engine, run: &Run, place: Place, lock: Lock) -> Option<()> {
    let (Some(action), Some(target)) = (run.actions.get(place.0), engine.target(run.id, place)) else {
        return Some(());
    };
    let target = target.target;
    let leave = match lock {
        Lock::None => None,
        Lock::Take(name) => Some(engine.locks.take(name).await?),
        Lock::Taken(leave) => Some(leave),
    };
    let name = target.to_string();
    let stale = Stale { times: 0, attempts: Attempts::new(engine, run, Some(place), &name) };
    let mut work = Work { engine, run, place, action, target, resumed: true, stale };
    while let Some(at) = engine.target(run.id, place) {
        match work.go_on(at.stage).await {
            Ok(true) => {}
            Ok(false) => return Some(()),
            Err(Stop::Suspended) => {
                if let Some(leave) = leave
                    && engine.has_to_send(run.id, |other| *other == work.target)
                {
                    leave.keep_for(run.id);
                }
                return None;
            }
            Err(Stop::End(end)) => work.end(end, None).await,
        }
        work.resumed = false;
    }
    Some(())
}

struct Work<'a> {
    engine: &'a Engine,
    run: &'a Run,
    place: Place,
    action: &'a Action,
    target: Target,
    /// The stage was found in the journal, and its request may have been sent.
    resumed: bool,
    stale: Stale<'a>,
}

/// How often a target was not what it had been when its change was decided.
struct Stale<'a> {
    times: u32,
    attempts: Attempts<'a>,
}

impl Stale<'_> {
    /// At first it is looked at again at once; when it changes all the time, that will pass.
    async fn pause(&mut self, why: &str) -> Result<(), Stop> {
        self.times += 1;
        if self.times <= READS {
            return Ok(());
        }
        self.attempts.begin().await;
        let why = format!("it was changed by somebody else again and again: {why}");
        self.attempts.wait_after(Failure::again(why)).await
    }
}

impl Work<'_> {
    /// Goes on from a stage to the next; false if it is one to rest at.
    async fn go_on(&mut self, stage: Stage) -> Result<bool, Stop> {
        match stage {
            Stage::Waiting if self.action.probe().is_some() => {
                self.stage(Stage::Checking(Timestamp::now())).await;
            }
            Stage::Waiting => self.decide().await?,
            Stage::Checking(since) => self.check(since).await?,
            Stage::Decided(change) => self.make(change).await?,
            Stage::Made(change, made) => self.follow(change, made).await?,
            Stage::Shifting(change, shift) => self.shift(change, shift).await?,
            Stage::Undoing(change, why) => self.put_back(change, why).await?,
            Stage::Undone(change, why, made) => self.follow_back(change, why, made).await?,
            // Whoever confirms is waited for elsewhere.
            Stage::Asked(_) | Stage::Broken(..) | Stage::Ended(..) => return Ok(false),
        }
        Ok(true)
    }

    async fn decide(&self) -> Result<(), Stop> {
        let Self { engine, run, action, target, .. } = self;
        let step = self.place.0;
        let decision = self
            .tried(|| async move {
                let mut context = run.context();
                context.since = engine.since(run, step);
                context.held = engine.held(run, target);
                context.unproven = engine.unproven(run.id, target);
                action.decide(&engine.api(), target, &context).await
            })
            .await?;
        match decision {
            Decision::Nothing(done) => self.end(End::new(done.outcome, done.reason), None).await,
            Decision::Change(change) if change.is_to_be_kept() => self.stage(Stage::Decided(change)).await,
            Decision::Change(change) => {
                self.engine.note_soon(self.run.id, |progress| {
                    progress.set_stage(self.place.0, self.place.1, Stage::Decided(change));
                });
            }
        }
        Ok(())
    }

    async fn make(&mut self, change: Change) -> Result<(), Stop> {
        let (resumed, made) = (self.resumed, &change);
        let this: &Self = self;
        let Self { engine, run, action, target, .. } = &*self;
        let making = self
            .tried(|| async move {
                let mut context = run.context();
                context.resumed = resumed;
                context.tried = resumed || this.has_tried();
                action.make(made, &engine.api(), target, &context).await
            })
            .await;
        match making {
            Ok(Making::Made(patched, change)) => self.made(change, patched).await,
            Ok(Making::There(done)) => self.end(End::new(done.outcome, done.reason), None).await,
            Ok(Making::Stale(why)) => {
                self.stale.pause(&why).await?;
                self.stage(Stage::Waiting).await;
            }
            Err(Stop::End(end)) => {
                // The answer to an earlier try may have been lost, so that the change is there all the same.
                let tried = resumed || end.outcome == Outcome::Expired || self.has_tried();
                self.end(end, Some(change).filter(|_| tried)).await;
            }
            Err(Stop::Suspended) => return Err(Stop::Suspended),
        }
        Ok(())
    }

    /// Whether a try of this stage has failed before.
    fn has_tried(&self) -> bool {
        self.engine.tries(self.run.id, Some(self.place)) != Tries::default()
    }

    async fn made(&self, change: Change, patched: Patched) {
        self.engine.metrics.changed(self.run.delivery.received);
        if self.followed_for().is_none() {
            let end = End::new(Outcome::Succeeded, change.to_string());
            return self.end(end, Some(change)).await;
        }
        let made = Made { patched, at: Timestamp::now() };
        self.engine.made(self.run, self.place, Stage::Made(change, made)).await;
    }

    /// How long a change of this target is followed; `None` if there is nothing to follow.
    fn followed_for(&self) -> Option<SignedDuration> {
        let Rollout { within, .. } = self.action.rollout()?;
        // A CronJob's next job runs the new image; until then nothing happens.
        self.target.workload().filter(|workload| workload.kind != Kind::CronJob)?;
        within.map(|within| SignedDuration::try_from(within).unwrap_or_default())
    }

    async fn follow(&self, change: Change, made: Made) -> Result<(), Stop> {
        let aim = Aim { forward: true, split: change.handover().map(Handover::pinned) };
        match self.watch(&change, made, aim).await? {
            Followed::Complete(object) if change.handover().is_some() => {
                self.begin_shift(change, object.as_deref()).await;
            }
            Followed::Complete(object) => {
                let remark = object.and_then(|object| self.remark(&object));
                let remark = remark.map(|remark| format!("; {remark}")).unwrap_or_default();
                let reason = format!("{change}; rolled out{remark}");
                self.end(End::new(Outcome::Succeeded, reason), Some(change)).await;
            }
            Followed::Failed(why) => {
                let why = format!("{change}; {why}");
                self.breaks(change, why).await;
            }
            Followed::Ended(end) => self.end(told(&change, end), None).await,
            Followed::Unknown(end) => self.end(told(&change, end), Some(change)).await,
        }
        Ok(())
    }

    /// What a person should know of a rollout that is complete.
    fn remark(&self, object: &Object) -> Option<String> {
        remark(self.target.workload()?.kind, object)
    }

    /// Looks whether something is well; if not, what was changed before may have to be put back.
    async fn check(&self, since: Timestamp) -> Result<(), Stop> {
        let Self { engine, run, action, target, .. } = self;
        let Some(probe) = action.probe() else { return Ok(()) };
        let context = run.context();
        let seen = tokio::select! {
            biased;
            seen = passes(probe, &context.values, since) => seen,
            () = engine.closed() => return Err(follow::stopped(engine, run, target, "the relay was stopped while it was checked")),
        };
        match seen {
            Ok(seen) => self.end(End::new(Outcome::Succeeded, seen), None).await,
            Err(why) if action.undoes_before() => engine.undo_before(run, self.place, why).await,
            Err(why) => self.end(End::new(Outcome::Failed, why), None).await,
        }
        Ok(())
    }

    async fn watch(&self, change: &Change, made: Made, aim: Aim) -> Result<Followed, Stop> {
        let (Some(workload), Some(within)) = (self.target.workload(), self.followed_for()) else {
            return Ok(Followed::Complete(None));
        };
        follow::follow(self.engine, self.run, &workload, change, made, within, aim).await
    }

    /// Tries until it works.
    async fn tried<T, F>(&self, attempt: impl Fn() -> F) -> Result<T, Stop>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let name = self.target.to_string();
        let mut attempts = Attempts::new(self.engine, self.run, Some(self.place), &name);
        loop {
            attempts.begin().await;
            let tried = attempts
                .within(async {
                    let _permit = self.engine.in_flight.acquire().await;
                    attempt().await
                })
                .await;
            match tried {
                Ok(done) => return Ok(done),
                Err(failure) => attempts.wait_after(failure).await?,
            }
        }
    }

    async fn stage(&self, stage: Stage) {
        let (step, place) = self.place;
        self.engine.note(self.run.id, |progress| progress.set_stage(step, place, stage)).await;
    }

    async fn end(&self, end: End, change: Option<Change>) {
        self.engine.end_target(self.run, self.place, end, change).await;
    }
}

/// An end with what was changed before it.
fn told(change: &Change, End { outcome, reason }: End) -> End {
    End::new(outcome, format!("{change}; {reason}"))
}

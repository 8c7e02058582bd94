//! Shifts requests to a new revision, step by step. Each step is safe in the journal before it is asked for, so that
//! the next process goes on at the right percentage.

use jiff::{SignedDuration, Timestamp};

use super::Work;
use crate::action::{Change, Handover, Made, Shifted, Target, Traffic};
use crate::clock::sleep_until;
use crate::kubernetes::{Object, Workload};
use crate::probe;
use crate::run::attempts::Stop;
use crate::run::follow::{Aim, Followed, stopped};
use crate::run::outcome::{End, Outcome};
use crate::run::progress::{Phase, Shift, Stage};
use crate::text::Escaped;

/// How it ends when nothing outlives the process.
const STOPPED: &str = "the relay was stopped before all requests had gone over; its traffic stays as it is";

/// What is shifted, and how.
struct Way<'a> {
    change: &'a Change,
    handover: &'a Handover,
    traffic: &'a Traffic,
    workload: &'a Workload,
    step: usize,
}

/// What became of a phase.
enum Then {
    Next(Shift),
    /// All steps are made.
    Over,
    /// The new revision is not good, for this reason.
    Bad(String),
    /// Somebody else decides about the service.
    Gone(End),
}

impl Work<'_> {
    /// The new revision is ready: requests go to it from now on.
    pub(super) async fn begin_shift(&self, change: Change, object: Option<&Object>) {
        let change = match object.and_then(Object::newest_ready_revision) {
            Some(revision) => change.with_revision(revision),
            None => change,
        };
        let first = change.handover().map_or(0, Handover::first);
        self.stage(Stage::Shifting(change, Shift::to(first))).await;
    }

    pub(super) async fn shift(&self, change: Change, Shift { step, phase }: Shift) -> Result<(), Stop> {
        let (Some(handover), Some(traffic), Target::Workload(workload)) =
            (change.handover(), self.action.as_traffic(), &self.target)
        else {
            let reason = "a defect of boathook, please report it: it has no traffic to shift";
            self.end(End::new(Outcome::Failed, reason), Some(change)).await;
            return Ok(());
        };
        let way = Way { change: &change, handover, traffic, workload, step };
        let then = match phase {
            Phase::Asking => self.ask(&way).await?,
            Phase::Asked(made) => self.see(&way, made).await?,
            Phase::Serving(made, since) => self.prove(&way, made, since).await?,
        };
        let at = format!("{change}; at {} % of the traffic", handover.percent(step));
        match then {
            Then::Next(shift) => self.stage(Stage::Shifting(change, shift)).await,
            Then::Over => {
                let reason = format!("{change}; all traffic goes to {}", handover.new_revision());
                self.end(End::new(Outcome::Succeeded, reason), Some(change)).await;
            }
            Then::Bad(why) => self.breaks(change, format!("{at}: {why}")).await,
            Then::Gone(End { outcome, reason }) => {
                self.end(End::new(outcome, format!("{at}: {reason}")), None).await;
            }
        }
        Ok(())
    }

    /// Asks for the traffic of a step.
    async fn ask(&self, way: &Way<'_>) -> Result<Then, Stop> {
        let Self { engine, run, .. } = self;
        let Way { change, handover, traffic, workload, step } = *way;
        let shifted = self
            .tried(
                || async move { traffic.shift(change, step, &engine.api(), workload, &run.context()).await },
            )
            .await;
        Ok(match shifted {
            Ok(Shifted::Done(patched)) => {
                let (percent, revision) = (handover.percent(step), handover.new_revision());
                log::info!("run={} target={workload} traffic={percent}% revision={revision}", run.id);
                Then::Next(Shift { step, phase: Phase::Asked(Made { patched, at: Timestamp::now() }) })
            }
            Ok(Shifted::LeftAlone(why)) => Then::Gone(End::new(Outcome::Failed, why)),
            Err(Stop::End(end)) => Then::Bad(end.reason),
            Err(Stop::Suspended) => return Err(Stop::Suspended),
        })
    }

    /// Waits until the status shows the traffic of a step.
    async fn see(&self, way: &Way<'_>, made: Made) -> Result<Then, Stop> {
        let Way { handover, step, .. } = *way;
        Ok(match self.look(way, made.clone()).await? {
            Some(then) => then,
            None if handover.is_end(step) => Then::Over,
            None => Then::Next(Shift { step, phase: Phase::Serving(made, Timestamp::now()) }),
        })
    }

    /// Lets a step serve for a while, and looks whether it is well then.
    async fn prove(&self, way: &Way<'_>, made: Made, since: Timestamp) -> Result<Then, Stop> {
        let Self { engine, run, .. } = self;
        let Way { traffic, workload, step, .. } = *way;
        let every = SignedDuration::try_from(traffic.every()).unwrap_or(SignedDuration::MAX);
        let due = since.saturating_add(every).unwrap_or(Timestamp::MAX);
        tokio::select! {
            biased;
            () = engine.closed() => return Err(stopped(engine, run, workload, STOPPED)),
            () = sleep_until(Some(due)) => {}
        }
        if let Some(then) = self.look(way, made).await? {
            return Ok(then);
        }
        let Some(check) = traffic.check() else { return Ok(Then::Next(Shift::to(step + 1))) };
        let values = run.context().values;
        let passed = tokio::select! {
            biased;
            passed = probe::passes(check, &values, Timestamp::now()) => passed,
            () = engine.closed() => return Err(stopped(engine, run, workload, STOPPED)),
        };
        Ok(match passed {
            Ok(seen) => {
                log::info!("run={} target={workload} check: {}", run.id, Escaped(&seen));
                Then::Next(Shift::to(step + 1))
            }
            Err(why) => Then::Bad(why),
        })
    }

    /// Looks until the status shows the traffic of a step; what else came of it.
    async fn look(&self, way: &Way<'_>, made: Made) -> Result<Option<Then>, Stop> {
        let aim = Aim { forward: true, split: Some(way.handover.at(way.step)) };
        Ok(match self.watch(way.change, made, aim).await? {
            Followed::Complete(_) => None,
            Followed::Failed(why) => Some(Then::Bad(why)),
            Followed::Ended(end) => Some(Then::Gone(end)),
            Followed::Unknown(end) => Some(Then::Bad(end.reason)),
        })
    }
}

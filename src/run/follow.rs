//! Follows a change until the workload is complete or has failed: by reading it, with growing pauses.

use std::fmt::Display;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::attempts::Stop;
use super::engine::Engine;
use super::outcome::{End, Outcome};
use super::record::Run;
use crate::action::{Change, Made, Split, differs};
use crate::kubernetes::blocked::{self, Unblocked};
use crate::kubernetes::error::Trouble;
use crate::kubernetes::patch::ImageChange;
use crate::kubernetes::rollout::{Standing, judge_since, judge_traffic};
use crate::kubernetes::{ApiError, Kind, Object, Workload, reasons};
use crate::text::Escaped;

/// The first pause between two looks.
const FIRST: Duration = Duration::from_millis(250);

/// The longest pause between two looks.
const LONGEST: Duration = Duration::from_secs(10);

/// How long is looked on after a time in which nothing could be seen.
const AFRESH: SignedDuration = SignedDuration::from_mins(1);

/// How long Knative's condition may be False and mean nothing.
const MOMENT: SignedDuration = SignedDuration::from_secs(2);

/// What is waited for.
pub(super) struct Aim {
    /// What was changed is to be complete; else what was put back in its place.
    pub(super) forward: bool,
    /// Where requests shall go.
    pub(super) split: Option<Split>,
}

/// What became of a change.
pub(super) enum Followed {
    /// Every replica is new and available, as the workload says, if it was looked at.
    Complete(Option<Box<Object>>),
    /// It will not get there, for this reason.
    Failed(String),
    /// There is nothing to follow any more.
    Ended(End),
    /// The change is there, and how it ended cannot be known.
    Unknown(End),
}

/// Follows a change that was made, or what was put back in its place.
pub(super) async fn follow(
    engine: &Engine,
    run: &Run,
    workload: &Workload,
    change: &Change,
    made: Made,
    within: SignedDuration,
    aim: Aim,
) -> Result<Followed, Stop> {
    let watch = Watch { engine, run, workload, change, made, aim };
    tokio::select! {
        biased;
        followed = watch.follow(Patience::new(&watch.made, within, run.timing.retry_for)) => Ok(followed),
        // Also in the middle of a request that is not answered.
        () = engine.closed() => {
            let reason = "the change was made; the relay was stopped before it was complete";
            Err(stopped(engine, run, workload, reason))
        }
    }
}

/// What is followed.
struct Watch<'a> {
    engine: &'a Engine,
    run: &'a Run,
    workload: &'a Workload,
    change: &'a Change,
    made: Made,
    aim: Aim,
}

impl Watch<'_> {
    async fn follow(&self, mut patience: Patience) -> Followed {
        let (run, workload) = (self.run.id, self.workload);
        let mut blocked = String::new();
        loop {
            match look(self.engine, workload).await {
                Ok(object) => {
                    let late = patience.looked();
                    if let Some(followed) = self.judge(&object, late, &blocked, &mut patience).await {
                        return followed;
                    }
                    if !self.aim.forward {
                        let by_hand = unblock(self.engine, self.run, workload, &object).await;
                        blocked = by_hand.map(|by_hand| format!("; {by_hand}")).unwrap_or_default();
                    }
                }
                Err(error) if error.retry().is_some() => {
                    log::warn!("run={run} target={workload} cannot be followed now: {error}");
                    if patience.is_over() {
                        let reason = format!("how it ended is not known: {error}");
                        return Followed::Unknown(End::new(Outcome::Expired, reason));
                    }
                }
                Err(ApiError { trouble: Trouble::NotFound, .. }) => {
                    let reason = "it was deleted before it was complete";
                    return Followed::Ended(End::new(Outcome::Skipped, reason));
                }
                Err(error) => {
                    let reason = format!("how it ended is not known: {error}");
                    return Followed::Unknown(End::new(Outcome::Failed, reason));
                }
            }
            tokio::time::sleep(patience.pause()).await;
        }
    }

    /// What came of it, if that can be said after this look.
    async fn judge(
        &self,
        object: &Object,
        late: bool,
        blocked: &str,
        patience: &mut Patience,
    ) -> Option<Followed> {
        if let Some(end) = self.gone(object) {
            return Some(Followed::Ended(end));
        }
        let kind = self.workload.kind;
        let standing = match &self.aim.split {
            Some(split) => judge_traffic(object, &self.made.patched, &split.shares, self.aim.forward),
            None => judge_since(kind, object, &self.made.patched),
        };
        let why = match standing {
            Standing::Complete => return Some(Followed::Complete(Some(Box::new(object.clone())))),
            // Knative's condition may be False for a moment.
            Standing::Failed(_) if kind == Kind::Ksvc && !patience.believes_failure() => return None,
            Standing::Failed(why) => why,
            Standing::Waiting(state) if late => {
                format!("not complete within {:#}: {state}{blocked}", patience.within)
            }
            Standing::Waiting(state) => {
                log::debug!("run={} target={} rolling out: {}", self.run.id, self.workload, Escaped(&state));
                patience.failing_since = None;
                return None;
            }
        };
        let said = reasons::reasons(&self.engine.api().kubernetes, self.workload, object).await;
        Some(Followed::Failed(if said.is_empty() { why } else { format!("{why}; {said}") }))
    }

    /// Whether somebody else decides about the workload now.
    fn gone(&self, object: &Object) -> Option<End> {
        if object.is_deleting() {
            return Some(End::new(Outcome::Skipped, "it is being deleted"));
        }
        let uid = &self.made.patched.uid;
        if !uid.is_empty() && *uid != object.metadata.uid {
            let reason = "it was deleted, and somebody made another one in its place";
            return Some(End::new(Outcome::Failed, reason));
        }
        let made: fn(&ImageChange) -> &String = if self.aim.forward { |c| &c.to } else { |c| &c.from };
        let images = self.change.images().and_then(|images| differs(object, images, made));
        let other = images.or_else(|| self.aim.split.as_ref()?.differs(object))?;
        Some(End::new(Outcome::Failed, format!("before it was complete {other}")))
    }
}

/// How long a change is followed. Time in which nothing could be seen does not count: the controllers may have been
/// away with the API.
struct Patience {
    within: SignedDuration,
    deadline: Timestamp,
    /// For how long it is looked on after a time without a look.
    afresh: SignedDuration,
    retry_for: SignedDuration,
    /// Since when nothing could be seen: also since before this process.
    blind_since: Option<Timestamp>,
    failing_since: Option<Timestamp>,
    pause: Duration,
}

impl Patience {
    fn new(made: &Made, within: SignedDuration, retry_for: i64) -> Self {
        Self {
            within,
            deadline: made.at.saturating_add(within).unwrap_or(Timestamp::MAX),
            afresh: within.min(AFRESH),
            retry_for: SignedDuration::from_millis(retry_for),
            blind_since: Some(Timestamp::now()),
            failing_since: None,
            pause: FIRST,
        }
    }

    /// The workload was seen; whether its time is up.
    fn looked(&mut self) -> bool {
        let now = Timestamp::now();
        if self.blind_since.take().is_some() {
            self.deadline = self.deadline.max(now.saturating_add(self.afresh).unwrap_or(Timestamp::MAX));
        }
        now >= self.deadline
    }

    /// The workload could not be seen; whether that has been so for too long.
    fn is_over(&mut self) -> bool {
        let now = Timestamp::now();
        let since = *self.blind_since.get_or_insert(now);
        now >= self.deadline && now.duration_since(since) >= self.retry_for
    }

    /// Whether a failure that may be momentary has been there for long enough.
    fn believes_failure(&mut self) -> bool {
        let now = Timestamp::now();
        now.duration_since(*self.failing_since.get_or_insert(now)) >= MOMENT
    }

    /// Until the next look.
    fn pause(&mut self) -> Duration {
        let left = Duration::try_from(self.deadline.duration_since(Timestamp::now())).unwrap_or(LONGEST);
        let pause = self.pause.min(left.max(FIRST));
        self.pause = self.pause.mul_f64(1.5).min(LONGEST);
        pause
    }
}

async fn look(engine: &Engine, workload: &Workload) -> Result<Object, ApiError> {
    let _permit = engine.in_flight.acquire().await;
    engine.api().kubernetes.get(workload).await
}

/// Deletes the pod that blocks the way back; what a person has to do if that is not allowed.
async fn unblock(engine: &Engine, run: &Run, workload: &Workload, object: &Object) -> Option<String> {
    let _permit = engine.in_flight.acquire().await;
    match blocked::unblock(&engine.api().kubernetes, workload, object).await {
        Ok(Unblocked::Nothing) => None,
        Ok(Unblocked::Deleted(pod)) => {
            log::info!("run={} target={workload} deleted pod {pod}, which was in the way back", run.id);
            None
        }
        Ok(Unblocked::ByHand(what)) => Some(what),
        Err(error) => {
            log::warn!("run={} target={workload} the pods in the way back: {error}", run.id);
            None
        }
    }
}

/// The process ends: a journal that outlives it keeps the run.
pub(super) fn stopped(engine: &Engine, run: &Run, target: &impl Display, reason: &str) -> Stop {
    if engine.is_durable() {
        log::info!("run={} target={target} followed further at the next start", run.id);
        return Stop::Suspended;
    }
    log::warn!("run={} target={target} not followed to its end", run.id);
    Stop::End(End::new(Outcome::Expired, reason))
}

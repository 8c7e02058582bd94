//! Carries one run out: its steps in order, each step's targets in parallel, each target until it is done, has
//! failed, or its time is up.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::task::{JoinError, JoinSet};

use super::backoff::Backoff;
use super::engine::Engine;
use super::outcome::Outcome;
use super::record::{Run, RunReport, StepReport, TargetReport};
use crate::action::{Action, Context, Failure, Retry, Target};
use crate::text::Escaped;

/// How long a try may go on once the process is ending; there are two of them, and 25 seconds in all.
const TRY_AT_THE_END: Duration = Duration::from_secs(8);

/// An outcome and its reason, in one sentence for a person.
pub(super) type End = (Outcome, String);

/// Carries the run out and says how it ended.
pub(super) async fn carry_out(engine: &Arc<Engine>, run: Arc<Run>) -> End {
    let (outcome, reason) = steps(engine, &run).await;
    let took = Timestamp::now().duration_since(run.delivery.received);
    log::info!(
        "run={} delivery={} endpoint={} rule={} subject={} outcome={outcome} took={:.3}s reason={}",
        run.id,
        Escaped(&run.delivery.id),
        run.delivery.endpoint,
        run.rule,
        Escaped(&run.subject.to_string()),
        took.as_secs_f64(),
        Escaped(&reason),
    );
    (outcome, reason)
}

async fn steps(engine: &Arc<Engine>, run: &Arc<Run>) -> End {
    let mut ends = Vec::new();
    for number in 0..run.actions.len() {
        let (outcome, reason) = step(engine, run, number).await;
        engine.report(run.id, |report| {
            if let Some(step) = report.steps.get_mut(number) {
                step.outcome = Some(outcome);
            }
        });
        ends.push((outcome, reason));
        if !outcome.is_good() {
            let not_reached = |report: &mut RunReport| {
                report
                    .steps
                    .iter_mut()
                    .skip(number + 1)
                    .for_each(|step| step.outcome = Some(Outcome::Skipped));
            };
            engine.report(run.id, not_reached);
            break;
        }
    }
    summary(ends)
}

/// The worst failure, else what was achieved, with the reason of the part that decided it.
fn summary(ends: Vec<End>) -> End {
    let whole = Outcome::of(ends.iter().map(|(outcome, _)| *outcome)).unwrap_or(Outcome::Skipped);
    let reasons: Vec<_> =
        ends.into_iter().filter(|(o, reason)| *o == whole && !reason.is_empty()).map(|(_, r)| r).collect();
    (whole, reasons.join("; "))
}

async fn step(engine: &Arc<Engine>, run: &Arc<Run>, number: usize) -> End {
    let Some(action) = run.actions.get(number) else { return (Outcome::Skipped, String::new()) };
    let (targets, skipped) = match find(engine, run, action).await {
        Ok(found) => found,
        Err(end) => return end,
    };
    engine.report(run.id, |report| {
        if let Some(step) = report.steps.get_mut(number) {
            step.targets = Some(targets.iter().map(TargetReport::of).collect());
        }
    });
    if targets.is_empty() {
        return (Outcome::Skipped, skipped);
    }
    let own = |target: &Target| Some(target.full_name()) == engine.own_workload;
    let (last, first): (Vec<_>, Vec<_>) = targets.into_iter().enumerate().partition(|(_, t)| own(t));
    let mut ends = all_targets(engine, run, number, first).await;
    if ends.iter().all(|(outcome, _)| outcome.is_good()) {
        // The relay's own workload: this process may end at any moment from here on.
        ends.extend(all_targets(engine, run, number, last).await);
    } else {
        for (place, _) in last {
            let left_alone = (Outcome::Skipped, "left alone, since another target failed".to_owned());
            report_target(engine, run, (number, place), &left_alone);
        }
    }
    summary(ends)
}

/// Finds a step's targets, trying for as long as a target may be tried.
async fn find(engine: &Arc<Engine>, run: &Arc<Run>, action: &Action) -> Result<(Vec<Target>, String), End> {
    let what = format!("the targets of {}", action.name());
    let mut tries = Tries::new(engine, run, &what);
    let found = loop {
        tries.begin();
        let found = async {
            // A list may be large: only a few are read at once.
            let _permit = engine.finding.acquire().await;
            let api = engine.api();
            action.find(&api, &context(run)).await
        };
        match tries.within(found).await {
            Ok(found) => break found,
            Err(failure) => tries.wait_after(failure).await?,
        }
    };
    let skipped: Vec<_> = found.skipped.iter().map(|(what, why)| format!("{what}: {why}")).collect();
    Ok((found.targets, skipped.join("; ")))
}

/// A panic is a defect of ours and ends one target or one run, never the process.
pub(super) fn panicked(error: &JoinError) -> End {
    log::error!("a defect of boathook, please report it: {error}");
    (Outcome::Failed, format!("a defect of boathook, please report it: {error}"))
}

async fn all_targets(
    engine: &Arc<Engine>,
    run: &Arc<Run>,
    step: usize,
    targets: Vec<(usize, Target)>,
) -> Vec<End> {
    let mut tasks = JoinSet::new();
    for (place, target) in targets {
        let (engine, run) = (Arc::clone(engine), Arc::clone(run));
        tasks.spawn(async move {
            let end = one_target(&engine, &run, step, &target).await;
            report_target(&engine, &run, (step, place), &end);
            // A run's reason names the target that it is about.
            (end.0, if end.1.is_empty() { String::new() } else { format!("{target}: {}", end.1) })
        });
    }
    let mut ends = Vec::new();
    while let Some(end) = tasks.join_next().await {
        ends.push(end.unwrap_or_else(|error| panicked(&error)));
    }
    ends
}

fn report_target(engine: &Engine, run: &Run, (step, place): (usize, usize), (outcome, reason): &End) {
    engine.report(run.id, |report| {
        let targets = report.steps.get_mut(step).and_then(|step| step.targets.as_mut());
        if let Some(report) = targets.and_then(|targets| targets.get_mut(place)) {
            report.outcome = Some(*outcome);
            report.reason.clone_from(reason);
        }
    });
}

async fn one_target(engine: &Arc<Engine>, run: &Arc<Run>, step: usize, target: &Target) -> End {
    let Some(action) = run.actions.get(step) else { return (Outcome::Skipped, String::new()) };
    let end = try_target(engine, run, action, target).await.unwrap_or_else(|end| end);
    log::info!(
        "run={} action={} target={} outcome={} reason={}",
        run.id,
        action.name(),
        Escaped(&target.full_name()),
        end.0,
        Escaped(&end.1),
    );
    end
}

async fn try_target(engine: &Engine, run: &Run, action: &Action, target: &Target) -> Result<End, End> {
    let name = target.to_string();
    let mut tries = Tries::new(engine, run, &name);
    loop {
        tries.begin();
        let done = async {
            // Both are given back during the pauses between tries. Flux is told of everything side by side.
            let _leave = match target {
                Target::Flux => None,
                _ => Some(engine.locks.take(target.full_name()).await),
            };
            let _permit = engine.in_flight.acquire().await;
            let api = engine.api();
            action.carry_out(&api, target, &context(run)).await
        };
        match tries.within(done).await {
            Ok(done) => return Ok((done.outcome, done.reason)),
            Err(failure) => tries.wait_after(failure).await?,
        }
    }
}

/// The tries of one target, or of finding targets: until it works, fails for good, or the run's time is up.
struct Tries<'a> {
    engine: &'a Engine,
    run: &'a Run,
    what: &'a str,
    backoff: Backoff,
    until: Timestamp,
    /// Whether the engine was closed when the try began: what fails then has had its last try.
    last: bool,
}

impl<'a> Tries<'a> {
    fn new(engine: &'a Engine, run: &'a Run, what: &'a str) -> Self {
        let until = run.delivery.received.checked_add(SignedDuration::from_millis(run.timing.retry_for));
        let until = until.unwrap_or(Timestamp::MAX);
        Self { engine, run, what, backoff: Backoff::default(), until, last: false }
    }

    fn begin(&mut self) {
        self.last = self.engine.is_closing();
    }

    /// Makes one try. At the end of the process it is cut off, so that there is time for a last one.
    async fn within<T>(&self, attempt: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        let ended = async {
            if !self.last {
                self.engine.closed().await;
            }
            tokio::time::sleep(TRY_AT_THE_END).await;
        };
        tokio::select! {
            biased;
            done = attempt => done,
            () = ended => {
                let reason = "no answer while the relay was stopping".to_owned();
                Err(Failure { reason, retry: Some(Retry::default()) })
            }
        }
    }

    /// Waits until the next try; the end if there is none.
    async fn wait_after(&mut self, Failure { reason, retry }: Failure) -> Result<(), End> {
        let Some(retry) = retry else { return Err((Outcome::Failed, reason)) };
        let (run, what, shown) = (self.run.id, Escaped(self.what), Escaped(&reason));
        if self.last {
            log::error!("run={run} target={what} not sent before the end: {shown}");
            self.engine.count_unsent();
            return Err((Outcome::Expired, format!("the relay was stopped; until then: {reason}")));
        }
        let pause = self.backoff.next(retry.after);
        if Timestamp::now() + SignedDuration::try_from(pause).unwrap_or_default() > self.until {
            return Err((Outcome::Expired, format!("given up after retryFor; the last try said: {reason}")));
        }
        log::warn!("run={run} target={what} trying again in {:.1}s: {shown}", pause.as_secs_f64());
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = self.engine.closed() => {}
        }
        Ok(())
    }
}

fn context(run: &Run) -> Context<'_> {
    let context = Context::new(
        &run.event,
        run.tag.as_deref(),
        run.policy.as_ref(),
        &run.delivery.source,
        &run.delivery.id,
        run.delivery.received,
        Timestamp::now(),
    );
    Context { changing: Some(&run.changing), ..context }
}

impl StepReport {
    /// A step that has not been started: targets that need no look-up are known already.
    pub fn waiting(action: &Action, run: &Run) -> Self {
        let targets = action.named_targets(&context(run));
        let targets = targets.map(|targets| targets.iter().map(TargetReport::of).collect());
        Self { action: action.name().to_owned(), outcome: None, targets }
    }
}

impl TargetReport {
    fn of(target: &Target) -> Self {
        Self {
            target: target.to_string(),
            namespace: target.namespace().map(str::to_owned),
            outcome: None,
            reason: String::new(),
        }
    }
}

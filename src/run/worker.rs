//! Carries one run out: its steps in order, each step's targets in parallel, each target until it is done, has
//! failed, or its time is up.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinSet;

use super::backoff::Backoff;
use super::engine::Engine;
use super::outcome::Outcome;
use super::record::{Run, StepReport, TargetReport};
use crate::action::{Action, Context, Failure, Target};
use crate::text::Escaped;

/// An outcome and its reason, in one sentence for a person.
type End = (Outcome, String);

/// Carries the run out and says how it ended.
pub(super) async fn carry_out(engine: &Arc<Engine>, run: Arc<Run>) -> (Arc<Run>, Outcome, String) {
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
    (run, outcome, reason)
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
    }
    summary(ends)
}

/// Finds a step's targets, trying for as long as a target may be tried.
async fn find(engine: &Arc<Engine>, run: &Arc<Run>, action: &Action) -> Result<(Vec<Target>, String), End> {
    let found = retrying(engine, run, "targets", async || {
        let api = engine.api();
        action.find(&api, &context(run)).await
    })
    .await?;
    let skipped: Vec<_> = found.skipped.iter().map(|(what, why)| format!("{what}: {why}")).collect();
    Ok((found.targets, skipped.join("; ")))
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
            let (outcome, reason) = one_target(&engine, &run, step, &target).await;
            engine.report(run.id, |report| {
                let targets = report.steps.get_mut(step).and_then(|step| step.targets.as_mut());
                if let Some(report) = targets.and_then(|targets| targets.get_mut(place)) {
                    report.outcome = Some(outcome);
                    report.reason.clone_from(&reason);
                }
            });
            (outcome, reason)
        });
    }
    let panicked = |error| (Outcome::Failed, format!("a defect of boathook, please report it: {error}"));
    let mut ends = Vec::new();
    while let Some(end) = tasks.join_next().await {
        ends.push(end.unwrap_or_else(panicked));
    }
    ends
}

async fn one_target(engine: &Arc<Engine>, run: &Arc<Run>, step: usize, target: &Target) -> End {
    let Some(action) = run.actions.get(step) else { return (Outcome::Skipped, String::new()) };
    let done = retrying(engine, run, &target.to_string(), async || {
        // Both are given back during the pauses between tries.
        let _leave = engine.locks.take(target.full_name()).await;
        let _permit = engine.in_flight.acquire().await;
        let api = engine.api();
        action.carry_out(&api, target, &context(run)).await
    })
    .await;
    let end = match done {
        Ok(done) => (done.outcome, done.reason),
        Err(end) => end,
    };
    log::info!(
        "run={} action={} target={} outcome={} reason={}",
        run.id,
        action.name(),
        Escaped(&target.full_name()),
        end.0,
        Escaped(&end.1),
    );
    // A run's reason names the target that it is about.
    (end.0, if end.1.is_empty() { String::new() } else { format!("{target}: {}", end.1) })
}

/// Tries until it works, fails for good, or the run's time is up.
async fn retrying<T>(
    engine: &Arc<Engine>,
    run: &Arc<Run>,
    what: &str,
    attempt: impl AsyncFn() -> Result<T, Failure>,
) -> Result<T, End> {
    let mut backoff = Backoff::default();
    let until = run.delivery.received.checked_add(SignedDuration::from_millis(run.timing.retry_for));
    loop {
        // Read before the attempt: what fails after closing has had its last try.
        let last = engine.is_closing();
        let Failure { reason, retry } = match attempt().await {
            Ok(value) => return Ok(value),
            Err(failure) => failure,
        };
        let Some(retry) = retry else { return Err((Outcome::Failed, reason)) };
        if last {
            log::error!("run={} target={} not sent before the end: {}", run.id, what, Escaped(&reason));
            return Err((Outcome::Expired, format!("the relay was stopped; until then: {reason}")));
        }
        let pause = backoff.next(retry.after);
        if until.is_ok_and(|until| Timestamp::now() + SignedDuration::try_from(pause).unwrap_or_default() > until) {
            return Err((Outcome::Expired, format!("given up after retryFor; the last try said: {reason}")));
        }
        log::warn!("run={} target={} trying again in {:.1}s: {}", run.id, what, pause.as_secs_f64(), Escaped(&reason));
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = engine.closed() => {}
        }
    }
}

fn context(run: &Run) -> Context<'_> {
    Context::new(
        &run.event,
        run.tag.as_deref(),
        run.policy.as_ref(),
        &run.delivery.source,
        &run.delivery.id,
        run.delivery.received,
        Timestamp::now(),
    )
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

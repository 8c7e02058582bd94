//! `restart`: new pods of the same template, as `kubectl rollout restart` makes them. With a tag that moves
//! (`latest`) and `imagePullPolicy: Always` they run the new image.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::change::{Change, Decision, What};
use super::context::{Api, Context, Done, Failure};
use super::preview::{Outlook, Preview, Would};
use super::rights::Scope;
use super::rollout::{OnFailure, Rollout};
use super::targets::Targets;
use crate::config::fields::Fields;
use crate::kubernetes::patch;
use crate::kubernetes::right::Right;
use crate::kubernetes::{Kind, Object, PatchRequest, Patched, Workload};

/// What can be restarted.
pub(super) const KINDS: &[Kind] = &[Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet, Kind::Rollout];

/// How far the clocks of those who restart a workload may be apart.
const CLOCKS: SignedDuration = SignedDuration::from_secs(1);

/// Starts new pods.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restart {
    pub(super) targets: Targets,
    pub(super) rollout: Rollout,
}

impl Restart {
    pub(super) fn read(mut fields: Fields<'_>) -> Option<Self> {
        let targets = Targets::read(&mut fields, Kind::no_restart);
        let rollout = Rollout::read(&mut fields);
        if rollout.on_failure == OnFailure::Rollback {
            fields.mistake(
                "rollout",
                "a restart cannot be rolled back: the tag still points to the bad image; pin images with setImage",
            );
        }
        fields.finish();
        Some(Self { targets: targets?, rollout })
    }

    pub(super) fn rights(&self, scope: &Scope<'_>) -> Vec<Right> {
        self.targets.rights(scope, KINDS, self.rollout)
    }
}

pub(super) async fn decide(
    targets: &Targets,
    api: &Api,
    workload: &Workload,
    context: &Context<'_>,
) -> Result<Decision, Failure> {
    let object = api.kubernetes.get(workload).await?;
    if let Some(done) = nothing_to_do(targets, workload, &object, context)? {
        return Ok(Decision::Nothing(done));
    }
    let at = fresh_time(workload.kind, object.restarted_at(), context.now);
    // No warning of Flux: it leaves an annotation alone that others manage.
    Ok(Decision::Change(Change::of(What::Restart { at })))
}

/// Writes the time that was decided. Once more does no harm: the same value starts nothing.
pub(super) async fn make(
    at: &str,
    api: &Api,
    workload: &Workload,
    context: &Context<'_>,
) -> Result<Patched, Failure> {
    if context.resumed {
        let object = api.kubernetes.get(workload).await?;
        if is_made(at, object.restarted_at(), context.now) {
            return Ok(Patched::from(object));
        }
    }
    let request = request(api.kubernetes.field_manager(), workload, at, context);
    Ok(api.kubernetes.patch(&request).await?)
}

pub(super) async fn preview(
    targets: &Targets,
    outlook: &Outlook<'_>,
    workload: &Workload,
    context: &Context<'_>,
) -> Result<Would, Failure> {
    let mut old = None;
    if let Some(api) = outlook.live {
        let object = api.kubernetes.get(workload).await?;
        if let Some(done) = nothing_to_do(targets, workload, &object, context)? {
            return Ok(Would::End(done));
        }
        old = object.restarted_at().map(str::to_owned);
    }
    let restarted_at = fresh_time(workload.kind, old.as_deref(), context.now);
    let request = request(outlook.field_manager(), workload, &restarted_at, context);
    Ok(Would::Send(Preview::patch("restart", outlook.base(), request)))
}

/// Whether the time that was decided is there, or somebody else restarted it since: an earlier time would be one more
/// restart. What others wrote has any form and time zone, and what is in the future was there before.
fn is_made(at: &str, there: Option<&str>, now: Timestamp) -> bool {
    let time = |text: &str| text.parse::<Timestamp>().ok();
    let later = || Some((time(at)?..=now + CLOCKS).contains(&time(there?)?));
    there == Some(at) || later().unwrap_or(false)
}

/// Why nothing is to be done, if so; an error if nothing can be done.
fn nothing_to_do(
    targets: &Targets,
    workload: &Workload,
    object: &Object,
    context: &Context<'_>,
) -> Result<Option<Done>, Failure> {
    if object.is_deleting() {
        return Ok(Some(Done::skipped("it is being deleted")));
    }
    if object.is_paused() {
        return targets.paused(workload).map(Some);
    }
    let restarted: Option<Timestamp> = object.restarted_at().and_then(|text| text.parse().ok());
    // The run may have been carried out before the process was killed, or somebody was faster. What is in the
    // future was written by another clock, and says nothing.
    let since = context.since..=context.now + CLOCKS;
    match restarted.filter(|at| since.contains(at)) {
        Some(at) => Ok(Some(Done::unchanged(format!("it was restarted at {at}, after the event")))),
        None => Ok(None),
    }
}

/// The time to write: with milliseconds, not before the event that it is for, and never the value that is there,
/// which would start nothing. Argo Rollouts compares whole seconds with what it has done, and waits for a second that
/// has yet to come.
fn fresh_time(kind: Kind, old: Option<&str>, now: Timestamp) -> String {
    let (step, digits) = match kind {
        Kind::Rollout => (SignedDuration::from_secs(1), 0),
        _ => (SignedDuration::from_millis(1), 3),
    };
    let time = format!("{:.digits$}", now + (step - SignedDuration::from_nanos(1)));
    if old == Some(&time) { format!("{:.digits$}", now + step + step) } else { time }
}

fn request(manager: &str, workload: &Workload, restarted_at: &str, context: &Context<'_>) -> PatchRequest {
    patch::restart(workload, restarted_at, &context.change_cause(), manager)
}

#[cfg(test)]
mod tests;

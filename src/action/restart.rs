//! `restart`: new pods of the same template, as `kubectl rollout restart` makes them. With a tag that moves
//! (`latest`) and `imagePullPolicy: Always` they run the new image.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::context::{Api, Context, Done, Failure, Preview};
use super::rollout::{OnFailure, Rollout};
use super::targets::Targets;
use crate::config::fields::Fields;
use crate::kubernetes::patch::{self, RESTARTED_AT};
use crate::kubernetes::{Kind, Object, PatchRequest, Workload};

/// What can be restarted.
pub(super) const KINDS: &[Kind] = &[Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet];

/// Starts new pods.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restart {
    pub(super) targets: Targets,
    rollout: Rollout,
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
}

pub(super) async fn carry_out(
    api: &Api,
    workload: &Workload,
    context: &Context<'_>,
) -> Result<Done, Failure> {
    let object = api.kubernetes.get(workload).await?;
    if let Some(done) = nothing_to_do(workload, &object, context)? {
        return Ok(done);
    }
    let restarted_at = fresh_time(object.template_annotation(RESTARTED_AT), context.now);
    api.kubernetes.patch(&request(api.kubernetes.field_manager(), workload, &restarted_at, context)).await?;
    Ok(Done::succeeded(format!("restarted at {restarted_at}")))
}

pub(super) async fn preview(
    api: Option<&Api>,
    workload: &Workload,
    context: &Context<'_>,
) -> Result<Option<Preview>, String> {
    let (mut manager, mut base, mut old) = ("boathook", "http://localhost:8001", None);
    if let Some(api) = api {
        (manager, base) = (api.kubernetes.field_manager(), api.kubernetes.base());
        let object = api.kubernetes.get(workload).await.map_err(|error| error.to_string())?;
        if nothing_to_do(workload, &object, context).map_err(|failure| failure.reason)?.is_some() {
            return Ok(None);
        }
        old = object.template_annotation(RESTARTED_AT).map(str::to_owned);
    }
    let restarted_at = fresh_time(old.as_deref(), context.now);
    Ok(Some(Preview::patch("restart", base, request(manager, workload, &restarted_at, context))))
}

/// Why nothing is to be done, if so; an error if nothing can be done.
fn nothing_to_do(
    workload: &Workload,
    object: &Object,
    context: &Context<'_>,
) -> Result<Option<Done>, Failure> {
    if object.is_deleting() {
        return Ok(Some(Done::skipped("it is being deleted")));
    }
    if object.is_paused() {
        return Err(Failure::last(format!(
            "it is paused, so nothing would roll out: kubectl rollout resume {workload} -n {}",
            workload.namespace
        )));
    }
    let restarted: Option<Timestamp> =
        object.template_annotation(RESTARTED_AT).and_then(|text| text.parse().ok());
    // The run may have been carried out before the process was killed, or somebody was faster.
    // What is written there has no parts of a millisecond.
    let received = context.received.as_millisecond();
    match restarted.filter(|at| at.as_millisecond() >= received) {
        Some(at) => Ok(Some(Done::unchanged(format!("it was restarted at {at}, after the event")))),
        None => Ok(None),
    }
}

/// The time to write: with milliseconds, and never the value that is there, which would start nothing.
fn fresh_time(old: Option<&str>, now: Timestamp) -> String {
    let time = format!("{now:.3}");
    if old == Some(&time) { format!("{:.3}", now + SignedDuration::from_millis(1)) } else { time }
}

fn request(manager: &str, workload: &Workload, restarted_at: &str, context: &Context<'_>) -> PatchRequest {
    patch::restart(workload, restarted_at, &context.change_cause(), manager)
}

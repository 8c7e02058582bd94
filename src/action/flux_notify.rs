//! `fluxNotify`: tells Flux v1 that something moved, as flux-recv did.

use serde::{Deserialize, Serialize};

use super::context::{Api, Context, Failure, Retry};
use super::preview::{Outlook, Preview, Would};
use crate::flux::Notification;
use crate::kubernetes::Patched;

/// Tells Flux v1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FluxNotify {}

pub(super) async fn make(api: &Api, context: &Context<'_>) -> Result<Patched, Failure> {
    let notification = notification(context).map_err(Failure::last)?;
    let told = api.flux.notify(&notification).await;
    told.map_err(|error| Failure { reason: error.reason, retry: error.retry.then(Retry::default) })?;
    Ok(Patched::default())
}

pub(super) fn preview(outlook: &Outlook<'_>, context: &Context<'_>) -> Result<Would, Failure> {
    let body = notification(context).and_then(|n| serde_json::to_value(n).map_err(|error| error.to_string()));
    let url = outlook.flux.notify_url();
    Ok(Would::Send(Preview::post("fluxNotify", url, body.map_err(Failure::last)?)))
}

fn notification(context: &Context<'_>) -> Result<Notification, String> {
    Notification::of(context.event)
        .ok_or_else(|| format!("Flux cannot be told of this {} event: it names no URL", context.event.kind()))
}

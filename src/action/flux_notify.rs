//! `fluxNotify`: tells Flux v1 that something moved, as flux-recv did.

use serde::{Deserialize, Serialize};

use super::context::{Api, Context, Done, Failure, Preview, Retry};
use crate::flux::{FluxAccess, Notification};

/// Tells Flux v1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FluxNotify {}

pub(super) async fn carry_out(api: &Api, context: &Context<'_>) -> Result<Done, Failure> {
    let notification = notification(context).map_err(Failure::last)?;
    let told = api.flux.notify(&notification).await;
    told.map_err(|error| Failure { reason: error.reason, retry: error.retry.then(Retry::default) })?;
    Ok(Done::succeeded("Flux was notified"))
}

pub(super) fn preview(api: Option<&Api>, context: &Context<'_>) -> Result<Option<Preview>, String> {
    let url = api.map_or_else(|| FluxAccess::default().notify_url(), |api| api.flux.url().to_owned());
    let body = serde_json::to_value(notification(context)?).map_err(|error| error.to_string())?;
    Ok(Some(Preview::post("fluxNotify", &url, body)))
}

fn notification(context: &Context<'_>) -> Result<Notification, String> {
    Notification::of(context.event)
        .ok_or_else(|| format!("Flux cannot be told of this {} event: it names no URL", context.event.kind()))
}

//! A Kubernetes Event on a workload: what `kubectl describe` shows of what was done to it.
//!
//! Best effort: an Event is never tried again, and where the Role does not allow Events it is said once and then
//! not asked again.

use std::sync::PoisonError;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::Method;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use super::error::{ApiError, Asked, Trouble};
use super::{Client, Workload};
use crate::run::outcome::Outcome;

/// How long recording may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// The longest note that the API takes, in bytes.
const LONGEST_NOTE: usize = 1024;

/// Who records.
const CONTROLLER: &str = "boathook";

/// What happened to a workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Its pods were replaced.
    Restarted,
    /// It runs another image.
    ImageSet,
    /// It was changed, and the change did not come up.
    RolloutFailed,
    /// The change failed and was undone.
    RolledBack,
    /// A version that failed before is kept away from it.
    Held,
    /// It could not be changed.
    ChangeFailed,
}

impl Reason {
    /// What an action's end is to its workload; `None` where nothing happened. `changed` says whether the action
    /// had changed it.
    pub fn of(action: &str, outcome: Outcome, changed: bool) -> Option<Self> {
        match outcome {
            Outcome::Succeeded if action == "restart" => Some(Self::Restarted),
            Outcome::Succeeded if matches!(action, "setImage" | "traffic") => Some(Self::ImageSet),
            Outcome::Succeeded | Outcome::Unchanged | Outcome::Skipped | Outcome::Superseded => None,
            Outcome::Held => Some(Self::Held),
            Outcome::RolledBack => Some(Self::RolledBack),
            Outcome::Expired | Outcome::Failed if changed => Some(Self::RolloutFailed),
            Outcome::Expired | Outcome::Failed => Some(Self::ChangeFailed),
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Restarted => "Restarted",
            Self::ImageSet => "ImageSet",
            Self::RolloutFailed => "RolloutFailed",
            Self::RolledBack => "RolledBack",
            Self::Held => "Held",
            Self::ChangeFailed => "ChangeFailed",
        }
    }

    fn severity(self) -> &'static str {
        match self {
            Self::Restarted | Self::ImageSet => "Normal",
            Self::RolloutFailed | Self::RolledBack | Self::Held | Self::ChangeFailed => "Warning",
        }
    }
}

/// What an Event says.
#[derive(Clone, Copy, Debug)]
pub struct Happening<'a> {
    /// What happened.
    pub reason: Reason,
    /// The action's name: `setImage`.
    pub action: &'a str,
    /// One sentence for a person.
    pub note: &'a str,
}

/// Records an Event on a workload. Without its `uid` the workload is read first, since `kubectl describe` shows
/// only Events on the very object. Nothing waits for this but who awaits it.
pub async fn record(client: &Client, workload: &Workload, uid: Option<&str>, happening: &Happening<'_>) {
    let namespace = &workload.namespace;
    if client.no_events.lock().unwrap_or_else(PoisonError::into_inner).contains(namespace) {
        return;
    }
    match tokio::time::timeout(PATIENCE, create(client, workload, uid, happening)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) if is_closed(&error) => {
            let mut no_events = client.no_events.lock().unwrap_or_else(PoisonError::into_inner);
            if no_events.insert(namespace.clone()) {
                log::info!("no Events are recorded in namespace {namespace}: {error}");
            }
        }
        Ok(Err(error)) => log::debug!("an Event on {namespace}/{workload} is not recorded: {error}"),
        Err(_) => log::debug!("an Event on {namespace}/{workload} is not recorded: the API takes too long"),
    }
}

async fn create(
    client: &Client,
    workload: &Workload,
    uid: Option<&str>,
    happening: &Happening<'_>,
) -> Result<(), ApiError> {
    let read;
    let uid = if let Some(uid) = uid {
        uid
    } else {
        read = client.get(workload).await?.metadata.uid;
        &read
    };
    let path = format!("/apis/events.k8s.io/v1/namespaces/{}/events", workload.namespace);
    let body = body(workload, uid, happening, &instance(), Timestamp::now());
    let body = ("application/json", body.to_string().into_bytes());
    let _: IgnoredAny = client.send(Method::POST, &path, Some(body), asked(&workload.namespace)).await?;
    Ok(())
}

fn asked(namespace: &str) -> Asked {
    Asked {
        verb: "create",
        group: "events.k8s.io".to_owned(),
        resource: "events".to_owned(),
        namespace: namespace.to_owned(),
        name: None,
    }
}

/// Whether no other Event could be recorded there either. An error about the workload itself says nothing of that.
fn is_closed(error: &ApiError) -> bool {
    let closed =
        matches!(error.trouble, Trouble::Forbidden(_) | Trouble::ProxyForbids | Trouble::KindNotServed);
    closed && error.asked.resource == "events"
}

/// Which pod this is.
fn instance() -> String {
    std::env::var("HOSTNAME")
        .ok()
        .filter(|name| (1..=128).contains(&name.len()))
        .unwrap_or(CONTROLLER.to_owned())
}

fn body(workload: &Workload, uid: &str, happening: &Happening<'_>, instance: &str, now: Timestamp) -> Value {
    let (api_version, kind) = workload.kind.type_meta();
    let Happening { reason, action, note } = happening;
    json!({
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"generateName": format!("{}-", workload.name), "namespace": workload.namespace},
        // A MicroTime: it must have six digits after the point.
        "eventTime": format!("{now:.6}"),
        "reportingController": CONTROLLER,
        "reportingInstance": instance,
        "action": capitalized(action),
        "reason": reason.word(),
        "type": reason.severity(),
        "note": cut(note),
        "regarding": {
            "apiVersion": api_version,
            "kind": kind,
            "name": workload.name,
            "namespace": workload.namespace,
            "uid": uid,
        },
    })
}

/// `setImage` as Events have it: `SetImage`.
fn capitalized(action: &str) -> String {
    let mut letters = action.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

/// As much of a note as the API takes.
fn cut(note: &str) -> String {
    if note.len() <= LONGEST_NOTE {
        return note.to_owned();
    }
    let fits = |(at, c): &(usize, char)| at + c.len_utf8() + '…'.len_utf8() <= LONGEST_NOTE;
    note.char_indices().take_while(fits).map(|(_, c)| c).chain(['…']).collect()
}

#[cfg(test)]
mod tests;

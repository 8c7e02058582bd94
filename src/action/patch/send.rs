//! Sends a patch, once. A merge may be made twice; the operations of a JSON patch may not (they may add to a list), so
//! they depend on the version of the object that was read.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::Patch;
use crate::action::apply::hide_secret;
use crate::action::change::{Change, Decision, Making, What};
use crate::action::context::{Api, Context, Done, Failure, Target};
use crate::action::filled::fill;
use crate::action::preview::{Outlook, Preview, Would};
use crate::kubernetes::any::{Operation, Version, is_deleting};
use crate::kubernetes::error::Trouble;
use crate::kubernetes::patch::{Format, patch_object, patch_workload};
use crate::kubernetes::{AnyObject, ApiError, Object, PatchRequest, Patched};

/// Times of writes are whole seconds, and clocks differ a little.
const CLOCKS: SignedDuration = SignedDuration::from_secs(2);

impl Patch {
    pub(in crate::action) async fn decide(
        &self,
        api: &Api,
        target: &Target,
        context: &Context<'_>,
    ) -> Result<Decision, Failure> {
        let there = look(api, target).await?;
        if is_deleting(&there) {
            return Ok(Decision::Nothing(Done::skipped("it is being deleted")));
        }
        let before = Version::of(&there, api.kubernetes.field_manager(), Operation::Update);
        Ok(Decision::Change(Change::of(What::Patch { before, at: context.now })))
    }

    pub(in crate::action) async fn make(
        &self,
        before: &Version,
        change: &Change,
        api: &Api,
        target: &Target,
        context: &Context<'_>,
    ) -> Result<Making, Failure> {
        let manager = api.kubernetes.field_manager();
        let request = self.request(target, Some(before), manager, context)?;
        let there = match api.kubernetes.patch_and_read::<Value>(&request).await {
            Ok(there) => there,
            Err(error @ ApiError { trouble: Trouble::Invalid(_), .. }) if self.format == Format::Json => {
                return self.refused(error, before, change, api, target, context).await;
            }
            Err(error) => return Err(failure(error)),
        };
        let after = Version::of(&there, manager, Operation::Update);
        if before.resource_version == after.resource_version {
            return Ok(Making::There(Done::unchanged("it is as the patch would make it")));
        }
        made(change, target, &there)
    }

    /// The operations were refused: since the object is another version than the one that was read, or for good.
    async fn refused(
        &self,
        error: ApiError,
        before: &Version,
        change: &Change,
        api: &Api,
        target: &Target,
        context: &Context<'_>,
    ) -> Result<Making, Failure> {
        let there = look(api, target).await?;
        let now = Version::of(&there, api.kubernetes.field_manager(), Operation::Update);
        if now.resource_version == before.resource_version {
            let text = "a test does not hold, a place is not there, or what comes of it is not valid";
            return Err(Failure::last(format!("{error} ({text})")));
        }
        let stale = || Ok(Making::Stale("it is another version than the one that was read".to_owned()));
        if !context.tried {
            return stale();
        }
        let decided = match &change.what {
            What::Patch { at, .. } => *at,
            _ => context.now,
        };
        match self.is_made(before, &now, decided) {
            Some(true) => made(change, target, &there),
            Some(false) => stale(),
            None => Err(Failure::last(
                "it was changed while no answer came, and whether by this patch cannot be known of one that only \
                 removes: look, and send the delivery again if it was not made",
            )),
        }
    }

    /// Whether an earlier try was made, as far as what we wrote last tells: in doubt it was, so that nothing is done
    /// twice. `None` for a patch that leaves no trace.
    fn is_made(&self, before: &Version, now: &Version, decided: Timestamp) -> Option<bool> {
        if before.written != now.written {
            return Some(now.written.is_some());
        }
        let recent = |time: &String| time.parse::<Timestamp>().is_ok_and(|time| time + CLOCKS >= decided);
        if now.written.as_ref().is_some_and(recent) {
            return Some(true);
        }
        let operations = self.body.as_array().map(Vec::as_slice).unwrap_or_default();
        let op =
            |operation: &Value| operation.get("op").and_then(Value::as_str).unwrap_or_default().to_owned();
        let writes = operations.iter().any(|operation| !matches!(op(operation).as_str(), "remove" | "test"));
        writes.then_some(false)
    }

    pub(in crate::action) async fn preview(
        &self,
        outlook: &Outlook<'_>,
        target: &Target,
        context: &Context<'_>,
    ) -> Result<Would, Failure> {
        let before = match outlook.live {
            Some(api) => {
                let there = look(api, target).await?;
                Some(Version::of(&there, outlook.field_manager(), Operation::Update))
            }
            None => None,
        };
        let mut request = self.request(target, before.as_ref(), outlook.field_manager(), context)?;
        if let Target::Object(object) = target {
            hide_secret(object, &mut request.body);
        }
        Ok(Would::Send(Preview::patch("patch", outlook.base(), request)))
    }

    /// What can be shown without a cluster of an object that is no workload.
    pub(in crate::action) fn preview_offline(
        &self,
        outlook: &Outlook<'_>,
        context: &Context<'_>,
    ) -> Result<Would, Failure> {
        let Some(object) = self.known_object(context) else {
            return Ok(Would::Send(Preview::needs_live("patch", None)));
        };
        let target = Target::Object(object?);
        let mut request = self.request(&target, None, outlook.field_manager(), context)?;
        if let Target::Object(object) = &target {
            hide_secret(object, &mut request.body);
        }
        Ok(Would::Send(Preview::patch("patch", outlook.base(), request)))
    }

    fn request(
        &self,
        target: &Target,
        before: Option<&Version>,
        manager: &str,
        context: &Context<'_>,
    ) -> Result<PatchRequest, Failure> {
        let mut body = fill(&self.body, &context.values).map_err(Failure::last)?;
        if let (Format::Json, Some(before), Some(operations)) = (self.format, before, body.as_array_mut()) {
            let version = &before.resource_version;
            operations
                .insert(0, json!({"op": "test", "path": "/metadata/resourceVersion", "value": version}));
        }
        match target {
            Target::Workload(workload) => {
                Ok(patch_workload(workload, self.format, body, &context.change_cause(), manager))
            }
            Target::Object(object) => Ok(patch_object(object, self.format, body, manager)),
            other => Err(Failure::last(format!("patch cannot be done to {other}"))),
        }
    }
}

/// The object as it is now.
async fn look(api: &Api, target: &Target) -> Result<Value, Failure> {
    let read = match target {
        Target::Workload(workload) => api.kubernetes.get_any(&AnyObject::from(workload)).await,
        Target::Object(object) => api.kubernetes.get_any(object).await,
        other => return Err(Failure::last(format!("patch cannot be done to {other}"))),
    };
    read.map_err(failure)
}

fn made(change: &Change, target: &Target, there: &Value) -> Result<Making, Failure> {
    let patched = if target.workload().is_some() {
        let object = Object::of(there);
        let told =
            |error| Failure::last(format!("it was patched, and the answer is not understood: {error}"));
        Patched::from(object.map_err(told)?)
    } else {
        Patched::default()
    };
    Ok(Making::Made(patched, change.clone()))
}

fn failure(error: ApiError) -> Failure {
    match &error.trouble {
        Trouble::Other { status: 415, .. } => {
            let text = "custom resources take no strategic merge patch: use type: merge or json";
            Failure::last(format!("{error} ({text})"))
        }
        _ => error.into(),
    }
}

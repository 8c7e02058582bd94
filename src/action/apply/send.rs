//! Applies one object: its file is read now, and what is in it goes nowhere but to the API.

use serde_json::{Value, json};

use super::Apply;
use super::order::is_definition;
use super::plan::{Filled, Placed};
use crate::action::change::{Change, Decision, Making, What};
use crate::action::context::{Api, Context, Done, Failure};
use crate::kubernetes::any::{Operation, Version, is_deleting};
use crate::kubernetes::error::Trouble;
use crate::kubernetes::rollout::{Standing, judge};
use crate::kubernetes::{ApiError, Object, PatchRequest, Patched, patch};

impl Apply {
    /// Which version of the object is there before it is applied.
    pub(in crate::action) async fn decide(&self, api: &Api, placed: &Placed) -> Result<Decision, Failure> {
        let before = match api.kubernetes.get_any(&placed.object).await {
            Ok(there) if is_deleting(&there) => {
                return Err(Failure::again("it is being deleted, and can be applied once it is gone"));
            }
            Ok(there) => Some(Version::of(&there, api.kubernetes.field_manager(), Operation::Apply)),
            Err(ApiError { trouble: Trouble::NotFound, .. }) => None,
            Err(ApiError { trouble: Trouble::KindNotServed, .. }) if placed.is_of_new_kind => None,
            Err(error) => return Err(failure(placed, error)),
        };
        Ok(Decision::Change(Change::of(What::Apply { before })))
    }

    /// Applies the object. Once more does no harm.
    pub(in crate::action) async fn make(
        &self,
        before: Option<&Version>,
        change: &Change,
        api: &Api,
        placed: &Placed,
        context: &Context<'_>,
    ) -> Result<Making, Failure> {
        let manager = api.kubernetes.field_manager();
        let request = self.request(placed, self.object(placed, context).await?, manager);
        let sent = api.kubernetes.patch_and_read::<Value>(&request).await;
        let there = sent.map_err(|error| failure(placed, error))?;
        if is_definition(&placed.object.group, &placed.object.kind) && !is_established(&there) {
            return Err(Failure::again(
                "it was applied, and the cluster has yet to take up the kind that it defines",
            ));
        }
        let after = Version::of(&there, manager, Operation::Apply);
        let is_same = before.is_some_and(|before| before.is_still(&after));
        let workload = placed.object.workload();
        let Some(workload) = workload.as_ref() else {
            return Ok(if is_same { unchanged() } else { Making::Made(Patched::default(), change.clone()) });
        };
        let object = Object::of(&there).map_err(|error| {
            Failure::last(format!("it was applied, and the answer is not understood: {error}"))
        })?;
        if !is_same {
            return Ok(Making::Made(Patched::from(object), change.clone()));
        }
        match judge(workload.kind, &object, object.metadata.generation) {
            // A redelivery of what failed must not look like a success.
            Standing::Failed(why) if self.rollout.within.is_some() => {
                Err(Failure::last(format!("{AS_WRITTEN}, but {why}")))
            }
            _ => Ok(unchanged()),
        }
    }

    /// The request that applies an object as its manifest has it.
    pub(super) fn request(&self, placed: &Placed, mut object: Value, manager: &str) -> PatchRequest {
        if !placed.object.namespace.is_empty()
            && let Some(metadata) = object.pointer_mut("/metadata").and_then(Value::as_object_mut)
        {
            metadata.insert("namespace".to_owned(), json!(placed.object.namespace));
        }
        patch::apply(&placed.object, object, self.force, manager)
    }

    /// The object as its manifest has it now.
    async fn object(&self, placed: &Placed, context: &Context<'_>) -> Result<Value, Failure> {
        let (directory, values, file) = (self.manifests.clone(), context.values.clone(), placed.file.clone());
        let filled = super::aside(move || super::filled(&directory, &[file], &values)).await?;
        let is_meant = |filled: &Filled| {
            let identity = &filled.identity;
            let namespace = identity.namespace.as_deref().unwrap_or(&placed.object.namespace);
            (&identity.group, &identity.version, &identity.kind, &identity.name)
                == (&placed.object.group, &placed.object.version, &placed.object.kind, &placed.object.name)
                && namespace == placed.object.namespace
        };
        let found = filled.into_iter().find(is_meant).map(|filled| filled.object);
        let file = placed.file.escape_debug();
        found.ok_or_else(|| {
            Failure::last(format!("its manifest is gone: it does not stand in {file} any more"))
        })
    }
}

const AS_WRITTEN: &str = "it is as its manifest says";

fn unchanged() -> Making {
    Making::There(Done::unchanged(AS_WRITTEN))
}

/// Whether the API serves the kind that a definition of a custom resource defines.
fn is_established(definition: &Value) -> bool {
    let conditions = definition.pointer("/status/conditions").and_then(Value::as_array);
    let has = |condition: &Value, field: &str, value: &str| {
        condition.get(field).and_then(Value::as_str) == Some(value)
    };
    conditions.into_iter().flatten().any(|c| has(c, "type", "Established") && has(c, "status", "True"))
}

/// What the API refused, in words that do not repeat what is in a Secret.
fn failure(placed: &Placed, error: ApiError) -> Failure {
    let ApiError { asked, trouble } = &error;
    match trouble {
        Trouble::NotFound if !placed.object.namespace.is_empty() => {
            Failure::last(format!("the namespace {} does not exist", placed.object.namespace))
        }
        Trouble::KindNotServed if placed.is_of_new_kind => Failure::again(error.to_string()),
        Trouble::FieldConflicts(_) => Failure::last(format!(
            "{error}; force: true takes over what others manage, or take it out of the manifest"
        )),
        trouble if placed.object.is_secret() => {
            let (status, retry) = match trouble {
                Trouble::Invalid(_) => (422, error.retry()),
                Trouble::Denied(_) => (403, error.retry()),
                Trouble::Busy { status, .. } | Trouble::Other { status, .. } => (*status, error.retry()),
                _ => return error.into(),
            };
            let reason = format!("{asked}: the API answers {status}, in words that may repeat the Secret");
            Failure { reason, retry: retry.map(|after| crate::action::Retry { after }) }
        }
        _ => error.into(),
    }
}

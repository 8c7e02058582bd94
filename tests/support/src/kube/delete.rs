//! DELETE of one object, if it is the one that the client means.

use super::super::serve::{Answer, Request};
use super::controller;
use super::controller::names::now;
use super::kinds::Kind;
use super::list::json_error;
use super::route::{Query, Target};
use super::status::{Failure, details};
use super::store::Stored;
use super::world::{World, key, shown};
use super::write::find;
use serde_json::{Value, json};

/// DELETE. What belongs to the object goes with it.
pub fn delete(
    world: &mut World,
    kind: &Kind,
    target: &Target,
    query: &Query,
    request: &Request,
) -> Result<Answer, Failure> {
    let mut stored = find(world, target)?;
    let options: Value = match request.body.as_slice() {
        [] => json!({}),
        body => serde_json::from_slice(body).map_err(|_| Failure::bad_request(json_error(body)))?,
    };
    check(kind, &stored, &options["preconditions"])?;
    if query.get("dryRun").is_none() && options["dryRun"].as_array().is_none_or(Vec::is_empty) {
        controller::deleted(world, &key(target));
    }
    if kind.kind == "Pod" {
        stored.object["metadata"]["deletionTimestamp"] = json!(now());
        stored.object["metadata"]["deletionGracePeriodSeconds"] = json!(30);
        return Ok(Answer::json(200, &shown(kind, &target.version, &stored)));
    }
    let mut details = details(&kind.group, &kind.plural, target.name.as_deref());
    details["uid"] = stored.object["metadata"]["uid"].clone();
    let body = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details});
    Ok(Answer::json(200, &body))
}

/// The refusal names the kind where others name the resource.
fn check(kind: &Kind, stored: &Stored, preconditions: &Value) -> Result<(), Failure> {
    let metadata = &stored.object["metadata"];
    let cases =
        [("uid", "UID", "deleted and then recreated"), ("resourceVersion", "ResourceVersion", "modified")];
    for (field, name, happened) in cases {
        let (asked, there) = (&preconditions[field], &metadata[field]);
        if !asked.is_null() && asked != there {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let why = format!(
                "the {name} in the precondition ({}) does not match the {name} in record ({}). The object might have \
                 been {happened}",
                text(asked),
                text(there)
            );
            let name = metadata["name"].as_str().unwrap_or_default();
            return Err(Failure::conflict_because(&kind.group, &kind.kind, name, &why));
        }
    }
    Ok(())
}

//! Writes: patch, create, update.

use super::super::serve::{Answer, Request};
use super::events;
use super::kinds::Kind;
use super::list::json_error;
use super::patch;
use super::route::{Query, Target};
use super::schema;
use super::status::{Failure, go_format};
use super::store::Stored;
use super::world::{World, key, shown};
use serde_json::{Value, json};

/// What a write request says besides its body.
pub struct Options {
    pub manager: String,
    pub dry_run: bool,
    force: bool,
    /// `Ignore`, `Warn` or `Strict`.
    validation: String,
}

impl Options {
    fn new(request: &Request, query: &Query) -> Self {
        let agent = request.header("user-agent").unwrap_or("unknown").split('/').next().unwrap_or_default();
        Self {
            manager: query.get("fieldManager").unwrap_or(agent).to_owned(),
            dry_run: query.get("dryRun").is_some(),
            force: query.get("force") == Some("true"),
            validation: query.get("fieldValidation").unwrap_or("Warn").to_owned(),
        }
    }
}

/// PATCH in one of the four formats.
pub fn patch(
    world: &mut World,
    kind: &Kind,
    target: &Target,
    query: &Query,
    request: &Request,
) -> Result<Answer, Failure> {
    let options = Options::new(request, query);
    let content_type = request.header("content-type").unwrap_or_default();
    let format = content_type.split(';').next().unwrap_or_default().trim();
    if format == "application/apply-patch+yaml" {
        if query.get("fieldManager").is_none() {
            return Err(no_field_manager());
        }
        return apply(world, kind, target, &options, request);
    }
    match format {
        "application/strategic-merge-patch+json" if !kind.built_in => {
            return Err(Failure::no_strategic_merge());
        }
        "application/strategic-merge-patch+json"
        | "application/merge-patch+json"
        | "application/json-patch+json" => {}
        _ => return Err(Failure::unsupported_media_type()),
    }
    let before = find(world, target)?;
    let body: Value =
        serde_json::from_slice(&request.body).map_err(|_| Failure::bad_request(json_error(&request.body)))?;
    let mut object = before.object.clone();
    match format {
        "application/json-patch+json" => {
            let Value::Array(operations) = &body else {
                return Err(Failure::bad_request(
                    "json: cannot unmarshal object into Go value of type jsonpatch.Patch",
                ));
            };
            patch::json::apply(&mut object, operations).map_err(|_| Failure::json_patch_failed())?;
        }
        _ if !body.is_object() => {
            let message = "json: cannot unmarshal array into Go value of type map[string]interface {}";
            return Err(Failure::bad_request(message));
        }
        "application/merge-patch+json" => patch::merge::apply(&mut object, &body),
        _ => patch::strategic::apply(&mut object, &body)
            .map_err(|message| Failure::new(500, "InternalError", message))?,
    }
    let shown_patch =
        if format.starts_with("application/strategic") { go_format(&body) } else { object.to_string() };
    let mut warnings = validate(kind, &mut object, &options, &shown_patch)?;
    if let Some(subresource) = &target.subresource {
        // A subresource changes nothing but itself.
        let part = object[subresource.as_str()].clone();
        object = before.object.clone();
        object[subresource.as_str()] = part;
    }
    let stored = replace(world, kind, target, &before, object, &options)?;
    let mut answer = Answer::json(200, &shown(kind, &target.version, &stored));
    for warning in warnings.drain(..) {
        answer = answer.with("Warning", &format!("299 - {:?}", format!("unknown field {warning:?}")));
    }
    Ok(answer)
}

/// PUT.
pub fn update(
    world: &mut World,
    kind: &Kind,
    target: &Target,
    query: &Query,
    request: &Request,
) -> Result<Answer, Failure> {
    let options = Options::new(request, query);
    let before = find(world, target)?;
    let mut object = body_object(request)?;
    let text = object.to_string();
    validate(kind, &mut object, &options, &text)?;
    let stored = replace(world, kind, target, &before, object, &options)?;
    Ok(Answer::json(200, &shown(kind, &target.version, &stored)))
}

/// POST of an object.
pub fn create(
    world: &mut World,
    kind: &Kind,
    target: &Target,
    query: &Query,
    request: &Request,
) -> Result<Answer, Failure> {
    let options = Options::new(request, query);
    let mut object = body_object(request)?;
    let metadata = &mut object["metadata"];
    if let Some(namespace) = &target.namespace {
        metadata["namespace"] = json!(namespace);
    }
    if let (true, Some(prefix)) = (metadata["name"].is_null(), metadata["generateName"].as_str()) {
        let suffix = format!("{:05x}", world.store.version() % 0xf_ffff);
        metadata["name"] = json!(format!("{prefix}{suffix}"));
    }
    let Some(name) = object["metadata"]["name"].as_str().filter(|name| !name.is_empty()) else {
        let message = "Required value: name or generateName is required";
        return Err(Failure::invalid_field(
            &kind.group,
            &kind.kind,
            "",
            "metadata.name",
            "FieldValueRequired",
            message,
        ));
    };
    let target = Target { name: Some(name.to_owned()), ..target.clone() };
    if world.store.get(&key(&target)).is_some() {
        return Err(Failure::already_exists(
            &kind.group,
            &kind.plural,
            target.name.as_deref().unwrap_or_default(),
        ));
    }
    let text = object.to_string();
    validate(kind, &mut object, &options, &text)?;
    events::check(kind, &object)?;
    Ok(Answer::json(201, &created(world, kind, &target, object, &options, false)))
}

fn apply(
    world: &mut World,
    kind: &Kind,
    target: &Target,
    options: &Options,
    request: &Request,
) -> Result<Answer, Failure> {
    let applied: Value = serde_yaml::from_slice(&request.body)
        .map_err(|error| Failure::bad_request(format!("error decoding YAML: {error}")))?;
    same_name(target, &applied)?;
    let name = target.name.clone().unwrap_or_default();
    let Some(before) = world.store.get(&key(target)).cloned() else {
        world.access.check("create", &Target { name: None, ..target.clone() }, Some(&name))?;
        let mut object = applied;
        if let Some(namespace) = &target.namespace {
            object["metadata"]["namespace"] = json!(namespace);
        }
        return Ok(Answer::json(201, &created(world, kind, target, object, options, true)));
    };
    let mut owners = before.owners.clone();
    let mut object = owners
        .apply(&before.object, &applied, &options.manager, options.force)
        .map_err(|conflicts| Failure::apply_conflict(&conflicts))?;
    let text = applied.to_string();
    validate(kind, &mut object, options, &text)?;
    let kept = Stored { object: before.object.clone(), owners: owners.clone() };
    let mut stored = world.store.replace(kind, &key(target), &kept, object, &options.manager, true);
    stored.owners = owners;
    if stored.object != before.object || stored.owners != before.owners {
        stored = world.store.save(&key(target), stored, options.dry_run);
        if !options.dry_run {
            world.wrote(kind, &key(target), &stored.object, &options.manager);
        }
    }
    Ok(Answer::json(200, &shown(kind, &target.version, &stored)))
}

fn created(
    world: &mut World,
    kind: &Kind,
    target: &Target,
    object: Value,
    options: &Options,
    apply: bool,
) -> Value {
    if options.dry_run {
        return world.store.prepared(kind, object);
    }
    let object = world.store.create(kind, object, &options.manager, apply);
    world.wrote(kind, &key(target), &object, &options.manager);
    world.store.get(&key(target)).map_or(Value::Null, |stored| shown(kind, &target.version, stored))
}

fn replace(
    world: &mut World,
    kind: &Kind,
    target: &Target,
    before: &Stored,
    object: Value,
    options: &Options,
) -> Result<Stored, Failure> {
    same_name(target, &object)?;
    let asked = object["metadata"]["resourceVersion"].as_str().unwrap_or_default();
    if !asked.is_empty() && before.object["metadata"]["resourceVersion"] != asked {
        let name = target.name.as_deref().unwrap_or_default();
        return Err(Failure::conflict(&kind.group, &kind.plural, name));
    }
    let stored = world.store.replace(kind, &key(target), before, object, &options.manager, options.dry_run);
    if !options.dry_run && stored.object != before.object {
        world.wrote(kind, &key(target), &stored.object, &options.manager);
    }
    Ok(stored)
}

/// Refuses what the types refuse; returns the unknown fields that were dropped and are to be warned about.
fn validate(kind: &Kind, object: &mut Value, options: &Options, patch: &str) -> Result<Vec<String>, Failure> {
    if let Some(why) = schema::wrong_type(kind, object) {
        return Err(Failure::invalid_patch(patch, &why));
    }
    let unknown = schema::prune(kind, object);
    if options.validation == "Strict" && !unknown.is_empty() {
        let fields: Vec<String> = unknown.iter().map(|field| format!("unknown field {field:?}")).collect();
        return Err(Failure::invalid_patch(patch, &format!("strict decoding error: {}", fields.join(", "))));
    }
    if let Some(field) = schema::missing_value(kind, object) {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        return Err(Failure::invalid_field(
            &kind.group,
            &kind.kind,
            name,
            &field,
            "FieldValueRequired",
            "Required value",
        ));
    }
    Ok(if options.validation == "Ignore" { Vec::new() } else { unknown })
}

/// The object that a request names.
pub fn find(world: &World, target: &Target) -> Result<Stored, Failure> {
    let name = target.name.as_deref().unwrap_or_default();
    world
        .store
        .get(&key(target))
        .cloned()
        .ok_or_else(|| Failure::not_found(&target.group, &target.resource, name))
}

fn same_name(target: &Target, object: &Value) -> Result<(), Failure> {
    let wanted = target.name.as_deref().unwrap_or_default();
    match object["metadata"]["name"].as_str() {
        Some(name) if name != wanted => Err(Failure::bad_request(format!(
            "the name of the object ({name}) does not match the name on the URL ({wanted})"
        ))),
        _ => Ok(()),
    }
}

fn body_object(request: &Request) -> Result<Value, Failure> {
    match serde_json::from_slice(&request.body) {
        Ok(object @ Value::Object(_)) => Ok(object),
        Ok(_) => Err(Failure::bad_request("the body is not an object")),
        Err(_) => Err(Failure::bad_request(json_error(&request.body))),
    }
}

fn no_field_manager() -> Failure {
    Failure::invalid_field(
        "meta.k8s.io",
        "PatchOptions",
        "",
        "fieldManager",
        "FieldValueRequired",
        "Required value: is required for apply patch",
    )
}

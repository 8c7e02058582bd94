//! One request, from who is calling to the answer.

use super::super::serve::{Answer, Request};
use super::delete;
use super::discovery;
use super::list;
use super::rbac::Access;
use super::route::{Query, Target};
use super::status::Failure;
use super::world::{World, key, shown};
use super::write;
use serde_json::{Value, json};

/// Answers as the API server does.
pub fn answer(world: &mut World, request: &Request) -> Answer {
    route(world, request).unwrap_or_else(|failure| failure.answer())
}

fn route(world: &mut World, request: &Request) -> Result<Answer, Failure> {
    world.authenticate(request)?;
    let (path, query) = request.path_and_query.split_once('?').unwrap_or((&request.path_and_query, ""));
    let query = Query::parse(query);
    let Some(target) = Target::parse(path) else {
        return discovery::answer(&world.kinds, &request.method, path);
    };
    let verb = verb(request, &target);
    let named = match verb {
        // A list may be allowed by name when its field selector names one object.
        "list" => list::fields(&target, &query).ok().and_then(|fields| fields.name().map(str::to_owned)),
        _ => target.name.clone(),
    };
    world.access.check(verb, &target, named.as_deref())?;
    if target.group == "authorization.k8s.io" {
        return review(&world.access, &target, request);
    }
    let kind = world.kind(&target)?;
    match verb {
        "get" => {
            let name = target.name.as_deref().unwrap_or_default();
            let stored = world.store.get(&key(&target));
            let stored = stored.ok_or_else(|| Failure::not_found(&kind.group, &kind.plural, name))?;
            Ok(Answer::json(200, &shown(&kind, &target.version, stored)))
        }
        // The double has no watch: a client that asks for one must notice.
        "list" if query.get("watch").is_some() => Err(Failure::method_not_allowed(&kind.plural)),
        "list" => Ok(Answer::json(200, &list::list(world, &kind, &target, &query)?)),
        "patch" => write::patch(world, &kind, &target, &query, request),
        "update" => write::update(world, &kind, &target, &query, request),
        "create" => write::create(world, &kind, &target, &query, request),
        "delete" => delete::delete(world, &kind, &target, &query, request),
        _ => Err(Failure::method_not_allowed(&kind.plural)),
    }
}

fn verb(request: &Request, target: &Target) -> &'static str {
    match (request.method.as_str(), target.name.is_some()) {
        ("GET" | "HEAD", true) => "get",
        ("GET" | "HEAD", false) => "list",
        ("PATCH", true) => "patch",
        ("PUT", true) => "update",
        ("POST", false) => "create",
        ("DELETE", true) => "delete",
        ("DELETE", false) => "deletecollection",
        _ => "",
    }
}

fn review(access: &Access, target: &Target, request: &Request) -> Result<Answer, Failure> {
    let body: Value = serde_json::from_slice(&request.body)
        .map_err(|_| Failure::bad_request(list::json_error(&request.body)))?;
    let namespace = body["spec"]["namespace"].as_str().unwrap_or_default();
    let (kind, spec, status) = match target.resource.as_str() {
        // The API server answers with an empty spec here.
        "selfsubjectrulesreviews" => ("SelfSubjectRulesReview", json!({}), access.review(namespace)),
        "selfsubjectaccessreviews" => {
            let asked = &body["spec"]["resourceAttributes"];
            let text = |field: &str| asked[field].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
            let about = Target {
                group: text("group").unwrap_or_default(),
                resource: text("resource").unwrap_or_default(),
                namespace: text("namespace"),
                name: text("name"),
                subresource: text("subresource"),
                version: String::new(),
            };
            let verb = text("verb").unwrap_or_default();
            let allowed = access.check(&verb, &about, about.name.as_deref()).is_ok();
            ("SelfSubjectAccessReview", body["spec"].clone(), json!({"allowed": allowed}))
        }
        _ => return Err(Failure::no_such_path()),
    };
    let body = json!({
        "kind": kind, "apiVersion": "authorization.k8s.io/v1", "metadata": {}, "spec": spec, "status": status
    });
    Ok(Answer::json(201, &body))
}

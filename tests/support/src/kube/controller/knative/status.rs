//! The status of a Knative service.

use super::super::names::{now, text};
use super::super::pod;
use super::revision::Revision;
use serde_json::{Value, json};

/// A condition's status, reason and message.
type Verdict = (&'static str, &'static str, String);

/// The status that a service with these revisions has.
pub fn status(service: &Value, revisions: &[Revision]) -> Value {
    let ready = revisions.iter().rfind(|revision| revision.ready == Some(true));
    let configurations = configurations(revisions.last());
    let routes = routes(service, revisions, ready);
    let both = [&configurations, &routes];
    let verdict = |value: &str| both.into_iter().find(|verdict| verdict.0 == value);
    let whole = verdict("False").or_else(|| verdict("Unknown")).unwrap_or(&routes).clone();
    let condition = |kind: &str, verdict: &Verdict| condition(service, kind, verdict);
    let (name, namespace) = (text(service, "/metadata/name"), text(service, "/metadata/namespace"));
    let mut status = json!({
        "observedGeneration": service["metadata"]["generation"],
        "conditions": [
            condition("ConfigurationsReady", &configurations), condition("Ready", &whole),
            condition("RoutesReady", &routes)
        ],
        "url": format!("http://{name}.{namespace}.example.com"),
        "address": {"url": format!("http://{name}.{namespace}.svc.cluster.local")}
    });
    if let Some(newest) = revisions.last() {
        status["latestCreatedRevisionName"] = json!(newest.name);
    }
    if let Some(ready) = ready {
        status["latestReadyRevisionName"] = json!(ready.name);
        // Until requests can go where they shall, they go where they went.
        status["traffic"] = if routes.0 == "True" {
            targets(service).into_iter().map(|target| resolved(target, ready)).collect()
        } else {
            service["status"]["traffic"].clone()
        };
    }
    status
}

fn configurations(newest: Option<&Revision>) -> Verdict {
    match newest {
        Some(Revision { ready: Some(true), .. }) => ("True", "", String::new()),
        Some(Revision { ready: Some(false), name, message, .. }) => {
            ("False", "RevisionFailed", format!("Revision {name:?} failed with message: {message}."))
        }
        _ => ("Unknown", "", String::new()),
    }
}

fn routes(service: &Value, revisions: &[Revision], ready: Option<&Revision>) -> Verdict {
    let asked = targets(service);
    let mut named = asked.iter().filter_map(|target| target["revisionName"].as_str());
    let missing = named.find(|name| !revisions.iter().any(|revision| revision.name == *name));
    if let Some(name) = missing {
        return ("False", "RevisionMissing", format!("Revision {name:?} referenced in traffic not found."));
    }
    let mut named = asked.iter().filter_map(|target| target["revisionName"].as_str());
    let unready = |name: &&str| revisions.iter().any(|r| r.name == **name && r.ready != Some(true));
    if let Some(name) = named.find(unready) {
        return ("Unknown", "RevisionMissing", format!("Revision {name:?} is not yet ready."));
    }
    if ready.is_some() {
        return ("True", "", String::new());
    }
    let name = text(service, "/metadata/name");
    if revisions.last().is_some_and(|newest| newest.ready == Some(false)) {
        let message = format!("Configuration {name:?} does not have any ready Revision.");
        return ("False", "RevisionMissing", message);
    }
    (
        "Unknown",
        "RevisionMissing",
        format!("Configuration {name:?} is waiting for a Revision to become ready."),
    )
}

/// What the service asks for; all to the newest revision where it says nothing.
fn targets(service: &Value) -> Vec<Value> {
    let all = || vec![json!({"latestRevision": true, "percent": 100})];
    service["spec"]["traffic"].as_array().filter(|targets| !targets.is_empty()).cloned().unwrap_or_else(all)
}

fn resolved(mut target: Value, ready: &Revision) -> Value {
    if target["revisionName"].is_null() {
        target["revisionName"] = json!(ready.name);
        target["latestRevision"] = json!(true);
    } else {
        target["latestRevision"] = json!(false);
    }
    target
}

/// A condition that did not change keeps its time.
fn condition(service: &Value, kind: &str, (value, reason, message): &Verdict) -> Value {
    let before = pod::condition(service, kind).filter(|before| before["status"] == *value);
    let time = before.map_or_else(|| json!(now()), |before| before["lastTransitionTime"].clone());
    let mut condition = json!({"type": kind, "status": value, "lastTransitionTime": time});
    if !reason.is_empty() {
        condition["reason"] = json!(reason);
        condition["message"] = json!(message);
    }
    condition
}

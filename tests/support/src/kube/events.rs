//! Events that clients post: what the API server refuses and fills in, and what a test reads.

use super::Double;
use super::kinds::Kind;
use super::status::Failure;
use super::world::World;
use serde_json::{Value, json};

/// An event that somebody posted, by either API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub namespace: String,
    /// What it is about: `Deployment/web`.
    pub regarding: String,
    /// The uid of that.
    pub uid: String,
    /// `Normal` or `Warning`.
    pub kind: String,
    pub reason: String,
    pub action: String,
    pub note: String,
    /// Who says it.
    pub controller: String,
}

impl Double {
    /// The events that were posted, the oldest first.
    pub fn events(&self) -> Vec<Event> {
        all(&self.world())
    }

    /// Waits until the events fulfil this, and returns them.
    pub fn wait_for_events(&self, condition: impl Fn(&[Event]) -> bool) -> Vec<Event> {
        self.wait(|world| condition(&all(world)));
        self.events()
    }
}

fn all(world: &World) -> Vec<Event> {
    let posted = ["", "events.k8s.io"].into_iter().flat_map(|group| world.store.list(group, "events", None));
    let version =
        |object: &Value| object["metadata"]["resourceVersion"].as_str().unwrap().parse::<u64>().unwrap();
    let mut events: Vec<(u64, Event)> =
        posted.map(|stored| (version(&stored.object), read(&stored.object))).collect();
    events.sort_by_key(|(version, _)| *version);
    events.into_iter().map(|(_, event)| event).collect()
}

/// The two APIs call the same things by different names.
fn read(event: &Value) -> Event {
    let text = |pointers: &[&str]| {
        let mut found = pointers.iter().filter_map(|pointer| event.pointer(pointer)?.as_str());
        found.find(|text| !text.is_empty()).unwrap_or_default().to_owned()
    };
    let regarding =
        |field: &str| text(&[&format!("/regarding/{field}"), &format!("/involvedObject/{field}")]);
    Event {
        namespace: text(&["/metadata/namespace"]),
        regarding: format!("{}/{}", regarding("kind"), regarding("name")),
        uid: regarding("uid"),
        kind: text(&["/type"]),
        reason: text(&["/reason"]),
        action: text(&["/action"]),
        note: text(&["/note", "/message"]),
        controller: text(&["/reportingController", "/reportingComponent", "/source/component"]),
    }
}

/// Refuses an event that does not make sense. The old API asks for little as long as there is no eventTime.
pub fn check(kind: &Kind, event: &Value) -> Result<(), Failure> {
    if kind.kind != "Event" {
        return Ok(());
    }
    let new = kind.group == "events.k8s.io";
    let text = |field: &str| event[field].as_str().unwrap_or_default();
    let refuse = |field: &str, reason: &str, message: &str| {
        let name = event["metadata"]["name"].as_str().unwrap_or_default();
        Err(Failure::invalid_field(&kind.group, &kind.kind, name, field, reason, message))
    };
    let timed = !event["eventTime"].is_null();
    let about = if new { &event["regarding"] } else { &event["involvedObject"] };
    let namespace = about["namespace"].as_str().unwrap_or_default();
    let own = event["metadata"]["namespace"].as_str().unwrap_or_default();
    let elsewhere = if namespace.is_empty() {
        own != "default" && !(timed && own == "kube-system")
    } else {
        !timed && namespace != own
    };
    if elsewhere {
        let message = format!("Invalid value: {namespace:?}: does not match event.namespace");
        return refuse("involvedObject.namespace", "FieldValueInvalid", &message);
    }
    if new && !timed {
        return refuse("eventTime", "FieldValueRequired", "Required value");
    }
    if timed {
        let controller = if new { "reportingController" } else { "reportingComponent" };
        for (field, own) in [
            ("reportingController", controller),
            ("reportingInstance", "reportingInstance"),
            ("action", "action"),
            ("reason", "reason"),
        ] {
            if text(own).is_empty() {
                return refuse(field, "FieldValueRequired", "Required value");
            }
            if text(own).len() > 128 {
                let message = "Invalid value: \"\": can have at most 128 characters";
                return refuse(field, "FieldValueInvalid", message);
            }
        }
        if text(if new { "note" } else { "message" }).len() > 1024 {
            let message = "Invalid value: \"\": can have at most 1024 characters";
            return refuse("message", "FieldValueInvalid", message);
        }
    }
    if new && !matches!(text("type"), "Normal" | "Warning") {
        let message = format!("Invalid value: \"\": has invalid value: {}", text("type"));
        return refuse("type", "FieldValueInvalid", &message);
    }
    Ok(())
}

/// The fields that an event always has.
pub fn fill(kind: &Kind, event: &mut Value) {
    let always = match (kind.kind.as_str(), kind.group.as_str()) {
        ("Event", "events.k8s.io") => {
            json!({"deprecatedSource": {}, "deprecatedFirstTimestamp": null, "deprecatedLastTimestamp": null})
        }
        ("Event", "") => json!({
            "source": {}, "firstTimestamp": null, "lastTimestamp": null, "eventTime": null, "reportingComponent": "",
            "reportingInstance": ""
        }),
        _ => return,
    };
    for (field, value) in always.as_object().unwrap() {
        event.as_object_mut().unwrap().entry(field.clone()).or_insert_with(|| value.clone());
    }
}

//! The revisions of a Knative service.

use super::super::super::store::Key;
use super::super::super::world::World;
use super::super::how::How;
use super::super::names::{self, now, text};
use super::super::{owned, pod};
use serde_json::{Value, json};
use std::time::Instant;

const HASH: &str = "double.test/template";
const GENERATION: &str = "serving.knative.dev/configurationGeneration";

/// What a service wants to know of one of its revisions.
pub struct Revision {
    pub key: Key,
    pub name: String,
    pub number: u64,
    /// Of the template it was made from.
    pub hash: String,
    /// Whether it is ready; none while nobody knows.
    pub ready: Option<bool>,
    pub message: String,
}

impl Revision {
    /// Whether a status has the condition Ready.
    pub fn is_ready_in(status: &Value) -> bool {
        pod::condition(&json!({"status": status}), "Ready").is_some_and(|ready| ready["status"] == "True")
    }
}

/// The hash of a service's template.
pub fn hash(service: &Value) -> String {
    names::hash(&service["spec"]["template"])
}

/// A service's revisions, the oldest first.
pub fn all(world: &World, service: &Value) -> Vec<Revision> {
    let own = owned::of(world, ("serving.knative.dev", "revisions"), service);
    let mut revisions: Vec<Revision> = own
        .map(|(key, object)| {
            let ready = pod::condition(object, "Ready").unwrap_or(&Value::Null);
            Revision {
                key: key.clone(),
                name: key.3.clone(),
                number: object["metadata"]["labels"][GENERATION].as_str().unwrap().parse().unwrap(),
                hash: object["metadata"]["annotations"][HASH].as_str().unwrap().to_owned(),
                ready: match ready["status"].as_str() {
                    Some("True") => Some(true),
                    Some("False") => Some(false),
                    _ => None,
                },
                message: text(ready, "/message").to_owned(),
            }
        })
        .collect();
    revisions.sort_by_key(|revision| revision.number);
    revisions
}

/// Makes a revision of the service's template.
pub fn create(world: &mut World, service: &Value, number: u64) -> String {
    let (service_name, namespace) = (text(service, "/metadata/name"), text(service, "/metadata/namespace"));
    let given = text(service, "/spec/template/metadata/name");
    let name = if given.is_empty() { format!("{service_name}-{number:05}") } else { given.to_owned() };
    let revision = json!({
        "apiVersion": "serving.knative.dev/v1", "kind": "Revision",
        "metadata": {
            "name": name, "namespace": namespace, "generation": 1, "creationTimestamp": now(),
            "annotations": {HASH: hash(service)},
            "labels": {
                "serving.knative.dev/configuration": service_name, "serving.knative.dev/service": service_name,
                GENERATION: number.to_string()
            },
            "ownerReferences": [owned::reference(service)]
        },
        "spec": service["spec"]["template"]["spec"],
        "status": {"observedGeneration": 1, "conditions": []}
    });
    let key = ("serving.knative.dev".to_owned(), "revisions".to_owned(), namespace.to_owned(), name.clone());
    world.store.produce(key, revision);
    name
}

/// A revision is ready.
pub fn start(world: &mut World, service: &Value, name: &str) {
    if let Some(revision) = all(world, service).into_iter().find(|revision| revision.name == name) {
        decide(world, &revision.key, "True", "", "");
    }
}

/// The newest revision gets ready or fails, as its image is; false when it stays as it is.
pub fn act(world: &mut World, key: &Key) -> bool {
    let Some((revision, how)) = newest(world, key) else { return false };
    let (value, reason, message) = match how {
        None => ("True", String::new(), String::new()),
        // Only time will tell.
        Some((_, How::NeverReady)) => return false,
        Some((image, how)) => ("False", reason(&how).to_owned(), message(&how, &image)),
    };
    if revision.ready == Some(true) || revision.ready == Some(false) && value == "False" {
        return false;
    }
    decide(world, &revision.key, value, &reason, &message);
    true
}

/// When the newest revision, which runs and does not get ready, has failed.
pub fn deadline(world: &World, key: &Key) -> Option<Instant> {
    let (revision, how) = newest(world, key)?;
    let waits = revision.ready.is_none() && matches!(how, Some((_, How::NeverReady)));
    let began = world.rollouts.progressed.get(key).filter(|_| waits)?;
    began.checked_add(world.rollouts.deadline)
}

/// The newest revision has run out of time.
pub fn time_is_up(world: &mut World, key: &Key) {
    if let Some((revision, _)) = newest(world, key) {
        let message = format!("ReplicaSet \"{}-deployment\" has timed out progressing.", revision.name);
        decide(world, &revision.key, "False", "ProgressDeadlineExceeded", &message);
    }
}

/// The newest revision of a service, and what is wrong with its image.
fn newest(world: &World, key: &Key) -> Option<(Revision, Option<(String, How)>)> {
    let revision = all(world, &world.store.get(key)?.object).pop()?;
    let spec = &world.store.get(&revision.key)?.object["spec"];
    let how = world.rollouts.images.wrong(spec).map(|(image, how)| (image.to_owned(), how.clone()));
    Some((revision, how))
}

fn decide(world: &mut World, key: &Key, value: &str, reason: &str, message: &str) {
    world.store.touch(key, |revision| {
        let mut condition = json!({"type": "Ready", "status": value, "lastTransitionTime": now()});
        if !reason.is_empty() {
            condition["reason"] = json!(reason);
            condition["message"] = json!(message);
        }
        revision["status"]["conditions"] = json!([condition]);
    });
}

fn reason(how: &How) -> &str {
    match how {
        How::ImagePullBackOff => "ContainerMissing",
        How::CrashLoopBackOff => "ExitCode1",
        How::Unschedulable => "Unschedulable",
        How::NeverReady => "ProgressDeadlineExceeded",
        How::Waiting(reason, _) => reason,
    }
}

fn message(how: &How, image: &str) -> String {
    match how {
        How::ImagePullBackOff => format!(
            "Unable to fetch image {image:?}: failed to resolve image to digest: unexpected status code 404 Not Found"
        ),
        How::CrashLoopBackOff => "Container failed with: exit status 1".to_owned(),
        How::Unschedulable => "0/3 nodes are available: 3 Insufficient cpu.".to_owned(),
        How::NeverReady => String::new(),
        How::Waiting(_, message) => (*message).to_owned(),
    }
}

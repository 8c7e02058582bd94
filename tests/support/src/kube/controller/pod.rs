//! Pods: made from a template, started as their image allows, gone.

use super::super::store::Key;
use super::super::world::World;
use super::how;
use super::names::{ago, is_past, now, text};
use super::owned;
use serde_json::{Value, json};

/// What a controller wants to know of one of its pods.
#[derive(Clone, Debug)]
pub struct Pod {
    pub key: Key,
    pub ready: bool,
    /// Ready for as long as `minReadySeconds` asks.
    pub available: bool,
    /// Deleted, and not gone yet.
    pub ending: bool,
    /// The label `controller-revision-hash`.
    pub revision: String,
    pub node: String,
}

/// A pod to be made.
pub struct New<'a> {
    /// Who it belongs to.
    pub owner: &'a Value,
    pub template: &'a Value,
    pub name: String,
    /// Besides those of the template.
    pub labels: Value,
    pub node: String,
}

/// The pods of an owner, by name.
pub fn of(world: &World, owner: &Value, min_ready: u64) -> Vec<Pod> {
    let pods = owned::of(world, ("", "pods"), owner);
    pods.map(|(key, pod)| {
        let ready = condition(pod, "Ready").filter(|condition| condition["status"] == "True");
        let long = ready.is_some_and(|ready| is_past(&ready["lastTransitionTime"], min_ready));
        Pod {
            key: key.clone(),
            ready: ready.is_some(),
            available: ready.is_some() && (min_ready == 0 || long),
            ending: !pod["metadata"]["deletionTimestamp"].is_null(),
            revision: text(pod, "/metadata/labels/controller-revision-hash").to_owned(),
            node: node(pod).to_owned(),
        }
    })
    .collect()
}

/// The node for a pod of this number.
pub fn node_for(number: u64) -> String {
    format!("node-{}", number % 2 + 1)
}

/// The node that a pod is on, or meant for.
fn node(pod: &Value) -> &str {
    let meant = "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms/0\
                 /matchFields/0/values/0";
    let on = text(pod, "/spec/nodeName");
    if on.is_empty() { text(pod, meant) } else { on }
}

/// The counts of pods: all, ready, available.
pub fn counts<'a>(pods: impl IntoIterator<Item = &'a Pod>) -> (u64, u64, u64) {
    pods.into_iter().fold((0, 0, 0), |(all, ready, available), pod| {
        (all + 1, ready + u64::from(pod.ready), available + u64::from(pod.available))
    })
}

/// Makes a pod; it waits to be started.
pub fn create(world: &mut World, new: New<'_>) -> Key {
    let mut metadata = new.template["metadata"].clone();
    if !metadata.is_object() {
        metadata = json!({});
    }
    for (label, value) in new.labels.as_object().into_iter().flatten() {
        metadata["labels"][label] = value.clone();
    }
    metadata["name"] = json!(new.name);
    metadata["namespace"] = new.owner["metadata"]["namespace"].clone();
    metadata["creationTimestamp"] = json!(now());
    metadata["ownerReferences"] = json!([owned::reference(new.owner)]);
    let mut spec = new.template["spec"].clone();
    spec["nodeName"] = json!(new.node);
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": how::pending()
    });
    let namespace = text(&pod, "/metadata/namespace").to_owned();
    let key = (String::new(), "pods".to_owned(), namespace, new.name);
    world.store.produce(key.clone(), pod);
    key
}

/// Starts a pod, as far as its image allows; false when it stays as it is.
pub fn start(world: &mut World, key: &Key) -> bool {
    let Some(stored) = world.store.get(key) else { return false };
    if condition(&stored.object, "Ready").is_some_and(|ready| ready["status"] == "True") {
        return false;
    }
    let status = world.rollouts.images.status(&stored.object);
    if without_times(&status) == without_times(&stored.object["status"]) {
        return false;
    }
    world.store.touch(key, |pod| {
        if status["containerStatuses"].is_null() {
            pod["spec"].as_object_mut().unwrap().remove("nodeName");
        } else if pod["spec"]["nodeName"].is_null() {
            let node = Some(node(pod)).filter(|node| !node.is_empty()).unwrap_or("node-1").to_owned();
            pod["spec"]["nodeName"] = json!(node);
        }
        pod["status"] = status;
    });
    true
}

/// Lets a ready pod have been ready for so many seconds; false when it has been already.
pub fn age(world: &mut World, pod: &Pod, seconds: u64) -> bool {
    if !pod.ready || pod.available {
        return false;
    }
    world.store.touch(&pod.key, |pod| {
        for condition in pod["status"]["conditions"].as_array_mut().into_iter().flatten() {
            condition["lastTransitionTime"] = json!(ago(seconds));
        }
    });
    true
}

/// Asks a pod to end; the kubelet takes its time.
pub fn end(world: &mut World, key: &Key) {
    world.store.touch(key, |pod| {
        pod["metadata"]["deletionTimestamp"] = json!(now());
        pod["metadata"]["deletionGracePeriodSeconds"] = json!(30);
    });
}

/// The kubelet: what is to end is gone, what is to start starts, one pod at a time; false when nothing was left.
pub fn act(world: &mut World, pods: &[Pod], min_ready: u64) -> bool {
    if let Some(gone) = pods.iter().find(|pod| pod.ending) {
        world.store.remove(&gone.key);
        return true;
    }
    pods.iter().any(|pod| start(world, &pod.key) || age(world, pod, min_ready))
}

/// A condition of an object's status.
pub fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    let conditions = object["status"]["conditions"].as_array();
    conditions.into_iter().flatten().find(|condition| condition["type"] == kind)
}

fn without_times(status: &Value) -> Value {
    match status {
        Value::Array(items) => items.iter().map(without_times).collect(),
        Value::Object(fields) => fields
            .iter()
            .filter(|(key, _)| !matches!(key.as_str(), "startTime" | "startedAt" | "lastTransitionTime"))
            .map(|(key, value)| (key.clone(), without_times(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        other => other.clone(),
    }
}

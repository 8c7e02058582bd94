//! What controllers do after a pod template has changed, in the steps that a real cluster went through
//! (`tests/data/rollouts/`): the status of the old generation first, then the new `ReplicaSet`, then replicas one by
//! one, then done, or `ProgressDeadlineExceeded`. Off by default.

use super::super::serve::Request;
use super::Shared;
use super::route::Target;
use super::store::Key;
use super::world::{World, key};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// When a rollout takes its next step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pace {
    /// Never: the status stays as the test puts it.
    #[default]
    Off,
    /// After every read of the object, so that a client that polls sees every step.
    PerRead,
    /// By time.
    Every(Duration),
}

/// The kinds that roll out.
const KINDS: [&str; 3] = ["deployments", "statefulsets", "daemonsets"];

/// A read has been answered: with [`Pace::PerRead`] the object goes one step on.
pub fn after(world: &mut World, request: &Request) {
    if world.pace != Pace::PerRead || request.method != "GET" {
        return;
    }
    let path = request.path_and_query.split('?').next().unwrap_or_default();
    let Some(target) = Target::parse(path).filter(|target| KINDS.contains(&target.resource.as_str())) else {
        return;
    };
    let read = key(&target);
    for one in workloads(world) {
        let listed = target.name.is_none() && one.1 == read.1 && (read.2.is_empty() || one.2 == read.2);
        if one == read || listed {
            step(world, &one);
        }
    }
}

/// Something was written: with [`Pace::Every`] the rollouts go on by themselves until nothing is left to do.
pub fn start(shared: &Arc<Shared>) {
    let Pace::Every(pause) = shared.world().pace else { return };
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(pause).await;
            let moved = shared.change(|world| {
                let keys = workloads(world);
                keys.iter().fold(false, |moved, key| step(world, key) || moved)
            });
            if !moved {
                return;
            }
        }
    });
}

fn workloads(world: &World) -> Vec<Key> {
    let all = KINDS
        .iter()
        .flat_map(|plural| world.store.list("apps", plural, None).map(move |stored| (plural, stored)));
    all.map(|(plural, stored)| {
        let metadata = |field: &str| stored.object["metadata"][field].as_str().unwrap_or_default().to_owned();
        ("apps".to_owned(), (*plural).to_owned(), metadata("namespace"), metadata("name"))
    })
    .collect()
}

/// Takes the next step of one workload's rollout; false when there is none.
fn step(world: &mut World, key: &Key) -> bool {
    let Some(stored) = world.store.get(key) else { return false };
    let object = stored.object.clone();
    let broken = images(&object).any(|image| world.broken_images.iter().any(|own| own == image));
    let next = match key.1.as_str() {
        "deployments" => deployment(&object, broken),
        "statefulsets" => stateful_set(&object, broken),
        _ => daemon_set(&object, broken),
    };
    let Some(next) = next else { return false };
    if key.1 == "deployments" {
        replica_set(world, &next);
    }
    world.store.touch(key, |object| *object = next);
    true
}

fn images(object: &Value) -> impl Iterator<Item = &str> {
    let containers = object["spec"]["template"]["spec"]["containers"].as_array();
    containers.into_iter().flatten().filter_map(|container| container["image"].as_str())
}

/// A name for the pod template: the same template, the same name.
fn template_hash(object: &Value) -> String {
    let mut hash: u32 = 0x811c_9dc5; // FNV-1a
    for byte in object["spec"]["template"].to_string().bytes() {
        hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    }
    format!("{hash:08x}")
}

fn number(object: &Value, pointer: &str) -> u64 {
    object.pointer(pointer).and_then(Value::as_u64).unwrap_or(0)
}

const REVISION: &str = "deployment.kubernetes.io/revision";
const TEMPLATE: &str = "boathook.test/rolled-template";

fn deployment(object: &Value, broken: bool) -> Option<Value> {
    let mut next = object.clone();
    let generation = number(object, "/metadata/generation");
    let replicas = number(object, "/spec/replicas");
    let name =
        format!("{}-{}", object["metadata"]["name"].as_str().unwrap_or_default(), template_hash(object));
    if object["spec"]["paused"] == true {
        next["status"]["observedGeneration"] = json!(generation);
        return (next != *object).then_some(next);
    }
    let count = |updated: u64, total: u64, ready: u64| {
        let mut status = json!({
            "observedGeneration": generation, "replicas": total, "updatedReplicas": updated, "readyReplicas": ready,
            "availableReplicas": ready, "terminatingReplicas": 0
        });
        if total > ready || updated == 0 {
            status["unavailableReplicas"] = json!(total.saturating_sub(ready).max(1));
        }
        status
    };
    let progress = |reason: &str| {
        let (status, message) = match reason {
            "NewReplicaSetCreated" => ("True", format!("Created new replica set {name:?}")),
            "ReplicaSetUpdated" => ("True", format!("ReplicaSet {name:?} is progressing.")),
            "ProgressDeadlineExceeded" => {
                ("False", format!("ReplicaSet {name:?} has timed out progressing."))
            }
            _ => ("True", format!("ReplicaSet {name:?} has successfully progressed.")),
        };
        json!([
            {"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable",
             "message": "Deployment has minimum availability."},
            {"type": "Progressing", "status": status, "reason": reason, "message": message}
        ])
    };
    let set = |next: &mut Value, status: Value, reason: &str| {
        next["status"] = status;
        next["status"]["conditions"] = progress(reason);
    };
    let rolled = &object["metadata"]["annotations"][TEMPLATE];
    if *rolled != name.as_str() {
        // First only the new revision and its condition appear; observedGeneration still is the old one.
        let annotations = &mut next["metadata"]["annotations"];
        let revision = annotations[REVISION].as_str().and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
        annotations[REVISION] = json!((revision + 1).to_string());
        annotations[TEMPLATE] = json!(name);
        next["status"]["conditions"] = progress("NewReplicaSetCreated");
        return Some(next);
    }
    let observed = number(object, "/status/observedGeneration");
    let updated = number(object, "/status/updatedReplicas");
    let condition = object["status"]["conditions"][1]["reason"].as_str().unwrap_or_default();
    if observed < generation {
        match condition {
            "NewReplicaSetCreated" => set(&mut next, count(0, replicas, replicas), "NewReplicaSetCreated"),
            // Scaled, or something else that starts no new pods.
            _ => next["status"]["observedGeneration"] = json!(generation),
        }
        return Some(next);
    }
    match condition {
        "NewReplicaSetAvailable" | "ProgressDeadlineExceeded" => None,
        "ReplicaSetUpdated" if broken => {
            set(&mut next, count(1, replicas + 1, replicas), "ProgressDeadlineExceeded");
            Some(next)
        }
        _ if updated < replicas => {
            set(&mut next, count(updated + 1, replicas + 1, replicas), "ReplicaSetUpdated");
            Some(next)
        }
        _ => {
            set(&mut next, count(replicas, replicas, replicas), "NewReplicaSetAvailable");
            Some(next)
        }
    }
}

fn stateful_set(object: &Value, broken: bool) -> Option<Value> {
    let mut next = object.clone();
    let generation = number(object, "/metadata/generation");
    let replicas = number(object, "/spec/replicas");
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    let revision = format!("{name}-{}", template_hash(object));
    let status = &mut next["status"];
    let updated = number(object, "/status/updatedReplicas");
    if number(object, "/status/observedGeneration") < generation {
        status["observedGeneration"] = json!(generation);
        status["collisionCount"] = json!(0);
        for field in ["replicas", "readyReplicas", "availableReplicas"] {
            status[field] = json!(replicas);
        }
        if status["updateRevision"] != revision.as_str() {
            status["updateRevision"] = json!(revision);
            status["updatedReplicas"] = json!(0);
            status["currentReplicas"] = json!(replicas.saturating_sub(1));
        }
    } else if status["currentRevision"] == status["updateRevision"] {
        return None;
    } else if number(object, "/status/readyReplicas") == replicas && updated < replicas {
        // The next pod is replaced: it is gone until it is ready again.
        status["updatedReplicas"] = json!(updated + 1);
        status["readyReplicas"] = json!(replicas - 1);
        status["availableReplicas"] = json!(replicas - 1);
    } else if broken {
        return None;
    } else if number(object, "/status/readyReplicas") < replicas {
        status["readyReplicas"] = json!(replicas);
        status["availableReplicas"] = json!(replicas);
    } else {
        status["currentRevision"] = json!(revision);
        status["currentReplicas"] = json!(replicas);
    }
    Some(next)
}

fn daemon_set(object: &Value, broken: bool) -> Option<Value> {
    let mut next = object.clone();
    let generation = number(object, "/metadata/generation");
    // As many nodes as the test says, or one.
    let nodes = number(object, "/status/desiredNumberScheduled").max(1);
    let updated = number(object, "/status/updatedNumberScheduled");
    let status = &mut next["status"];
    if number(object, "/status/observedGeneration") < generation {
        *status = json!({
            "observedGeneration": generation, "desiredNumberScheduled": nodes, "currentNumberScheduled": nodes,
            "numberMisscheduled": 0, "numberReady": nodes, "numberAvailable": nodes, "updatedNumberScheduled": 0
        });
    } else if number(object, "/status/numberReady") < nodes {
        if broken {
            return None;
        }
        status["numberReady"] = json!(nodes);
        status["numberAvailable"] = json!(nodes);
        status.as_object_mut()?.remove("numberUnavailable");
    } else if updated < nodes {
        status["updatedNumberScheduled"] = json!(updated + 1);
        status["numberReady"] = json!(nodes - 1);
        status["numberAvailable"] = json!(nodes - 1);
        status["numberUnavailable"] = json!(1);
    } else {
        return None;
    }
    Some(next)
}

/// The `ReplicaSet` of the Deployment's current template, with its revision.
fn replica_set(world: &mut World, deployment: &Value) {
    let Some(kind) = world.kind_named("replicasets") else { return };
    let metadata = &deployment["metadata"];
    let name = metadata["annotations"][TEMPLATE].as_str().unwrap_or_default();
    if name.is_empty() {
        return;
    }
    let object = json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {
            "name": name, "namespace": metadata["namespace"], "labels": deployment["spec"]["selector"]["matchLabels"],
            "annotations": {REVISION: metadata["annotations"][REVISION]},
            "ownerReferences": [{
                "apiVersion": "apps/v1", "kind": "Deployment", "name": metadata["name"], "uid": metadata["uid"],
                "controller": true, "blockOwnerDeletion": true
            }]
        },
        "spec": {
            "replicas": deployment["spec"]["replicas"], "selector": deployment["spec"]["selector"],
            "template": deployment["spec"]["template"]
        }
    });
    world.store.put(&kind, object);
}

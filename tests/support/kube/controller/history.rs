//! The revisions of a workload: `ReplicaSets` of a Deployment, `ControllerRevisions` of the others.

use super::super::store::Key;
use super::super::world::World;
use serde_json::{Value, json};

/// The annotation with a Deployment's revision, on it and on its `ReplicaSets`.
pub const REVISION: &str = "deployment.kubernetes.io/revision";

/// The revision that a workload's pod template asks for: the same template, the same name.
pub fn name(object: &Value) -> String {
    let mut hash: u32 = 0x811c_9dc5; // FNV-1a
    for byte in object["spec"]["template"].to_string().bytes() {
        hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    }
    format!("{}-{hash:08x}", object["metadata"]["name"].as_str().unwrap_or_default())
}

/// Whether the workload had this revision before.
pub fn is_recorded(world: &World, workload: &Key, revision: &str) -> bool {
    let plural = if workload.1 == "deployments" { "replicasets" } else { "controllerrevisions" };
    let place = (workload.0.clone(), plural.to_owned(), workload.2.clone(), revision.to_owned());
    world.store.get(&place).is_some()
}

/// Writes the revision down, as the newest.
pub fn record(world: &mut World, workload: &Key, object: &Value, revision: &str) {
    let metadata = json!({
        "name": revision, "namespace": object["metadata"]["namespace"],
        "labels": object["spec"]["selector"]["matchLabels"],
        "ownerReferences": [{
            "apiVersion": "apps/v1", "kind": object["kind"], "name": object["metadata"]["name"],
            "uid": object["metadata"]["uid"], "controller": true, "blockOwnerDeletion": true
        }]
    });
    let record = if workload.1 == "deployments" {
        replica_set(metadata, object)
    } else {
        controller_revision(world, workload, &metadata, object)
    };
    if let Some(kind) = world.kind_of(&record) {
        world.store.put(&kind, record);
    }
}

fn replica_set(mut metadata: Value, object: &Value) -> Value {
    let number = object["metadata"]["annotations"][REVISION].as_str().unwrap_or("1");
    metadata["annotations"] = json!({REVISION: number});
    json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": metadata,
        "spec": {
            "replicas": object["spec"]["replicas"], "selector": object["spec"]["selector"],
            "template": object["spec"]["template"]
        }
    })
}

fn controller_revision(world: &World, workload: &Key, metadata: &Value, object: &Value) -> Value {
    let owner = &object["metadata"]["uid"];
    let newest = world
        .store
        .list("apps", "controllerrevisions", Some(&workload.2))
        .filter(|stored| stored.object["metadata"]["ownerReferences"][0]["uid"] == *owner)
        .filter_map(|stored| stored.object["revision"].as_u64())
        .max();
    let mut template = object["spec"]["template"].clone();
    template["$patch"] = json!("replace");
    json!({
        "apiVersion": "apps/v1", "kind": "ControllerRevision", "metadata": metadata,
        "data": {"spec": {"template": template}}, "revision": newest.unwrap_or(0) + 1
    })
}

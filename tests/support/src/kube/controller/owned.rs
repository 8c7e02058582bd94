//! What belongs to what: a Deployment's `ReplicaSets`, their pods, the revisions of the others.

use super::super::store::Key;
use super::super::world::World;
use super::names::text;
use serde_json::{Value, json};

/// The kinds of objects that controllers make: group, plural.
const MADE: [(&str, &str); 4] = [
    ("apps", "replicasets"),
    ("apps", "controllerrevisions"),
    ("serving.knative.dev", "revisions"),
    ("", "pods"),
];

/// The entry of `metadata.ownerReferences` that names this owner.
pub fn reference(owner: &Value) -> Value {
    json!({
        "apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"], "controller": true, "blockOwnerDeletion": true
    })
}

/// The uid of the controller that an object belongs to.
pub fn owner_uid(object: &Value) -> &str {
    let owners = object["metadata"]["ownerReferences"].as_array();
    let controller = owners.into_iter().flatten().find(|owner| owner["controller"] == true);
    controller.map_or("", |owner| text(owner, "/uid"))
}

/// The objects of one kind that belong to this one. Controllers begin their names with the owner's.
pub fn of<'a>(
    world: &'a World,
    (group, plural): (&'a str, &'a str),
    owner: &'a Value,
) -> impl Iterator<Item = (&'a Key, &'a Value)> {
    let prefix = format!("{}-", text(owner, "/metadata/name"));
    let uid = text(owner, "/metadata/uid");
    world
        .store
        .beginning(group, plural, text(owner, "/metadata/namespace"), &prefix)
        .filter(move |(_, stored)| owner_uid(&stored.object) == uid)
        .map(|(key, stored)| (key, &stored.object))
}

/// The workload that an object belongs to, itself if it belongs to none.
pub fn root(world: &World, key: &Key, object: &Value) -> Key {
    let owners = object["metadata"]["ownerReferences"].as_array();
    let Some(owner) = owners.into_iter().flatten().find(|owner| owner["controller"] == true) else {
        return key.clone();
    };
    let Some(kind) = world.kinds.iter().find(|kind| kind.is_of(owner)) else { return key.clone() };
    let above = (kind.group.clone(), kind.plural.clone(), key.2.clone(), text(owner, "/name").to_owned());
    match world.store.get(&above) {
        Some(stored) if stored.object["metadata"]["uid"] == owner["uid"] => {
            root(world, &above, &stored.object)
        }
        _ => key.clone(),
    }
}

/// Removes what belonged to an object that is gone, and what belonged to that.
pub fn collect(world: &mut World, gone: &Value) {
    for made in MADE {
        let keys: Vec<Key> = of(world, made, gone).map(|(key, _)| key.clone()).collect();
        for key in keys {
            if let Some(stored) = world.store.remove(&key) {
                collect(world, &stored.object);
            }
        }
    }
}

/// Whether anything belongs to this one.
pub fn any(world: &World, owner: &Value) -> bool {
    MADE.into_iter().any(|made| of(world, made, owner).next().is_some())
}

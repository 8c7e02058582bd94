//! The `ControllerRevisions` of `StatefulSets` and `DaemonSets`: every pod template they had.

use super::super::store::Key;
use super::super::world::World;
use super::names::{self, number, text};
use super::owned;
use serde_json::{Value, json};

/// The label with the hash of a revision's template.
const HASH: &str = "controller.kubernetes.io/hash";

/// The name of the revision with the workload's template, which from now on is the newest. It is made if it is not
/// there, with this name or else with one that says its hash.
pub fn newest(world: &mut World, workload: &Value, name: Option<&str>) -> String {
    let hash = names::hash(&workload["spec"]["template"]);
    let known: Vec<(Key, u64, bool)> = of(world, workload)
        .map(|(key, record)| {
            (key.clone(), number(record, "/revision"), record["metadata"]["labels"][HASH] == hash)
        })
        .collect();
    let highest = known.iter().map(|(_, revision, _)| *revision).max().unwrap_or(0);
    match known.iter().find(|(.., same)| *same) {
        Some((key, revision, _)) => {
            if *revision < highest {
                world.store.touch(key, |record| record["revision"] = json!(highest + 1));
            }
            key.3.clone()
        }
        None => create(world, workload, &hash, highest + 1, name),
    }
}

fn create(world: &mut World, workload: &Value, hash: &str, revision: u64, name: Option<&str>) -> String {
    let name = name.map_or_else(|| format!("{}-{hash}", text(workload, "/metadata/name")), str::to_owned);
    let namespace = text(workload, "/metadata/namespace");
    let mut template = workload["spec"]["template"].clone();
    template["$patch"] = json!("replace");
    let mut labels = workload["spec"]["template"]["metadata"]["labels"].clone();
    labels[HASH] = json!(hash);
    let record = json!({
        "apiVersion": "apps/v1", "kind": "ControllerRevision",
        "metadata": {
            "name": name, "namespace": namespace, "labels": labels, "creationTimestamp": names::now(),
            "ownerReferences": [owned::reference(workload)]
        },
        "data": {"spec": {"template": template}}, "revision": revision
    });
    let key = ("apps".to_owned(), "controllerrevisions".to_owned(), namespace.to_owned(), name.clone());
    world.store.produce(key, record);
    name
}

/// The pod template of a revision, if the workload has it.
pub fn template(world: &World, workload: &Value, name: &str) -> Option<Value> {
    let (_, record) = of(world, workload).find(|(key, _)| key.3 == name)?;
    let mut template = record["data"]["spec"]["template"].clone();
    template.as_object_mut()?.remove("$patch");
    Some(template)
}

/// Removes the oldest revisions that are not in use: `revisionHistoryLimit` of them are kept.
pub fn forget(world: &mut World, workload: &Value, in_use: &[&str]) {
    let mut old: Vec<(u64, Key)> = of(world, workload)
        .filter(|(key, _)| !in_use.contains(&key.3.as_str()))
        .map(|(key, record)| (number(record, "/revision"), key.clone()))
        .collect();
    old.sort();
    let limit = usize::try_from(number(workload, "/spec/revisionHistoryLimit")).unwrap();
    for (_, key) in old.iter().take(old.len().saturating_sub(limit)) {
        world.store.remove(key);
    }
}

fn of<'a>(world: &'a World, workload: &'a Value) -> impl Iterator<Item = (&'a Key, &'a Value)> {
    owned::of(world, ("apps", "controllerrevisions"), workload)
}

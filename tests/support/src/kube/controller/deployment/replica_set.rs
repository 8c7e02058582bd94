//! The `ReplicaSets` of a Deployment and their pods.

use super::super::super::store::Key;
use super::super::super::world::World;
use super::super::names::{self, number, suffix, text};
use super::super::owned;
use super::super::pod::{self, New, Pod};
use super::replicas;
use serde_json::{Value, json};

/// The annotation with a Deployment's revision, on it and on its `ReplicaSets`.
pub const REVISION: &str = "deployment.kubernetes.io/revision";
const HASH: &str = "pod-template-hash";

/// One `ReplicaSet`.
pub struct Set {
    pub key: Key,
    pub revision: u64,
    /// How many pods it is to have.
    pub wanted: u64,
    pub pods: Vec<Pod>,
    /// It has had no pods for a while, as most of them.
    idle: bool,
}

impl Set {
    /// The pods that stay.
    pub fn staying(&self) -> impl Iterator<Item = &Pod> {
        self.pods.iter().filter(|pod| !pod.ending)
    }

    /// All, ready, available.
    pub fn counts(&self) -> (u64, u64, u64) {
        pod::counts(self.staying())
    }

    pub fn available(&self) -> u64 {
        self.counts().2
    }
}

/// A Deployment's `ReplicaSets`, the oldest revision first.
pub fn all(world: &World, deployment: &Value) -> Vec<Set> {
    let min_ready = number(deployment, "/spec/minReadySeconds");
    let own = owned::of(world, ("apps", "replicasets"), deployment);
    let mut sets: Vec<Set> = own
        .map(|(key, set)| {
            let wanted = number(set, "/spec/replicas");
            let idle = wanted == 0 && set["status"]["replicas"] == 0;
            let revision = set["metadata"]["annotations"][REVISION].as_str().unwrap_or("0").parse().unwrap();
            let pods = if idle { Vec::new() } else { pod::of(world, set, min_ready) };
            Set { key: key.clone(), revision, wanted, pods, idle }
        })
        .collect();
    sets.sort_by_key(|set| set.revision);
    sets
}

/// Makes the `ReplicaSet` of the Deployment's template.
pub fn create(world: &mut World, deployment: &Value, name: &str, revision: u64, wanted: u64) -> Key {
    let hash = name.rsplit('-').next().unwrap_or_default();
    let mut template = deployment["spec"]["template"].clone();
    template["metadata"]["labels"][HASH] = json!(hash);
    let mut selector = deployment["spec"]["selector"].clone();
    selector["matchLabels"][HASH] = json!(hash);
    let set = json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {
            "name": name, "namespace": deployment["metadata"]["namespace"], "generation": 1,
            "creationTimestamp": names::now(), "labels": template["metadata"]["labels"],
            "annotations": {
                REVISION: revision.to_string(), "deployment.kubernetes.io/desired-replicas":
                replicas(deployment).to_string()
            },
            "ownerReferences": [owned::reference(deployment)]
        },
        "spec": {"replicas": wanted, "selector": selector, "template": template},
        "status": {"replicas": 0}
    });
    let namespace = text(deployment, "/metadata/namespace").to_owned();
    let key = ("apps".to_owned(), "replicasets".to_owned(), namespace, name.to_owned());
    world.store.produce(key.clone(), set);
    key
}

/// Writes down how many pods each is to have.
pub fn write(world: &mut World, sets: &[Set]) {
    for set in sets {
        let before = world.store.get(&set.key).map(|stored| number(&stored.object, "/spec/replicas"));
        if before.is_some_and(|before| before != set.wanted) {
            world.store.touch(&set.key, |object| {
                object["spec"]["replicas"] = json!(set.wanted);
                object["metadata"]["generation"] = json!(number(object, "/metadata/generation") + 1);
            });
        }
    }
}

/// Brings their statuses up to date.
pub fn report(world: &mut World, sets: &[Set]) {
    for set in sets.iter().filter(|set| !set.idle) {
        let Some(stored) = world.store.get(&set.key) else { continue };
        let (all, ready, available) = set.counts();
        let mut status =
            json!({"replicas": all, "observedGeneration": stored.object["metadata"]["generation"]});
        let counts =
            [("fullyLabeledReplicas", all), ("readyReplicas", ready), ("availableReplicas", available)];
        for (field, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
            status[field] = json!(count);
        }
        if stored.object["status"] != status {
            world.store.touch(&set.key, |set| set["status"] = status);
        }
    }
}

/// Removes the oldest that nobody needs: `revisionHistoryLimit` of them are kept.
pub fn forget(world: &mut World, deployment: &Value, sets: &[Set]) {
    let name = names::revision(deployment);
    let old: Vec<&Set> =
        sets.iter().filter(|set| set.wanted == 0 && set.pods.is_empty() && set.key.3 != name).collect();
    let limit = usize::try_from(number(deployment, "/spec/revisionHistoryLimit")).unwrap();
    for set in old.iter().take(old.len().saturating_sub(limit)) {
        world.store.remove(&set.key);
    }
}

/// The next thing that happens to a Deployment's pods; false when they stay as they are.
pub fn act(world: &mut World, key: &Key) -> bool {
    let Some(stored) = world.store.get(key) else { return false };
    let min_ready = number(&stored.object, "/spec/minReadySeconds");
    let sets = all(world, &stored.object);
    for set in &sets {
        let (count, ..) = set.counts();
        if count > set.wanted {
            // The one that is of least use.
            let least = set.staying().min_by_key(|pod| (pod.ready, pod.available)).unwrap();
            world.store.remove(&least.key);
            return true;
        }
    }
    for set in &sets {
        if set.counts().0 < set.wanted {
            add(world, &set.key);
            return true;
        }
    }
    let pods: Vec<Pod> = sets.into_iter().flat_map(|set| set.pods).collect();
    pod::act(world, &pods, min_ready)
}

/// A Deployment that a test says is rolled out has its `ReplicaSet` and its pods.
pub fn adopt(world: &mut World, deployment: &Value) {
    let revision = deployment["metadata"]["annotations"][REVISION].as_str().unwrap_or("1").parse().unwrap();
    let set = create(world, deployment, &names::revision(deployment), revision, replicas(deployment));
    let ready = number(deployment, "/status/readyReplicas");
    for index in 0..replicas(deployment) {
        let pod = add(world, &set);
        if index < ready {
            pod::start(world, &pod);
        }
    }
    report(world, &all(world, deployment));
}

fn add(world: &mut World, set: &Key) -> Key {
    let set = world.store.get(set).unwrap().object.clone();
    let number = world.rollouts.count();
    let name = format!("{}-{}", text(&set, "/metadata/name"), suffix(number));
    let template = &set["spec"]["template"];
    let node = pod::node_for(number);
    pod::create(world, New { owner: &set, template, name, labels: json!({}), node })
}

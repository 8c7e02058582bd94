//! `DaemonSets`: one pod on every node, replaced as many at a time as may be unavailable.

use super::super::store::Key;
use super::super::world::World;
use super::names::{self, number, suffix, text};
use super::pod::{self, New, Pod};
use super::{Moved, history};
use serde_json::{Value, json};

/// How many nodes a `DaemonSet` has pods on when its status does not say it.
const NODES: u64 = 2;

/// Looks at a `DaemonSet` and does what is due.
pub fn sync(world: &mut World, key: &Key) -> Moved {
    let Some(stored) = world.store.get(key) else { return Moved::Nothing };
    let set = stored.object.clone();
    let newest = history::newest(world, &set, None);
    let hash = names::hash(&set["spec"]["template"]);
    let pods = pod::of(world, &set, number(&set, "/spec/minReadySeconds"));
    let mut acted = false;
    for node in nodes(&set) {
        if !pods.iter().any(|pod| pod.node == node) {
            create(world, &set, &hash, node);
            acted = true;
        }
    }
    for pod in to_replace(&set, &pods, &hash) {
        pod::end(world, &pod.key);
        acted = true;
    }
    let status = status(&set, &pods, &hash);
    if status != set["status"] {
        world.store.touch(key, |set| set["status"] = status);
        return Moved::Seen;
    }
    if acted {
        return Moved::Hidden;
    }
    let used = pods.iter().map(|pod| format!("{}-{}", text(&set, "/metadata/name"), pod.revision));
    let in_use: Vec<String> = used.chain([newest]).collect();
    history::forget(world, &set, &in_use.iter().map(String::as_str).collect::<Vec<_>>());
    Moved::Nothing
}

/// The next thing that happens to its pods; false when they stay as they are.
pub fn act(world: &mut World, key: &Key) -> bool {
    let Some(stored) = world.store.get(key) else { return false };
    let min_ready = number(&stored.object, "/spec/minReadySeconds");
    let pods = pod::of(world, &stored.object, min_ready);
    pod::act(world, &pods, min_ready)
}

/// A `DaemonSet` that a test says is rolled out has its revision and its pods.
pub fn adopt(world: &mut World, set: &Value) {
    history::newest(world, set, None);
    let hash = names::hash(&set["spec"]["template"]);
    let ready = number(set, "/status/numberReady");
    for (number, node) in (0..).zip(nodes(set)) {
        let pod = create(world, set, &hash, node);
        if number < ready {
            pod::start(world, &pod);
        }
    }
}

fn nodes(set: &Value) -> impl Iterator<Item = String> {
    let number = set["status"]["desiredNumberScheduled"].as_u64().unwrap_or(NODES);
    (1..=number).map(|number| format!("node-{number}"))
}

/// Old pods that are not available, and available ones as long as not too many are missing.
fn to_replace<'a>(set: &Value, pods: &'a [Pod], hash: &str) -> Vec<&'a Pod> {
    if text(set, "/spec/updateStrategy/type") == "OnDelete" {
        return Vec::new();
    }
    let nodes = nodes(set).count() as u64;
    let budget = match &set["spec"]["updateStrategy"]["rollingUpdate"]["maxUnavailable"] {
        Value::String(percent) => {
            let percent: u64 = percent.trim_end_matches('%').parse().unwrap();
            (nodes * percent).div_ceil(100)
        }
        other => other.as_u64().unwrap_or(1),
    };
    let there = pods.iter().filter(|pod| !pod.ending && pod.available).count() as u64;
    // With maxSurge the new pod comes first; here it takes the old one's place.
    let spare = budget.max(1).saturating_sub(nodes.saturating_sub(there));
    let old = |pod: &&Pod| !pod.ending && pod.revision != hash;
    let (available, broken): (Vec<&Pod>, Vec<&Pod>) = pods.iter().filter(old).partition(|pod| pod.available);
    broken.into_iter().chain(available.into_iter().take(usize::try_from(spare).unwrap())).collect()
}

/// Counts of zero are left out, except those that the API server always writes.
fn status(set: &Value, pods: &[Pod], hash: &str) -> Value {
    let (all, ready, available) = pod::counts(pods);
    let updated = pods.iter().filter(|pod| pod.revision == hash).count() as u64;
    let nodes = nodes(set).count() as u64;
    let mut status = json!({
        "observedGeneration": set["metadata"]["generation"], "desiredNumberScheduled": nodes,
        "currentNumberScheduled": all, "numberMisscheduled": 0, "numberReady": ready
    });
    let counts = [
        ("updatedNumberScheduled", updated),
        ("numberAvailable", available),
        ("numberUnavailable", nodes.saturating_sub(available)),
    ];
    for (field, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
        status[field] = json!(count);
    }
    status
}

fn create(world: &mut World, set: &Value, hash: &str, node: String) -> Key {
    let mut template = set["spec"]["template"].clone();
    template["spec"]["affinity"] = json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {
        "nodeSelectorTerms": [{"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]}]
    }}});
    let name = format!("{}-{}", text(set, "/metadata/name"), suffix(world.rollouts.count()));
    let labels = json!({
        "controller-revision-hash": hash,
        "pod-template-generation": text(set, "/metadata/annotations/deprecated.daemonset.template.generation")
    });
    pod::create(world, New { owner: set, template: &template, name, labels, node })
}

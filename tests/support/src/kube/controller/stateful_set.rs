//! `StatefulSets`: pods with ordinals, replaced one by one from the highest down.
//!
//! With `OrderedReady` nothing happens as long as a pod that is there is not ready. So a pod of a revision that is
//! broken blocks the way back to a good one until somebody deletes it; this is how real ones are.

use super::super::store::Key;
use super::super::world::World;
use super::names::{number, text};
use super::pod::{self, New, Pod};
use super::{Moved, history};
use serde_json::{Value, json};

/// One look at a `StatefulSet`.
struct Look {
    set: Value,
    /// The pods with their ordinals, in their order.
    pods: Vec<(u64, Pod)>,
    /// The revision that pods below the partition keep.
    current: String,
    /// The revision that the template asks for.
    update: String,
}

/// What is to be done about a pod.
enum Act<'a> {
    Create(u64),
    /// It is not wanted any more.
    End(&'a Pod),
    /// It is of another revision.
    Replace(&'a Pod),
}

/// Looks at a `StatefulSet` and does what is due. The status says what was there before.
pub fn sync(world: &mut World, key: &Key) -> Moved {
    let Some(stored) = world.store.get(key) else { return Moved::Nothing };
    let set = stored.object.clone();
    let update = history::newest(world, &set, None);
    let current = text(&set, "/status/currentRevision");
    let current =
        history::template(world, &set, current).map_or_else(|| update.clone(), |_| current.to_owned());
    let pods = pods(world, &set);
    let look = Look { set, pods, current, update };
    let acts = look.due();
    let status = look.status(acts.iter().filter(|act| matches!(act, Act::Replace(_))).count() as u64);
    for act in &acts {
        match act {
            Act::Create(ordinal) => {
                look.create(world, *ordinal);
            }
            Act::End(pod) | Act::Replace(pod) => pod::end(world, &pod.key),
        }
    }
    if status != look.set["status"] {
        world.store.touch(key, |set| set["status"] = status);
        return Moved::Seen;
    }
    if !acts.is_empty() {
        return Moved::Hidden;
    }
    let mut in_use = vec![look.current.as_str(), look.update.as_str()];
    in_use.extend(look.pods.iter().map(|(_, pod)| pod.revision.as_str()));
    history::forget(world, &look.set, &in_use);
    Moved::Nothing
}

/// The next thing that happens to its pods; false when they stay as they are.
pub fn act(world: &mut World, key: &Key) -> bool {
    let Some(stored) = world.store.get(key) else { return false };
    let set = &stored.object;
    let min_ready = number(set, "/spec/minReadySeconds");
    let pods: Vec<Pod> = pods(world, set).into_iter().map(|(_, pod)| pod).collect();
    pod::act(world, &pods, min_ready)
}

/// A `StatefulSet` that a test says is rolled out has its revision and its pods.
pub fn adopt(world: &mut World, set: &Value) {
    let named = text(set, "/status/updateRevision");
    let update = history::newest(world, set, Some(named).filter(|named| !named.is_empty()));
    let look = Look { set: set.clone(), pods: Vec::new(), current: update.clone(), update };
    let ready = number(set, "/status/readyReplicas");
    for ordinal in 0..look.replicas() {
        let pod = look.create(world, ordinal);
        if ordinal < ready {
            pod::start(world, &pod);
        }
    }
}

fn pods(world: &World, set: &Value) -> Vec<(u64, Pod)> {
    let own = pod::of(world, set, number(set, "/spec/minReadySeconds")).into_iter();
    let ordinal = |pod: &Pod| pod.key.3.rsplit('-').next().and_then(|text| text.parse().ok());
    let mut pods: Vec<(u64, Pod)> = own.filter_map(|pod| Some((ordinal(&pod)?, pod))).collect();
    pods.sort_by_key(|(ordinal, _)| *ordinal);
    pods
}

impl Look {
    fn replicas(&self) -> u64 {
        number(&self.set, "/spec/replicas")
    }

    fn partition(&self) -> u64 {
        number(&self.set, "/spec/updateStrategy/rollingUpdate/partition")
    }

    fn on_delete(&self) -> bool {
        text(&self.set, "/spec/updateStrategy/type") == "OnDelete"
    }

    fn pod(&self, ordinal: u64) -> Option<&Pod> {
        self.pods.iter().find(|(own, _)| *own == ordinal).map(|(_, pod)| pod)
    }

    fn due(&self) -> Vec<Act<'_>> {
        let ordered = text(&self.set, "/spec/podManagementPolicy") != "Parallel";
        let mut acts = Vec::new();
        for ordinal in 0..self.replicas() {
            match self.pod(ordinal) {
                Some(pod) if ordered && (pod.ending || !pod.available) => return acts,
                Some(_) => {}
                None => {
                    acts.push(Act::Create(ordinal));
                    if ordered {
                        return acts;
                    }
                }
            }
        }
        for (_, pod) in self.pods.iter().rev().filter(|(ordinal, _)| *ordinal >= self.replicas()) {
            if !pod.ending {
                acts.push(Act::End(pod));
            }
            if ordered {
                return acts;
            }
        }
        acts.extend(self.to_replace().map(Act::Replace));
        acts
    }

    /// The highest pod of another revision, when those above it are new and available.
    fn to_replace(&self) -> Option<&Pod> {
        if self.on_delete() {
            return None;
        }
        for ordinal in (self.partition()..self.replicas()).rev() {
            let pod = self.pod(ordinal)?;
            if pod.revision != self.update && !pod.ending {
                return Some(pod);
            }
            if pod.ending || !pod.available {
                return None;
            }
        }
        None
    }

    /// Counts of zero are left out, except those that the API server always writes.
    fn status(&self, replaced: u64) -> Value {
        let pods = || self.pods.iter().map(|(_, pod)| pod);
        let of = |revision: &str| pods().filter(|pod| !pod.ending && pod.revision == revision).count() as u64;
        let (replicas, ready, available) = pod::counts(pods());
        let updated = of(&self.update);
        let mut current = (self.current.as_str(), of(&self.current).saturating_sub(replaced));
        let wanted = self.replicas();
        if !self.on_delete() && (replicas, ready, updated) == (wanted, wanted, wanted) {
            current = (&self.update, updated);
        }
        let mut status = json!({
            "observedGeneration": self.set["metadata"]["generation"], "replicas": replicas,
            "availableReplicas": available, "collisionCount": 0, "currentRevision": current.0,
            "updateRevision": self.update
        });
        let counts = [("readyReplicas", ready), ("currentReplicas", current.1), ("updatedReplicas", updated)];
        for (field, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
            status[field] = json!(count);
        }
        status
    }

    fn create(&self, world: &mut World, ordinal: u64) -> Key {
        let old = !self.on_delete() && ordinal < self.partition();
        let revision = if old { &self.current } else { &self.update };
        let template = history::template(world, &self.set, revision);
        let template = template.unwrap_or_else(|| self.set["spec"]["template"].clone());
        let name = format!("{}-{ordinal}", text(&self.set, "/metadata/name"));
        let labels = json!({
            "controller-revision-hash": revision, "statefulset.kubernetes.io/pod-name": name,
            "apps.kubernetes.io/pod-index": ordinal.to_string()
        });
        let node = pod::node_for(ordinal);
        pod::create(world, New { owner: &self.set, template: &template, name, labels, node })
    }
}

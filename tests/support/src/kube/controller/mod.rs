//! What controllers and kubelets do after somebody has changed a workload: the rules of the real ones, one visible
//! step at a time, so that a client sees the statuses that a real cluster went through (`tests/data/rollouts/`).

mod argo;
pub mod clock;
mod daemon_set;
mod deployment;
mod history;
pub mod how;
mod knative;
pub mod names;
mod owned;
mod pace;
mod pod;
mod stateful_set;

pub use argo::{abort, promote};
pub use pace::{Pace, after, next, settle, tick};

use super::store::Key;
use super::world::World;
use how::Images;
use names::number;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// What the controllers know.
#[derive(Debug, Default)]
pub struct Rollouts {
    pub pace: Pace,
    pub images: Images,
    /// A Deployment that has not moved for so long has run out of time.
    pub deadline: Duration,
    /// Pods are there before a Deployment's controller looks again.
    pub quick_replica_sets: bool,
    /// The clock is to end.
    pub ended: bool,
    /// The workloads that may have something to do.
    active: BTreeSet<Key>,
    /// The workloads that wait for their time to be up.
    waiting: BTreeMap<Key, Instant>,
    /// When each Deployment last moved.
    progressed: BTreeMap<Key, Instant>,
    /// How many pods were made.
    made: u64,
}

/// What looking at a workload came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moved {
    /// The workload has changed, as its watchers see.
    Seen,
    /// Something else has changed.
    Hidden,
    Nothing,
}

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// The workload has changed; there may be more to do.
    Taken,
    /// There is nothing to do before this moment.
    Waits(Instant),
    /// There is nothing to do until somebody changes something.
    Rests,
}

/// The kinds that roll out.
const KINDS: [(&str, &str); 5] = [
    ("argoproj.io", "rollouts"),
    ("apps", "deployments"),
    ("apps", "statefulsets"),
    ("apps", "daemonsets"),
    ("serving.knative.dev", "services"),
];

/// No workload of a test takes so many steps that nobody sees.
const LIMIT: usize = 10_000;

impl Rollouts {
    /// Whether nothing can be done right now.
    pub fn rests(&self) -> bool {
        self.active.is_empty()
    }

    /// What the clock waits for: the pace, whether something is to be done, the next deadline.
    fn outlook(&self) -> (Pace, bool, Option<Instant>) {
        (self.pace, self.rests(), self.waiting.values().min().copied())
    }

    /// Counts one more pod.
    fn count(&mut self) -> u64 {
        self.made += 1;
        self.made
    }
}

/// Somebody has changed this object: its workload may have something to do.
pub fn changed(world: &mut World, key: &Key, object: &Value) {
    let workload = owned::root(world, key, object);
    if world.rollouts.pace != Pace::Off && is_workload(&workload) {
        world.rollouts.waiting.remove(&workload);
        world.rollouts.active.insert(workload);
    }
}

/// Somebody has deleted this object. Pods of a workload end by themselves, and it makes new ones.
pub fn deleted(world: &mut World, key: &Key) {
    let Some(stored) = world.store.get(key) else { return };
    let object = stored.object.clone();
    let workload = owned::root(world, key, &object);
    changed(world, key, &object);
    if key.1 == "pods" && world.rollouts.active.contains(&workload) {
        pod::end(world, key);
    } else {
        world.store.remove(key);
        owned::collect(world, &object);
    }
}

/// A test put this workload there. Where its status is up to date, its template counts as rolled out.
pub fn adopt(world: &mut World, key: &Key) {
    let Some(stored) = world.store.get(key) else { return };
    if world.rollouts.pace == Pace::Off || !is_workload(key) {
        return;
    }
    let object = stored.object.clone();
    if number(&object, "/status/observedGeneration") != number(&object, "/metadata/generation") {
        changed(world, key, &object);
    } else if !owned::any(world, &object) {
        match key.1.as_str() {
            "deployments" => deployment::adopt(world, &object),
            "statefulsets" => stateful_set::adopt(world, &object),
            "daemonsets" => daemon_set::adopt(world, &object),
            "rollouts" => {}
            _ => knative::adopt(world, &object),
        }
    }
}

/// The controllers are switched on: see [`adopt`].
pub fn adopt_all(world: &mut World) {
    for key in workloads(world) {
        adopt(world, &key);
    }
}

/// Something is different for all: an image was broken or mended.
pub fn all_changed(world: &mut World) {
    if world.rollouts.pace != Pace::Off {
        world.rollouts.waiting.clear();
        let all = workloads(world);
        world.rollouts.active.extend(all);
    }
}

fn workloads(world: &World) -> Vec<Key> {
    KINDS.iter().flat_map(|(group, plural)| world.store.keys(group, plural)).collect()
}

fn is_workload(key: &Key) -> bool {
    KINDS.contains(&(key.0.as_str(), key.1.as_str()))
}

/// Does what is due for one workload until its watchers see a change.
fn step(world: &mut World, key: &Key) -> Step {
    for _ in 0..LIMIT {
        let first = world.rollouts.quick_replica_sets && key.1 == "deployments" && act(world, key);
        match sync(world, key) {
            Moved::Seen => return Step::Taken,
            Moved::Hidden => {}
            Moved::Nothing if first || act(world, key) => {}
            Moved::Nothing => return rest(world, key),
        }
    }
    panic!("the controllers do not come to rest with {key:?}");
}

fn sync(world: &mut World, key: &Key) -> Moved {
    match key.1.as_str() {
        "deployments" => deployment::sync(world, key),
        "statefulsets" => stateful_set::sync(world, key),
        "daemonsets" => daemon_set::sync(world, key),
        "rollouts" => argo::sync(world, key),
        _ => knative::sync(world, key),
    }
}

fn act(world: &mut World, key: &Key) -> bool {
    match key.1.as_str() {
        "deployments" => deployment::act(world, key),
        "statefulsets" => stateful_set::act(world, key),
        "daemonsets" => daemon_set::act(world, key),
        "rollouts" => argo::act(world, key),
        _ => knative::act(world, key),
    }
}

/// Nothing moves any more: the time of the rollout is up, will be up, or does not count.
fn rest(world: &mut World, key: &Key) -> Step {
    let due = match key.1.as_str() {
        "deployments" => deployment::deadline(world, key),
        "services" => knative::deadline(world, key),
        "rollouts" => argo::deadline(world, key),
        _ => None,
    };
    match due {
        None => return Step::Rests,
        Some(due) if due > Instant::now() => return Step::Waits(due),
        Some(_) if key.1 == "services" => knative::time_is_up(world, key),
        Some(_) if key.1 == "rollouts" => argo::time_is_up(world, key),
        Some(_) => deployment::time_is_up(world, key),
    }
    Step::Taken
}

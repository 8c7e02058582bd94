//! What controllers do after a pod template has changed, in the steps that a real cluster went through
//! (`tests/data/rollouts/`): the status of the old generation first, then the new revision, then replicas one by
//! one, then done, or out of time. Off by default.

mod daemon_set;
mod deployment;
mod history;
mod stateful_set;

use super::super::serve::Request;
use super::kinds::Kind;
use super::route::Target;
use super::shared::Shared;
use super::store::Key;
use super::world::{World, key};
use serde_json::Value;
use std::collections::BTreeMap;
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

/// What the controllers remember.
#[derive(Debug, Default)]
pub struct Rollouts {
    pub pace: Pace,
    /// Pods with one of these never become ready.
    pub broken_images: Vec<String>,
    /// The revision (`ReplicaSet` or `ControllerRevision`) that each workload is at or on its way to.
    revisions: BTreeMap<Key, String>,
    /// Whether a task is taking steps by time.
    running: bool,
}

/// One workload at one moment.
struct Moment<'a> {
    object: &'a Value,
    generation: u64,
    observed: u64,
    /// The name of the revision that the pod template asks for.
    revision: String,
    /// The template asks for another revision than the one the controller is working on.
    template_changed: bool,
    /// That revision was there before.
    known: bool,
    broken: bool,
}

/// The kinds that roll out.
const KINDS: [&str; 3] = ["deployments", "statefulsets", "daemonsets"];

/// A test put this workload there. Where its status is up to date, its template counts as rolled out.
pub fn adopt(world: &mut World, key: &Key) {
    if world.rollouts.pace == Pace::Off || key.0 != "apps" || !KINDS.contains(&key.1.as_str()) {
        return;
    }
    let Some(stored) = world.store.get(key) else { return };
    let object = stored.object.clone();
    if number(&object, "/status/observedGeneration") == number(&object, "/metadata/generation") {
        let revision = history::name(&object);
        history::record(world, key, &object, &revision);
        world.rollouts.revisions.insert(key.clone(), revision);
    }
}

/// The controllers are switched on: see [`adopt`].
pub fn adopt_all(world: &mut World) {
    for key in workloads(world) {
        if !world.rollouts.revisions.contains_key(&key) {
            adopt(world, &key);
        }
    }
}

/// A read has been answered: with [`Pace::PerRead`] what was read goes one step on.
pub fn after(world: &mut World, request: &Request) {
    if world.rollouts.pace != Pace::PerRead || request.method != "GET" {
        return;
    }
    let path = request.path_and_query.split('?').next().unwrap_or_default();
    let Some(target) = Target::parse(path) else { return };
    let read = key(&target);
    for one in workloads(world) {
        let listed = read.3.is_empty() && one.1 == read.1 && (read.2.is_empty() || one.2 == read.2);
        if one == read || listed {
            step(world, &one);
        }
    }
}

/// With [`Pace::Every`] the rollouts go on by themselves until nothing is left to do.
pub fn start(shared: &Arc<Shared>) {
    let pause = {
        let rollouts = &mut shared.world().rollouts;
        let Pace::Every(pause) = rollouts.pace else { return };
        if std::mem::replace(&mut rollouts.running, true) {
            return;
        }
        pause
    };
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(pause).await;
            let goes_on = shared.change(|world| {
                let moved = workloads(world).iter().filter(|key| step(world, key)).count() > 0;
                world.rollouts.running = moved;
                moved
            });
            if !goes_on {
                return;
            }
        }
    });
}

fn workloads(world: &World) -> Vec<Key> {
    let kinds = KINDS.iter().filter_map(|plural| world.kind_named(plural));
    kinds.flat_map(|kind: Kind| world.store.keys("apps", &kind.plural)).collect()
}

/// Takes the next step of one workload's rollout; false when there is none.
fn step(world: &mut World, key: &Key) -> bool {
    let Some(stored) = world.store.get(key) else { return false };
    let object = stored.object.clone();
    let revision = history::name(&object);
    let moment = Moment {
        object: &object,
        generation: number(&object, "/metadata/generation"),
        observed: number(&object, "/status/observedGeneration"),
        template_changed: world.rollouts.revisions.get(key) != Some(&revision),
        known: history::is_recorded(world, key, &revision),
        broken: images(&object).any(|image| world.rollouts.broken_images.iter().any(|own| own == image)),
        revision,
    };
    let next = match key.1.as_str() {
        "deployments" => deployment::step(&moment),
        "statefulsets" => stateful_set::step(&moment),
        _ => daemon_set::step(&moment),
    };
    let Some(next) = next else { return false };
    if moment.template_changed && next["spec"]["paused"] != true {
        history::record(world, key, &next, &moment.revision);
        world.rollouts.revisions.insert(key.clone(), moment.revision);
    }
    world.store.touch(key, |object| *object = next);
    true
}

fn images(object: &Value) -> impl Iterator<Item = &str> {
    let containers = object["spec"]["template"]["spec"]["containers"].as_array();
    containers.into_iter().flatten().filter_map(|container| container["image"].as_str())
}

fn number(object: &Value, pointer: &str) -> u64 {
    object.pointer(pointer).and_then(Value::as_u64).unwrap_or(0)
}

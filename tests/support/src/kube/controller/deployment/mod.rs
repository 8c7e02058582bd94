//! Deployments: a `ReplicaSet` for every pod template, scaled against each other as the strategy says.
//!
//! The rules are those of kube-controller-manager, so that a client sees the statuses that a real cluster shows, in
//! the same order (`tests/data/rollouts/`).

mod replica_set;
mod scale;
mod status;

pub use replica_set::{act, adopt};
pub use status::{deadline, time_is_up};

use super::super::store::Key;
use super::super::world::World;
use super::Moved;
use super::names::{self, number};
use replica_set::{REVISION, Set};
use serde_json::{Value, json};
use status::condition;
use std::time::Instant;

/// Looks at a Deployment and does what is due.
pub fn sync(world: &mut World, key: &Key) -> Moved {
    let Some(stored) = world.store.get(key) else { return Moved::Nothing };
    let deployment = stored.object.clone();
    let mut sets = replica_set::all(world, &deployment);
    replica_set::report(world, &sets);
    let wanted = names::revision(&deployment);
    let newest = sets.iter().position(|set| set.key.3 == wanted);
    if deployment["spec"]["paused"] == true {
        let hidden = newest.is_some_and(|newest| scale::paused(&deployment, &mut sets, newest));
        return finish(world, key, &deployment, &sets, newest, hidden);
    }
    let Some(newest) = newest else {
        if let Some(asked) = scale::empty_first(&deployment, &mut sets) {
            return finish(world, key, &deployment, &sets, None, asked);
        }
        return begin(world, key, &deployment, &sets, &wanted);
    };
    if take_up(world, key, &deployment, &mut sets, newest) {
        return Moved::Seen;
    }
    let scaled = scale::rolling(&deployment, &mut sets, newest);
    let moved = finish(world, key, &deployment, &sets, Some(newest), scaled);
    if moved == Moved::Nothing && status::is_complete(&deployment) {
        replica_set::forget(world, &deployment, &sets);
    }
    moved
}

/// A template that is new: its `ReplicaSet` and its revision, which are told before the generation is observed.
fn begin(world: &mut World, key: &Key, deployment: &Value, sets: &[Set], name: &str) -> Moved {
    let revision = newest_revision(sets) + 1;
    let replicas = scale::first(deployment, sets);
    replica_set::create(world, deployment, name, revision, replicas);
    let message = format!("Created new replica set {name:?}");
    world.rollouts.progressed.insert(key.clone(), Instant::now());
    world.store.touch(key, |deployment| {
        deployment["metadata"]["annotations"][REVISION] = json!(revision.to_string());
        if status::has_deadline(deployment) {
            condition::set(
                &mut deployment["status"],
                "Progressing",
                "True",
                "NewReplicaSetCreated",
                &message,
            );
        }
    });
    Moved::Seen
}

/// A template that was there before becomes the newest revision again.
fn take_up(world: &mut World, key: &Key, deployment: &Value, sets: &mut [Set], newest: usize) -> bool {
    let others = sets.iter().enumerate().filter(|(index, _)| *index != newest).map(|(_, set)| set.revision);
    let above = others.max().unwrap_or(0) + 1;
    if sets[newest].revision < above {
        sets[newest].revision = above;
        world.store.touch(&sets[newest].key, |set| {
            set["metadata"]["annotations"][REVISION] = json!(above.to_string());
        });
    }
    let revision = sets[newest].revision.to_string();
    if deployment["metadata"]["annotations"][REVISION] == revision {
        return false;
    }
    world.store.touch(key, |deployment| deployment["metadata"]["annotations"][REVISION] = json!(revision));
    true
}

/// Writes down what was decided.
fn finish(
    world: &mut World,
    key: &Key,
    deployment: &Value,
    sets: &[Set],
    newest: Option<usize>,
    scaled: bool,
) -> Moved {
    if scaled {
        replica_set::write(world, sets);
    }
    let (status, progressed) = status::status(deployment, sets, newest);
    if status == deployment["status"] {
        return if scaled { Moved::Hidden } else { Moved::Nothing };
    }
    if progressed {
        world.rollouts.progressed.insert(key.clone(), Instant::now());
    }
    world.store.touch(key, |deployment| deployment["status"] = status);
    Moved::Seen
}

fn newest_revision(sets: &[Set]) -> u64 {
    sets.iter().map(|set| set.revision).max().unwrap_or(0)
}

fn replicas(deployment: &Value) -> u64 {
    number(deployment, "/spec/replicas")
}

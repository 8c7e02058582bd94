//! When the controllers take their steps.

use super::super::super::serve::Request;
use super::super::route::Target;
use super::super::store::Key;
use super::super::world::{World, key};
use super::{Step, step};
use std::time::{Duration, Instant};

/// When a rollout takes its next step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pace {
    /// Never: the status stays as the test puts it.
    Off,
    /// All of them at once, before the next request is answered.
    #[default]
    AtOnce,
    /// After every read of the object, so that a client that polls sees every step.
    PerRead,
    /// By time.
    Every(Duration),
}

/// Something may have changed: with [`Pace::AtOnce`] everything is done that can be done.
pub fn settle(world: &mut World) {
    if world.rollouts.pace == Pace::AtOnce {
        while let Some(key) = world.rollouts.active.first().cloned() {
            advance(world, &key);
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
    wake(world);
    for one in world.rollouts.active.clone() {
        let listed = read.3.is_empty()
            && (&one.0, &one.1) == (&read.0, &read.1)
            && (read.2.is_empty() || one.2 == read.2);
        if one == read || listed {
            advance(world, &one);
        }
    }
}

/// How long the clock has to wait before its next [`tick`]; none when it has nothing to do.
pub fn next(world: &World) -> Option<Duration> {
    let rollouts = &world.rollouts;
    let due = || rollouts.waiting.values().min().map(|due| due.saturating_duration_since(Instant::now()));
    match rollouts.pace {
        Pace::Off | Pace::PerRead => None,
        Pace::AtOnce => due(),
        Pace::Every(pause) if rollouts.active.is_empty() => due().map(|due| due.max(pause)),
        Pace::Every(pause) => Some(pause),
    }
}

/// Time has passed.
pub fn tick(world: &mut World) {
    wake(world);
    if let Pace::Every(_) = world.rollouts.pace {
        for key in world.rollouts.active.clone() {
            advance(world, &key);
        }
    }
    settle(world);
}

/// Those whose time has come have something to do again.
fn wake(world: &mut World) {
    let rollouts = &mut world.rollouts;
    let now = Instant::now();
    let due: Vec<Key> =
        rollouts.waiting.iter().filter(|(_, due)| **due <= now).map(|(key, _)| key.clone()).collect();
    for key in due {
        rollouts.waiting.remove(&key);
        rollouts.active.insert(key);
    }
}

/// One step of one workload.
fn advance(world: &mut World, key: &Key) {
    match step(world, key) {
        Step::Taken => return,
        Step::Waits(due) => {
            world.rollouts.waiting.insert(key.clone(), due);
        }
        Step::Rests => {}
    }
    world.rollouts.active.remove(key);
}

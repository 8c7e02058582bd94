//! Knative services: every template gives a revision, the newest that is ready gets the traffic.

mod revision;
mod status;

pub use revision::{act, deadline, time_is_up};

use super::super::store::Key;
use super::super::world::World;
use super::Moved;
use super::names::text;
use revision::Revision;
use serde_json::Value;
use std::time::Instant;

/// Looks at a service and does what is due.
pub fn sync(world: &mut World, key: &Key) -> Moved {
    let Some(stored) = world.store.get(key) else { return Moved::Nothing };
    let service = stored.object.clone();
    let mut revisions = revision::all(world, &service);
    if revisions.last().is_none_or(|newest| newest.hash != revision::hash(&service)) {
        revision::create(world, &service, revisions.last().map_or(0, |newest| newest.number) + 1);
        world.rollouts.progressed.insert(key.clone(), Instant::now());
        revisions = revision::all(world, &service);
    }
    let status = status::status(&service, &revisions);
    if status == service["status"] {
        return Moved::Nothing;
    }
    world.store.touch(key, |service| service["status"] = status);
    Moved::Seen
}

/// A service that a test says is rolled out has its revision.
pub fn adopt(world: &mut World, service: &Value) {
    let named = text(service, "/status/latestReadyRevisionName");
    let number = named.rsplit('-').next().and_then(|digits| digits.parse().ok()).unwrap_or(1);
    let name = revision::create(world, service, number);
    if Revision::is_ready_in(&service["status"]) {
        revision::start(world, service, &name);
    }
}

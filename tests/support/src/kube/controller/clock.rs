//! The controllers' clock, for what happens by time and not by a request.

use super::super::shared::Shared;
use super::super::world::World;
use super::{next, tick};
use std::sync::{Arc, PoisonError};
use std::thread::JoinHandle;

/// A thread that lets the controllers take their steps; it ends when this goes out of scope.
pub struct Clock {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Clock {
    pub fn start(shared: &Arc<Shared>) -> Self {
        let own = Arc::clone(shared);
        let thread = Some(std::thread::spawn(move || run(&own)));
        Self { shared: Arc::clone(shared), thread }
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        self.shared.change(|world| world.rollouts.ended = true);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(shared: &Shared) {
    let mut world = shared.world();
    while !world.rollouts.ended {
        let Some(pause) = next(&world) else {
            world = shared.changed.wait(world).unwrap_or_else(PoisonError::into_inner);
            continue;
        };
        // What somebody changes meanwhile must neither wait for a deadline nor hurry a step.
        let before = world.rollouts.outlook();
        let same = |world: &mut World| !world.rollouts.ended && world.rollouts.outlook() == before;
        let waited = shared.changed.wait_timeout_while(world, pause, same);
        let (after, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        world = after;
        if timeout.timed_out() {
            tick(&mut world);
            shared.tell();
        }
    }
}

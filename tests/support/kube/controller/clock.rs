//! The controllers' clock, for what happens by time and not by a request.

use super::super::shared::Shared;
use super::{next, tick};
use std::sync::{Arc, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

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
    let mut due: Option<Instant> = None;
    while !world.rollouts.ended {
        let now = Instant::now();
        // A change may bring the next step nearer than it was; it never puts one off.
        let next = next(&world).map(|pause| now + pause);
        due = next.map(|next| due.map_or(next, |due| due.min(next)));
        world = match due {
            None => shared.changed.wait(world).unwrap_or_else(PoisonError::into_inner),
            Some(due) if due > now => {
                shared.changed.wait_timeout(world, due - now).unwrap_or_else(PoisonError::into_inner).0
            }
            Some(_) => {
                due = None;
                tick(&mut world);
                shared.tell();
                world
            }
        };
    }
}

//! The world behind its lock, the news that it has changed, and the way of one request through it.

use super::super::serve::{Handler, Reply, Request};
use super::fault::Fault;
use super::world::{Recorded, World};
use super::{api, controller};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// The world and the news that it has changed.
pub struct Shared {
    world: Mutex<World>,
    pub news: watch::Sender<u64>,
    pub changed: Condvar,
}

impl Shared {
    pub fn new(world: World) -> Self {
        Self { world: Mutex::new(world), news: watch::Sender::new(0), changed: Condvar::new() }
    }

    /// The world, as it is now.
    pub fn world(&self) -> MutexGuard<'_, World> {
        // A test that failed while it held the lock has already said why.
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the world and tells those who wait.
    pub fn change<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        let mut world = self.world();
        let result = change(&mut world);
        controller::settle(&mut world);
        drop(world);
        self.tell();
        result
    }

    /// Tells those who wait that the world has changed.
    pub fn tell(&self) {
        self.news.send_modify(|count| *count += 1);
        self.changed.notify_all();
    }
}

/// Answers the server's requests.
pub fn handler(shared: Arc<Shared>) -> Handler {
    Arc::new(move |request| {
        let shared = Arc::clone(&shared);
        Box::pin(async move { handle(&shared, request).await })
    })
}

async fn handle(shared: &Arc<Shared>, request: Request) -> Reply {
    let mut news = shared.news.subscribe();
    let (number, fault, cleared) = shared.change(|world| {
        let number = world.arrived;
        world.arrived += 1;
        let recorded = Recorded::new(number, &request);
        if Recorded::is_review(&request) {
            world.reviews.push(recorded);
        } else {
            world.requests.push(recorded);
        }
        (number, world.faults.take(&request), world.faults.cleared())
    });
    if fault == Some(Fault::Hang) {
        while shared.world().faults.cleared() == cleared {
            // This cannot fail: the sender lives as long as the server.
            let _ = news.changed().await;
        }
    }
    if let Some(Fault::Slow(pause)) = fault {
        tokio::time::sleep(pause).await;
    }
    if fault == Some(Fault::Close) {
        return Reply::Drop;
    }
    let answer = shared.change(|world| {
        let refused = world.proxy.as_ref().and_then(|proxy| proxy.refuse(&request));
        let failed = fault.as_ref().and_then(|fault| fault.answer(&request));
        let answer = refused.or(failed).unwrap_or_else(|| api::answer(world, &request));
        let lost = matches!(fault, Some(Fault::LoseAnswer | Fault::CloseMidResponse));
        let mut recorded = world.requests.iter_mut().rev().chain(world.reviews.iter_mut().rev());
        if let Some(recorded) = recorded.find(|recorded| recorded.number == number && !lost) {
            recorded.status = answer.status;
        }
        controller::after(world, &request);
        answer
    });
    match fault {
        Some(Fault::LoseAnswer) => Reply::Drop,
        Some(Fault::CloseMidResponse) => Reply::Half(answer),
        _ => Reply::Answer(answer),
    }
}

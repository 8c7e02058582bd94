//! What the double has seen, and waiting for it.

use super::Double;
use super::objects::key_named;
use super::world::{Recorded, World};
use serde_json::Value;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

/// Nothing a test waits for takes this long, however busy the machine.
const PATIENCE: Duration = Duration::from_secs(30);

impl Double {
    /// Every request that arrived, in order, but for those that ask what the caller may do.
    pub fn requests(&self) -> Vec<Recorded> {
        self.world().requests.clone()
    }

    /// The requests that ask what the caller may do.
    pub fn reviews(&self) -> Vec<Recorded> {
        self.world().reviews.clone()
    }

    /// Waits until there are this many answered reviews, and returns all of them.
    pub fn wait_for_reviews(&self, number: usize) -> Vec<Recorded> {
        self.wait(|world| world.reviews.iter().filter(|review| review.status != 0).count() >= number);
        self.reviews()
    }

    /// Waits until a review has arrived, answered or not.
    pub fn wait_for_arrived_review(&self) {
        self.wait(|world| !world.reviews.is_empty());
    }

    /// The requests that would change something: all but GET and HEAD, and Events.
    pub fn mutations(&self) -> Vec<Recorded> {
        let requests = self.requests().into_iter();
        requests
            .filter(|request| !matches!(request.method.as_str(), "GET" | "HEAD"))
            .filter(|request| !request.path().ends_with("/events"))
            .collect()
    }

    /// The `PATCHes`.
    pub fn patches(&self) -> Vec<Recorded> {
        self.requests().into_iter().filter(|request| request.method == "PATCH").collect()
    }

    /// Forgets the requests so far.
    pub fn forget_requests(&self) {
        self.change(|world| world.requests.clear());
    }

    /// Waits until the requests fulfil this; fails the test naming them when they never do. Not for a test whose
    /// clock is paused.
    pub async fn wait_for(&self, condition: impl Fn(&[Recorded]) -> bool) {
        let mut news = self.shared.news.subscribe();
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while !condition(&self.world().requests) {
            if tokio::time::timeout_at(deadline, news.changed()).await.is_err() {
                self.give_up();
            }
        }
    }

    /// [`Self::wait_for`] for a test without a runtime.
    pub fn wait_for_blocking(&self, condition: impl Fn(&[Recorded]) -> bool) {
        self.wait(|world| condition(&world.requests));
    }

    /// Waits until there are this many answered `PATCHes`, and returns all of them.
    pub fn wait_for_patches(&self, number: usize) -> Vec<Recorded> {
        let answered = |request: &&Recorded| request.method == "PATCH" && request.status != 0;
        self.wait(|world| world.requests.iter().filter(answered).count() >= number);
        self.patches()
    }

    /// Waits until an object fulfils this, and returns it.
    pub fn wait_for_object(
        &self,
        resource: &str,
        namespace: &str,
        name: &str,
        condition: impl Fn(&Value) -> bool,
    ) -> Value {
        self.wait(|world| {
            let key = key_named(world, resource, namespace, name);
            world.store.get(&key).is_some_and(|stored| condition(&stored.object))
        });
        self.object(resource, namespace, name)
    }

    /// Waits until the world fulfils this.
    pub(super) fn wait(&self, condition: impl Fn(&World) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        let mut world = self.world();
        while !condition(&world) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                drop(world);
                self.give_up();
            }
            world = self.shared.changed.wait_timeout(world, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn give_up(&self) -> ! {
        let seen: Vec<String> = self
            .requests()
            .iter()
            .map(|request| {
                format!("{} {} {} {}", request.status, request.method, request.path_and_query, request.body)
            })
            .collect();
        panic!(
            "the double waited for {PATIENCE:?} in vain; it has seen these requests:\n{}",
            seen.join("\n")
        );
    }
}

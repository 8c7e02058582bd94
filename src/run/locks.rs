//! One run at a time for each workload.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

/// The workloads that are being worked on or waited for, by name.
#[derive(Debug, Default)]
pub struct Locks {
    held: Mutex<HashMap<String, Arc<AsyncMutex<()>>>>,
}

/// Leave to work on a workload, until it is dropped.
#[derive(Debug)]
pub struct Leave<'a> {
    locks: &'a Locks,
    name: String,
    guard: Option<OwnedMutexGuard<()>>,
}

impl Locks {
    /// Waits for the workload of this name; those who wait get it in the order in which they asked.
    pub async fn take(&self, name: String) -> Leave<'_> {
        let lock = Arc::clone(
            self.held.lock().unwrap_or_else(PoisonError::into_inner).entry(name.clone()).or_default(),
        );
        let guard = Some(lock.lock_owned().await);
        Leave { locks: self, name, guard }
    }
}

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        let mut held = self.locks.held.lock().unwrap_or_else(PoisonError::into_inner);
        self.guard = None;
        // Whoever waits holds a copy; when only the map does, the entry is of no more use.
        if held.get(&self.name).is_some_and(|lock| Arc::strong_count(lock) == 1) {
            held.remove(&self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_at_a_time_and_nothing_is_left_behind() {
        let locks = Locks::default();
        let first = locks.take("default/deployment/web".into()).await;
        let mut second = Box::pin(locks.take("default/deployment/web".into()));
        let other = locks.take("default/deployment/api".into()).await;
        tokio::select! {
            biased;
            _ = &mut second => panic!("two at once"),
            () = tokio::task::yield_now() => {}
        }
        drop(first);
        drop(second.await);
        drop(other);
        assert!(locks.held.lock().unwrap().is_empty());
    }
}

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
pub struct Leave {
    locks: Arc<Locks>,
    name: String,
    guard: Option<OwnedMutexGuard<()>>,
}

impl Locks {
    /// Waits for the workload of this name; those who wait get it in the order in which they asked.
    pub async fn take(self: &Arc<Self>, name: String) -> Leave {
        let guard = Some(self.lock(&name).lock_owned().await);
        Leave { locks: Arc::clone(self), name, guard }
    }

    /// Takes all of these at once; none if somebody has one of them.
    pub fn take_now(self: &Arc<Self>, names: Vec<String>) -> Option<Vec<Leave>> {
        let take = |name: String| {
            let guard = Some(self.lock(&name).try_lock_owned().ok()?);
            Some(Leave { locks: Arc::clone(self), name, guard })
        };
        names.into_iter().map(take).collect()
    }

    fn lock(&self, name: &str) -> Arc<AsyncMutex<()>> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(held.entry(name.to_owned()).or_default())
    }
}

impl Leave {
    /// Whether it is for the workload of this name.
    pub fn is_for(&self, name: &str) -> bool {
        self.name == name
    }
}

impl Drop for Leave {
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
        let locks = Arc::new(Locks::default());
        let first = locks.take("default/deployment/web".into()).await;
        let mut second = Box::pin(locks.take("default/deployment/web".into()));
        let other = locks.take("default/deployment/api".into()).await;
        tokio::select! {
            biased;
            _ = &mut second => panic!("two at once"),
            () = tokio::task::yield_now() => {}
        }
        let both = || vec!["default/deployment/edge".to_owned(), "default/deployment/web".to_owned()];
        assert!(locks.take_now(both()).is_none(), "one of them is taken");
        drop(first);
        drop(second.await);
        let taken = locks.take_now(both()).unwrap();
        assert!(taken[0].is_for("default/deployment/edge") && !taken[0].is_for("default/deployment/web"));
        drop(taken);
        drop(other);
        assert!(locks.held.lock().unwrap().is_empty());
    }
}

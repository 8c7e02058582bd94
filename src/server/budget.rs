//! What all requests share: so much of something, given out in shares that come back by themselves.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How much is given out. The limit is named with each taking, as it may change.
#[derive(Debug, Default)]
pub(super) struct Budget(AtomicUsize);

/// A part of a budget, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Share {
    budget: Arc<Budget>,
    amount: usize,
}

impl Budget {
    /// Takes so much, unless more than the limit would be given out.
    pub(super) fn take(self: &Arc<Self>, amount: usize, limit: usize) -> Option<Share> {
        let mut share = Share { budget: Arc::clone(self), amount: 0 };
        share.grow(amount, limit).then_some(share)
    }
}

impl Share {
    /// Takes so much more; whether there was enough.
    pub(super) fn grow(&mut self, amount: usize, limit: usize) -> bool {
        let more = |taken: usize| taken.checked_add(amount).filter(|sum| *sum <= limit);
        let grown = self.budget.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok();
        if grown {
            self.amount += amount;
        }
        grown
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.0.fetch_sub(self.amount, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_comes_back() {
        let budget = Arc::new(Budget::default());
        let mut share = budget.take(6, 10).unwrap();
        assert!(share.grow(4, 10) && !share.grow(1, 10));
        assert!(budget.take(1, 10).is_none());
        assert!(budget.take(1, 11).is_some(), "the limit was raised");
        drop(share);
        assert!(budget.take(10, 10).is_some());
        assert!(budget.take(usize::MAX, 10).is_none());
    }
}

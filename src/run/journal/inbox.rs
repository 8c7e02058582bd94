//! What waits for the thread that writes the journal.

use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::request::Request;

/// How much room for requests is kept after a burst.
const KEPT: usize = 256;

/// Requests in the order in which they came.
#[derive(Default)]
pub(super) struct Inbox {
    waiting: Mutex<Waiting>,
    more: Condvar,
}

#[derive(Default)]
struct Waiting {
    requests: Vec<Request>,
    ended: bool,
}

impl Inbox {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a request behind the others. When nobody reads them any more it is dropped, and with it whoever waits
    /// for its answer gets none. Whether it will be read is the answer.
    pub(super) fn put(&self, request: Request) -> bool {
        let mut waiting = self.waiting();
        if waiting.ended {
            return false;
        }
        waiting.requests.push(request);
        drop(waiting);
        self.more.notify_one();
        true
    }

    /// Whether nobody reads any more.
    pub(super) fn has_ended(&self) -> bool {
        self.waiting().ended
    }
}

/// Who reads the requests.
pub(super) struct Reader(Arc<Inbox>);

impl Reader {
    pub(super) fn of(inbox: &Arc<Inbox>) -> Self {
        Self(Arc::clone(inbox))
    }

    /// Takes everything that waits; waits for something, at most until then.
    pub(super) fn take(&self, requests: &mut Vec<Request>, until: Option<Instant>) {
        let mut waiting = self.0.waiting();
        while waiting.requests.is_empty() {
            waiting = match until.map(|until| until.saturating_duration_since(Instant::now())) {
                None => self.0.more.wait(waiting).unwrap_or_else(PoisonError::into_inner),
                Some(left) if left.is_zero() => return,
                Some(left) => {
                    self.0.more.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        requests.clear();
        requests.shrink_to(KEPT);
        mem::swap(requests, &mut waiting.requests);
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut waiting = self.0.waiting();
        waiting.ended = true;
        let unread = mem::take(&mut waiting.requests);
        drop(waiting);
        drop(unread);
    }
}

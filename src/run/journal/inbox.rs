//! What waits for the thread that writes the journal.

use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::request::Request;

/// How much room for requests is kept after a burst.
const KEPT: usize = 256;

/// How long may requests that are not urgent wait for one that is?
const MOMENT: Duration = Duration::from_millis(50);

/// Requests in the order in which they came.
#[derive(Default)]
pub(super) struct Inbox {
    waiting: Mutex<Waiting>,
    more: Condvar,
}

#[derive(Default)]
struct Waiting {
    requests: Vec<Request>,
    /// Whether the reader shall take them now.
    urgent: bool,
    /// Whether the reader waits for the first of them.
    asleep: bool,
    ended: bool,
}

impl Inbox {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a request behind the others, and has everything read. When nobody reads any more it is dropped, and with
    /// it whoever waits for its answer gets none. Whether it will be read is the answer.
    pub(super) fn put(&self, request: Request) -> bool {
        let put = self.put_quietly(request);
        self.hurry();
        put
    }

    /// The same for a request that may wait a [`MOMENT`] for one that is urgent, to be read with it.
    pub(super) fn put_later(&self, request: Request) -> bool {
        let put = self.put_quietly(request);
        if mem::take(&mut self.waiting().asleep) {
            // From now on the reader looks at the clock.
            self.more.notify_one();
        }
        put
    }

    /// The same for a request that [`hurry`](Self::hurry) is called for soon.
    pub(super) fn put_quietly(&self, request: Request) -> bool {
        let mut waiting = self.waiting();
        if !waiting.ended {
            waiting.requests.push(request);
        }
        !waiting.ended
    }

    /// Has everything read that waits.
    pub(super) fn hurry(&self) {
        let mut waiting = self.waiting();
        if !waiting.urgent && !waiting.requests.is_empty() {
            waiting.urgent = true;
            drop(waiting);
            self.more.notify_one();
        }
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
        let mut at_last = None;
        while !waiting.urgent {
            if !waiting.requests.is_empty() {
                at_last = at_last.or_else(|| Some(Instant::now() + MOMENT));
            }
            let until = [until, at_last].into_iter().flatten().min();
            waiting.asleep = waiting.requests.is_empty();
            waiting = match until.map(|until| until.saturating_duration_since(Instant::now())) {
                None => self.0.more.wait(waiting).unwrap_or_else(PoisonError::into_inner),
                Some(left) if left.is_zero() => break,
                Some(left) => {
                    self.0.more.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        waiting.asleep = false;
        waiting.urgent = false;
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

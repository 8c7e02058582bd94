//! A journal on disk: what callers hold of the thread that writes it.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::{fmt, io};

use tokio::sync::oneshot;

use super::disk::Place;
use super::inbox::{Inbox, Reader};
use super::request::{Answer, Change, Request};
use super::scribe::{Scribe, Trouble};
use super::store::Store;
use super::usher::Usher;
use super::{JournalError, Table, Write};
use crate::metrics::Commits;

/// The thread's stack: address space, of which it touches what it needs.
const STACK: usize = 256 * 1024;

/// The way to the thread.
pub(super) struct Durable {
    inbox: Arc<Inbox>,
    trouble: Trouble,
    usher: Usher,
    commits: Arc<Commits>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Durable {
    pub(super) fn start(place: impl Place, store: Store) -> io::Result<Self> {
        let inbox = Arc::default();
        let reader = Reader::of(&inbox);
        let trouble = Trouble::default();
        let usher = Usher::default();
        let scribe = Scribe::new(place, store, Trouble::clone(&trouble), usher.clone());
        let commits = scribe.commits();
        let thread = thread::Builder::new().name("journal".into()).stack_size(STACK);
        let thread = thread.spawn(move || scribe.work(&reader))?;
        Ok(Self { inbox, trouble, usher, commits, thread: Mutex::new(Some(thread)) })
    }

    pub(super) fn commits(&self) -> &Commits {
        &self.commits
    }

    pub(super) fn trouble(&self) -> Option<String> {
        if self.inbox.has_ended() {
            return Some(closed().to_string());
        }
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        trouble.as_ref().map(ToString::to_string)
    }

    pub(super) async fn accept(&self, writes: Vec<Write>) -> Result<(), JournalError> {
        self.usher.begin();
        let (answer, answered) = oneshot::channel();
        self.inbox.put_quietly(Request::Change(Change::Accept { writes, answer }));
        let hurry = Hurry(&self.inbox);
        // Other deliveries that are there already get into the same commit: a thread that is woken at the first one
        // would take that alone.
        tokio::task::yield_now().await;
        drop(hurry);
        answered.await.unwrap_or_else(|_| Err(closed()))
    }

    pub(super) fn write(&self, writes: Vec<Write>) -> oneshot::Receiver<()> {
        let (landed, landing) = oneshot::channel();
        told(self.inbox.put(Request::Change(Change::Write { writes, landed })));
        landing
    }

    pub(super) fn write_later(&self, writes: Vec<Write>) {
        let (landed, _) = oneshot::channel();
        told(self.inbox.put_later(Request::Change(Change::Write { writes, landed })));
    }

    pub(super) async fn read(&self, table: Table, key: u64) -> Result<Option<Vec<u8>>, JournalError> {
        self.ask(|answer| Request::Read { table, key, answer }).await
    }

    pub(super) async fn newest(
        &self,
        table: Table,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Vec<u8>)>, JournalError> {
        self.ask(|answer| Request::Newest { table, before, limit, answer }).await
    }

    async fn ask<T>(&self, question: impl FnOnce(Answer<T>) -> Request) -> Result<T, JournalError> {
        let (answer, answered) = oneshot::channel();
        self.inbox.put(question(answer));
        answered.await.unwrap_or_else(|_| Err(closed()))
    }

    pub(super) async fn close(&self) {
        let (answer, answered) = oneshot::channel();
        self.inbox.put(Request::Close { answer });
        let _ = answered.await;
        self.join();
    }

    fn join(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            log::error!("the journal's thread panicked");
        }
    }
}

/// Has what was put read, also when its sender is gone.
struct Hurry<'a>(&'a Inbox);

impl Drop for Hurry<'_> {
    fn drop(&mut self) {
        self.0.hurry();
    }
}

fn told(put: bool) {
    if !put {
        log::error!("a write to the journal comes after its end, and is lost");
    }
}

fn closed() -> JournalError {
    JournalError("it is closed".into())
}

impl fmt::Debug for Durable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Durable").field("trouble", &self.trouble()).finish_non_exhaustive()
    }
}

impl Drop for Durable {
    fn drop(&mut self) {
        let (answer, _) = oneshot::channel();
        self.inbox.put(Request::Close { answer });
        self.join();
    }
}

#[cfg(test)]
mod tests;

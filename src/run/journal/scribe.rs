//! The thread that writes the journal.

use std::mem;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::backlog::Backlog;
use super::disk::Place;
use super::failure::{Failure, unpanicked};
use super::inbox::Reader;
use super::request::{Change, Request};
use super::store::Store;
use super::usher::Usher;
use super::{JournalError, Write};
use crate::metrics::Commits;

/// After how long is a disk that failed tried again, at first and at most?
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// For how long must the disk have worked until another failure is news?
const SETTLED: Duration = Duration::from_secs(60);

/// After how many looks is a file damaged that was not when the process started? A disk that fails may well say
/// something else the next time.
const SURELY: u32 = 5;

/// Why nothing can be accepted now.
pub(super) type Trouble = Arc<Mutex<Option<JournalError>>>;

/// What the thread works with.
pub(super) struct Scribe<P> {
    place: P,
    state: State,
    backlog: Backlog,
    trouble: Trouble,
    usher: Usher,
    /// What the records replaced that are being accepted.
    before: Vec<Write>,
    commits: Arc<Commits>,
    /// When the disk came back.
    recovered: Option<Instant>,
    pause: Duration,
    /// How often in a row the file was found to be damaged.
    damaged: u32,
}

enum State {
    Working(Store),
    Failed { error: JournalError, next: Instant, said: bool },
}

impl<P: Place> Scribe<P> {
    pub(super) fn new(place: P, store: Store, trouble: Trouble, usher: Usher) -> Self {
        let state = State::Working(store);
        let backlog = Backlog::default();
        Self {
            place,
            state,
            backlog,
            trouble,
            usher,
            before: Vec::new(),
            commits: Arc::default(),
            recovered: None,
            pause: FIRST_PAUSE,
            damaged: 0,
        }
    }

    /// How its commits go.
    pub(super) fn commits(&self) -> Arc<Commits> {
        Arc::clone(&self.commits)
    }

    /// Works until the journal is closed.
    pub(super) fn work(mut self, inbox: &Reader) {
        let (mut requests, mut changes, mut questions) = (Vec::new(), Vec::new(), Vec::new());
        loop {
            inbox.take(&mut requests, self.next_try());
            let mut close = None;
            // Everything that waits shares a commit.
            changes.reserve(requests.len());
            for request in requests.drain(..) {
                match request {
                    Request::Change(change) => changes.push(change),
                    Request::Close { answer } => close = Some(answer),
                    question => questions.push(question),
                }
            }
            self.change(&mut changes);
            for question in questions.drain(..) {
                self.answer(question);
            }
            if let Some(answer) = close {
                self.close();
                let _ = answer.send(());
                return;
            }
            if self.next_try().is_some_and(|next| next <= Instant::now()) {
                self.recover();
            }
        }
    }

    /// When the disk is to be tried again.
    fn next_try(&self) -> Option<Instant> {
        match &self.state {
            State::Working(_) => None,
            State::Failed { next, .. } => Some(*next),
        }
    }

    /// Makes changes safe in one commit, and answers them.
    pub(super) fn change(&mut self, changes: &mut Vec<Change>) {
        if changes.is_empty() {
            return;
        }
        let error = match &mut self.state {
            State::Working(store) => {
                let before = &mut self.before;
                before.clear();
                let begun = Instant::now();
                let commit =
                    store.commit(|tables| changes.iter().try_for_each(|change| change.put(tables, before)));
                self.commits.count(begun, commit.is_ok());
                match commit {
                    Ok(()) => return self.usher.tell(mem::take(changes)),
                    Err(failure) => self.fail(&failure),
                }
            }
            State::Failed { error, .. } => error.clone(),
        };
        for change in changes.drain(..) {
            change.refused(&error, &mut self.backlog);
        }
        for before in self.before.drain(..) {
            self.backlog.undo(before);
        }
    }

    fn answer(&mut self, question: Request) {
        match question {
            Request::Read { table, key, answer } => {
                let value = match self.backlog.read(table, key) {
                    Some(value) => Ok(value.clone()),
                    None => self.ask(|store| store.read(table, key)),
                };
                drop(answer.send(value));
            }
            Request::Newest { table, before, limit, answer } => {
                drop(answer.send(self.ask(|store| store.newest(table, before, limit))));
            }
            Request::Change(_) | Request::Close { .. } => {}
        }
    }

    fn ask<T>(&mut self, question: impl FnOnce(&Store) -> Result<T, Failure>) -> Result<T, JournalError> {
        match &self.state {
            State::Working(store) => question(store).map_err(|failure| self.fail(&failure)),
            State::Failed { error, .. } => Err(error.clone()),
        }
    }

    /// Closes the database: after a failure it can only be opened anew.
    fn fail(&mut self, failure: &Failure) -> JournalError {
        // A disk that is full fails, works and fails again for as long as somebody tries.
        let news = self.recovered.is_none_or(|recovered| recovered.elapsed() >= SETTLED);
        if news {
            self.pause = FIRST_PAUSE;
            log::error!("the journal cannot be written, deliveries are refused until it can: {failure}");
        }
        self.wait_for_disk(failure, news)
    }

    fn wait_for_disk(&mut self, failure: &Failure, said: bool) -> JournalError {
        let error = JournalError(failure.to_string().into());
        self.tell(Some(error.clone()));
        self.state = State::Failed { error: error.clone(), next: Instant::now() + self.pause, said };
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        error
    }

    fn tell(&self, trouble: Option<JournalError>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }

    /// Opens the database again, and writes what it is owed.
    pub(super) fn recover(&mut self) {
        let State::Failed { said, .. } = self.state else { return };
        match unpanicked(|| self.open_again()) {
            Ok(store) => {
                self.recovered = Some(Instant::now());
                self.state = State::Working(store);
                self.tell(None);
                // Said once it is so: who reads it may ask.
                if said {
                    log::warn!("the journal can be written again");
                }
            }
            Err(failure) => {
                if !said {
                    log::error!("the journal cannot be written again, deliveries are refused: {failure}");
                }
                self.wait_for_disk(&failure, true);
            }
        }
    }

    fn open_again(&mut self) -> Result<Store, Failure> {
        let mut store = match Store::open(self.place.open()?) {
            Err(Failure::Damaged(reason)) => {
                self.damaged += 1;
                if self.damaged < SURELY {
                    return Err(Failure::Damaged(reason));
                }
                self.place.set_aside(&reason)?;
                Store::open(self.place.open()?)
            }
            other => other,
        }?;
        self.damaged = 0;
        if !self.backlog.is_empty() {
            let mut owed = self.backlog.records();
            store.commit(|tables| owed.try_for_each(|(table, key, value)| tables.put(table, key, value)))?;
        }
        self.backlog.landed();
        store.probe()?;
        Ok(store)
    }

    /// Tries a last time to write what is owed, and lets go of the file.
    fn close(mut self) {
        self.recover();
        let lost = self.backlog.writes();
        if let (1.., State::Failed { error, .. }) = (lost, &self.state) {
            log::error!("{lost} writes to the journal are lost: {}", error.0);
        }
    }
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;

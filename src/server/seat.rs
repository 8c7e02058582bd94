//! What a connection is doing, as far as it matters for closing it.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Doing {
    /// It has sent nothing yet.
    Silent = 0,
    /// It has begun to send a request's head.
    Head = 1,
    /// It was answered, and still sends a body that nobody reads.
    Rest = 2,
    /// It was answered, and may send another request.
    Idle = 3,
    /// It has a request in hand: never closed for another connection.
    Busy = 4,
}

impl Doing {
    fn of(number: u8) -> Self {
        match number {
            0 => Self::Silent,
            1 => Self::Head,
            2 => Self::Rest,
            3 => Self::Idle,
            _ => Self::Busy,
        }
    }
}

/// A connection's state. Written by the connection alone.
#[derive(Debug)]
pub(super) struct Seat {
    doing: AtomicU8,
    /// In milliseconds after `opened`.
    since: AtomicU64,
    opened: Instant,
}

impl Seat {
    pub(super) fn new(now: Instant) -> Self {
        Self { doing: AtomicU8::new(Doing::Silent as u8), since: AtomicU64::new(0), opened: now }
    }

    /// What it does, and since when.
    pub(super) fn doing(&self) -> (Doing, Instant) {
        let since = Duration::from_millis(self.since.load(Ordering::Relaxed));
        (Doing::of(self.doing.load(Ordering::Relaxed)), self.opened + since)
    }

    /// From now on it does this.
    pub(super) fn does(&self, doing: Doing) {
        let since = self.opened.elapsed().as_millis().try_into().unwrap_or(u64::MAX);
        self.since.store(since, Ordering::Relaxed);
        self.doing.store(doing as u8, Ordering::Relaxed);
    }

    /// Bytes have come: if none were expected, a head begins.
    pub(super) fn hears(&self) {
        if matches!(self.doing().0, Doing::Silent | Doing::Idle) {
            self.does(Doing::Head);
        }
    }

    /// A body that nobody read is at its end.
    pub(super) fn rested(&self) {
        if self.doing().0 == Doing::Rest {
            self.does(Doing::Idle);
        }
    }
}

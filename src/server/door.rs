//! Who may be connected. When all places are taken, a new connection takes that of one that has no request in hand, so
//! that nobody can shut the door by keeping connections open.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::task::AbortHandle;

use super::seat::{Doing, Seat};

/// A connection is not closed for another one in this time after it has done something, unless all are as young: who
/// has just connected is about to send.
const YOUNG: Duration = Duration::from_secs(2);

/// That connections are closed for others is said once in this time.
const SAID: Duration = Duration::from_secs(60);

/// The connections that are open.
#[derive(Debug, Default)]
pub(super) struct Door {
    places: Mutex<Places>,
    /// A connection has ended, or has no request in hand any more.
    changed: Notify,
}

#[derive(Debug, Default)]
struct Places {
    all: Vec<Option<Place>>,
    free: Vec<usize>,
    /// How many connections each client has, of those that are counted.
    clients: HashMap<IpAddr, usize>,
    said: Option<Instant>,
}

#[derive(Debug)]
struct Place {
    seat: Arc<Seat>,
    client: Option<IpAddr>,
    task: Option<AbortHandle>,
}

/// How many may come in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Most {
    /// In all.
    pub(super) all: usize,
    /// Of the client that asks, and which that is; not limited without.
    pub(super) of_client: Option<(IpAddr, usize)>,
}

/// What is said to a new connection.
#[derive(Debug)]
pub(super) enum Entry {
    In(Admitted),
    /// The client has as many requests in hand as it may have connections.
    TooMany,
    /// Every connection has a request in hand.
    Full,
}

/// A connection that was let in; its place is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Admitted {
    pub(super) seat: Arc<Seat>,
    pub(super) place: usize,
    door: Arc<Door>,
}

impl Door {
    /// Lets a connection in, if need be in the place of another one.
    pub(super) fn enter(self: &Arc<Self>, most: Most, now: Instant) -> Entry {
        let mut places = self.places();
        if let Some((client, most)) = most.of_client
            && places.clients.get(&client).is_some_and(|count| *count >= most)
            && !places.close_one(Some(client), now)
        {
            return Entry::TooMany;
        }
        // More than one when the limit was lowered.
        while places.taken() >= most.all {
            if !places
                .make_room(now, || format!("all {} connections are taken (limits.connections)", most.all))
            {
                return Entry::Full;
            }
        }
        let client = most.of_client.map(|(client, _)| client);
        if let Some(client) = client {
            *places.clients.entry(client).or_default() += 1;
        }
        let seat = Arc::new(Seat::new(now));
        let place = places.seat(Place { seat: Arc::clone(&seat), client, task: None });
        Entry::In(Admitted { seat, door: Arc::clone(self), place })
    }

    /// Closes a connection for a new one that the system has no file left for; whether there was one to close.
    pub(super) fn make_room(&self, now: Instant, error: &io::Error) -> bool {
        self.places().make_room(now, || format!("a connection could not be accepted: {error}"))
    }

    /// Says which task serves the connection of this place, and so what to end to close it.
    pub(super) fn served_by(&self, place: usize, seat: &Arc<Seat>, task: AbortHandle) {
        if let Some(place) = self.places().place((place, seat)) {
            place.task = Some(task);
        }
    }

    /// Returns once [`Door::enter`] may say something else than before. To be asked for before that is asked.
    pub(super) fn change(&self) -> impl Future<Output = ()> {
        self.changed.notified()
    }

    /// Returns once there is no connection.
    pub(super) async fn empty(&self) {
        loop {
            let changed = self.change();
            if self.places().taken() == 0 {
                return;
            }
            changed.await;
        }
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Admitted {
    /// The request in hand was answered.
    pub(super) fn answered(&self, rest: bool) {
        self.seat.does(if rest { Doing::Rest } else { Doing::Idle });
        self.door.changed.notify_one();
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut places = self.door.places();
        if places.place((self.place, &self.seat)).is_some() {
            places.leave(self.place);
        }
        drop(places);
        self.door.changed.notify_one();
    }
}

impl Places {
    fn taken(&self) -> usize {
        self.all.len() - self.free.len()
    }

    fn seat(&mut self, new: Place) -> usize {
        if let Some(place) = self.free.pop()
            && let Some(free) = self.all.get_mut(place)
        {
            *free = Some(new);
            return place;
        }
        self.all.push(Some(new));
        self.all.len() - 1
    }

    /// A place, if it is still this connection's.
    fn place(&mut self, (place, seat): (usize, &Arc<Seat>)) -> Option<&mut Place> {
        self.all.get_mut(place)?.as_mut().filter(|place| Arc::ptr_eq(&place.seat, seat))
    }

    fn leave(&mut self, place: usize) -> Option<Place> {
        let left = self.all.get_mut(place)?.take()?;
        self.free.push(place);
        if let Some(client) = left.client
            && let Some(count) = self.clients.get_mut(&client)
        {
            *count -= 1;
            if *count == 0 {
                self.clients.remove(&client);
            }
        }
        Some(left)
    }

    /// Closes a connection for a new one, saying once in a while why; whether there was one to close.
    fn make_room(&mut self, now: Instant, why: impl FnOnce() -> String) -> bool {
        let closed = self.close_one(None, now);
        if closed && self.said.is_none_or(|said| now.saturating_duration_since(said) >= SAID) {
            self.said = Some(now);
            log::warn!("{}: those that have no request in hand are closed for new ones", why());
        }
        closed
    }

    /// Closes the connection, of this client or of all, that is missed least; whether there was one.
    fn close_one(&mut self, client: Option<IpAddr>, now: Instant) -> bool {
        let candidates = self.all.iter().enumerate().filter_map(|(index, place)| {
            let place = place.as_ref().filter(|place| client.is_none() || place.client == client)?;
            let (doing, since) = place.seat.doing();
            let young = now.saturating_duration_since(since) < YOUNG;
            // Of the young ones the oldest, whatever it does.
            let rank = (young, (!young).then_some(doing), since);
            (doing != Doing::Busy).then_some((rank, index))
        });
        let Some((_, index)) = candidates.min() else { return false };
        if let Some(task) = self.leave(index).and_then(|place| place.task) {
            task.abort();
        }
        true
    }
}

#[cfg(test)]
mod tests;

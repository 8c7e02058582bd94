//! One relay after the other in the same directory, each killed at a moment of chance.

use super::dice::{Dice, pause};
use std::sync::{Condvar, Mutex};
use std::time::Duration;
use support::relay::Relay;

/// Where the relay of the moment listens, for as long as there is to be one.
#[derive(Default)]
pub(super) struct Whereabouts {
    address: Mutex<Address>,
    changed: Condvar,
}

#[derive(Default)]
enum Address {
    #[default]
    Nowhere,
    At(String),
    Over,
}

impl Whereabouts {
    /// Waits until there is one; none when it is over.
    pub(super) fn get(&self) -> Option<String> {
        let mut address = self.address.lock().unwrap();
        loop {
            match &*address {
                Address::At(address) => return Some(address.clone()),
                Address::Over => return None,
                Address::Nowhere => address = self.changed.wait(address).unwrap(),
            }
        }
    }

    /// Whether it is over.
    pub(super) fn is_over(&self) -> bool {
        matches!(*self.address.lock().unwrap(), Address::Over)
    }

    fn set(&self, address: Address) {
        *self.address.lock().unwrap() = address;
        self.changed.notify_all();
    }
}

/// It is over when this goes out of scope, also by a panic: nobody waits for ever.
pub(super) struct Until<'a>(pub(super) &'a Whereabouts);

impl Drop for Until<'_> {
    fn drop(&mut self) {
        self.0.set(Address::Over);
    }
}

/// How relays end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Death {
    /// SIGKILL.
    Killed,
    /// SIGTERM, and SIGKILL if they take too long.
    Told,
}

/// What was done to the relays.
#[derive(Default)]
pub(super) struct Done {
    /// By SIGKILL, while they listened or ended.
    pub(super) kills: u64,
    /// By SIGKILL, before they listened.
    pub(super) kills_at_start: u64,
    /// Ended by themselves after SIGTERM.
    pub(super) ends: u64,
    /// Everything that they logged.
    pub(super) logs: Vec<String>,
}

/// Ends so many relays that listen, and kills some more before; returns the last one, which lives.
pub(super) fn end(
    mut relay: Relay,
    (deaths, how): (u64, Death),
    mut dice: Dice,
    whereabouts: &Whereabouts,
) -> (Relay, Done) {
    let mut done = Done::default();
    whereabouts.set(Address::At(relay.address().to_owned()));
    while done.kills + done.ends < deaths {
        // Now and then at once: while what the last one left is taken up.
        let life = if dice.one_in(5) { 50 } else { 1200 };
        pause(dice.up_to(life));
        if how == Death::Told && ends_by_itself(&mut relay, dice.up_to(1000)) {
            done.ends += 1;
        } else {
            relay.kill();
            done.kills += 1;
        }
        whereabouts.set(Address::Nowhere);
        done.logs.push(relay.log());
        while dice.one_in(4) {
            done.logs.push(relay.start_and_kill(|| pause(dice.up_to(40))));
            done.kills_at_start += 1;
        }
        relay = relay.restart();
        whereabouts.set(Address::At(relay.address().to_owned()));
    }
    (relay, done)
}

/// Sends SIGTERM, as when the pod is replaced, and waits for so long.
fn ends_by_itself(relay: &mut Relay, patience: Duration) -> bool {
    relay.signal("TERM");
    pause(patience);
    relay.has_ended()
}

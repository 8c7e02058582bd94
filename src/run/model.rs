//! A model test of superseding, sameness, holds and steps. Whatever comes in whatever order, with a process that is
//! killed at any instant, a disk that refuses and an API that fails or loses its answers: the queue and the progress
//! of its runs must do what a far simpler [reference](judge) says.
//!
//! The [relay] plays the engine, [work] and [target] play the worker: they interpret the pure machine as the real
//! ones do, one request or one write at a time, with the [disk] and the [cluster] in between.

mod cluster;
mod disk;
mod judge;
mod locks;
mod relay;
mod senders;
mod setup;
mod target;
mod tick;
mod work;

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use self::relay::Relay;
use self::tick::{Tick, tick};

/// What may happen in one test.
fn ticks() -> impl Strategy<Value = Vec<Tick>> {
    prop::collection::vec(tick(), 1..100)
}

/// Lets things happen, and then lets all of it come to its end; returns what it came to.
fn run(ticks: Vec<Tick>) -> BTreeMap<&'static str, usize> {
    let mut relay = Relay::new();
    for tick in ticks {
        relay.tick(tick);
    }
    relay.come_to_rest();
    relay.judge.counts
}

proptest! {
    #[test]
    fn whatever_happens_in_whatever_order(ticks in ticks()) {
        run(ticks);
    }
}

/// A model that never comes to the hard places proves nothing.
#[test]
fn it_comes_to_everything() {
    let mut runner = TestRunner::deterministic();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for _ in 0..150 {
        for (what, count) in run(ticks().new_tree(&mut runner).unwrap().current()) {
            *counts.entry(what).or_default() += count;
        }
    }
    let outcomes = crate::run::outcome::Outcome::ALL.map(crate::run::outcome::Outcome::word);
    let others = [
        "awaited",
        "decided again",
        "duplicate",
        "Flux told",
        "image put back",
        "image set",
        "left",
        "left and superseded",
        "lifted",
        "looked alike",
        "refused",
        "restarted",
        "resumed",
        "resumed in the middle",
    ];
    let missing: Vec<_> =
        outcomes.into_iter().chain(others).filter(|what| !counts.contains_key(what)).collect();
    assert!(missing.is_empty(), "it did not come to {missing:?}, only to {counts:?}");
}

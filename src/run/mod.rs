//! Runs: one rule applied to one event, from the moment that a delivery is accepted until its outcome.
//!
//! [`queue`] holds the rules of waiting, superseding and sameness as a pure state machine, [`engine`] drives it
//! with time and tasks, `worker` carries one run out, and [`journal`] is where runs are made safe.

pub mod account;
mod attempts;
mod audit;
pub mod backoff;
mod confirm;
pub mod engine;
mod follow;
pub mod holds;
pub mod journal;
pub mod locks;
pub mod lookout;
#[cfg(test)]
mod model;
pub mod outcome;
pub mod plan;
pub mod progress;
pub mod queue;
pub mod record;
pub mod report;
pub mod sameness;
pub mod stored;
mod target;
mod unproven;
mod worker;

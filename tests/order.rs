//! In which order things happen: settling, superseding, steps, targets.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code: a broken assumption ends the test with its line"
)]

#[path = "order/steps.rs"]
mod steps;
#[path = "order/waits.rs"]
mod waits;

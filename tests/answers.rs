//! What the hook listener answers, row by row: who calls it can rely on every one of these.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code: a broken assumption ends the test with its line"
)]

#[path = "answers/accepted.rs"]
mod accepted;
#[path = "answers/ignored.rs"]
mod ignored;
#[path = "answers/limits.rs"]
mod limits;
#[path = "answers/refused.rs"]
mod refused;
#[path = "answers/secrecy.rs"]
mod secrecy;

//! The commands besides `serve` and `check`, and the command line itself.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code: a broken assumption ends the test with its line"
)]

mod explain;
mod keys;
mod line;
mod listen;
mod refused;
mod relay;
mod send;

use support::command::Bench;

/// An empty bench.
fn bench() -> Bench {
    Bench::new(env!("CARGO_BIN_EXE_boathook"))
}

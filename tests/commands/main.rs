//! The commands besides `serve` and `check`, and the command line itself.

mod explain;
mod keys;
mod line;
mod listen;
mod refused;
mod send;
#[path = "../support/mod.rs"]
mod support;

use support::command::Bench;

/// An empty bench.
fn bench() -> Bench {
    Bench::new(env!("CARGO_BIN_EXE_boathook"))
}

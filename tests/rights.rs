//! Rights: what `boathook rbac` prints, and what is said at start of those that are missing.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code: a broken assumption ends the test with its line"
)]

#[path = "rights/missing.rs"]
mod missing;
#[path = "rights/printed.rs"]
mod printed;

const BINARY: &str = env!("CARGO_BIN_EXE_boathook");

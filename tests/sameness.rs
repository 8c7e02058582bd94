//! The same delivery again is answered, not repeated: what makes it the same is the sender's to say.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code: a broken assumption ends the test with its line"
)]

#[path = "sameness/fates.rs"]
mod fates;
#[path = "sameness/identities.rs"]
mod identities;

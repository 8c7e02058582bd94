//! The Kubernetes API double answers as a real API server did: every recorded exchange of `tests/data/exchanges` is
//! replayed against it over a socket, and the rollouts of `tests/data/rollouts` are gone through.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code: a broken assumption ends the test with its line"
)]

#[path = "double/access.rs"]
mod access;
#[path = "double/behavior.rs"]
mod behavior;
#[path = "double/deployments.rs"]
mod deployments;
#[path = "double/exchanges.rs"]
mod exchanges;
#[path = "double/faults.rs"]
mod faults;
#[path = "double/helpers.rs"]
mod helpers;
#[path = "double/knative.rs"]
mod knative;
#[path = "double/patches.rs"]
mod patches;
#[path = "double/pods.rs"]
mod pods;
#[path = "double/requests.rs"]
mod requests;
#[path = "double/rollouts.rs"]
mod rollouts;
#[path = "double/stateful.rs"]
mod stateful;
#[path = "double/writes.rs"]
mod writes;

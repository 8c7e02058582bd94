//! What boathook's tests and examples share: a Kubernetes API double, a Flux API double, a small HTTP client, a
//! runner for the real binary. Nothing here uses the boathook library, so that it can only judge from outside.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::new_without_default,
    clippy::return_self_not_must_use,
    reason = "read beside the tests that use it, by nobody else"
)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "test code: a broken assumption ends the test with its line"
)]

pub mod command;
pub mod delivery;
pub mod flux;
pub mod github;
pub mod http;
pub mod kube;
pub mod kubectl;
pub mod objects;
pub mod process;
pub mod receiver;
pub mod relay;
pub mod scene;
pub mod serve;
pub mod sign;
pub mod site;
pub mod stage;
pub mod temp;

//! What the tests and the quickstart example share: a Kubernetes API double, a Flux API double, a small HTTP
//! client, a runner for the real binary. Nothing here uses the boathook library, so that it can only judge from
//! outside. Include it with `mod support;` (tests) or `#[path = "../tests/support/mod.rs"] mod support;` (examples).
#![allow(dead_code, unused_imports, unreachable_pub, reason = "each test binary uses its own part of this")]
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

//! A changed configuration or key is taken up without a restart, and what was accepted goes on.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code: a broken assumption ends the test with its line"
)]

mod keys;
mod load;
mod refused;
mod runs;
mod taken_up;

use std::fmt::Write as _;

use support::kube;
use support::relay::{Relay, Setup};
use support::scene::config;

/// A rule that restarts this deployment for every image.
fn restart(name: &str) -> String {
    format!(
        "{{when: {{event: image}}, do: [restart: {{namespace: default, workloads: [deployment/{name}]}}]}}"
    )
}

/// A configuration that restarts this deployment, with so many endpoints, which the log tells of.
fn with_endpoints(kube: &kube::Double, name: &str, endpoints: usize) -> String {
    let mut text = config(kube, "settle: 0s", &[&restart(name)]);
    for number in 1..endpoints {
        let (name, key) = (format!("more-{number}"), format!("more-{number}.key"));
        writeln!(text, "- {{name: {name}, source: GitHub, keyPath: {key}, rules: []}}").unwrap();
    }
    text
}

/// The keys of the endpoints that come in addition.
fn more_keys(setup: Setup, endpoints: usize) -> Setup {
    (1..endpoints).fold(setup, |setup, number| {
        setup.file(&format!("more-{number}.key"), format!("the key of one more endpoint {number}"))
    })
}

/// Waits until a configuration with so many endpoints was taken up.
fn wait_for_endpoints(relay: &Relay, endpoints: usize) {
    relay.wait_for_log(&format!("configuration read again: {endpoints} endpoint"));
}

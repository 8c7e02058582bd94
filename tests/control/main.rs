//! `boathook deliveries`, `redeliver` and `hold`, asked of a relay that runs.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code: a broken assumption ends the test with its line"
)]

mod deliveries;
mod hold;
mod redeliver;
mod socket;

use serde_json::Value;
use std::time::{Duration, Instant};
use support::command::{Bench, Ended};
use support::kube;
use support::relay::Relay;
use support::scene::{cluster, config, prepared};
use support::temp::TempDir;

/// A relay with a state directory before a cluster with `deployment/web`, and a bench to ask it from.
struct Scene {
    kube: kube::Double,
    relay: Relay,
    bench: Bench,
    state: TempDir,
}

impl Scene {
    /// With these settings besides `state`, and these rules.
    fn new(settings: &str, rules: &[&str]) -> Self {
        let (kube, state) = (cluster(&["web"]), TempDir::new());
        let relay = prepared(&kube, &with_state(&state, settings), rules).start();
        let mut bench = Bench::new(env!("CARGO_BIN_EXE_boathook"));
        bench.environment("BOATHOOK_STATE", state.path().to_str().unwrap());
        Self { kube, relay, bench, state }
    }

    /// Runs a command.
    fn run(&self, arguments: &[&str]) -> Ended {
        self.bench.run(arguments)
    }

    /// What `deliveries --json` lists.
    fn listed(&self) -> Vec<Value> {
        let listed = self.run(&["deliveries", "--json"]).expect(0).json();
        listed["deliveries"].as_array().unwrap().clone()
    }

    /// Waits until every delivery that is known has ended.
    fn wait_for_ends(&self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while self.listed().iter().any(|delivery| delivery["status"] == "pending") {
            assert!(Instant::now() < deadline, "it does not end: {}", self.relay.log());
        }
    }

    /// Replaces the configuration by one with so many endpoints, and waits until it is served.
    fn reload(&self, config: &str, endpoints: usize) {
        self.relay.write("boathook.yaml", config);
        self.relay.signal("HUP");
        self.relay.wait_for_log(&format!("configuration read again: {endpoints} endpoints"));
    }

    /// A configuration of this scene with other rules.
    fn config(&self, settings: &str, rules: &[&str]) -> String {
        config(&self.kube, &with_state(&self.state, settings), rules)
    }
}

fn with_state(state: &TempDir, settings: &str) -> String {
    format!("state: {}\n{settings}", state.path().display())
}

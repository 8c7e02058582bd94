//! The journal: what was accepted outlives the relay, whatever ends it, and whatever happens to its file.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code: a broken assumption ends the test with its line"
)]

#[path = "journal/bounds.rs"]
mod bounds;
#[path = "journal/files.rs"]
mod files;
#[path = "journal/full.rs"]
mod full;
#[path = "journal/killed.rs"]
mod killed;
#[path = "journal/stopped.rs"]
mod stopped;

use std::path::{Path, PathBuf};
use support::http::Response;
use support::kube::Double;
use support::relay::Relay;
use support::scene::prepared;

/// The rule that restarts `deployment/api` for every push of its image.
const RESTART_API: &str =
    "{when: {image: ghcr.io/acme/api}, do: [restart: {namespace: default, workloads: [deployment/api]}]}";

/// Nothing starts by itself.
const NEVER: &str = "settle: 1h\nmaxWait: 1h";

/// A relay with a journal in `state` next to its configuration.
fn relay(kube: &Double, settings: &str, rules: &[&str]) -> Relay {
    prepared(kube, settings, rules).state().start()
}

/// The journal's file.
fn journal(relay: &Relay) -> PathBuf {
    file_in(relay.directory())
}

fn file_in(directory: &Path) -> PathBuf {
    directory.join("state/journal.redb")
}

/// Status, outcome and reason of the only run of an answer.
fn ended(answer: &Response) -> (u16, String, String) {
    let run = &answer.json()["runs"][0];
    let text = |field: &str| run[field].as_str().unwrap_or_default().to_owned();
    (answer.status, text("outcome"), text("reason"))
}

fn status(answer: &Response) -> String {
    answer.json()["status"].as_str().unwrap_or_default().to_owned()
}

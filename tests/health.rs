//! `check`: a run goes on only if something is well, and what the step before changed is put back if it is not.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code: a broken assumption ends the test with its line"
)]

#[path = "health/killed.rs"]
mod killed;
#[path = "health/rollback.rs"]
mod rollback;
#[path = "health/verdicts.rs"]
mod verdicts;

use support::http::Response;
use support::site::Site;

/// A check of a path with these fields besides.
fn check(site: &Site, path: &str, fields: &str) -> String {
    format!("{{check: {{url: '{}', allowLocal: true, every: 10ms, {fields}}}}}", site.url(path))
}

/// Status, outcome and reason of the only run.
fn ended(answer: &Response) -> (u16, String, String) {
    let run = &answer.json()["runs"][0];
    let text = |field: &str| run[field].as_str().unwrap_or_default().to_owned();
    (answer.status, text("outcome"), text("reason"))
}

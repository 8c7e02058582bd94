//! The relay against whatever real API server is there:
//!
//! ```text
//! kubectl proxy --port 8001 &
//! BOATHOOK_TEST_KUBE=http://127.0.0.1:8001 cargo test --test cluster -- --ignored --nocapture
//! ```
//!
//! It makes and changes objects in the namespace `boathook-test` (another one with `BOATHOOK_TEST_NAMESPACE`),
//! and takes its workloads away at the end. For a part of the time the API server is away: for three seconds, or as
//! long as `BOATHOOK_TEST_OUTAGE` says (`10m`).
//!
//! No image is pulled and no node is needed: pods that are followed are kept from the scheduler, and the test plays
//! the node, or the controllers too where there are none (see [`hands`]); standard error says which.
//!
//! The same scenarios run against the API double in every test run, so that they stay true: against one that rolls
//! out by itself, one without nodes, and one without controllers.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a broken assumption ends the test with its line"
)]

mod api;
mod away;
mod burst;
mod change;
mod hands;
mod hold;
mod proxy;
mod rollout;

use std::time::{Duration, Instant};

use self::api::Cluster;
use support::delivery::Delivery;
use support::github;
use support::http::Response;
use support::kube::{Double, How, Pace};
use support::relay::{Relay, Setup};

/// A test of a scenario against a real API server, and against three doubles. The double that rolls out by itself
/// may have an image that never becomes ready.
macro_rules! scenarios {
    ($($name:ident: $play:path, bad: $bad:expr;)*) => {$(
        mod $name {
            use super::*;

            #[test]
            fn holds_against_the_double() {
                let kube = whole($bad);
                $play(&Cluster::of(&kube, Duration::from_secs(60)));
            }

            #[test]
            fn holds_against_a_double_without_nodes() {
                let kube = Double::start();
                kube.no_nodes();
                $play(&Cluster::of(&kube, Duration::ZERO));
            }

            #[test]
            fn holds_against_a_double_without_controllers() {
                let kube = Double::start();
                kube.auto_rollout(Pace::Off);
                $play(&Cluster::of(&kube, Duration::ZERO));
            }

            #[test]
            #[ignore = "needs a real API server behind BOATHOOK_TEST_KUBE"]
            fn holds_against_a_real_api_server() {
                $play(&Cluster::real());
            }
        }
    )*};
}

scenarios! {
    what_is_changed: change::play, bad: None;
    a_rollout_that_completes: rollout::play, bad: None;
    a_version_that_never_becomes_ready: hold::play, bad: Some(hold::BAD);
    an_api_server_that_is_away_under_load: away::play, bad: None;
    two_hundred_pushes: burst::play, bad: None;
}

/// A double that rolls out by itself, in steps that can be seen.
fn whole(bad: Option<&str>) -> Double {
    let kube = Double::start();
    if let Some(bad) = bad {
        kube.break_image(bad, How::ImagePullBackOff);
    }
    kube.auto_rollout(Pace::Every(Duration::from_millis(5)));
    kube
}

/// The image repository of a workload.
fn repository(name: &str) -> String {
    format!("ghcr.io/boathook-test/{name}")
}

/// An image of a workload.
fn image(name: &str, tag: &str) -> String {
    format!("{}:{tag}", repository(name))
}

/// A relay that reaches the API server at this address, with these settings and rules (lines of YAML).
fn relay(api: &str, settings: &str, rules: &[String]) -> Setup {
    let rules: Vec<_> = rules.iter().map(|rule| format!("  - {rule}")).collect();
    let config = format!(
        "version: 1\nkubernetes: {{api: \"{api}\"}}\n{settings}\nendpoints:\n- name: ghcr\n  source: GitHub\n  \
         keyPath: github.key\n  rules:\n{}\n",
        rules.join("\n")
    );
    Relay::with(env!("CARGO_BIN_EXE_boathook"), &config).file("github.key", github::KEY)
}

/// A push of an image, and what came of it: see [`end`].
fn push(relay: &Relay, name: &str, tag: &str) -> Response {
    end(relay, &github::image(&repository(name), tag))
}

/// Sends a delivery, for the first time or again, and asks until what comes of it has ended.
fn end(relay: &Relay, delivery: &Delivery) -> Response {
    let deadline = Instant::now() + Duration::from_secs(180);
    let asking = delivery.clone().wait(50);
    loop {
        let answer = asking.send(relay);
        if answer.status != 202 {
            return answer;
        }
        assert!(Instant::now() < deadline, "it does not end: {}\n{}", answer.text(), relay.log());
    }
}

/// Outcome and reason of the only run of an answer.
fn outcome(answer: &Response) -> (String, String) {
    let run = &answer.json()["runs"][0];
    let text = |field: &str| run[field].as_str().unwrap_or_default().to_owned();
    (text("outcome"), text("reason"))
}

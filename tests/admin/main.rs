//! The admin listener: metrics, deliveries, workloads, for who looks and changes nothing.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code: a broken assumption ends the test with its line"
)]

mod counts;
mod exposition;
mod info;
mod listener;
mod monitoring;
mod pages;

use std::time::{Duration, Instant};

use exposition::Page;
use support::http::{self, Response};
use support::kube;
use support::relay::{Relay, Setup};
use support::scene::prepared;

/// A relay with an admin listener, and where that is.
struct Watched {
    relay: Relay,
    admin: String,
}

impl Watched {
    /// With these settings and rules of the usual scene.
    fn new(kube: &kube::Double, settings: &str, rules: &[&str]) -> Self {
        Self::start(prepared(kube, settings, rules))
    }

    fn start(setup: Setup) -> Self {
        Self::start_at(setup, "127.0.0.1:0")
    }

    /// With its admin listener at this address.
    fn start_at(setup: Setup, address: &str) -> Self {
        let relay = setup.environment("BOATHOOK_ADMIN", address).start();
        let line = relay.wait_for_log("metrics at http://");
        let admin = line.split("http://").nth(1).unwrap().split('/').next().unwrap().to_owned();
        Self { relay, admin }
    }

    fn get(&self, path: &str) -> Response {
        http::send("GET", &self.admin, path, &[], b"")
    }

    /// The metrics of now.
    fn scrape(&self) -> Page {
        let answer = self.get("/metrics");
        assert_eq!(answer.status, 200, "{}", answer.text());
        let media_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        assert_eq!(answer.header("content-type"), Some(media_type));
        Page::parse(&answer.text())
    }

    /// Scrapes until the page is so; fails the test with the last one when it never is.
    fn wait_for(&self, condition: impl Fn(&Page) -> bool) -> Page {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let page = self.scrape();
            if condition(&page) {
                return page;
            }
            assert!(Instant::now() < deadline, "it never comes to that: {page:#?}\n{}", self.relay.log());
        }
    }
}

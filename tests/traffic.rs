//! `traffic`: blue-green on a Knative Service, through the real binary, against the API double.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code: a broken assumption ends the test with its line"
)]

#[path = "traffic/back.rs"]
mod back;
#[path = "traffic/killed.rs"]
mod killed;
#[path = "traffic/others.rs"]
mod others;
#[path = "traffic/steps.rs"]
mod steps;

use serde_json::{Value, json};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::delivery::Delivery;
use support::kube::{Double, Pace};
use support::relay::{Relay, Setup};
use support::serve::{Answer, Bind, Reply, Server, handler};
use support::stage::{Ended, workload};
use support::{github, http, scene};

const PATH: &str = "/apis/serving.knative.dev/v1/namespaces/shop/services/game";
const PINNED: &str = "game-00001=100";
const END: &str = "latest=100";

/// What is asked for on the way to the revision `game-00002`.
const WAY: [&str; 5] = [
    PINNED,
    "game-00001=90,game-00002=10",
    "game-00001=50,game-00002=50",
    "game-00001=0,game-00002=100",
    END,
];

/// A cluster where version 1 of the game serves, and what is changed takes a moment.
fn cluster() -> Double {
    with(workload("ksvc", "shop", "game", "ghcr.io/acme/game:1"))
}

fn with(game: Value) -> Double {
    let kube = Double::start();
    kube.auto_rollout(Pace::Every(Duration::from_millis(5)));
    kube.apply(game);
    kube.wait_for_object("ksvc", "shop", "game", |object| shown(object) == PINNED);
    kube
}

/// The rule, its action with these further fields.
fn rule(more: &str) -> String {
    format!(
        "{{do: [traffic: {{namespace: shop, service: ksvc/game, image: \"${{image}}:${{tag}}\", steps: [10, 50, 100], \
         every: 20ms{more}}}]}}"
    )
}

fn setup(kube: &Double, more: &str) -> Setup {
    scene::prepared(kube, "settle: 0", &[&rule(more)])
}

fn started(kube: &Double, more: &str) -> Relay {
    setup(kube, more).start()
}

fn started_with(kube: &Double, rule: &str) -> Relay {
    scene::relay(kube, "settle: 0", &[rule])
}

/// This version of the game was pushed.
fn pushed(tag: &str) -> Delivery {
    github::image("ghcr.io/acme/game", tag)
}

/// What comes of a delivery.
fn ended(relay: &Relay, delivery: &Delivery) -> Ended {
    delivery.clone().wait(60).send(relay).into()
}

/// What comes of a push of this version.
fn push(relay: &Relay, tag: &str) -> Ended {
    ended(relay, &pushed(tag))
}

/// `game-00001=90,game-00002=10`
fn told(traffic: &Value) -> String {
    let entry = |entry: &Value| {
        let revision = entry["revisionName"].as_str().unwrap_or("latest");
        let tag = entry["tag"].as_str().map(|tag| format!("#{tag}")).unwrap_or_default();
        format!("{revision}{tag}={}", entry["percent"])
    };
    traffic.as_array().into_iter().flatten().map(entry).collect::<Vec<_>>().join(",")
}

/// Where requests go, as the status says.
fn shown(object: &Value) -> String {
    told(&object["status"]["traffic"])
}

fn game(kube: &Double) -> Value {
    kube.object("ksvc", "shop", "game")
}

fn container(kube: &Double) -> Value {
    game(kube)["spec"]["template"]["spec"]["containers"][0].clone()
}

/// The traffic that patches asked for, one after the other.
fn asked(kube: &Double) -> Vec<String> {
    let patches = kube.patches().into_iter().filter(|patch| patch.status == 200);
    let traffic = |patch: Value| {
        let operations = patch.as_array().unwrap().iter();
        operations.clone().find(|operation| operation["path"] == "/spec/traffic").map(|op| told(&op["value"]))
    };
    patches.filter_map(|patch| traffic(patch.body)).collect()
}

/// Somebody else changes the service.
fn patch(kube: &Double, operations: &Value) {
    let headers = [("Content-Type", "application/json-patch+json"), ("User-Agent", "kubectl/v1.36")];
    let path = format!("{PATH}?fieldManager=kubectl");
    assert_eq!(
        http::send("PATCH", &kube.url(), &path, &headers, operations.to_string().as_bytes()).status,
        200
    );
}

/// What the service is checked by: it is not well at one percentage.
struct Probed {
    server: Server,
    /// The percentage; 0: it is well.
    bad: Arc<AtomicI64>,
    /// The percentages that it was asked at.
    seen: Arc<Mutex<Vec<i64>>>,
}

impl Probed {
    fn start(kube: &Arc<Double>, bad: i64) -> Self {
        let (bad, seen) = (Arc::new(AtomicI64::new(bad)), Arc::new(Mutex::new(Vec::new())));
        let (cluster, at, list) = (Arc::clone(kube), Arc::clone(&bad), Arc::clone(&seen));
        let answer = move |_| {
            let object = game(&cluster);
            let entries = object["status"]["traffic"].as_array().cloned().unwrap_or_default();
            let new = entries.iter().find(|entry| entry["revisionName"] == "game-00002");
            let percent = new.map_or(0, |entry| entry["percent"].as_i64().unwrap());
            list.lock().unwrap().push(percent);
            let status = if percent == at.load(Ordering::SeqCst) { 503 } else { 200 };
            Reply::Answer(Answer::json(status, &json!({"status": status})))
        };
        Self { server: Server::start(Bind::Tcp, handler(answer)), bad, seen }
    }

    /// The field `check` of the action, that waits so long for the service to become well.
    fn field(&self, within: &str) -> String {
        let url = format!("http://{}/healthz", self.server.address());
        format!(
            ", check: {{url: \"{url}\", allowLocal: true, within: {within}, every: 10ms, consecutive: 2}}"
        )
    }

    /// It is well from now on.
    fn mend(&self) {
        self.bad.store(0, Ordering::SeqCst);
    }

    /// The percentages that it was asked at, each once.
    fn seen(&self) -> Vec<i64> {
        let mut seen = self.seen.lock().unwrap().clone();
        seen.dedup();
        seen
    }
}

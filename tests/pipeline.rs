//! `config/knative-blue-green.yaml`, as it stands, from a signed request for development to production, through the
//! real binary, against the API double.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code: a broken assumption ends the test with its line"
)]

#[path = "pipeline/killed.rs"]
mod killed;
#[path = "pipeline/promoted.rs"]
mod promoted;
#[path = "pipeline/requests.rs"]
mod requests;

use jiff::Timestamp;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::delivery::Delivery;
use support::kube::{Double, Pace};
use support::objects::knative_service;
use support::relay::{Relay, Setup};
use support::scene::boathook;
use support::serve::{Answer, Bind, Reply, Server, handler};
use support::sign::hmac_sha256;
use support::stage::image_of;

const KEY: &str = "the key of the CI endpoint";

/// What is asked of production on the way to its revision `game-2048-prod-00002`.
const WAY: [&str; 5] =
    ["00001=100", "00001=90,00002=10", "00001=50,00002=50", "00001=0,00002=100", "latest=100"];

/// The three environments with version 1, and the site that they are checked by.
struct World {
    kube: Arc<Double>,
    site: Site,
}

impl World {
    fn start() -> Self {
        let kube = Double::start();
        kube.auto_rollout(Pace::Every(Duration::from_millis(5)));
        for name in ["game-2048-dev", "game-2048-staging", "game-2048-prod"] {
            // A spelling of its own, so that a test can break production alone.
            let host = if name.ends_with("prod") { "GHCR.io" } else { "ghcr.io" };
            kube.apply(knative_service(name, name, &format!("{host}/owner/repo:1")));
            kube.wait_for_object("ksvc", name, name, |object| new_share(object).is_some());
        }
        let kube = Arc::new(kube);
        let site = Site::start(&kube);
        Self { kube, site }
    }

    /// The configuration, with what a test has to change in it: where things are, and how long they take.
    fn setup(&self) -> Setup {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/config/knative-blue-green.yaml");
        let mut config = std::fs::read_to_string(file).unwrap();
        let checked = |path: &str| {
            let url = format!("http://{}/{path}", self.site.server.address());
            format!("{{allowLocal: true, every: 10ms, url: \"{url}\", within: 500ms")
        };
        for (from, to) in [
            ("state: /var/lib/boathook\n", String::new()),
            ("every: 150s", "every: 20ms".to_owned()),
            ("{url: \"https://dev.game-2048.example.com/\", within: 45s", checked("dev")),
            ("{url: \"https://staging.game-2048.example.com/\", within: 45s", checked("staging")),
            ("{url: \"https://game-2048.example.com/\", within: 45s", checked("prod")),
        ] {
            assert!(config.contains(from), "{from}");
            config = config.replace(from, &to);
        }
        let api = format!("--kube-api={}", self.kube.url());
        boathook(&config).file("deploy.key", KEY).argument(&api).argument("--settle=0").state()
    }

    /// The images of development, staging and production: their tags.
    fn tags(&self) -> [String; 3] {
        ["game-2048-dev", "game-2048-staging", "game-2048-prod"]
            .map(|name| image_of(&self.kube, "ksvc", name, name).rsplit(':').next().unwrap().to_owned())
    }

    /// Where production's requests go, as its status says.
    fn shown(&self) -> String {
        told(&self.kube.object("ksvc", "game-2048-prod", "game-2048-prod")["status"]["traffic"])
    }

    /// What was asked for production's requests, one after the other.
    fn asked(&self) -> Vec<String> {
        let done = self.kube.patches().into_iter().filter(|patch| patch.status == 200);
        let traffic = |patch: Value| {
            let operations = patch.as_array().cloned().unwrap_or_default();
            operations
                .iter()
                .find(|operation| operation["path"] == "/spec/traffic")
                .map(|one| told(&one["value"]))
        };
        done.filter_map(|patch| traffic(patch.body)).collect()
    }
}

/// What the environments are checked by: well, but for one path, and for production at one share of the new revision.
struct Site {
    server: Server,
    ill: Arc<Mutex<&'static str>>,
    ill_at: Arc<AtomicI64>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Site {
    fn start(kube: &Arc<Double>) -> Self {
        let (ill, ill_at) = (Arc::new(Mutex::new("")), Arc::new(AtomicI64::new(-1)));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (cluster, path, at, list) =
            (Arc::clone(kube), Arc::clone(&ill), Arc::clone(&ill_at), Arc::clone(&asked));
        let answer = move |request: support::serve::Request| {
            let object = cluster.object("ksvc", "game-2048-prod", "game-2048-prod");
            let share = new_share(&object).unwrap();
            let is_prod = request.path_and_query == "/prod";
            let told = if is_prod { format!("/prod {share}") } else { request.path_and_query.clone() };
            list.lock().unwrap().push(told);
            let is_ill = request.path_and_query == *path.lock().unwrap()
                || is_prod && share == at.load(Ordering::SeqCst);
            let status = if is_ill { 503 } else { 200 };
            Reply::Answer(Answer::json(status, &json!({"status": status})))
        };
        Self { server: Server::start(Bind::Tcp, handler(answer)), ill, ill_at, asked }
    }

    /// This path is not well from now on; an empty one: all are.
    fn break_path(&self, path: &'static str) {
        *self.ill.lock().unwrap() = path;
    }

    /// What was asked, each once.
    fn asked(&self) -> Vec<String> {
        let mut asked = self.asked.lock().unwrap().clone();
        asked.dedup();
        asked
    }

    /// Waits until a path was asked.
    fn wait_for(&self, path: &str) {
        let deadline = std::time::Instant::now() + Duration::from_secs(30);
        while !self.asked.lock().unwrap().iter().any(|asked| asked == path) {
            assert!(std::time::Instant::now() < deadline, "{path} is not asked");
            std::thread::yield_now();
        }
    }
}

/// How much of production's requests its second revision gets.
fn new_share(object: &Value) -> Option<i64> {
    let entries = object["status"]["traffic"].as_array()?;
    let new = entries
        .iter()
        .filter(|one| one["revisionName"].as_str().is_some_and(|name| name.ends_with("-00002")));
    Some(new.filter_map(|one| one["percent"].as_i64()).sum())
}

/// `00001=90,00002=10`
fn told(traffic: &Value) -> String {
    let entry = |entry: &Value| {
        let revision = entry["revisionName"].as_str().unwrap_or("latest");
        format!("{}={}", revision.trim_start_matches("game-2048-prod-"), entry["percent"])
    };
    traffic.as_array().into_iter().flatten().map(entry).collect::<Vec<_>>().join(",")
}

/// The request of a job as issue and README have it, sent now, with these fields changed.
fn request(id: &str, more: &Value) -> Delivery {
    let mut body = json!({
        "environment": "development", "image": "ghcr.io/owner/repo:tag", "namespace": "game-2048-dev",
        "service_name": "game-2048-dev", "deployment_id": id, "commit_sha": "abc123", "triggered_by": "username",
        "timestamp": Timestamp::now().to_string(), "auto_promotion": false, "deployment_strategy": "rolling",
    });
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    let body = body.to_string();
    let signature = format!("sha256={}", hmac_sha256(KEY.as_bytes(), body.as_bytes()));
    Delivery::json(KEY, body)
        .header("X-Signature-SHA256", &signature)
        .header("X-GitHub-Event", "deployment")
        .header("X-GitHub-Delivery", &format!("delivery-{id}"))
}

/// The request that goes all the way.
fn promotion(id: &str) -> Delivery {
    request(id, &json!({"auto_promotion": true}))
}

/// Waits until the run of a promotion waits for its confirmation.
fn waits(relay: &Relay, id: &str) {
    loop {
        let answer = promotion(id).wait(1).send(relay);
        assert_eq!(answer.status, 202, "{}\n{}", answer.text(), relay.log());
        if answer.json()["runs"][0]["steps"][4]["state"] == "awaitingConfirmation" {
            return;
        }
    }
}

/// Somebody confirms it.
fn confirm(relay: &Relay, id: &str) {
    let yes = json!({"auto_promotion": true, "confirmation": "DEPLOY"});
    let answer = request(&format!("confirms-{id}"), &yes).send(relay);
    assert_eq!(answer.json()["status"], "confirmed", "{}", answer.text());
}

/// What comes of it: status, outcome, and the whole answer.
fn ended(relay: &Relay, delivery: &Delivery) -> (u16, String, Value) {
    let answer = delivery.clone().wait(100).send(relay);
    let json = answer.json();
    assert!(json["status"].is_string(), "{json}\n{}", relay.log());
    (answer.status, json["status"].as_str().unwrap().to_owned(), json)
}

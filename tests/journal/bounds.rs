//! Years of deliveries: the file stays small, and what is kept is the newest.

use super::{file_in, status};
use serde_json::{Value, json};
use std::fs;
use std::ops::Range;
use support::delivery::Delivery;
use support::http::Connection;
use support::relay::Relay;
use support::scene::{boathook, cluster};
use support::{github, http};

const KEY: &str = "the key of the Quay endpoint";

/// What may be kept of deliveries that have ended.
const KEPT: u64 = 8 * 1024 * 1024;

/// How many connections send.
const AT_ONCE: usize = 8;

/// A push of many tags with long names: an account of more than four kilobytes.
fn push(number: usize) -> Delivery {
    let tags: Vec<String> = (0..32).map(|tag| format!("{number:08}-{tag:02}-{}", "x".repeat(116))).collect();
    let body = json!({
        "name": "web", "repository": "acme/web", "namespace": "acme", "docker_url": "quay.io/acme/web",
        "homepage": "https://quay.io/repository/acme/web", "updated_tags": tags
    });
    Delivery::json(KEY, body.to_string())
}

/// Sends these pushes, some at once; each supersedes the one before.
fn send(relay: &Relay, numbers: Range<usize>) {
    std::thread::scope(|scope| {
        for first in numbers.start..numbers.end.min(numbers.start + AT_ONCE) {
            let own = (first..numbers.end).step_by(AT_ONCE);
            scope.spawn(move || {
                let mut connection = Connection::open(relay.address()).unwrap();
                for number in own {
                    let push = push(number);
                    let answer = connection.request("POST", &push.path, &push.pairs(), &push.body).unwrap();
                    assert_eq!(answer.status, 202, "{}", answer.text());
                }
            });
        }
    });
}

fn listed(relay: &Relay) -> Vec<Value> {
    let socket = format!("unix://{}/state/boathook.sock", relay.directory().display());
    let answer = http::send("GET", &socket, "/deliveries?limit=1000", &[], b"").json();
    answer["deliveries"].as_array().unwrap().clone()
}

#[test]
fn the_file_stays_within_bounds_however_many_deliveries_come() {
    let kube = cluster(&["web"]);
    let config = format!(
        "version: 1\nkubernetes: {{api: \"{}\"}}\nsettle: 1h\nmaxWait: 1h\nendpoints:\n\
         - {{name: quay, source: Quay, keyPath: quay.key, rules: [{{do: [setImage: {{namespace: default, runningImage: true}}]}}]}}\n\
         - {{name: ghcr, source: GitHub, keyPath: github.key, rules: [{{do: [setImage: {{namespace: default, runningImage: true}}]}}]}}\n",
        kube.url()
    );
    let setup = boathook(&config).file("quay.key", KEY).file("github.key", github::KEY).state();
    let relay = setup.start();
    let pending = github::image("ghcr.io/acme/web", "2.0.0");
    pending.accepted(&relay);
    let size = |relay: &Relay| fs::metadata(file_in(relay.directory())).unwrap().len();
    send(&relay, 0..2200);
    let full = size(&relay);
    assert!(full > KEPT, "{full}: more than this test takes for granted");
    send(&relay, 2200..4400);
    send(&relay, 4400..4401);
    let after = size(&relay);
    assert!(after <= full + KEPT, "{full} bytes, and after as many deliveries again {after}");
    let newest = listed(&relay);
    assert_eq!(
        newest[0]["events"][0]["tags"][0].as_str().map(|tag| &tag[..8]),
        Some("00004400"),
        "{}",
        newest[0]
    );

    let relay = relay.restart();
    assert!(size(&relay) <= after, "a start makes it no larger");
    assert_eq!(listed(&relay), newest, "the newest are the same");
    assert_eq!(status(&pending.send(&relay)), "duplicate", "what is pending is never forgotten");
    send(&relay, 4401..4402);
}

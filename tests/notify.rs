//! How runs ended is told to notification targets: in their formats, signed, again until they take it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code: a broken assumption ends the test with its line"
)]

use serde_json::Value;
use support::github;
use support::kube::Double;
use support::receiver::{Behavior, Receiver, Told};
use support::relay::{Relay, Setup};
use support::scene::{RESTART_WEB, SET_IMAGE, cluster, config, prepared};

const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OLD_KEY: &str = "whsec_NgKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A relay, not yet started, that sets images and tells these targets (flow mappings).
fn telling(kube: &Double, targets: &[&str]) -> Setup {
    prepared(kube, &settings(targets), &[SET_IMAGE]).file("notify.key", KEY).file("old.key", OLD_KEY)
}

fn settings(targets: &[&str]) -> String {
    format!("settle: 0s\nnotify: [{}]", targets.join(", "))
}

/// A target with a name and a path of its own.
fn target(receiver: &Receiver, name: &str, more: &str) -> String {
    format!("{{name: {name}, url: '{}'{more}}}", receiver.url(&format!("/{name}")))
}

/// Pushes a tag of web and waits for the end; the run's id.
fn push(relay: &Relay, tag: &str) -> String {
    let answer = github::image("ghcr.io/acme/web", tag).wait(50).send(relay);
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["runs"][0]["id"].as_str().unwrap().to_owned()
}

fn ids(told: &[Told]) -> Vec<&str> {
    told.iter().map(|told| told.header("webhook-id")).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

#[test]
fn an_end_is_told_in_every_format_and_signed() {
    let kube = cluster(&["web"]);
    let receiver = Receiver::start();
    let slack = receiver.url("/services/T0/B0/secret");
    let relay = telling(
        &kube,
        &[
            &target(&receiver, "events", ", keyPath: [notify.key, old.key]"),
            &target(&receiver, "plain", ", format: plain"),
            "{name: slack, urlPath: slack.url, format: slack}",
        ],
    )
    .file("slack.url", format!("{slack}\n"))
    .start();
    let run = push(&relay, "1.1.0");

    let event = &receiver.wait_for("/events", 1)[0];
    assert_eq!(event.header("content-type"), "application/cloudevents+json");
    assert!(event.is_signed_with(KEY) && event.is_signed_with(OLD_KEY));
    assert!(!event.is_signed_with("whsec_AAAA9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
    assert_eq!((event.header("webhook-id"), &event.body["id"]), (run.as_str(), &Value::from(run.as_str())));
    assert_eq!(event.body["type"], "boathook.run.succeeded");
    assert_eq!(event.body["subject"], "ghcr.io/acme/web:1.1.0");
    let data = &event.body["data"];
    assert_eq!(data["steps"][0]["targets"][0]["target"], "deployment/web");
    assert_eq!((&data["actor"], &data["endpoint"]), (&Value::from("octavia"), &Value::from("ghcr")));

    let plain = &receiver.wait_for("/plain", 1)[0];
    assert_eq!((plain.header("webhook-signature"), plain.header("content-type")), ("", "application/json"));
    assert_eq!(plain.body["repository"], "web");
    assert_eq!(plain.body["namespace"], "default");
    assert_eq!(plain.body["docker_url"], "ghcr.io/acme/web:1.1.0");
    assert_eq!(plain.body["outcome"], "succeeded");

    let message = &receiver.wait_for("/services/T0/B0/secret", 1)[0];
    assert_eq!(message.body["text"], "succeeded: ghcr.io/acme/web:1.1.0");
    assert!(text(&message.body["blocks"][1]["text"]["text"]).contains("deployment/web in default"));
    assert!(!relay.log().contains("secret"), "{}", relay.log());
}

#[test]
fn only_what_is_asked_for_is_told() {
    let kube = cluster(&["web"]);
    let receiver = Receiver::start();
    let targets = [
        target(&receiver, "bad", ", on: failed"),
        target(&receiver, "all", ", on: [succeeded, failed, unchanged]"),
    ];
    let relay = telling(&kube, &[&targets[0], &targets[1]]).start();
    push(&relay, "1.1.0");
    push(&relay, "1.1.0");
    kube.forbid("patch", "deployments", None);
    let answer = github::image("ghcr.io/acme/web", "1.2.0").wait(50).send(&relay);
    assert_eq!(answer.status, 424, "{}", answer.text());
    let told = receiver.wait_for("/all", 3);
    let types: Vec<_> = told.iter().map(|told| text(&told.body["type"])).collect();
    assert_eq!(types, ["boathook.run.succeeded", "boathook.run.unchanged", "boathook.run.failed"]);
    let bad = receiver.wait_for("/bad", 1);
    assert!(text(&bad[0].body["data"]["reason"]).contains("allow it with"), "{:?}", bad[0]);
    assert_eq!(receiver.told("/bad").len(), 1);
}

#[test]
fn a_dead_target_delays_nothing_and_misses_nothing() {
    let kube = cluster(&["web"]);
    let (dead, alive) = (Receiver::start(), Receiver::start());
    dead.stop();
    let relay = telling(&kube, &[&target(&dead, "dead", ""), &target(&alive, "alive", "")]).start();
    let runs = [push(&relay, "1.1.0"), push(&relay, "1.2.0"), push(&relay, "1.3.0")];
    assert_eq!(ids(&alive.wait_for("/alive", 3)), runs);
    relay.wait_for_log("notify=dead does not take notices");
    dead.restart_listener();
    assert_eq!(ids(&dead.wait_for("/dead", 3)), runs, "in their order");
    relay.wait_for_log("notify=dead takes notices again");
    assert_eq!(alive.told("/alive").len(), 3);
}

#[test]
fn what_was_not_taken_survives_a_kill() {
    let kube = cluster(&["web"]);
    let receiver = Receiver::start();
    receiver.stop();
    let target = target(&receiver, "ops", ", keyPath: notify.key");
    let mut relay = telling(&kube, &[&target]).state().start();
    let runs = [push(&relay, "1.1.0"), push(&relay, "1.2.0")];
    relay.wait_for_log("notify=ops does not take notices");
    relay.kill();
    receiver.restart_listener();
    let relay = relay.restart();
    let told = receiver.wait_for("/ops", 2);
    assert_eq!(ids(&told), runs);
    assert!(told.iter().all(|told| told.is_signed_with(KEY)));
    // What was taken is not told once more.
    let next = push(&relay, "1.3.0");
    assert_eq!(ids(&receiver.wait_for("/ops", 3)), [runs[0].as_str(), runs[1].as_str(), next.as_str()]);
}

#[test]
fn a_target_that_is_busy_is_told_the_same_again() {
    let kube = cluster(&["web"]);
    let receiver = Receiver::start();
    receiver.behave("/ops", Behavior::status(503));
    let relay = telling(&kube, &[&target(&receiver, "ops", ", keyPath: notify.key")]).start();
    let run = push(&relay, "1.1.0");
    receiver.wait_for("/ops", 2);
    receiver.behave("/ops", Behavior::Close);
    receiver.wait_for("/ops", 3);
    receiver.behave("/ops", Behavior::Accept);
    let told = receiver.wait_for("/ops", 4);
    relay.wait_for_log("notify=ops takes notices again");
    assert!(ids(&told).iter().all(|id| *id == run), "{told:?}");
    assert!(told.iter().all(|told| told.is_signed_with(KEY)), "each with its own time");
    assert!(told.windows(2).all(|pair| pair[0].body == pair[1].body));
}

#[test]
fn one_notice_that_is_refused_does_not_hold_up_the_next() {
    let kube = cluster(&["web"]);
    let receiver = Receiver::start();
    let elsewhere = vec![("Location".to_owned(), receiver.url("/elsewhere"))];
    receiver.behave("/ops", Behavior::Status(302, elsewhere));
    let relay = telling(&kube, &[&target(&receiver, "ops", "")]).start();
    push(&relay, "1.1.0");
    relay.wait_for_log("the answer is 302, and redirects are not followed");
    receiver.behave("/ops", Behavior::Accept);
    let next = push(&relay, "1.2.0");
    assert_eq!(ids(&receiver.wait_for("/ops", 2))[1], next);
    assert!(receiver.told("/elsewhere").is_empty());
}

#[test]
fn at_the_end_what_waits_is_tried_once_more() {
    let kube = cluster(&["web"]);
    let receiver = Receiver::start();
    let later = vec![("Retry-After".to_owned(), "3600".to_owned())];
    receiver.behave("/ops", Behavior::Status(429, later));
    let mut relay = telling(&kube, &[&target(&receiver, "ops", "")]).start();
    let run = push(&relay, "1.1.0");
    relay.wait_for_log("notify=ops does not take notices");
    receiver.behave("/ops", Behavior::Accept);
    assert_eq!(relay.stop(), 0);
    assert_eq!(ids(&receiver.told("/ops")), [run.as_str(); 2]);
}

#[test]
fn what_is_lost_with_the_process_is_said() {
    let kube = cluster(&["web"]);
    let receiver = Receiver::start();
    receiver.stop();
    let mut relay = telling(&kube, &[&target(&receiver, "ops", "")]).start();
    push(&relay, "1.1.0");
    relay.stop();
    relay.wait_for_log("1 notices were not taken and are lost");
}

#[test]
fn targets_come_and_go_with_the_configuration() {
    let kube = cluster(&["web"]);
    let (first, second) = (Receiver::start(), Receiver::start());
    first.stop();
    let setup = |receiver: &Receiver, name: &str| {
        let settings = settings(&[&target(receiver, name, ", on: [succeeded, unchanged]")]);
        config(&kube, &settings, &[RESTART_WEB])
    };
    let relay = telling(&kube, &[]).start();
    relay.write("boathook.yaml", setup(&first, "first"));
    relay.signal("HUP");
    relay.wait_for_log("configuration read again");
    push(&relay, "1.1.0");
    relay.wait_for_log("notify=first does not take notices");
    relay.write("boathook.yaml", setup(&second, "second"));
    relay.signal("HUP");
    relay.wait_for_log("notify=first is not configured any more: 1 notices are dropped");
    let run = push(&relay, "1.2.0");
    assert_eq!(ids(&second.wait_for("/second", 1)), [run]);
}

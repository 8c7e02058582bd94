//! The relay ends while a run waits for its confirmation.

use serde_json::json;

use super::confirm::{ended, live, rules, waits, yes};
use super::{prepared, request};
use support::scene::cluster;

#[test]
fn killed_while_it_waits_it_waits_further() {
    let kube = cluster(&["web", "live"]);
    let mut relay = prepared(&kube, "", &rules("{}")).state().start();
    waits(&relay, "d-1", "2.0.0");
    relay.kill();
    let relay = relay.restart();
    waits_again(&relay);
    let answer = request("c-1", "2.0.0", &yes()).send(&relay);
    assert_eq!(answer.json()["status"], "confirmed", "{}", answer.text());
    // Said, so it is safe, and it is known who said it.
    let relay = relay.restart();
    assert_eq!(request("c-1", "2.0.0", &yes()).send(&relay).text(), answer.text());
    assert_eq!(ended(&relay, "d-1", "2.0.0")["status"], "succeeded");
    assert_eq!(live(&kube), "ghcr.io/acme/live:2.0.0");
    let relay = relay.restart();
    assert_eq!(request("c-1", "2.0.0", &yes()).send(&relay).text(), answer.text());
    assert_eq!(kube.patches().len(), 2);
}

#[test]
fn stopped_while_it_waits_it_waits_further() {
    let kube = cluster(&["web", "live"]);
    let mut relay = prepared(&kube, "", &rules("{}")).state().start();
    waits(&relay, "d-1", "2.0.0");
    assert_eq!(relay.stop(), 0, "{}", relay.log());
    let relay = relay.restart();
    waits_again(&relay);
    // A newer one takes its place also then.
    waits(&relay, "d-2", "3.0.0");
    assert_eq!(ended(&relay, "d-1", "2.0.0")["status"], "superseded");
}

#[test]
fn without_state_the_wait_ends_with_the_relay() {
    let kube = cluster(&["web", "live"]);
    let mut relay = prepared(&kube, "", &rules("{}")).start();
    waits(&relay, "d-1", "2.0.0");
    relay.stop();
    let line = relay.wait_for_log("outcome=expired");
    assert!(line.contains("the relay was stopped while this waited to be confirmed"), "{line}");
    assert_eq!(live(&kube), "ghcr.io/acme/live:1.0.0");
}

#[track_caller]
fn waits_again(relay: &support::relay::Relay) {
    loop {
        let answer = request("d-1", "2.0.0", &json!({})).wait(1).send(relay);
        assert_eq!(answer.status, 202, "{}", answer.text());
        if answer.json()["runs"][0]["steps"][1]["state"] == "awaitingConfirmation" {
            return;
        }
    }
}

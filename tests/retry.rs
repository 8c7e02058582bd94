//! The API server is away, busy or refuses: what was accepted is done once it is back, and once only.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code: a broken assumption ends the test with its line"
)]

use serde_json::json;
use support::kube::{Double, Fault};
use support::scene::{RESTART_WEB, SET_IMAGE, cluster, effective, image_of, relay};
use support::{flux, github, scene};

/// The change is made exactly once, after this has gone wrong until the relay says that it tries again.
fn once_after(fault: Fault, rule: &str) {
    let kube = cluster(&["web"]);
    let relay = relay(&kube, "settle: 0", &[rule]);
    kube.fail(fault);
    let delivery = github::image("ghcr.io/acme/web", "2.0.0");
    delivery.accepted(&relay);
    relay.wait_for_log("trying again in ");
    kube.clear_faults();
    let answer = delivery.wait(50).send(&relay);
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(effective(&kube).len(), 1, "{:?}", kube.patches());
}

#[test]
fn an_api_server_that_fails_is_asked_again() {
    once_after(Fault::Status(500), RESTART_WEB);
    once_after(Fault::Status(503), SET_IMAGE);
}

#[test]
fn a_connection_that_breaks_is_made_again() {
    once_after(Fault::Close, RESTART_WEB);
}

#[test]
fn a_proxy_whose_api_server_is_away_is_asked_again() {
    once_after(Fault::ProxyUpstreamDown, RESTART_WEB);
    once_after(Fault::ProxyUpstreamDown, SET_IMAGE);
}

#[test]
fn an_api_server_that_is_away_is_found_when_it_is_back() {
    let kube = cluster(&["web"]);
    let relay = relay(&kube, "settle: 0", &[RESTART_WEB]);
    kube.stop();
    let delivery = github::image("ghcr.io/acme/web", "latest");
    delivery.accepted(&relay);
    let line = relay.wait_for_log("trying again in ");
    assert!(line.contains("target=deployment/web") && line.contains("the API cannot be reached"), "{line}");
    kube.restart_listener();
    assert_eq!(delivery.wait(50).send(&relay).status, 200);
    assert_eq!(effective(&kube).len(), 1);
}

#[test]
fn a_server_that_asks_for_time_gets_it() {
    let kube = cluster(&["web"]);
    let relay = relay(&kube, "settle: 0", &[RESTART_WEB]);
    kube.fail_for(Fault::TooManyRequests(2), "PATCH", "/deployments/web", Some(1));
    let answer = github::image("ghcr.io/acme/web", "latest").wait(50).send(&relay);
    assert_eq!(answer.status, 200, "{}", answer.text());
    relay.wait_for_log("trying again in 2.0s");
    let patches = kube.patches();
    assert_eq!(patches.iter().map(|patch| patch.status).collect::<Vec<_>>(), [429, 200]);
    assert!((patches[1].at - patches[0].at).as_secs() >= 2, "asked again before the time was over");
}

/// The change is made, and its answer never arrives.
fn once_though_the_answer_is_lost(fault: &Fault, rule: &str) -> Double {
    let kube = cluster(&["web"]);
    let relay = relay(&kube, "settle: 0", &[rule]);
    kube.fail_for(fault.clone(), "PATCH", "/deployments/web", Some(1));
    let generation =
        |kube: &Double| kube.object("deployments", "default", "web")["metadata"]["generation"].clone();
    let before = generation(&kube).as_i64().unwrap();
    let answer = github::image("ghcr.io/acme/web", "2.0.0").wait(50).send(&relay);
    assert_eq!((answer.status, &answer.json()["status"]), (200, &json!("succeeded")), "{}", answer.text());
    assert_eq!(generation(&kube), before + 1, "{fault:?}");
    kube
}

#[test]
fn what_was_done_is_not_done_again() {
    for fault in [Fault::LoseAnswer, Fault::CloseMidResponse] {
        once_though_the_answer_is_lost(&fault, RESTART_WEB);
        let kube = once_though_the_answer_is_lost(&fault, SET_IMAGE);
        assert_eq!(image_of(&kube, "web"), "ghcr.io/acme/web:2.0.0");
    }
}

#[test]
fn a_change_by_somebody_else_meanwhile_is_read_again() {
    let kube = cluster(&["web"]);
    let relay = relay(&kube, "settle: 0", &[SET_IMAGE]);
    kube.fail_for(Fault::Conflict, "PATCH", "/deployments/web", Some(2));
    let answer = github::image("ghcr.io/acme/web", "2.0.0").wait(50).send(&relay);
    assert_eq!((answer.status, &answer.json()["status"]), (200, &json!("succeeded")));
    assert_eq!(effective(&kube).len(), 1);
}

#[test]
fn after_retry_for_it_is_given_up() {
    let kube = cluster(&["web"]);
    let relay = relay(&kube, "settle: 0\nretryFor: 2s", &[RESTART_WEB]);
    kube.fail(Fault::Status(503));
    let delivery = github::image("ghcr.io/acme/web", "latest").wait(50);
    let answer = delivery.send(&relay);
    assert_eq!((answer.status, &answer.json()["status"]), (424, &json!("expired")), "{}", answer.text());
    assert_eq!(
        answer.json()["runs"][0]["reason"],
        "deployment/web: given up after retryFor; the last try said: get deployments web in namespace default: the API \
         answers 503: the server is currently unable to handle the request"
    );
    assert!(kube.requests().len() > 1, "it was tried more than once");
    kube.clear_faults();
    assert_eq!(delivery.send(&relay).status, 200, "the sender's redelivery runs again");
}

#[test]
fn what_another_try_cannot_mend_fails_at_once() {
    for fault in [
        Fault::Status(401),
        Fault::Status(403),
        Fault::Status(404),
        Fault::Status(422),
        Fault::ProxyForbidden,
    ] {
        let kube = cluster(&["web"]);
        let relay = relay(&kube, "settle: 0", &[RESTART_WEB]);
        kube.fail_for(fault.clone(), "PATCH", "", None);
        let answer = github::image("ghcr.io/acme/web", "latest").wait(50).send(&relay);
        assert_eq!((answer.status, &answer.json()["status"]), (424, &json!("failed")), "{fault:?}");
        assert_eq!(kube.patches().len(), 1, "{fault:?}");
    }
}

#[test]
fn targets_are_looked_for_until_they_can_be() {
    let kube = cluster(&["web"]);
    let relay = relay(&kube, "settle: 0", &["{do: [restart: {namespace: default, selector: app=web}]}"]);
    kube.fail_for(Fault::Status(500), "GET", "/deployments?", Some(1));
    let answer = github::image("ghcr.io/acme/web", "latest").wait(50).send(&relay);
    assert_eq!(answer.status, 200, "{}", answer.text());
    relay.wait_for_log("target=\"the targets of restart\" trying again in ");
}

#[test]
fn flux_is_told_once_it_listens() {
    let flux = flux::Double::start();
    let config = format!(
        "version: 1\nflux: {{api: \"{}\"}}\nendpoints:\n- {{name: fleet, source: GitHub, keyPath: github.key, rules: [{{do: [fluxNotify: {{}}]}}]}}\n",
        flux.api()
    );
    let relay = scene::boathook(&config).file("github.key", github::KEY).start();
    flux.stop();
    let delivery = github::push("acme/fleet", "main");
    delivery.accepted(&relay);
    relay.wait_for_log("trying again in ");
    flux.restart_listener();
    assert_eq!(delivery.wait(50).send(&relay).status, 200);
    assert_eq!(flux.notifications().len(), 1);
}

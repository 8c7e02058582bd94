//! 202 and what it says, pong, duplicate, health.

use serde_json::json;
use support::scene::{RESTART_WEB, cluster, relay};
use support::{github, http};

#[test]
fn accepted_says_what_will_be_done_to_what() {
    let kube = cluster(&["web"]);
    let selected = "{do: [restart: {namespace: default, selector: app=web}]}";
    let relay = relay(&kube, "settle: 1h\nmaxWait: 1h", &[RESTART_WEB, selected]);
    let delivery = github::image("ghcr.io/acme/web", "latest");
    let answer = delivery.send(&relay);
    assert_eq!(answer.status, 202);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let ids: Vec<_> = answer.json()["runs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|run| run["id"].as_str().unwrap().to_owned())
        .collect();
    let expected = format!(
        r#"{{"delivery":"{}","status":"accepted","runs":[{{"id":"{}","rule":1,"steps":[{{"action":"restart","targets":["deployment/web"]}}]}},{{"id":"{}","rule":2,"steps":[{{"action":"restart","targets":null}}]}}]}}"#,
        delivery.value("X-GitHub-Delivery"),
        ids[0],
        ids[1]
    );
    assert_eq!(answer.text(), expected, "the fields in the order of the documentation");
    assert!(ids[0] < ids[1], "later runs sort after earlier ones");
    assert!(kube.requests().is_empty(), "accepting needs no API");
}

#[test]
fn a_delivery_without_a_usable_id_gets_one() {
    let kube = cluster(&["web"]);
    let relay = relay(&kube, "settle: 1h\nmaxWait: 1h", &[RESTART_WEB]);
    let delivery = github::image("ghcr.io/acme/web", "latest").without("X-GitHub-Delivery");
    let answer = delivery.send(&relay);
    assert_eq!(answer.status, 202, "{}", answer.text());
    assert_eq!(answer.json()["delivery"].as_str().unwrap().len(), 36);
}

#[test]
fn a_ping_is_answered_with_pong() {
    let kube = cluster(&[]);
    let relay = relay(&kube, "", &[RESTART_WEB]);
    let ping = github::event("ping", &json!({"zen": "Design for failure.", "hook_id": 1}));
    let answer = ping.send(&relay);
    assert_eq!((answer.status, answer.text().as_str()), (200, r#"{"status":"pong"}"#));
}

#[test]
fn the_same_delivery_again_is_a_duplicate() {
    let kube = cluster(&["web"]);
    let relay = relay(&kube, "settle: 1h\nmaxWait: 1h", &[RESTART_WEB]);
    let delivery = github::image("ghcr.io/acme/web", "latest");
    delivery.accepted(&relay);
    let answer = delivery.send(&relay);
    let expected = format!(r#"{{"status":"duplicate","of":"{}"}}"#, delivery.value("X-GitHub-Delivery"));
    assert_eq!((answer.status, answer.text()), (200, expected));
}

#[test]
fn health_and_readiness() {
    let kube = cluster(&[]);
    let relay = relay(&kube, "", &[RESTART_WEB]);
    let get = |path| http::send("GET", relay.address(), path, &[], b"");
    assert_eq!((get("/health").status, get("/health").text().trim()), (200, "OK"));
    assert_eq!(get("/ready").status, 200);
    for path in ["/health/", "/healthz", "/", "/hook", "/metrics"] {
        assert_eq!(get(path).status, 404, "{path}");
    }
    assert_eq!(http::send("POST", relay.address(), "/health", &[], b"").status, 404);
}

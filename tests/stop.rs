//! SIGTERM: what was accepted is carried out, and what was not is named.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code: a broken assumption ends the test with its line"
)]

use support::github;
use support::http::{self, Connection};
use support::kube::Fault;
use support::scene::{RESTART_WEB, cluster, effective, relay};

const NEVER: &str = "settle: 1h\nmaxWait: 1h";

#[test]
fn what_still_settles_is_sent() {
    let kube = cluster(&["web"]);
    let mut relay = relay(&kube, NEVER, &[RESTART_WEB]);
    github::image("ghcr.io/acme/web", "latest").accepted(&relay);
    assert!(kube.requests().is_empty());
    assert_eq!(relay.stop(), 0);
    assert_eq!(effective(&kube).len(), 1);
    assert!(relay.log().contains("SIGTERM: finishing 1 pending runs"), "{}", relay.log());
}

#[test]
fn with_nothing_to_do_it_ends_at_once() {
    let kube = cluster(&[]);
    let mut relay = relay(&kube, "", &[RESTART_WEB]);
    let idle = Connection::open(relay.address()).unwrap();
    let mut kept = Connection::open(relay.address()).unwrap();
    assert_eq!(kept.request("GET", "/health", &[], b"").unwrap().status, 200);
    assert_eq!(relay.stop(), 0);
    assert!(!relay.log().contains("connections were still open"), "idle ones do not count: {}", relay.log());
    drop(idle);
}

#[test]
fn a_delivery_that_is_under_way_is_accepted_and_carried_out() {
    let kube = cluster(&["web"]);
    let mut relay = relay(&kube, NEVER, &[RESTART_WEB]);
    let bytes = github::image("ghcr.io/acme/web", "latest").bytes();
    let (first, rest) = bytes.split_at(bytes.len() - 10);
    let mut connection = Connection::open(relay.address()).unwrap();
    connection.write(first).unwrap();
    // One that is answered later than the other's head was sent: the head has been read.
    http::send("GET", relay.address(), "/health", &[], b"");
    relay.signal("TERM");
    relay.wait_for_log("SIGTERM");
    connection.write(rest).unwrap();
    let answer = connection.read_response().unwrap();
    assert_eq!(answer.status, 202, "{}", answer.text());
    assert_eq!(relay.wait(), 0);
    assert_eq!(effective(&kube).len(), 1);
}

#[test]
fn new_connections_are_refused_while_work_is_finished() {
    let kube = cluster(&["web"]);
    let mut relay = relay(&kube, "settle: 0", &[RESTART_WEB]);
    kube.fail_for(Fault::Hang, "GET", "/deployments/web", None);
    github::image("ghcr.io/acme/web", "latest").accepted(&relay);
    kube.wait_for_blocking(|requests| !requests.is_empty());
    relay.signal("TERM");
    relay.wait_for_log("SIGTERM");
    while http::try_send("GET", relay.address(), "/health", &[], b"").is_ok() {}
    kube.clear_faults();
    assert_eq!(relay.wait(), 0);
    assert_eq!(effective(&kube).len(), 1);
}

#[test]
fn what_cannot_be_sent_is_named_and_the_exit_code_is_1() {
    let kube = cluster(&["web"]);
    let mut relay = relay(&kube, NEVER, &[RESTART_WEB]);
    let run = github::image("ghcr.io/acme/web", "latest").accepted(&relay)[0].clone();
    kube.stop();
    assert_eq!(relay.stop(), 1);
    let line = relay.wait_for_log("not sent before the end");
    assert!(line.contains(&format!("ERROR run={run} target=deployment/web not sent")), "{line}");
    assert!(relay.log().contains("1 changes were not sent"), "{}", relay.log());
}

#[test]
fn what_waits_for_its_next_try_has_one_more() {
    let kube = cluster(&["web"]);
    let mut relay = relay(&kube, "settle: 0", &[RESTART_WEB]);
    kube.fail_for(Fault::TooManyRequests(3000), "PATCH", "/deployments/web", Some(1));
    github::image("ghcr.io/acme/web", "latest").accepted(&relay);
    relay.wait_for_log("trying again in 3000.0s");
    assert_eq!(relay.stop(), 0);
    assert_eq!(effective(&kube).len(), 1);
}

#[test]
fn an_api_that_does_not_answer_holds_the_end_up_for_25_seconds_at_most() {
    let kube = cluster(&["web"]);
    let mut relay = relay(&kube, NEVER, &[RESTART_WEB]);
    let run = github::image("ghcr.io/acme/web", "latest").accepted(&relay)[0].clone();
    kube.fail(Fault::Hang);
    // `stop` waits for 30 seconds, after which Kubernetes kills.
    assert_eq!(relay.stop(), 1);
    let line = relay.wait_for_log("not sent before the end");
    assert!(line.contains(&format!("ERROR run={run} target=deployment/web")), "{line}");
}

#[test]
fn runs_of_the_next_process_sort_behind() {
    let kube = cluster(&["web"]);
    let relay = relay(&kube, NEVER, &[RESTART_WEB]);
    let mut last = String::new();
    let mut ask = |relay: &support::relay::Relay| {
        let run = github::image("ghcr.io/acme/web", "latest").accepted(relay)[0].clone();
        assert!(run > last, "{run} after {last}");
        assert_eq!(run.len(), 13, "{run}");
        last = run;
    };
    ask(&relay);
    ask(&relay);
    let relay = relay.restart();
    ask(&relay);
}

//! `Prefer: wait=N`: the answer is held until the runs end.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code: a broken assumption ends the test with its line"
)]

use serde_json::json;
use support::github;
use support::http::{Connection, Response};
use support::kube::Fault;
use support::scene::{RESTART_WEB, SET_IMAGE, cluster, effective, relay, restarted_at};

const NEVER: &str = "settle: 1h\nmaxWait: 1h";

fn applied(answer: &Response) -> &str {
    answer.header("preference-applied").unwrap()
}

#[test]
fn succeeded_is_200_with_what_was_done() {
    let kube = cluster(&["web"]);
    let relay = relay(&kube, "settle: 0", &[RESTART_WEB]);
    let delivery = github::image("ghcr.io/acme/web", "latest").wait(50);
    let answer = delivery.send(&relay);
    assert_eq!((answer.status, applied(&answer)), (200, "wait=50"), "{}", answer.text());
    let (at, run) = (restarted_at(&kube, "web"), answer.json()["runs"][0]["id"].clone());
    let expected = format!(
        r#"{{"delivery":"{}","status":"succeeded","runs":[{{"id":{run},"rule":1,"outcome":"succeeded","reason":"deployment/web: restarted at {}; rolled out","steps":[{{"action":"restart","outcome":"succeeded","targets":[{{"target":"deployment/web","namespace":"default","outcome":"succeeded","reason":"restarted at {}; rolled out"}}]}}]}}]}}"#,
        delivery.value("X-GitHub-Delivery"),
        at.as_str().unwrap(),
        at.as_str().unwrap(),
    );
    assert_eq!(answer.text(), expected, "the fields in the order of the documentation");
}

#[test]
fn unchanged_is_200_too() {
    let kube = cluster(&["web"]);
    let relay = relay(&kube, "settle: 0", &[SET_IMAGE]);
    let answer = github::image("ghcr.io/acme/web", "1.0.0").wait(50).send(&relay);
    assert_eq!((answer.status, &answer.json()["status"]), (200, &json!("unchanged")));
    let reason = &answer.json()["runs"][0]["reason"];
    assert_eq!(reason, "deployment/web: ghcr.io/acme/web:1.0.0 runs already");
}

#[test]
fn nothing_found_is_200_and_says_what_was_looked_for() {
    let kube = cluster(&["web"]);
    let relay = relay(&kube, "settle: 0", &[SET_IMAGE]);
    let answer = github::image("ghcr.io/acme/api", "1.0.0").wait(50).send(&relay);
    assert_eq!((answer.status, &answer.json()["status"]), (200, &json!("skipped")));
    let reason = answer.json()["runs"][0]["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("default: no workload runs ghcr.io/acme/api"), "{reason}");
}

#[test]
fn failed_is_424_and_says_why() {
    let kube = cluster(&[]);
    let relay = relay(&kube, "settle: 0", &[RESTART_WEB]);
    let answer = github::image("ghcr.io/acme/web", "latest").wait(50).send(&relay);
    assert_eq!(
        (answer.status, applied(&answer)),
        (424, "wait=50"),
        "not 5xx, which curl --retry would repeat"
    );
    assert_eq!(answer.json()["status"], "failed");
    assert_eq!(
        answer.json()["runs"][0]["reason"],
        "deployment/web: get deployments web in namespace default: there is no such object"
    );
}

#[test]
fn superseded_is_409_and_names_the_newer_run() {
    let kube = cluster(&["web"]);
    let relay = relay(&kube, NEVER, &[RESTART_WEB]);
    let (older, newer) = (github::image("ghcr.io/acme/web", "a"), github::image("ghcr.io/acme/web", "b"));
    older.accepted(&relay);
    std::thread::scope(|scope| {
        let held = scope.spawn(|| older.clone().wait(300).send(&relay));
        let run = newer.accepted(&relay)[0].clone();
        let answer = held.join().unwrap();
        assert_eq!(
            (answer.status, &answer.json()["status"]),
            (409, &json!("superseded")),
            "{}",
            answer.text()
        );
        assert_eq!(answer.json()["runs"][0]["reason"], format!("superseded by run {run}"));
    });
}

#[test]
fn when_the_time_has_run_out_202() {
    let kube = cluster(&["web"]);
    let relay = relay(&kube, NEVER, &[RESTART_WEB]);
    let answer = github::image("ghcr.io/acme/web", "latest").wait(1).send(&relay);
    assert_eq!((answer.status, applied(&answer)), (202, "wait=1"));
    assert_eq!(answer.json()["status"], "accepted");
    assert_eq!(
        answer.json()["runs"][0]["steps"][0],
        json!({"action": "restart", "targets": ["deployment/web"]})
    );
}

#[test]
fn nobody_waits_longer_than_300_seconds() {
    let kube = cluster(&["web"]);
    let relay = relay(&kube, "settle: 0", &[RESTART_WEB]);
    let answer = github::image("ghcr.io/acme/web", "latest").wait(100_000).send(&relay);
    assert_eq!((answer.status, applied(&answer)), (200, "wait=300"));
}

#[test]
fn a_wish_that_is_not_understood_is_passed_over() {
    let kube = cluster(&["web"]);
    let relay = relay(&kube, NEVER, &[RESTART_WEB]);
    let answer = github::image("ghcr.io/acme/web", "latest").header("Prefer", "wait=soon, x=1").send(&relay);
    assert_eq!((answer.status, answer.header("preference-applied")), (202, None));
}

#[test]
fn the_same_delivery_joins_the_one_under_way_and_later_gets_its_result() {
    let kube = cluster(&["web"]);
    let relay = relay(&kube, "settle: 0", &[RESTART_WEB]);
    kube.fail_for(Fault::Hang, "PATCH", "/deployments/web", None);
    let delivery = github::image("ghcr.io/acme/web", "latest");
    let run = delivery.accepted(&relay)[0].clone();
    kube.wait_for_blocking(|requests| requests.iter().any(|request| request.method == "PATCH"));
    assert_eq!(delivery.send(&relay).json()["status"], "duplicate");
    let out_of_time = delivery.clone().wait(1).send(&relay);
    assert_eq!((out_of_time.status, &out_of_time.json()["runs"][0]["id"]), (202, &json!(run)));
    std::thread::scope(|scope| {
        let held = scope.spawn(|| delivery.clone().wait(50).send(&relay));
        kube.clear_faults();
        let joined = held.join().unwrap();
        assert_eq!((joined.status, &joined.json()["runs"][0]["id"]), (200, &json!(run)), "{}", joined.text());
    });
    let result = delivery.wait(50).send(&relay);
    assert_eq!((result.status, &result.json()["runs"][0]["id"]), (200, &json!(run)));
    assert_eq!(effective(&kube).len(), 1);
}

#[test]
fn a_caller_that_hangs_up_cancels_nothing() {
    let kube = cluster(&["web"]);
    let relay = relay(&kube, "settle: 0", &[RESTART_WEB]);
    kube.fail_for(Fault::Hang, "GET", "/deployments/web", None);
    let mut connection = Connection::open(relay.address()).unwrap();
    connection.write(&github::image("ghcr.io/acme/web", "latest").wait(300).bytes()).unwrap();
    kube.wait_for_blocking(|requests| !requests.is_empty());
    drop(connection);
    // Another caller is served after the relay has seen the first one go.
    assert_eq!(github::image("ghcr.io/acme/other", "latest").send(&relay).status, 200);
    kube.clear_faults();
    relay.wait_for_log("outcome=succeeded");
    assert_eq!(effective(&kube).len(), 1);
}

#[test]
fn callers_that_wait_at_the_end_of_the_process_are_answered_202() {
    let kube = cluster(&["web"]);
    let mut relay = relay(&kube, "settle: 0", &[RESTART_WEB]);
    kube.fail_for(Fault::Hang, "GET", "/deployments/web", None);
    let mut connection = Connection::open(relay.address()).unwrap();
    connection.write(&github::image("ghcr.io/acme/web", "latest").wait(300).bytes()).unwrap();
    kube.wait_for_blocking(|requests| !requests.is_empty());
    relay.signal("TERM");
    let answer = connection.read_response().unwrap();
    assert_eq!((answer.status, &answer.json()["status"]), (202, &json!("accepted")));
    kube.clear_faults();
    assert_eq!(relay.wait(), 0);
    assert_eq!(effective(&kube).len(), 1);
}

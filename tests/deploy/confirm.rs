//! A run waits for its confirmation, and a later request brings it.

use serde_json::{Value, json};

use super::{prepared, request};
use support::command::Bench;
use support::http::Response;
use support::kube;
use support::relay::Relay;
use support::scene::{cluster, image_of};

/// First `web`, then, confirmed, `live`.
pub(super) fn rules(confirm: &str) -> String {
    format!(
        "[{{when: {{environment: production, image: ghcr.io/acme/web}}, do: [setImage: {{namespace: default, workloads: \
         [deployment/web]}}, confirm: {confirm}, setImage: {{namespace: default, workloads: [deployment/live], \
         container: live}}]}}]"
    )
}

pub(super) fn yes() -> Value {
    json!({"confirmation": "DEPLOY"})
}

pub(super) fn live(kube: &kube::Double) -> String {
    image_of(kube, "live")
}

/// Sends a request for this tag and waits until its run waits. Returns the answer to who asks then.
pub(super) fn waits(relay: &Relay, id: &str, tag: &str) -> Response {
    request(id, tag, &json!({})).accepted(relay);
    loop {
        let answer = request(id, tag, &json!({})).wait(1).send(relay);
        assert_eq!(answer.status, 202, "{}", answer.text());
        if answer.json()["runs"][0]["steps"][1]["state"] == "awaitingConfirmation" {
            return answer;
        }
    }
}

pub(super) fn ended(relay: &Relay, id: &str, tag: &str) -> Value {
    let answer = request(id, tag, &json!({})).wait(100).send(relay);
    assert_ne!(answer.status, 202, "{}\n{}", answer.text(), relay.log());
    answer.json()
}

#[test]
fn a_run_waits_and_goes_on_when_it_is_confirmed() {
    let kube = cluster(&["web", "live"]);
    let relay = prepared(&kube, "", &rules("{}")).start();
    let told = waits(&relay, "d-1", "2.0.0").json();
    assert_eq!(told["deployment_id"], "d-1");
    let reason = told["reason"].as_str().unwrap();
    assert!(
        reason.starts_with("waits until 2") && reason.ends_with("with \"confirmation\": \"DEPLOY\""),
        "{reason}"
    );
    assert_eq!(
        (image_of(&kube, "web"), live(&kube)),
        ("ghcr.io/acme/web:2.0.0".into(), "ghcr.io/acme/live:1.0.0".into())
    );

    let answer = request("c-1", "2.0.0", &yes()).send(&relay);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.text(), r#"{"deployment_id":"d-1","status":"confirmed","of":"d-1"}"#);
    let told = ended(&relay, "d-1", "2.0.0");
    assert_eq!((&told["status"], live(&kube)), (&json!("succeeded"), "ghcr.io/acme/live:2.0.0".into()));
    let steps = &told["runs"][0]["steps"];
    assert_eq!(steps[1]["outcome"], "succeeded");
    assert_eq!(
        steps[1]["targets"][0],
        json!({"target": "confirmation", "outcome": "succeeded", "reason": "confirmed by delivery c-1"})
    );
    // Once more, signed again: the same answer, and with Prefer the end.
    assert_eq!(request("c-1", "2.0.0", &yes()).send(&relay).text(), answer.text());
    let again = request("c-1", "2.0.0", &yes()).wait(50).send(&relay);
    assert_eq!((again.status, again.json()), (200, told));
    assert_eq!(kube.patches().len(), 2);
}

#[test]
fn who_confirms_may_wait_for_the_end_and_may_be_the_job_that_asked() {
    let kube = cluster(&["web", "live"]);
    let relay = prepared(&kube, "", &rules("{field: /proof/word, equals: 'Ja, jetzt'}")).start();
    waits(&relay, "d-1", "2.0.0");
    let with = |word: &str| json!({"proof": {"word": word}});
    // A wrong word is a request like any other: here, the same delivery again.
    assert_eq!(request("d-1", "2.0.0", &with("ja")).send(&relay).json()["status"], "duplicate");
    let answer = request("d-1", "2.0.0", &with("Ja, jetzt")).wait(50).send(&relay);
    assert_eq!((answer.status, &answer.json()["status"]), (200, &json!("succeeded")), "{}", answer.text());
    assert_eq!(
        (answer.json()["delivery"].clone(), live(&kube)),
        (json!("d-1"), "ghcr.io/acme/live:2.0.0".into())
    );
    assert_eq!(request("d-1", "2.0.0", &with("Ja, jetzt")).send(&relay).json()["status"], "confirmed");
    assert_eq!(request("d-1", "2.0.0", &json!({})).send(&relay).json()["status"], "duplicate");
}

#[test]
fn a_request_that_carries_it_passes_at_once() {
    let kube = cluster(&["web", "live"]);
    let relay = prepared(&kube, "", &rules("{}")).start();
    let answer = request("d-1", "2.0.0", &yes()).wait(50).send(&relay);
    assert_eq!((answer.status, live(&kube)), (200, "ghcr.io/acme/live:2.0.0".into()), "{}", answer.text());
    let confirmed = &answer.json()["runs"][0]["steps"][1]["targets"][0]["reason"];
    assert_eq!(*confirmed, "the request carries \"confirmation\": \"DEPLOY\"");
}

#[test]
fn what_is_for_something_else_confirms_nothing() {
    let kube = cluster(&["web", "live"]);
    let relay = prepared(&kube, "", &rules("{}")).start();
    waits(&relay, "d-1", "2.0.0");
    for (id, more) in [
        ("c-1", json!({"confirmation": "deploy"})),
        ("c-2", json!({"confirmation": "DEPLOY", "environment": "staging"})),
        ("c-3", json!({"confirmation": "DEPLOY", "image": "ghcr.io/acme/api:2.0.0"})),
    ] {
        let status = request(id, "2.0.0", &more).send(&relay).json()["status"].clone();
        assert!(status == "ignored" || status == "accepted", "{more}: {status}");
    }
    assert_eq!(live(&kube), "ghcr.io/acme/live:1.0.0");
}

#[test]
fn a_newer_deployment_takes_the_place_of_one_that_waits() {
    let kube = cluster(&["web", "live"]);
    let relay = prepared(&kube, "", &rules("{}")).start();
    waits(&relay, "d-1", "2.0.0");
    waits(&relay, "d-2", "3.0.0");
    let first = ended(&relay, "d-1", "2.0.0");
    assert_eq!(first["status"], "superseded");
    assert!(first["reason"].as_str().unwrap().starts_with("superseded by run "), "{first}");
    // What confirms the older one finds nothing that waits for it: it asks for that image, and carries its confirmation.
    assert_eq!(request("c-2", "3.0.0", &yes()).wait(50).send(&relay).status, 200);
    assert_eq!(live(&kube), "ghcr.io/acme/live:3.0.0");
    let back = request("c-1", "2.0.0", &yes()).wait(50).send(&relay);
    assert_eq!((back.status, back.json()["delivery"].clone()), (200, json!("c-1")));
    assert_eq!(live(&kube), "ghcr.io/acme/live:2.0.0");
}

#[test]
fn who_confirms_and_waits_for_the_end_keeps_no_other_request_out() {
    let kube = cluster(&["web", "live"]);
    let rules = rules("{equals: one}, confirm: {equals: two}");
    let relay = prepared(&kube, "limits: {requests: 1}\n", &rules).start();
    waits(&relay, "d-1", "2.0.0");
    let word = |id: &str, word: &str| request(id, "2.0.0", &json!({"confirmation": word}));
    std::thread::scope(|scope| {
        let first = scope.spawn(|| word("c-1", "one").wait(60).send(&relay));
        relay.wait_for_log("confirmed by delivery c-1");
        let asked = || request("d-1", "2.0.0", &json!({})).wait(1).send(&relay).json();
        while asked()["runs"][0]["steps"][2]["state"] != "awaitingConfirmation" {}
        while word("c-2", "two").send(&relay).status == 503 {}
        let first = first.join().unwrap();
        assert_eq!((first.status, live(&kube)), (200, "ghcr.io/acme/live:2.0.0".into()), "{}", first.text());
    });
}

#[test]
fn when_time_is_up_it_is_expired_and_nothing_is_changed() {
    let kube = cluster(&["web", "live"]);
    let relay = prepared(&kube, "", &rules("{for: 1s}")).start();
    let answer = request("d-1", "2.0.0", &json!({})).wait(50).send(&relay);
    assert_eq!((answer.status, &answer.json()["status"]), (424, &json!("expired")), "{}", answer.text());
    assert_eq!(answer.json()["reason"], "confirmation: nobody confirmed it within 1s");
    assert_eq!((live(&kube), kube.patches().len()), ("ghcr.io/acme/live:1.0.0".into(), 1));
}

#[test]
fn people_see_what_waits() {
    let kube = cluster(&["web", "live"]);
    let relay = prepared(&kube, "", &rules("{}")).state().start();
    waits(&relay, "d-1", "2.0.0");
    let mut bench = Bench::new(env!("CARGO_BIN_EXE_boathook"));
    bench.environment("BOATHOOK_STATE", relay.directory().join("state").to_str().unwrap());
    let list = bench.run(&["deliveries"]).expect(0).stdout;
    assert!(list.contains("pending") && list.contains("waits until 2"), "{list}");
    let one = bench.run(&["deliveries", "d-1"]).expect(0).stdout;
    assert!(one.contains("step 2, confirm: awaitingConfirmation") && one.contains("waits until 2"), "{one}");
}

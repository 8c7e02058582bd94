//! What the double remembers of writes and events.

use serde_json::{Value, json};
use support::http;
use support::kube::{Double, Rule};
use support::objects::deployment;

const WEB: &str = "/apis/apps/v1/namespaces/default/deployments/web";

fn with_web() -> Double {
    let kube = Double::start();
    kube.apply(deployment("default", "web", "ghcr.io/acme/web:0"));
    kube
}

fn patch(kube: &Double, query: &str, body: &Value) -> u16 {
    let headers = [("Content-Type", "application/strategic-merge-patch+json")];
    http::send("PATCH", &kube.url(), &format!("{WEB}{query}"), &headers, body.to_string().as_bytes()).status
}

fn image(tag: usize) -> Value {
    let container = json!({"name": "web", "image": format!("ghcr.io/acme/web:{tag}")});
    json!({"spec": {"template": {"spec": {"containers": [container]}}}})
}

#[test]
fn writes_with_an_effect_are_remembered() {
    let kube = with_web();
    let mut change = image(1);
    change["metadata"] = json!({"annotations": {"kubernetes.io/change-cause": "boathook: push"}});
    let restart =
        json!({"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "2026-11-21T01:31:47Z"}}});
    assert_eq!(patch(&kube, "?fieldManager=boathook", &change), 200);
    // Neither of these changes anything.
    assert_eq!(patch(&kube, "?fieldManager=boathook", &change), 200);
    assert_eq!(patch(&kube, "?dryRun=All", &image(2)), 200);
    assert_eq!(patch(&kube, "?fieldManager=kubectl", &json!({"spec": {"template": restart}})), 200);
    let writes = kube.writes("deployments", "default", "web");
    let managers: Vec<&str> = writes.iter().map(|write| write.manager.as_str()).collect();
    assert_eq!(managers, ["test", "boathook", "kubectl"]);
    assert_eq!(writes[1].change_cause.as_deref(), Some("boathook: push"));
    assert_eq!((writes[0].restarted_at.as_deref(), writes[1].generation), (None, 2));
    assert_eq!(writes[2].restarted_at.as_deref(), Some("2026-11-21T01:31:47Z"));
    assert!(writes.is_sorted_by_key(|write| write.at));
    assert_eq!(kube.count_writes(), 2);
    assert_eq!(kube.history("deployments", "default", "web"), ["ghcr.io/acme/web:0", "ghcr.io/acme/web:1"]);
}

#[test]
fn many_writers_at_once_lose_nothing() {
    let kube = with_web();
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let kube = &kube;
            scope.spawn(move || {
                for number in 1..=100 {
                    assert_eq!(patch(kube, "", &image(writer * 1000 + number)), 200);
                }
            });
        }
        kube.wait_for_history("deployments", "default", "web", |images| images.len() > 200);
    });
    assert_eq!((kube.count_writes(), kube.history("deploy", "default", "web").len()), (400, 401));
    let status = &kube.object("deployments", "default", "web")["status"];
    assert_eq!((&status["observedGeneration"], &status["updatedReplicas"]), (&json!(401), &json!(2)));
    // Old ReplicaSets do not pile up.
    let sets =
        http::send("GET", &kube.url(), "/apis/apps/v1/namespaces/default/replicasets", &[], b"").json();
    assert_eq!(sets["items"].as_array().unwrap().len(), 11);
}

fn new_event() -> Value {
    json!({
        "apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": {"generateName": "web-", "namespace": "default"},
        "eventTime": "2026-11-21T01:31:47.000000Z", "reportingController": "boathook",
        "reportingInstance": "boathook-0", "action": "Restart", "reason": "Restarted", "type": "Normal",
        "note": "restarted", "regarding": {
            "apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "namespace": "default", "uid": "1"
        }
    })
}

fn old_event() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Event", "metadata": {"generateName": "web-", "namespace": "default"},
        "reason": "RolledBack", "type": "Warning", "message": "rolled back", "source": {"component": "boathook"},
        "involvedObject": {
            "apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "namespace": "default", "uid": "1"
        }
    })
}

const NEW: &str = "/apis/events.k8s.io/v1/namespaces/default/events";
const OLD: &str = "/api/v1/namespaces/default/events";

fn post(kube: &Double, path: &str, event: &Value) -> http::Response {
    http::send("POST", &kube.url(), path, &[], event.to_string().as_bytes())
}

#[test]
fn events_are_posted_by_both_apis_and_read() {
    let kube = with_web();
    assert_eq!(post(&kube, NEW, &new_event()).status, 201);
    assert_eq!(post(&kube, OLD, &old_event()).status, 201);
    let events = kube.wait_for_events(|events| events.len() == 2);
    let [new, old] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((new.regarding.as_str(), new.uid.as_str()), ("Deployment/web", "1"));
    assert_eq!(
        (new.kind.as_str(), new.reason.as_str(), new.action.as_str()),
        ("Normal", "Restarted", "Restart")
    );
    assert_eq!((new.note.as_str(), new.controller.as_str()), ("restarted", "boathook"));
    assert_eq!((old.kind.as_str(), old.reason.as_str()), ("Warning", "RolledBack"));
    assert_eq!((old.note.as_str(), old.controller.as_str()), ("rolled back", "boathook"));
    assert_eq!(kube.count_writes(), 0);
}

#[test]
fn events_that_make_no_sense_are_refused() {
    let kube = with_web();
    let refused = |path: &str, mut event: Value, field: &str, value: Value| {
        event[field] = value;
        let answer = post(&kube, path, &event);
        assert_eq!(answer.status, 422, "{field}: {}", answer.text());
        answer.json()["details"]["causes"][0]["field"].as_str().unwrap().to_owned()
    };
    assert_eq!(refused(NEW, new_event(), "eventTime", Value::Null), "eventTime");
    for field in ["reportingController", "reportingInstance", "action", "reason"] {
        assert_eq!(refused(NEW, new_event(), field, json!("")), field);
    }
    assert_eq!(refused(NEW, new_event(), "reason", json!("x".repeat(129))), "reason");
    assert_eq!(refused(NEW, new_event(), "note", json!("x".repeat(1025))), "message");
    assert_eq!(refused(NEW, new_event(), "type", json!("Error")), "type");
    let elsewhere = json!({"kind": "Deployment", "name": "web", "namespace": "shop"});
    assert_eq!(refused(OLD, old_event(), "involvedObject", elsewhere), "involvedObject.namespace");
    assert!(kube.events().is_empty());
}

#[test]
fn a_role_decides_who_posts_events() {
    let kube = with_web();
    kube.allow_only(&[Rule::new(&["create", "patch"], "events.k8s.io", &["events"], &[])]);
    assert_eq!(post(&kube, NEW, &new_event()).status, 201);
    let refused = post(&kube, OLD, &old_event()).json();
    assert!(
        refused["message"].as_str().unwrap().contains("cannot create resource \"events\" in API group \"\"")
    );
}

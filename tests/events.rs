//! Kubernetes Events on workloads: what the API gets, and what follows when the Role does not allow them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::time::{Duration, Instant};

use boathook::kubernetes::event::{Happening, Reason, record};
use boathook::kubernetes::{Access, Client, Kind, Workload};
use serde_json::{Value, json};
use support::github;
use support::kube::{Double, Fault, Proxy, Rule};
use support::scene::{SET_IMAGE, cluster, relay};

const RESTARTED: Happening<'static> =
    Happening { reason: Reason::Restarted, action: "restart", note: "restarted for ghcr.io/acme/web:latest" };

fn web() -> Workload {
    Workload::new("default", Kind::Deployment, "web").unwrap()
}

/// A double that has the Deployment `web`.
fn kube() -> Double {
    let kube = Double::start();
    kube.apply(json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "web", "image": "ghcr.io/acme/web:1"}]},
            },
        },
    }));
    kube
}

fn client(kube: &Double) -> Client {
    let mut access = Access::default();
    access.set_api(&kube.url()).unwrap();
    Client::new(&access).unwrap()
}

/// The Events that were asked for.
fn asked(kube: &Double) -> Vec<Value> {
    let requests = kube.requests().into_iter().filter(|request| request.method == "POST");
    requests.map(|request| request.body).collect()
}

#[tokio::test]
async fn an_event_is_about_the_very_object() {
    let kube = kube();
    let client = client(&kube);
    let uid = client.get(&web()).await.unwrap().metadata.uid;
    assert!(!uid.is_empty());
    record(&client, &web(), None, &RESTARTED).await;
    record(&client, &web(), Some(&uid), &RESTARTED).await;
    let asked = asked(&kube);
    assert_eq!(asked.len(), 2);
    for event in asked {
        assert_eq!((&event["regarding"]["uid"], &event["regarding"]["name"]), (&json!(uid), &json!("web")));
        assert_eq!((&event["reason"], &event["type"]), (&json!("Restarted"), &json!("Normal")));
    }
    let gets = kube.requests().into_iter().filter(|request| request.method == "GET").count();
    assert_eq!(gets, 2, "this test's own, and one for the Event without uid");
}

#[tokio::test]
async fn where_the_role_does_not_allow_events_it_is_asked_once() {
    let kube = kube();
    kube.allow_only(&[Rule::new(&["get", "patch"], "apps", &["deployments"], &["web"])]);
    let client = client(&kube);
    for _ in 0..3 {
        record(&client, &web(), Some("1"), &RESTARTED).await;
    }
    assert_eq!(asked(&kube).len(), 1);
    // Another namespace has another Role.
    let other = Workload::new("shop", Kind::Deployment, "web").unwrap();
    record(&client, &other, Some("1"), &RESTARTED).await;
    assert_eq!(asked(&kube).len(), 2);
}

#[tokio::test]
async fn a_proxy_that_does_not_let_events_through_is_asked_once() {
    let kube = kube();
    kube.behind_proxy(Proxy { accept_paths: "^/apis/apps/v1/.*".to_owned(), ..Proxy::default() });
    let client = client(&kube);
    for _ in 0..3 {
        record(&client, &web(), None, &RESTARTED).await;
    }
    assert_eq!(asked(&kube).len(), 1);
}

#[tokio::test]
async fn what_may_pass_is_asked_again_the_next_time() {
    let kube = kube();
    let client = client(&kube);
    // Nothing to record on.
    let missing = Workload::new("default", Kind::Deployment, "missing").unwrap();
    record(&client, &missing, None, &RESTARTED).await;
    assert!(asked(&kube).is_empty());
    kube.fail(Fault::ProxyUpstreamDown);
    record(&client, &web(), Some("1"), &RESTARTED).await;
    kube.clear_faults();
    record(&client, &web(), Some("1"), &RESTARTED).await;
    assert_eq!(asked(&kube).len(), 2, "one for each, never tried again");
}

/// Waits until the relay has asked for so many Events; nothing else waits for them.
fn wait_for_events(kube: &Double, number: usize) -> Vec<Value> {
    let deadline = Instant::now() + Duration::from_secs(30);
    while asked(kube).len() < number {
        assert!(Instant::now() < deadline, "{number} Events, there are {:#?}", asked(kube));
        std::thread::yield_now();
    }
    asked(kube)
}

#[test]
fn what_the_relay_does_is_recorded_on_the_workload() {
    let kube = cluster(&["web"]);
    let relay = relay(&kube, "settle: 0s", &[SET_IMAGE]);
    let push = |tag: &str| github::image("ghcr.io/acme/web", tag).wait(50).send(&relay).status;
    assert_eq!(push("1.1.0"), 200);
    wait_for_events(&kube, 1);
    assert_eq!(push("1.1.0"), 200);
    kube.forbid("patch", "deployments", None);
    assert_eq!(push("1.2.0"), 424);
    let events = wait_for_events(&kube, 2);
    let uid = &kube.object("deployments", "default", "web")["metadata"]["uid"];
    let reasons: Vec<_> = events.iter().map(|event| event["reason"].as_str().unwrap()).collect();
    assert_eq!(reasons, ["ImageSet", "ChangeFailed"], "nothing of a push that changed nothing");
    for event in &events {
        assert_eq!(&event["regarding"]["uid"], uid);
        assert!(event["note"].as_str().unwrap().contains("GitHub delivery"), "{event}");
    }
}

#[test]
fn a_role_without_events_is_said_once_and_nothing_fails() {
    let kube = cluster(&["web"]);
    kube.forbid("create", "events", None);
    let relay = relay(&kube, "settle: 0s", &[SET_IMAGE]);
    for tag in ["1.1.0", "1.2.0", "1.3.0"] {
        let answer = github::image("ghcr.io/acme/web", tag).wait(50).send(&relay);
        assert_eq!(answer.status, 200, "{}", answer.text());
        let line = relay.wait_for_log("no Events are recorded in namespace default");
        assert!(
            line.contains("{apiGroups: [events.k8s.io], resources: [events], verbs: [create]}"),
            "{line}"
        );
    }
    assert_eq!(asked(&kube).len(), 1);
    assert_eq!(relay.log().matches("no Events are recorded").count(), 1, "{}", relay.log());
}

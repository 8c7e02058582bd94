//! `runningImage: true`, through the real binary: every workload that runs the image, wherever it is.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code: a broken assumption ends the test with its line"
)]

use serde_json::json;
use support::kube::{Double, Fault, Proxy, Rule};
use support::relay::Relay;
use support::stage::{Stage, image_of, push_image, workload};

const BINARY: &str = env!("CARGO_BIN_EXE_boathook");
const SET: &str = "{setImage: {namespaces: [a, b], runningImage: true}}";
const RESTART: &str = "{restart: {namespaces: [a, b], runningImage: true}}";

/// The names of what was changed, in order.
fn changed(kube: &Double) -> Vec<String> {
    let mut names: Vec<_> = kube.mutations().iter().map(|request| request.path().to_owned()).collect();
    names.sort();
    names
}

fn lists(kube: &Double, part: &str) -> usize {
    let list = |path: &str| path.contains(part) && path.contains("limit=");
    kube.requests().iter().filter(|request| list(&request.path_and_query)).count()
}

/// How many log lines have this text.
fn lines(relay: &Relay, text: &str) -> usize {
    relay.log().lines().filter(|line| line.contains(text)).count()
}

#[test]
fn every_kind_in_several_namespaces_over_pages() {
    let kube = Double::start();
    // 130 Deployments in `a`: six pages, and matches on each.
    for number in 0..130 {
        let image = if number % 13 == 0 { "quay.io/acme/web:1" } else { "quay.io/acme/other:1" };
        kube.apply(workload("Deployment", "a", &format!("web-{number:03}"), image));
    }
    for (kind, namespace) in [("StatefulSet", "a"), ("DaemonSet", "b"), ("CronJob", "b"), ("ksvc", "b")] {
        kube.apply(workload(kind, namespace, "web", "quay.io/acme/web:1"));
    }
    kube.apply(workload("Deployment", "c", "web", "quay.io/acme/web:1"));
    let mut init = workload("Deployment", "b", "init", "quay.io/acme/other:1");
    init["spec"]["template"]["spec"]["initContainers"] =
        json!([{"name": "migrate", "image": "quay.io/acme/web:1"}]);
    kube.apply(init);

    let relay = Stage::new(&kube.url()).on_image(SET).start(BINARY);
    let ended = push_image(&relay, "acme/web", "2");
    ended.is("succeeded", "deployment/web-117: web-117: quay.io/acme/web:1 → quay.io/acme/web:2");
    let names: Vec<_> = ended.targets().into_iter().map(|[name, ..]| name).collect();
    let deployments: Vec<_> = (0..10).map(|n| format!("a/deployment/web-{:03}", n * 13)).collect();
    assert_eq!(names[..10], deployments);
    let rest = ["a/statefulset/web", "b/deployment/init", "b/daemonset/web", "b/cronjob/web", "b/ksvc/web"];
    assert_eq!(names[10..], rest);
    assert_eq!(kube.mutations().len(), 15);
    assert_eq!((lists(&kube, "/namespaces/a/deployments"), lists(&kube, "continue=")), (6, 5));
    assert_eq!(image_of(&kube, "deployments", "c", "web"), "quay.io/acme/web:1");
    assert_eq!(image_of(&kube, "ksvc", "b", "web"), "quay.io/acme/web:2");
}

#[test]
fn a_list_that_expires_is_begun_again() {
    let kube = Double::start();
    for number in 0..26 {
        kube.apply(workload("Deployment", "a", &format!("web-{number:03}"), "quay.io/acme/web:1"));
    }
    let relay = Stage::new(&kube.url()).on_image(RESTART).start(BINARY);
    kube.fail_for(Fault::Status(410), "GET", "continue=", Some(1));
    let ended = push_image(&relay, "acme/web", "1");
    ended.is("succeeded", "");
    assert_eq!(ended.targets().len(), 26, "each once");
    assert_eq!(kube.mutations().len(), 26);
    // And a list that fails otherwise is tried again as a whole.
    kube.forget_requests();
    kube.fail_for(Fault::Status(500), "GET", "continue=", Some(1));
    assert_eq!(push_image(&relay, "acme/web", "1").targets().len(), 26);
}

#[test]
fn what_something_else_controls_is_left_to_it() {
    let kube = Double::start();
    kube.apply(workload("ksvc", "a", "game", "quay.io/acme/web:1"));
    let mut revision = workload("Deployment", "a", "game-00001-deployment", "quay.io/acme/web:1");
    revision["metadata"]["ownerReferences"] = json!([{
        "apiVersion": "serving.knative.dev/v1", "kind": "Revision", "name": "game-00001", "uid": "1", "controller": true
    }]);
    kube.apply(revision);
    let relay = Stage::new(&kube.url()).on_image(SET).start(BINARY);
    push_image(&relay, "acme/web", "2").is("succeeded", "ksvc/game: ");
    assert_eq!(changed(&kube), ["/apis/serving.knative.dev/v1/namespaces/a/services/game"]);
    assert_eq!(image_of(&kube, "deployments", "a", "game-00001-deployment"), "quay.io/acme/web:1");
}

#[test]
fn kinds_that_are_not_served_or_not_allowed_are_passed_over_and_said_once() {
    let kube = Double::start();
    kube.apply(workload("Deployment", "a", "web", "quay.io/acme/web:1"));
    kube.uninstall("serving.knative.dev");
    kube.forbid("list", "cronjobs", None);
    let relay = Stage::new(&kube.url()).on_image(SET).start(BINARY);
    for tag in ["2", "3"] {
        push_image(&relay, "acme/web", tag).is("succeeded", "deployment/web: ");
    }
    for namespace in ["a", "b"] {
        let ksvc = format!("list services in namespace {namespace}: the cluster does not serve this kind");
        let jobs = format!("list cronjobs in namespace {namespace}: not allowed");
        assert_eq!((lines(&relay, &ksvc), lines(&relay, &jobs)), (1, 1), "{}", relay.log());
    }
    assert!(relay.log().contains("allow it with {apiGroups: [batch], resources: [cronjobs], verbs: [list]}"));
    // Where nothing is found, what was passed over may be why.
    let ended = push_image(&relay, "acme/nobody", "2");
    ended.is(
        "skipped",
        "a, b: no workload runs quay.io/acme/nobody; cronjob in a: list cronjobs in namespace a: not allowed",
    );
    assert_eq!(ended.status(), 200);
}

#[test]
fn a_paused_one_among_others_is_skipped() {
    let kube = Double::start();
    kube.apply(workload("Deployment", "a", "web", "quay.io/acme/web:1"));
    let mut paused = workload("Deployment", "a", "paused", "quay.io/acme/web:1");
    paused["spec"]["paused"] = json!(true);
    kube.apply(paused);
    for action in [SET, RESTART] {
        kube.forget_requests();
        let relay = Stage::new(&kube.url()).on_image(action).start(BINARY);
        let ended = push_image(&relay, "acme/web", "2");
        ended.is("succeeded", "");
        let outcomes: Vec<_> =
            ended.targets().into_iter().map(|[name, outcome, _]| (name, outcome)).collect();
        let expected = [("a/deployment/paused", "skipped"), ("a/deployment/web", "succeeded")];
        assert_eq!(outcomes, expected.map(|(name, outcome)| (name.to_owned(), outcome.to_owned())));
        assert_eq!(kube.mutations().len(), 1);
    }
}

#[test]
fn when_nothing_may_be_listed_the_rules_to_add_are_told() {
    let kube = Double::start();
    kube.apply(workload("Deployment", "a", "web", "quay.io/acme/web:1"));
    kube.allow_only(&[Rule::new(&["get", "patch"], "apps", &["deployments"], &["web"])]);
    let relay = Stage::new(&kube.url()).on_image(SET).start(BINARY);
    let ended = push_image(&relay, "acme/web", "2");
    ended.is(
        "failed",
        "nothing could be listed: not allowed; allow it with {apiGroups: [apps, batch, serving.knative.dev, argoproj.io], \
         resources: [deployments, statefulsets, daemonsets, cronjobs, services, rollouts], verbs: [list]} in a Role of namespace a, and {",
    );
    assert_eq!((ended.status(), lists(&kube, "/namespaces/a/deployments")), (424, 1), "not tried again");

    kube.allow_all();
    kube.behind_proxy(Proxy {
        accept_paths: "^/apis/apps/v1/namespaces/a/deployments/web$".into(),
        ..Proxy::default()
    });
    push_image(&relay, "acme/web", "2")
        .is("failed", "nothing could be listed: list deployments in namespace a: kubectl proxy");
}

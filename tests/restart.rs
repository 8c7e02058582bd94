//! `restart`, through the real binary, against the API double.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code: a broken assumption ends the test with its line"
)]

use serde_json::json;
use support::kube::{Double, Fault, Proxy};
use support::stage::{Stage, push_image, workload};

const BINARY: &str = env!("CARGO_BIN_EXE_boathook");
const AT: &str = "/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt";

/// A double with one workload of each kind that restarts, in `shop`.
fn shop() -> Double {
    let kube = Double::start();
    for (kind, name) in [("Deployment", "web"), ("StatefulSet", "db"), ("DaemonSet", "agent")] {
        kube.apply(workload(kind, "shop", name, "quay.io/acme/web:latest"));
    }
    kube
}

fn named(workloads: &str) -> String {
    format!("{{restart: {{namespace: shop, workloads: [{workloads}]}}}}")
}

#[test]
fn every_kind_restarts_by_name_and_says_why() {
    let kube = shop();
    let relay = Stage::new(&kube.url()).on_image(&named("deploy/web, sts/db, ds/agent")).start(BINARY);
    let ended = push_image(&relay, "acme/web", "latest");
    ended.is("succeeded", "deployment/web: restarted at ");
    assert_eq!((ended.status(), ended.targets().len()), (200, 3));
    for (resource, name) in [("deployments", "web"), ("statefulsets", "db"), ("daemonsets", "agent")] {
        let object = kube.object(resource, "shop", name);
        assert!(object.pointer(AT).unwrap().as_str().unwrap().ends_with('Z'), "{object}");
        let cause = object["metadata"]["annotations"]["kubernetes.io/change-cause"].as_str().unwrap();
        assert!(cause.starts_with("boathook: quay.io/acme/web:latest, Quay delivery "), "{cause}");
        assert_eq!(object["metadata"]["generation"], 2);
        assert!(kube.field_managers(resource, "shop", name).contains(&"boathook".to_owned()));
    }
    for patch in kube.patches() {
        assert!(patch.path_and_query.ends_with("?fieldManager=boathook"), "{}", patch.path_and_query);
        assert_eq!(patch.header("content-type"), Some("application/strategic-merge-patch+json"));
    }
    assert_eq!(kube.mutations().len(), 3);
}

#[test]
fn the_field_manager_is_the_configured_one() {
    let kube = shop();
    let access = format!("{{api: \"{}\", fieldManager: \"relay/1\"}}", kube.url());
    let relay = Stage::new(&access).on_image(&named("deployment/web")).start(BINARY);
    push_image(&relay, "acme/web", "latest").is("succeeded", "");
    assert!(kube.patches()[0].path_and_query.ends_with("?fieldManager=relay%2F1"));
    assert!(kube.field_managers("deployments", "shop", "web").contains(&"relay/1".to_owned()));
}

#[test]
fn every_event_restarts_anew() {
    let kube = shop();
    let relay = Stage::new(&kube.url()).on_image(&named("deployment/web")).start(BINARY);
    let mut times = Vec::new();
    for _ in 0..3 {
        push_image(&relay, "acme/web", "latest").is("succeeded", "");
        times.push(kube.object("deployments", "shop", "web").pointer(AT).unwrap().clone());
    }
    times.dedup();
    assert_eq!((times.len(), kube.patches().len()), (3, 3), "{times:?}");
}

#[test]
fn a_selector_finds_workloads_of_every_kind_that_restarts() {
    let kube = shop();
    kube.apply(workload("Deployment", "shop", "canary", "quay.io/acme/web:latest"));
    kube.apply(workload("CronJob", "shop", "web", "quay.io/acme/web:latest"));
    kube.apply(workload("Deployment", "other", "web", "quay.io/acme/web:latest"));
    let action = "{restart: {namespace: shop, selector: \"app in (web, db),!legacy,app!=canary\"}}";
    let relay = Stage::new(&kube.url()).on_image(action).start(BINARY);
    let ended = push_image(&relay, "acme/web", "latest");
    let names: Vec<_> = ended.targets().into_iter().map(|[name, ..]| name).collect();
    assert_eq!(names, ["shop/deployment/web", "shop/statefulset/db"]);
    assert_eq!(kube.mutations().len(), 2);
    let lists: Vec<_> =
        kube.requests().into_iter().filter(|r| r.path_and_query.contains("labelSelector=")).collect();
    assert!(lists.iter().all(|list| !list.path().contains("cronjobs")), "{lists:?}");

    kube.forget_requests();
    let relay =
        Stage::new(&kube.url()).on_image("{restart: {namespace: shop, selector: app=nobody}}").start(BINARY);
    let ended = push_image(&relay, "acme/web", "latest");
    ended.is("skipped", "shop: no workload has the labels app=nobody");
    assert_eq!((ended.status(), kube.mutations().len()), (200, 0));
}

#[test]
fn a_lost_answer_does_not_restart_twice() {
    let kube = shop();
    let relay = Stage::new(&kube.url()).on_image(&named("deployment/web")).start(BINARY);
    for fault in [Fault::LoseAnswer, Fault::CloseMidResponse] {
        kube.forget_requests();
        kube.fail_for(fault, "PATCH", "", Some(1));
        push_image(&relay, "acme/web", "latest").is("succeeded", "restarted at ");
        let bodies: Vec<_> = kube.patches().iter().map(|patch| patch.body.clone()).collect();
        assert_eq!((bodies.len(), &bodies[0]), (2, &bodies[1]), "the same time once more starts nothing");
    }
}

#[test]
fn what_passes_is_tried_again() {
    let kube = shop();
    let relay = Stage::new(&kube.url()).on_image(&named("deployment/web")).start(BINARY);
    for fault in
        [Fault::Status(500), Fault::Status(503), Fault::ProxyUpstreamDown, Fault::Close, Fault::Conflict]
    {
        kube.forget_requests();
        kube.fail_for(fault.clone(), "PATCH", "", Some(1));
        push_image(&relay, "acme/web", "latest").is("succeeded", "restarted at");
        assert_eq!(kube.patches().len(), 2, "{fault:?}");
    }
    kube.fail_for(Fault::TooManyRequests(1), "GET", "", Some(1));
    push_image(&relay, "acme/web", "latest").is("succeeded", "restarted at");
    relay.wait_for_log("the API answers 429");
}

#[test]
fn what_is_refused_is_not_tried_again_and_names_the_missing_rule() {
    let kube = shop();
    let relay = Stage::new(&kube.url()).on_image(&named("deployment/web")).start(BINARY);
    kube.forbid("patch", "deployments", Some("web"));
    let ended = push_image(&relay, "acme/web", "latest");
    ended.is("failed", "patch deployments web in namespace shop: not allowed: ");
    ended.is(
        "failed",
        "User \"system:serviceaccount:default:boathook\" cannot patch resource \"deployments\"",
    );
    ended.is(
        "failed",
        "allow it with {apiGroups: [apps], resources: [deployments], resourceNames: [web], verbs: [patch]} in a Role of \
         namespace shop",
    );
    assert_eq!((ended.status(), kube.patches().len()), (424, 1));
    relay.wait_for_log("outcome=failed");

    kube.allow_all();
    kube.forbid("get", "deployments", None);
    push_image(&relay, "acme/web", "latest").is("failed", "resourceNames: [web], verbs: [get]}");
    kube.allow_all();
    kube.require_token(Some("another"));
    push_image(&relay, "acme/web", "latest").is("failed", "the API does not accept the credentials (401)");
    kube.require_token(None);
    kube.behind_proxy(Proxy { reject_methods: "^PATCH$".to_owned(), ..Proxy::default() });
    push_image(&relay, "acme/web", "latest").is("failed", "kubectl proxy does not let it through");
    assert_eq!(kube.patches().len(), 2);
}

#[test]
fn what_is_not_there_is_told() {
    let kube = shop();
    let relay = Stage::new(&kube.url()).on_image(&named("deployment/nope, deployment/web")).start(BINARY);
    let ended = push_image(&relay, "acme/web", "latest");
    ended.is("failed", "deployment/nope: get deployments nope in namespace shop: there is no such object");
    // The others are done all the same.
    assert_eq!(ended.targets()[1][1], "succeeded");
    assert_eq!(kube.requests().iter().filter(|r| r.path().ends_with("/nope")).count(), 1);
}

#[test]
fn a_paused_deployment_fails_and_one_that_is_being_deleted_is_skipped() {
    let kube = shop();
    let mut paused = workload("Deployment", "shop", "paused", "quay.io/acme/web:latest");
    paused["spec"]["paused"] = json!(true);
    kube.apply(paused);
    let mut deleting = workload("Deployment", "shop", "deleting", "quay.io/acme/web:latest");
    deleting["metadata"]["deletionTimestamp"] = json!("2026-11-21T02:47:42Z");
    kube.apply(deleting);
    let relay =
        Stage::new(&kube.url()).on_image(&named("deployment/paused, deployment/deleting")).start(BINARY);
    let ended = push_image(&relay, "acme/web", "latest");
    ended.is("failed", "kubectl rollout resume deployment/paused -n shop");
    assert_eq!(ended.targets()[1][1..], ["skipped".to_owned(), "it is being deleted".to_owned()]);
    assert_eq!(kube.mutations().len(), 0);
}

#[test]
fn an_api_that_is_away_is_waited_for() {
    let kube = shop();
    let relay = Stage::new(&kube.url()).on_image(&named("deployment/web")).start(BINARY);
    kube.stop();
    support::stage::push_image_only(&relay, "acme/web", "latest");
    relay.wait_for_log("the API cannot be reached: http://127.0.0.1:");
    kube.restart_listener();
    kube.wait_for_patches(1);
    relay.wait_for_log("outcome=succeeded");
}

#[test]
fn what_never_works_expires_with_its_last_reason() {
    let kube = shop();
    kube.fail(Fault::Status(503));
    let stage = Stage::new(&kube.url()).general("settle: 0s\nretryFor: 1s\n");
    let relay = stage.on_image(&named("deployment/web")).start(BINARY);
    let ended = push_image(&relay, "acme/web", "latest");
    ended.is("expired", "given up after retryFor; the last try said: get deployments web in namespace shop: the API answers 503");
    assert_eq!(ended.status(), 424);
}

//! `setImage`, through the real binary, against the API double.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code: a broken assumption ends the test with its line"
)]

use serde_json::{Value, json};
use support::kube::{Double, Fault};
use support::stage::{Stage, image_of, push_image, workload};

const BINARY: &str = env!("CARGO_BIN_EXE_boathook");
const DIGEST: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// Every kind that has an image, each with one workload `web` in `shop`.
const KINDS: [(&str, &str, &str); 5] = [
    ("Deployment", "deployments", "deployment"),
    ("StatefulSet", "statefulsets", "statefulset"),
    ("DaemonSet", "daemonsets", "daemonset"),
    ("CronJob", "cronjobs", "cronjob"),
    ("ksvc", "ksvc", "ksvc"),
];

fn shop(image: &str) -> Double {
    let kube = Double::start();
    for (kind, ..) in KINDS {
        kube.apply(workload(kind, "shop", "web", image));
    }
    kube
}

fn named(workloads: &str) -> String {
    format!("{{setImage: {{namespace: shop, workloads: [{workloads}]}}}}")
}

const ALL: &str = "deployment/web, sts/web, ds/web, cj/web, ksvc/web";

fn pod(object: &Value) -> &Value {
    object.pointer("/spec/jobTemplate/spec/template/spec").unwrap_or(&object["spec"]["template"]["spec"])
}

#[test]
fn every_kind_gets_the_image_and_keeps_the_rest() {
    let kube = shop("quay.io/acme/web:1.0.0");
    let relay = Stage::new(&kube.url()).on_image(&named(ALL)).start(BINARY);
    let ended = push_image(&relay, "acme/web", "1.1.0");
    ended.is("succeeded", "cronjob/web: web: quay.io/acme/web:1.0.0 → quay.io/acme/web:1.1.0");
    assert_eq!(ended.targets().len(), 5);
    for (_, resource, _) in KINDS {
        let object = kube.object(resource, "shop", "web");
        let containers = pod(&object)["containers"].as_array().unwrap();
        assert_eq!(containers.len(), 1, "{object}");
        assert_eq!(containers[0]["image"], "quay.io/acme/web:1.1.0");
        assert_eq!(containers[0]["env"][0]["value"], "prod");
        assert_eq!(containers[0]["ports"][0]["containerPort"], 8080);
        let cause = object["metadata"]["annotations"]["kubernetes.io/change-cause"].as_str().unwrap();
        assert!(cause.starts_with("boathook: quay.io/acme/web:1.1.0, Quay delivery "), "{cause}");
    }
    for patch in kube.patches() {
        assert!(patch.path_and_query.ends_with("?fieldManager=boathook"));
        let expected = if patch.path().starts_with("/apis/serving.knative.dev/v1/namespaces/shop/services/") {
            assert_eq!(patch.body[0]["op"], "test");
            "application/json-patch+json"
        } else {
            assert!(patch.body["metadata"]["resourceVersion"].is_string(), "{}", patch.body);
            "application/strategic-merge-patch+json"
        };
        assert_eq!(patch.header("content-type"), Some(expected));
    }
    // The same push again changes nothing.
    kube.forget_requests();
    let ended = push_image(&relay, "acme/web", "1.1.0");
    ended.is("unchanged", "deployment/web: quay.io/acme/web:1.1.0 runs already");
    assert_eq!((ended.status(), kube.mutations().len()), (200, 0));
}

#[test]
fn containers_keep_their_spelling_and_lose_an_old_digest() {
    let kube = Double::start();
    let mut web = workload("Deployment", "shop", "web", "Quay.io/acme/web:1");
    web["spec"]["template"]["spec"]["containers"].as_array_mut().unwrap().extend([
        json!({"name": "pinned", "image": format!("quay.io/acme/web:1@{DIGEST}")}),
        json!({"name": "proxy", "image": "docker.io/envoyproxy/envoy:v1"}),
    ]);
    web["spec"]["template"]["spec"]["initContainers"] =
        json!([{"name": "migrate", "image": "quay.io/acme/web"}]);
    kube.apply(web);
    let relay = Stage::new(&kube.url()).on_image(&named("deployment/web")).start(BINARY);
    push_image(&relay, "acme/web", "2").is("succeeded", "migrate: quay.io/acme/web → quay.io/acme/web:2");
    let object = kube.object("deployments", "shop", "web");
    let images = |list: &str| -> Vec<String> {
        let containers = pod(&object)[list].as_array().unwrap().iter();
        containers
            .map(|c| format!("{}={}", c["name"].as_str().unwrap(), c["image"].as_str().unwrap()))
            .collect()
    };
    assert_eq!(
        images("containers"),
        ["web=Quay.io/acme/web:2", "pinned=quay.io/acme/web:2", "proxy=docker.io/envoyproxy/envoy:v1"]
    );
    assert_eq!(images("initContainers"), ["migrate=quay.io/acme/web:2"]);
    assert_eq!(kube.patches().len(), 1);
}

#[test]
fn a_container_that_does_not_exist_is_never_added() {
    let kube = shop("ghcr.io/other/thing:1");
    let relay = Stage::new(&kube.url()).on_image(&named(ALL)).start(BINARY);
    let ended = push_image(&relay, "acme/web", "2");
    ended.is("failed", "none of its containers runs quay.io/acme/web; there is web=ghcr.io/other/thing:1");
    assert_eq!((ended.status(), kube.mutations().len()), (424, 0));
    let stage = Stage::new(&kube.url())
        .on_image("{setImage: {namespace: shop, workloads: [deployment/web], container: sidecar}}");
    push_image(&stage.start(BINARY), "acme/web", "2")
        .is("failed", "it has no container sidecar; there is web=ghcr.io/other/thing:1");
    assert_eq!(kube.mutations().len(), 0);
}

#[test]
fn a_named_container_takes_the_tag_wherever_it_pulls_from() {
    let kube = shop("ghcr.io/other/thing:1");
    let action = "{setImage: {namespace: shop, workloads: [deployment/web, ksvc/web], container: web}}";
    let relay = Stage::new(&kube.url()).on_image(action).start(BINARY);
    push_image(&relay, "acme/web", "2").is("succeeded", "web: ghcr.io/other/thing:1 → ghcr.io/other/thing:2");
    for resource in ["deployments", "ksvc"] {
        assert_eq!(image_of(&kube, resource, "shop", "web"), "ghcr.io/other/thing:2");
    }
}

#[test]
fn versions_only_go_up() {
    let kube = shop("quay.io/acme/web:1.2.0");
    kube.apply(workload("StatefulSet", "shop", "web", "quay.io/acme/web"));
    kube.apply(workload("DaemonSet", "shop", "web", &format!("quay.io/acme/web@{DIGEST}")));
    let rule = |from: &str| {
        let tag = format!("{{semver: \">=1.2, <2\"{from}}}");
        format!("[{{when: {{tag: {tag}}}, do: [{}]}}]", named("deployment/web, sts/web, ds/web"))
    };
    let relay = Stage::new(&kube.url()).images(&rule("")).start(BINARY);
    let ended = push_image(&relay, "acme/web", "1.3.0");
    ended.is("succeeded", "deployment/web: web: quay.io/acme/web:1.2.0 → quay.io/acme/web:1.3.0");
    let reasons: Vec<_> = ended.targets().into_iter().map(|[_, outcome, reason]| (outcome, reason)).collect();
    assert_eq!(reasons[1].0, "unchanged");
    assert!(reasons[1].1.contains("the running tag latest is not a version"), "{reasons:?}");
    assert_eq!(reasons[2].0, "unchanged");
    assert!(
        reasons[2].1.contains("the running image has no tag that semver >=1.2, <2 can compare"),
        "{reasons:?}"
    );

    let ended = push_image(&relay, "acme/web", "1.2.5");
    ended.is("unchanged", "deployment/web: quay.io/acme/web:1.3.0 is newer than 1.2.5");
    push_image(&relay, "acme/web", "v1.3.0")
        .is("unchanged", "quay.io/acme/web:1.3.0 is that version already");
    assert_eq!(kube.mutations().len(), 1);

    let relay = Stage::new(&kube.url()).images(&rule(", from: any")).start(BINARY);
    let ended = push_image(&relay, "acme/web", "1.3.0");
    assert_eq!(ended.targets().iter().filter(|[_, outcome, _]| outcome == "succeeded").count(), 2);
    for resource in ["deployments", "statefulsets", "daemonsets"] {
        assert_eq!(image_of(&kube, resource, "shop", "web"), "quay.io/acme/web:1.3.0");
    }
}

#[test]
fn a_change_in_between_is_read_again() {
    let kube = shop("quay.io/acme/web:1.0.0");
    let relay = Stage::new(&kube.url()).on_image(&named("deployment/web, ksvc/web")).start(BINARY);
    // 409, as after a change by somebody else.
    kube.fail_for(Fault::Conflict, "PATCH", "deployments", Some(2));
    push_image(&relay, "acme/web", "1.1.0").is("succeeded", "");
    let patches = |part: &str| kube.patches().iter().filter(|r| r.path().contains(part)).count();
    assert_eq!((patches("deployments"), patches("services")), (3, 1));
    assert!(!relay.log().contains("trying again"), "a conflict needs no pause:\n{}", relay.log());
}

#[test]
fn a_json_patch_whose_test_fails_is_read_again_and_one_that_is_refused_is_not() {
    let kube = shop("quay.io/acme/web:1.0.0");
    let relay = Stage::new(&kube.url()).on_image(&named("ksvc/web")).start(BINARY);
    // Somebody else changes the image between our read and our patch.
    kube.fail_for(Fault::Hang, "PATCH", "services", None);
    let sent = std::thread::scope(|scope| {
        let sent = scope.spawn(|| push_image(&relay, "acme/web", "1.2.0"));
        kube.wait_for_blocking(|requests| requests.iter().any(|request| request.method == "PATCH"));
        kube.apply(workload("ksvc", "shop", "web", "quay.io/acme/web:1.1.0"));
        kube.clear_faults();
        sent.join().unwrap()
    });
    sent.is("succeeded", "web: quay.io/acme/web:1.1.0 → quay.io/acme/web:1.2.0");
    let statuses: Vec<_> = kube.patches().iter().map(|patch| patch.status).collect();
    assert_eq!(statuses, [422, 200]);

    kube.forget_requests();
    kube.fail_for(Fault::Status(422), "PATCH", "services", None);
    let ended = push_image(&relay, "acme/web", "1.3.0");
    ended
        .is("failed", "patch services web in namespace shop: the API refuses the change: refused on purpose");
    assert_eq!(kube.patches().len(), 1, "the object had not changed, so it was not the test that failed");
}

#[test]
fn an_invalid_change_of_a_built_in_kind_is_not_tried_again() {
    let kube = shop("quay.io/acme/web:1.0.0");
    kube.fail_for(Fault::Status(422), "PATCH", "", None);
    let relay = Stage::new(&kube.url()).on_image(&named("deployment/web")).start(BINARY);
    push_image(&relay, "acme/web", "1.1.0").is("failed", "the API refuses the change: refused on purpose");
    assert_eq!(kube.patches().len(), 1);
}

#[test]
fn a_change_whose_answer_was_lost_is_found_to_be_there() {
    let kube = shop("quay.io/acme/web:1.0.0");
    kube.fail_for(Fault::LoseAnswer, "PATCH", "", Some(2));
    let relay = Stage::new(&kube.url()).on_image(&named("deployment/web, ksvc/web")).start(BINARY);
    push_image(&relay, "acme/web", "1.1.0").is("succeeded", "→ quay.io/acme/web:1.1.0; rolled out");
    let effective = kube.patches().iter().filter(|patch| patch.status == 200 || patch.status == 0).count();
    assert_eq!(effective, 2, "once each");
}

#[test]
fn a_knative_service_that_is_not_installed_says_so() {
    let kube = shop("quay.io/acme/web:1.0.0");
    kube.uninstall("serving.knative.dev");
    let relay = Stage::new(&kube.url()).on_image(&named("ksvc/web")).start(BINARY);
    push_image(&relay, "acme/web", "1.1.0").is(
        "failed",
        "get services web in namespace shop: the cluster does not serve this kind (group serving.knative.dev) in this \
         version: is its CRD installed?",
    );
}

#[test]
fn what_is_paused_fails_and_what_is_being_deleted_is_skipped() {
    let kube = shop("quay.io/acme/web:1.0.0");
    let mut paused = workload("Deployment", "shop", "paused", "quay.io/acme/web:1.0.0");
    paused["spec"]["paused"] = json!(true);
    kube.apply(paused);
    let mut deleting = workload("Deployment", "shop", "deleting", "quay.io/acme/web:1.0.0");
    deleting["metadata"]["deletionTimestamp"] = json!("2026-11-21T02:47:42Z");
    kube.apply(deleting);
    let relay =
        Stage::new(&kube.url()).on_image(&named("deployment/paused, deployment/deleting")).start(BINARY);
    let ended = push_image(&relay, "acme/web", "1.1.0");
    ended.is("failed", "deployment/paused: it is paused, so nothing would roll out");
    assert_eq!(ended.targets()[1][1], "skipped");
    assert_eq!(kube.mutations().len(), 0);
}

//! `patch`, through the real binary, against the API double.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code: a broken assumption ends the test with its line"
)]

use serde_json::{Value, json};
use support::kube::{Double, Fault, Kind};
use support::relay::Relay;
use support::stage::{Stage, gitlab_body, push_git, push_git_only, workload};
use support::{http, sign};

const BINARY: &str = env!("CARGO_BIN_EXE_boathook");

fn map() -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "list", "namespace": "shop"},
        "data": {"color": "green"},
    })
}

fn thing() -> Value {
    json!({
        "apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "list", "namespace": "shop"},
        "spec": {"items": ["a"]},
    })
}

fn shop() -> Double {
    let kube = Double::start();
    kube.install(Kind::custom("example.com", "v1", "Thing", "things"));
    kube.apply(workload("Deployment", "shop", "web", "quay.io/acme/web:1"));
    kube.apply(map());
    kube.apply(thing());
    kube.wait_for_rest();
    kube.forget_requests();
    kube
}

fn relay(kube: &Double, patch: &str) -> Relay {
    Stage::new(&kube.url()).on_git(&format!("{{patch: {patch}}}")).setup(BINARY).state().start()
}

/// Adds to a list, which is once more each time.
const ADD: &str = "{namespace: shop, apiVersion: example.com/v1, kind: Thing, name: list, type: json, \
    body: [{op: add, path: /spec/items/-, value: \"${commit}\"}]}";

fn items(kube: &Double) -> Value {
    kube.object("things", "shop", "list")["spec"]["items"].clone()
}

fn commit() -> String {
    "5b2c".repeat(10)
}

#[test]
fn a_workload_is_merged_and_followed() {
    let kube = shop();
    let relay = relay(
        &kube,
        "{namespace: shop, workload: deployment/web, type: strategic, body: {spec: {template: {spec: {containers: \
         [{name: web, env: [{name: COMMIT, value: \"${commit}\"}]}]}}}}}",
    );
    push_git(&relay).is("succeeded", "deployment/web: patched; rolled out");
    let patch = &kube.patches()[0];
    assert_eq!(patch.path_and_query, "/apis/apps/v1/namespaces/shop/deployments/web?fieldManager=boathook");
    assert_eq!(patch.header("content-type"), Some("application/strategic-merge-patch+json"));
    let web = kube.object("deployments", "shop", "web");
    let cause = web["metadata"]["annotations"]["kubernetes.io/change-cause"].as_str().unwrap();
    assert!(cause.starts_with("boathook: acme/fleet refs/heads/main, GitLab delivery "), "{cause}");
    let container = support::objects::container(&web, "web");
    assert_eq!(container["image"], "quay.io/acme/web:1");
    let env = json!([{"name": "MODE", "value": "prod"}, {"name": "COMMIT", "value": commit()}]);
    let names = |env: &Value| {
        let mut names: Vec<_> = env.as_array().unwrap().iter().map(ToString::to_string).collect();
        names.sort();
        names
    };
    assert_eq!(names(&container["env"]), names(&env));
}

#[test]
fn any_object_is_merged_and_what_is_there_already_is_unchanged() {
    let kube = shop();
    let merge = "{namespace: shop, apiVersion: v1, kind: ConfigMap, name: list, type: merge, body: {data: {branch: \
        \"<${branch}> $${x}\", color: null}}}";
    let relay = relay(&kube, merge);
    let branch = "a\"}\\u0022, x: {y: [${delivery}]} # '\u{1F6A4}";
    let push = || {
        let mut body: Value = serde_json::from_str(&gitlab_body()).unwrap();
        body["ref"] = format!("refs/heads/{branch}").into();
        let key = "gitlab-0123456789abcdef";
        let headers = [("X-Gitlab-Token", key), ("X-Gitlab-Event", "Push Hook"), ("Prefer", "wait=60")];
        let path = sign::hook_path(key.as_bytes());
        http::send("POST", relay.address(), &path, &headers, body.to_string().as_bytes()).text()
    };
    let first = push();
    assert!(first.contains("\"outcome\":\"succeeded\",\"reason\":\"patched\""), "{first}");
    let object = kube.object("configmaps", "shop", "list");
    assert_eq!(object["data"], json!({"branch": format!("<{branch}> ${{x}}")}));
    assert_eq!(kube.patches()[0].path(), "/api/v1/namespaces/shop/configmaps/list");
    let again = push();
    assert!(again.contains("it is as the patch would make it"), "{again}");
}

#[test]
fn operations_depend_on_the_version_that_was_read() {
    let kube = shop();
    let relay = relay(&kube, ADD);
    let version = kube.object("things", "shop", "list")["metadata"]["resourceVersion"].clone();
    push_git(&relay).is("succeeded", "thing/list: patched");
    let patch = &kube.patches()[0];
    assert_eq!(patch.header("content-type"), Some("application/json-patch+json"));
    assert_eq!(patch.body[0], json!({"op": "test", "path": "/metadata/resourceVersion", "value": version}));
    assert_eq!(items(&kube), json!(["a", commit()]));
}

#[test]
fn operations_are_not_carried_out_twice_when_the_answer_is_lost() {
    let kube = shop();
    let relay = relay(&kube, ADD);
    kube.fail_for(Fault::LoseAnswer, "PATCH", "", Some(1));
    push_git(&relay).is("succeeded", "thing/list: patched");
    assert_eq!((items(&kube), kube.patches().len()), (json!(["a", commit()]), 2));
}

#[test]
fn operations_are_not_carried_out_twice_when_the_process_is_killed() {
    let kube = shop();
    let mut relay = relay(&kube, ADD);
    kube.fail_for(Fault::LoseAnswer, "PATCH", "", None);
    push_git_only(&relay);
    relay.wait_for_log("trying again");
    relay.kill();
    kube.clear_faults();
    let relay = relay.restart();
    relay.wait_for_log("target=shop/thing/list outcome=succeeded");
    assert_eq!(items(&kube), json!(["a", commit()]));
}

#[test]
fn operations_that_were_not_carried_out_before_the_process_was_killed_are() {
    let kube = shop();
    let mut relay = relay(&kube, ADD);
    kube.fail_for(Fault::Status(503), "PATCH", "", None);
    push_git_only(&relay);
    relay.wait_for_log("trying again");
    relay.kill();
    kube.clear_faults();
    // Somebody else changes it meanwhile, so that the version that was read is not there any more.
    let mut changed = thing();
    changed["spec"]["items"] = json!(["b"]);
    kube.apply(changed);
    let relay = relay.restart();
    relay.wait_for_log("target=shop/thing/list outcome=succeeded");
    assert_eq!(items(&kube), json!(["b", commit()]));
}

#[test]
fn a_removal_whose_fate_cannot_be_known_is_not_tried_again() {
    let kube = shop();
    let remove = ADD
        .replace("{op: add, path: /spec/items/-, value: \"${commit}\"}", "{op: remove, path: /spec/items/0}");
    let mut relay = relay(&kube, &remove);
    kube.fail_for(Fault::Status(503), "PATCH", "", None);
    push_git_only(&relay);
    relay.wait_for_log("trying again");
    relay.kill();
    kube.clear_faults();
    let mut changed = thing();
    changed["spec"]["items"] = json!(["b", "c"]);
    kube.apply(changed);
    let relay = relay.restart();
    let line = relay.wait_for_log("target=shop/thing/list outcome=failed");
    assert!(line.contains("whether by this patch cannot be known of one that only removes"), "{line}");
    assert_eq!(items(&kube), json!(["b", "c"]));
}

#[test]
fn what_is_refused_says_why_and_the_way_out() {
    let kube = shop();
    let failed = |patch: &str, told: &str| push_git(&relay(&kube, patch)).is("failed", told);
    let of = |kind: &str, more: &str| format!("{{namespace: shop, apiVersion: {kind}, name: list, {more}}}");
    failed(
        &of("gateway.networking.k8s.io/v1, kind: Gateway", "type: merge, body: {}"),
        "the cluster does not serve Gateway in gateway.networking.k8s.io/v1: is its CRD installed?",
    );
    failed(
        "{namespace: shop, workload: deployment/nope, type: merge, body: {}}",
        "get deployments nope in namespace shop: there is no such object",
    );
    failed(
        &ADD.replace("body: [", "body: [{op: test, path: /spec/items/0, value: z}, "),
        "a test does not hold, a place is not there, or what comes of it is not valid",
    );
    kube.install(Kind::custom("gateway.networking.k8s.io", "v1", "Gateway", "gateways"));
    kube.apply(json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway",
        "metadata": {"name": "list", "namespace": "shop"},
    }));
    failed(
        &of("gateway.networking.k8s.io/v1, kind: Gateway", "type: strategic, body: {a: 1}"),
        "custom resources take no strategic merge patch: use type: merge or json",
    );
    kube.forbid("patch", "configmaps", None);
    failed(
        &of("v1, kind: ConfigMap", "type: merge, body: {a: {}}"),
        "allow it with {apiGroups: [\"\"], resources: [configmaps], resourceNames: [list], verbs: [patch]} in a Role of \
         namespace shop",
    );
    failed(
        "{apiVersion: v1, kind: ConfigMap, name: list, type: merge, body: {}}",
        "ConfigMap list is in a namespace: give it",
    );
}

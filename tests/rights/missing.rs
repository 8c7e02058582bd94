//! At start the relay asks the API server what it may do, and says what is missing.

use super::BINARY;
use support::kube::{Double, Fault, Proxy, Rule};
use support::relay::Relay;
use support::stage::{Stage, push_image, workload};

const RESTART: &str = "{restart: {namespace: shop, workloads: [deployment/web, statefulset/db]}}";
const FOUND: &str = "{setImage: {namespaces: [blog], runningImage: true}}";

fn rule(verbs: &[&str], group: &str, resource: &str, names: &[&str], namespace: &str) -> Rule {
    Rule { namespace: Some(namespace.to_owned()), ..Rule::new(verbs, group, &[resource], names) }
}

/// A cluster whose Role leaves things out.
fn cluster() -> Double {
    let kube = Double::start();
    kube.apply(workload("Deployment", "shop", "web", "quay.io/acme/web:latest"));
    kube.allow_only(&[
        rule(&["get"], "apps", "deployments", &["web"], "shop"),
        rule(&["get", "patch"], "apps", "statefulsets", &["db"], "shop"),
        rule(&["get", "list", "patch"], "apps", "deployments", &[], "blog"),
        // In another namespace it is of no use.
        rule(&["patch"], "apps", "deployments", &["web"], "elsewhere"),
    ]);
    kube
}

fn images(actions: &[&str]) -> String {
    format!("[{{do: [{}]}}]", actions.join(", "))
}

fn start(kube: &Double, actions: &[&str]) -> Relay {
    Stage::new(&kube.url()).images(&images(actions)).start(BINARY)
}

fn told(relay: &Relay) -> Vec<String> {
    let log = relay.log();
    let lines = log.lines().filter_map(|line| line.split_once("missing right"));
    lines.map(|(_, told)| told.to_owned()).collect()
}

#[test]
fn each_missing_right_is_one_line_with_the_rule_to_add() {
    let kube = cluster();
    let relay = start(&kube, &[RESTART, FOUND]);
    relay.wait_for_log(
        "missing right: {apiGroups: [apps], resources: [deployments], resourceNames: [web], verbs: [patch]} in a Role \
         of namespace shop, for quay, rule 1: restart",
    );
    relay.wait_for_log(
        "missing right (such workloads are passed over): {apiGroups: [apps], resources: [daemonsets, statefulsets], \
         verbs: [get, list, patch]} in a Role of namespace blog, for quay, rule 1: setImage",
    );
    kube.wait_for_reviews(2);
    let asked: Vec<_> = kube
        .reviews()
        .iter()
        .map(|review| review.body["spec"]["namespace"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(asked, ["blog", "shop"], "one for each namespace");
    assert!(kube.requests().is_empty(), "nothing else is asked");
    assert_eq!(
        told(&relay).iter().filter(|line| line.contains("namespace shop")).count(),
        1,
        "{:?}",
        told(&relay)
    );
}

#[test]
fn what_is_allowed_is_not_told() {
    let kube = Double::start();
    kube.apply(workload("Deployment", "shop", "web", "quay.io/acme/web:latest"));
    let relay = start(&kube, &["{restart: {namespace: shop, workloads: [deployment/web]}}"]);
    push_image(&relay, "acme/web", "latest").is("succeeded", "restarted");
    assert_eq!(kube.wait_for_reviews(1)[0].status, 201);
    assert!(told(&relay).is_empty(), "{:?}", told(&relay));
    assert!(!relay.log().contains("is not known"), "{}", relay.log());
}

#[test]
fn a_proxy_that_refuses_the_question_leaves_it_open() {
    let kube = cluster();
    let narrow = "^/apis/apps/v1/namespaces/shop/".to_owned();
    kube.behind_proxy(Proxy { accept_paths: narrow, ..Proxy::default() });
    let relay = start(&kube, &[RESTART, FOUND]);
    let line = relay.wait_for_log("which rights there are is not known");
    assert!(line.contains("INFO") && line.contains("kubectl proxy does not let it through"), "{line}");
    assert_eq!(kube.reviews().len(), 1, "it would refuse the next as well");
    assert!(told(&relay).is_empty(), "{:?}", told(&relay));
}

#[test]
fn it_waits_for_the_api_and_nothing_waits_for_it() {
    let kube = cluster();
    kube.fail_for(Fault::Hang, "POST", "selfsubjectrulesreviews", None);
    kube.stop();
    let relay = start(&kube, &[RESTART]);
    kube.restart_listener();
    // It is never answered as long as it hangs.
    kube.wait_for_arrived_review();
    push_image(&relay, "acme/web", "latest").is("failed", "not allowed");
    assert!(told(&relay).is_empty(), "the API has not said yet");
    kube.clear_faults();
    relay.wait_for_log("missing right: ");
}

#[test]
fn a_reload_with_other_rights_asks_again() {
    let kube = cluster();
    let stage = |actions: &[&str]| Stage::new(&kube.url()).images(&images(actions));
    let relay = stage(&[RESTART]).start(BINARY);
    relay.wait_for_log("in a Role of namespace shop");
    let reviews = kube.reviews().len();
    // What does not need other rights does not ask.
    relay.write("boathook.yaml", stage(&[RESTART]).general("settle: 1s\n").config());
    relay.wait_for_logs("configuration read again", 1);
    relay.write("boathook.yaml", stage(&[RESTART, FOUND]).config());
    relay.wait_for_log("in a Role of namespace blog");
    assert_eq!(kube.wait_for_reviews(reviews + 2).len(), reviews + 2);
}

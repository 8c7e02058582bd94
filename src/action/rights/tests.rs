use std::path::Path;

use serde_yaml::Value;

use super::super::testing::read;
use super::*;
use crate::config::fields::Node;
use crate::config::report::{FieldPath, Report};
use crate::kubernetes::right::rules;

fn when(text: &str) -> When {
    let (when, mistakes) = read(text, |fields| Some(When::read(fields)));
    assert!(mistakes.is_empty(), "{mistakes:?}");
    when.unwrap()
}

fn action(text: &str) -> Action {
    let value: Value = serde_yaml::from_str(text).unwrap();
    let report = Report::new(Path::new(""));
    let action = Action::read(Node::new(&value, &report), &FieldPath::default());
    assert_eq!(report.mistakes(), 0, "{text}");
    action.unwrap()
}

/// The rules, each with its place, for an action under a filter.
fn told(filter: &str, text: &str) -> Vec<String> {
    let when = when(filter);
    let rights =
        action(text).rights(&Scope { when: &when, purpose: "x", goes_back: false, kinds: &Kinds::new() });
    let mut places: Vec<_> = rights.iter().map(|right| right.place.clone()).collect();
    places.sort();
    places.dedup();
    let of = |place: &Place| {
        let own = rights.iter().filter(|right| right.place == *place && right.need.is_granted());
        let place = match place {
            Place::Namespace(name) => name.clone(),
            Place::Open(text) => text.clone(),
            Place::Cluster => "cluster".to_owned(),
        };
        rules(own).into_iter().map(move |(rule, _)| format!("{place}: {rule}")).collect::<Vec<_>>()
    };
    places.iter().flat_map(of).collect()
}

#[test]
fn named_workloads_are_granted_by_name() {
    assert_eq!(
        told("{}", "restart: {namespace: default, workloads: [deployment/web, deploy/api, sts/db]}"),
        [
            "default: {apiGroups: [apps], resources: [deployments], resourceNames: [api, web], verbs: [get, patch]}",
            "default: {apiGroups: [apps], resources: [statefulsets], resourceNames: [db], verbs: [get, patch]}",
        ]
    );
    assert_eq!(
        told("{}", "setImage: {namespace: shop, workloads: [ksvc/game]}"),
        [
            "shop: {apiGroups: [serving.knative.dev], resources: [services], resourceNames: [game], verbs: [get, patch]}"
        ]
    );
    assert_eq!(
        told("{}", "reconcile: {namespace: flux-system, kind: GitRepository, name: fleet}"),
        [
            "flux-system: {apiGroups: [source.toolkit.fluxcd.io], resources: [gitrepositories], resourceNames: [fleet], verbs: [patch]}"
        ]
    );
    assert_eq!(
        told("{}", "traffic: {namespace: shop, service: ksvc/game, steps: [50, 100], every: 1m}"),
        [
            "shop: {apiGroups: [serving.knative.dev], resources: [services], resourceNames: [game], verbs: [get, patch]}"
        ]
    );
    for silent in
        ["fluxNotify: {}", "check: {url: \"https://web.example.com\"}", "confirm: {equals: yes please}"]
    {
        assert!(told("{}", silent).is_empty(), "{silent}");
    }
}

#[test]
fn what_is_looked_up_is_granted_as_a_whole() {
    let told = told("{}", "restart: {namespaces: [a, b], selector: app=web}");
    let [a, ..] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!(
        a,
        "a: {apiGroups: [apps], resources: [daemonsets, deployments, statefulsets], verbs: [get, list, patch]}"
    );
    assert_eq!(told.len(), 4, "two groups in two namespaces: {told:?}");
}

#[test]
fn templates_are_granted_as_far_as_the_rule_limits_them() {
    let action = "setImage: {namespace: \"${namespace}\", workloads: [\"deployment/${workload}\"]}";
    let filter = |limits: &str| format!("{{event: deploy, image: ghcr.io/acme/web, {limits}}}");
    assert_eq!(
        told(&filter("namespace: [a, b], workload: [web, api]"), action),
        ["a", "b"].map(|namespace| format!(
            "{namespace}: {{apiGroups: [apps], resources: [deployments], resourceNames: [api, web], verbs: [get, patch]}}"
        ))
    );
    assert_eq!(
        told(&filter("namespace: a, workload: \"web-*\""), action),
        ["a: {apiGroups: [apps], resources: [deployments], verbs: [get, patch]}"]
    );
    assert_eq!(
        told(&filter("namespace: \"team-*\", workload: web"), action),
        [
            "${namespace}: {apiGroups: [apps], resources: [deployments], resourceNames: [web], verbs: [get, patch]}"
        ]
    );
}

#[test]
fn what_is_of_use_only_depends_on_what_is_followed() {
    let extras = |text: &str| {
        let when = when("{}");
        let rights =
            action(text).rights(&Scope { when: &when, purpose: "x", goes_back: false, kinds: &Kinds::new() });
        let extra = rights.into_iter().filter(|right| !right.need.is_granted());
        extra.map(|right| format!("{:?} {} {}", right.need, right.verb, right.resource)).collect::<Vec<_>>()
    };
    assert_eq!(
        extras("restart: {namespace: a, workloads: [deployment/web]}"),
        ["Events create events", "Reasons list pods", "Reasons list replicasets"]
    );
    assert_eq!(
        extras("setImage: {namespace: a, workloads: [sts/db], rollout: {onFailure: rollback}}"),
        ["Events create events", "Reasons list pods", "Rollback list pods", "Rollback delete pods"]
    );
    let (when, set) = (when("{}"), action("setImage: {namespace: a, workloads: [sts/db]}"));
    let scope = Scope { when: &when, purpose: "x", goes_back: true, kinds: &Kinds::new() };
    assert!(set.rights(&scope).iter().any(|right| right.verb == "delete"), "a later check takes it back");
    assert_eq!(extras("setImage: {namespace: a, workloads: [cronjob/x]}"), ["Events create events"]);
    assert_eq!(
        extras("restart: {namespace: a, workloads: [deployment/web], rollout: none}"),
        ["Events create events"]
    );
    assert!(extras("reconcile: {namespace: a, kind: Kustomization, name: x}").is_empty());
}

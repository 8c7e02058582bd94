//! `boathook rbac`: its options, and what a configuration in `config/` has no example of.

use serde_json::{Value, json};

use super::BINARY;
use support::command::Bench;
use support::kube::{Double, Kind};

fn bench(rules: &str) -> Bench {
    let bench = Bench::new(BINARY);
    let config = format!(
        "version: 1\nendpoints:\n- {{name: ci, source: Generic, keyPath: ci.key, rules: [{rules}]}}\n"
    );
    bench.write("c.yaml", config);
    bench.run(&["keygen", "--out", "ci.key"]).expect(0);
    bench
}

fn documents(text: &str) -> Vec<Value> {
    let documents = serde_yaml::Deserializer::from_str(text);
    let read = documents.map(|document| <Value as serde::Deserialize>::deserialize(document).unwrap());
    read.filter(|document| !document.is_null()).collect()
}

#[test]
fn what_is_wrong_is_told() {
    let bench = bench(
        "{when: {event: deploy, image: a/b}, do: [{restart: {namespace: a, workloads: [deployment/b]}}]}",
    );
    bench.run(&["rbac", "c.yaml", "--with", "reason"]).expect(2).tells("did you mean reasons?");
    bench.run(&["rbac", "c.yaml", "--service-account", "boathook"]).expect(2).tells("must be NAMESPACE/NAME");
    bench.write("bad.yaml", "version: 1\nendpoints: []\n");
    bench.run(&["rbac", "bad.yaml"]).expect(2).tells("endpoints: is empty");
    let other = bench.run(&["rbac", "c.yaml", "--service-account=ops/relay"]).expect(0);
    let subject = json!([{"kind": "ServiceAccount", "name": "relay", "namespace": "ops"}]);
    assert_eq!(documents(&other.stdout)[1]["subjects"], subject);
}

#[test]
fn a_stateful_set_that_may_go_back_may_lose_its_pod() {
    let bench = bench(
        "{when: {event: deploy, image: a/b}, do: [{setImage: {namespace: a, workloads: [sts/db], rollout: {onFailure: \
         rollback}}}]}",
    );
    let of_pods = |with: &str| {
        let printed = bench.run(&["rbac", "c.yaml", "--with", with]).expect(0);
        let rules = documents(&printed.stdout)[0]["rules"].as_array().cloned().unwrap();
        rules.into_iter().find(|rule| rule["resources"] == json!(["pods"])).map(|rule| rule["verbs"].clone())
    };
    assert_eq!(of_pods("rollback"), Some(json!(["list", "delete"])));
    assert_eq!(of_pods("reasons"), Some(json!(["list"])));
    assert_eq!(of_pods("events"), None);
}

#[test]
fn namespaces_that_only_a_request_names_are_left_to_fill_in() {
    let bench = bench(
        "{when: {event: deploy, image: a/b, namespace: \"team-*\", workload: [web, queue]}, do: [{setImage: {namespace: \
         \"${namespace}\", workloads: [\"deployment/${workload}\"]}}]}",
    );
    let printed = bench.run(&["rbac", "c.yaml"]).expect(0).stdout;
    assert!(documents(&printed).is_empty(), "nothing is granted by mistake:\n{printed}");
    assert!(printed.contains("#   namespace: NAMESPACE\n"), "{printed}");
    assert!(printed.contains("#   resourceNames: [queue, web]\n"), "{printed}");
}

#[test]
fn objects_of_no_namespace_take_a_cluster_role_and_the_cluster_knows_plurals() {
    let bench = bench(
        "{when: {event: deploy, image: a/b}, do: [{apply: {manifests: m, namespaces: [a], clusterScoped: true}}, \
         {patch: {apiVersion: example.com/v1, kind: Octopus, name: o, type: merge, body: {}}}]}",
    );
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}});
    bench.write("m/namespace.json", namespace.to_string());
    // The check of the mere configuration reads the directory too.
    let printed = bench.run(&["rbac", "c.yaml"]).expect(0).stdout;
    let [role, binding] = documents(&printed).try_into().unwrap();
    assert_eq!([&role["kind"], &binding["kind"]], ["ClusterRole", "ClusterRoleBinding"]);
    assert!(role["metadata"]["namespace"].is_null());
    assert!(printed.contains("octopuses is a guess for Octopus: --live asks the cluster"), "{printed}");

    let kube = Double::start();
    kube.install(Kind { namespaced: false, ..Kind::custom("example.com", "v1", "Octopus", "octopodes") });
    let api = format!("--kube-api={}", kube.url());
    let printed = bench.run(&["rbac", "c.yaml", "--live", &api]).expect(0).stdout;
    assert!(
        printed.contains("  resources: [octopodes]\n  resourceNames: [o]\n") && !printed.contains("guess"),
        "{printed}"
    );
    assert!(kube.mutations().is_empty());
    kube.stop();
    bench.run(&["rbac", "c.yaml", "--live", &api]).expect(1).tells("the API cannot be reached");
}

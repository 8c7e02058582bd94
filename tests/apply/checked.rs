//! Mistakes in manifests are found without a cluster, when the configuration is read; a changed manifest makes it be
//! read again.

use std::fmt::Write as _;

use super::{BINARY, CONFIG_MAP, prepared};
use support::command::Bench;
use support::kube::Double;
use support::stage::push_git;

/// What `check` says of these files.
fn check(action: &str, files: &[(&str, &str)]) -> String {
    let bench = Bench::new(BINARY);
    bench.write("quay.key", "0123456789abcdef0123456789abcdef");
    std::fs::create_dir_all(bench.directory().join("manifests")).unwrap();
    for (name, text) in files {
        bench.write(&format!("manifests/{name}"), text);
    }
    let rules = format!("rules: [{{do: [apply: {action}]}}]");
    let endpoint = format!("- {{name: quay, source: Quay, keyPath: quay.key, {rules}}}");
    bench.write("c.yaml", format!("version: 1\nendpoints:\n{endpoint}\n"));
    let ended = bench.run(&["check", "c.yaml"]);
    format!("{}{}", ended.stdout, ended.stderr)
}

const TO_SHOP: &str = "{manifests: manifests, namespaces: [shop]}";
const TO_BOTH: &str = "{manifests: manifests/, namespaces: [shop, default]}";

#[test]
fn what_it_will_apply_is_shown() {
    let shown = check(
        "{manifests: manifests, namespaces: [shop], clusterScoped: true, force: true}",
        &[("a.yaml", CONFIG_MAP)],
    );
    assert!(shown.contains("manifests to shop and what is in no namespace, taking fields over"), "{shown}");
}

#[test]
fn every_mistake_is_told_with_file_and_line() {
    let named = |name: &str| format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {name}\n");
    let other = named("{name: a, namespace: other}");
    let twice = format!("{CONFIG_MAP}--- # the same\n{}", named("{name: settings, namespace: shop}"));
    let role = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: web}\n";
    let script = "# a script\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {run: \"echo ${HOME}\"}\n";
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {b: \"${hunter2}\"}\n";
    let mut bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for level in ["a", "b", "c", "d", "e", "f", "g", "h"].windows(2) {
        writeln!(bomb, "{}: &{} [{}]", level[1], level[1], format!("*{},", level[0]).repeat(20)).unwrap();
    }
    for (action, text, told) in [
        (TO_SHOP, "a: [1\nb: 2\n", "a.yaml:2:2: this is not valid: "),
        (TO_SHOP, "kind: ConfigMap\n", "a.yaml:1: apiVersion is missing"),
        (TO_SHOP, &named("{}"), "a.yaml:1: metadata.name is missing"),
        (TO_SHOP, &named("{name: A/b}"), "a.yaml:1: metadata.name: \"A/b\" is not a Kubernetes name"),
        (TO_SHOP, "# nothing\n", "there is no object in these files"),
        (TO_SHOP, &other, "a.yaml:1: ConfigMap a goes to namespace other, which is not in `namespaces`"),
        (
            TO_BOTH,
            CONFIG_MAP,
            "a.yaml:1: ConfigMap settings names no namespace, and `namespaces` has several",
        ),
        (TO_SHOP, &twice, "a.yaml:5: ConfigMap settings stands in a.yaml:1 too"),
        (TO_SHOP, role, "a.yaml:1: ClusterRole web is in no namespace: clusterScoped: true allows that"),
        (TO_SHOP, script, "a.yaml:2: ConfigMap a: .data.run: ${HOME} is not a variable"),
        (TO_SHOP, secret, "a.yaml:1: Secret a: .stringData.b: has a ${ that begins no variable"),
        (TO_SHOP, &bomb, "a.yaml"),
        (TO_SHOP, &"x".repeat(1024 * 1024 + 1), "a.yaml is larger than 1048576 bytes"),
        ("{manifests: nowhere, namespaces: [shop]}", CONFIG_MAP, "nowhere cannot be read: No such file"),
        ("{manifests: manifests}", CONFIG_MAP, "namespaces is missing"),
        ("{namespaces: [shop]}", CONFIG_MAP, "manifests is missing"),
        ("{manifests: manifests, namespaces: [A/b]}", CONFIG_MAP, "is not a namespace's name"),
        (
            "{manifests: manifests, namespaces: [shop], rollout: {onFailure: rollback}}",
            CONFIG_MAP,
            "what was applied cannot be rolled back",
        ),
    ] {
        let shown = check(action, &[("a.yaml", text)]);
        assert!(shown.contains(told) && shown.contains("error: "), "{told}: {shown}");
        assert!(shown.contains("1 mistake"), "one mistake is told once: {shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
    let shown = check(TO_SHOP, &[("a.txt", CONFIG_MAP), (".b.yaml", CONFIG_MAP)]);
    assert!(shown.contains("has no *.yaml, *.yml or *.json"), "{shown}");
}

#[test]
fn what_a_request_names_must_be_limited_in_manifests_too() {
    let manifest = "# a comment\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: '${workload}'}\n\
                    data: {of: '${workload} in ${environment}'}\n";
    let bench = Bench::new(BINARY);
    bench.write("ci.key", "0123456789abcdef0123456789abcdef");
    std::fs::create_dir_all(bench.directory().join("manifests")).unwrap();
    bench.write("manifests/a.yaml", manifest);
    let check = |when: &str| {
        let rule = format!("{{when: {{image: ghcr.io/acme/web{when}}}, do: [apply: {TO_SHOP}]}}");
        let endpoint = format!("- {{name: ci, source: Generic, keyPath: ci.key, rules: [{rule}]}}");
        bench.write("c.yaml", format!("version: 1\nendpoints:\n{endpoint}\n"));
        bench.run(&["check", "c.yaml"])
    };
    let refused = check("").stderr;
    let told = "do[0].apply.manifests: a.yaml:2: ${workload} is whatever the request says: limit it with when.workload";
    assert!(refused.contains(told) && refused.contains("1 mistake"), "{refused}");
    assert_eq!(check(", workload: 'web-*'").code, 0);
}

#[test]
fn a_manifest_that_changes_is_read_again_and_a_broken_one_is_refused() {
    let kube = Double::start();
    let relay = prepared(&kube, "", &[("a.yaml", CONFIG_MAP)]).start();
    relay.write("manifests/a.yaml", "kind: ConfigMap\n");
    relay.wait_for_log("the new configuration is refused and the old one stays");
    relay.wait_for_log("a.yaml:1: apiVersion is missing");
    push_git(&relay).is("failed", "the manifests cannot be applied: a.yaml:1: apiVersion is missing");
    assert_eq!(kube.mutations().len(), 0);
    relay.write("manifests/a.yaml", CONFIG_MAP.replace("blue", "red"));
    // A file that comes is seen as well.
    relay.write("manifests/b.yaml", CONFIG_MAP.replace("settings", "more"));
    push_git(&relay).is("succeeded", "created");
    assert_eq!(kube.object("configmaps", "shop", "settings")["data"]["color"], "red");
    assert!(kube.find("configmaps", "shop", "more").is_some());
    relay.write("manifests/c.yaml", "[");
    relay.wait_for_log("c.yaml:");
}

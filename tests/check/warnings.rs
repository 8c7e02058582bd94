//! What is legal but unwise.

use super::{bench, check, check_with, endpoint, rule};

#[test]
fn what_is_unwise_is_a_warning() {
    let bench = bench();
    bench.write("weak.key", "seventeen bytes..");
    let weak = endpoint("GitHub", "  rules: []\n").replace("github.key", "weak.key");
    let ended = check_with(&bench, &weak).expect(0);
    ended.tells("warning: c.yaml:5:12: endpoints[0].keyPath: the key in weak.key has fewer than 20 bytes");
    ended.tells(
        "warning: c.yaml:6:10: endpoints[0].rules: is empty: deliveries are verified and nothing follows",
    );
    for (text, told) in [
        (endpoint("Quay", "  rules: []\n"), "4:11: endpoints[0].source: Quay signs nothing"),
        (endpoint("DockerHub", "  rules: []\n"), "treat the URL as a secret"),
        (
            endpoint("BitbucketCloud", "  verify: path\n  rules: []\n"),
            "6:11: endpoints[0].verify: whoever knows the path",
        ),
        (endpoint("GitHub", "  rules: []\nsettle: 2m\nmaxWait: 1m\n"), "7:9: settle: is longer than maxWait"),
        (endpoint("GitHub", "  rules: []\nsettle: 2m\n"), "7:9: settle: is longer than maxWait"),
        (
            endpoint("GitHub", "  rules: []\nkubernetes: {api: \"http://10.0.0.1:8001\"}\n"),
            "plain http to another host",
        ),
        (rule("when: {repository: web}\n    do: [fluxNotify: {}]"), "web has no owner"),
        (
            rule("when: {event: [git, image], branch: main}\n    do: [fluxNotify: {}]"),
            "image events never match",
        ),
    ] {
        check(&text).expect(0).tells("warning: c.yaml:").tells(told);
    }
    let short = check(&endpoint("GitHub", "  rules: []\nmaxWait: 5s\n")).expect(0);
    assert!(!short.stderr.contains("settle"), "nobody asked for a longer one: {}", short.stderr);
}

#[test]
fn warnings_and_mistakes_are_told_together() {
    let ended = check(&endpoint("Quay", "  rules: []\n  foo: 1\n")).expect(2);
    ended.tells("warning: c.yaml:4:11").tells("error: c.yaml:7:8").tells("1 mistake");
}

#[test]
fn a_good_one_has_no_warning() {
    let good = rule("do: [{restart: {namespace: default, workloads: [deploy/web]}}]");
    assert_eq!(check(&good).expect(0).stderr, "");
    let in_a_pod = format!("{good}kubernetes: {{api: in-cluster}}\n");
    assert_eq!(check(&in_a_pod).expect(0).stderr, "", "it is written and checked outside of the cluster");
}

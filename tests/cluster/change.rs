//! Restart and setImage of what a cluster has, by name and by what it runs; what is missing says so.

use super::api::Cluster;
use super::{image, outcome, push, relay, repository};
use support::objects;

const WEB: &str = "web";

pub(super) fn play(cluster: &Cluster) {
    let Cluster { namespace, .. } = cluster;
    let first = image(WEB, "1.0.0");
    let workloads = [
        ("deployments", objects::deployment(namespace, "web", &first)),
        ("statefulsets", objects::stateful_set(namespace, "db", &first)),
        ("daemonsets", objects::daemon_set(namespace, "agent", &first)),
    ];
    for (plural, object) in &workloads {
        cluster.apply(plural, object);
    }
    let relay = relay(&cluster.url, "settle: 0", &rules(namespace)).start();

    // By name: one PATCH makes a new generation with a restartedAt of now.
    let before = cluster.generation("web");
    let answer = push(&relay, WEB, "latest");
    assert_eq!(answer.status, 200, "{}", answer.text());
    let after = cluster.get("deployments", "web");
    assert!(cluster.generation("web") > before, "{answer:?}");
    assert!(
        after["spec"]["template"]["metadata"]["annotations"]["kubectl.kubernetes.io/restartedAt"].is_string()
    );
    let cause = after["metadata"]["annotations"]["kubernetes.io/change-cause"].as_str().unwrap_or_default();
    assert!(cause.starts_with(&format!("boathook: {}, GitHub delivery", image(WEB, "latest"))), "{after}");

    // By what runs: every kind, and not backwards.
    let answer = push(&relay, WEB, "1.1.0");
    assert_eq!(answer.status, 200, "{}", answer.text());
    for (plural, object) in &workloads {
        let name = object["metadata"]["name"].as_str().unwrap();
        assert_eq!(cluster.image(plural, name), image(WEB, "1.1.0"), "{plural}/{name}");
    }
    let answer = push(&relay, WEB, "1.0.5");
    assert_eq!(outcome(&answer).0, "unchanged", "{}", answer.text());
    assert_eq!(cluster.image("deployments", "web"), image(WEB, "1.1.0"));

    // What is not there is a failure that names it.
    let answer = push(&relay, WEB, "gone");
    assert_eq!(answer.status, 424, "{}", answer.text());
    assert!(answer.text().contains("deployments nope"), "{}", answer.text());

    for (plural, object) in &workloads {
        cluster.delete(plural, object["metadata"]["name"].as_str().unwrap());
    }
}

fn rules(namespace: &str) -> [String; 3] {
    let web = repository(WEB);
    let restart = |workload: &str| {
        format!("restart: {{namespace: {namespace}, workloads: [deployment/{workload}], rollout: none}}")
    };
    [
        format!("{{when: {{image: {web}, tag: latest}}, do: [{}]}}", restart("web")),
        format!(
            "{{when: {{image: {web}, tag: {{semver: \">=1.0, <2\"}}}}, do: [setImage: {{namespace: {namespace}, \
             runningImage: true, rollout: none}}]}}"
        ),
        format!("{{when: {{image: {web}, tag: gone}}, do: [{}]}}", restart("nope")),
    ]
}

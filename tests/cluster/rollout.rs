//! A rollout that completes is followed to its end.

use super::api::Cluster;
use super::hands::{Hands, is_complete};
use super::{image, outcome, push, relay};

const NAME: &str = "followed";

pub(super) fn play(cluster: &Cluster) {
    cluster.deploy(NAME, &image(NAME, "1.0.0"));
    let hands = Hands::lend(cluster, &[NAME], None);
    let namespace = &cluster.namespace;
    let rules = [
        format!(
            "{{when: {{tag: latest}}, do: [restart: {{namespace: {namespace}, workloads: [deployment/{NAME}]}}]}}"
        ),
        format!(
            "{{when: {{tag: \"1.*\"}}, do: [setImage: {{namespace: {namespace}, workloads: [deployment/{NAME}]}}]}}"
        ),
    ];
    let relay = relay(&cluster.url, "settle: 0", &rules).start();
    for tag in ["1.1.0", "latest"] {
        let before = cluster.generation(NAME);
        let answer = push(&relay, NAME, tag);
        let deployment = cluster.get("deployments", NAME);
        let (outcome, reason) = outcome(&answer);
        assert_eq!((answer.status, outcome.as_str()), (200, "succeeded"), "{reason}");
        assert!(reason.ends_with("; rolled out"), "{reason}");
        assert!(is_complete(&deployment), "when it is said: {deployment}");
        assert_eq!(cluster.generation(NAME), before + 1);
    }
    assert_eq!(cluster.image("deployments", NAME), image(NAME, "1.1.0"));
    drop(hands);
    cluster.delete("deployments", NAME);
}

//! A version that never becomes ready is put back and held, until the next one comes.

use super::api::Cluster;
use super::hands::{Hands, is_complete};
use super::{end, image, outcome, push, relay, repository};
use support::github;

const NAME: &str = "held";

/// What never becomes ready.
pub(super) const BAD: &str = "ghcr.io/boathook-test/held:2.0.0";

pub(super) fn play(cluster: &Cluster) {
    cluster.deploy(NAME, &image(NAME, "1.0.0"));
    let hands = Hands::lend(cluster, &[NAME], Some(BAD));
    let rule = |tag: &str, within: &str| {
        format!(
            "{{when: {{image: {}, tag: \"{tag}\"}}, do: [setImage: {{namespace: {}, runningImage: true, rollout: \
             {{within: {within}, onFailure: rollback}}}}]}}",
            repository(NAME),
            cluster.namespace
        )
    };
    // Little time for what will not get ready, and enough for what will, however slow the machine.
    let relay = relay(&cluster.url, "settle: 0", &[rule("2.0.0", "10s"), rule("2.0.1", "2m")]).start();

    let before = cluster.generation(NAME);
    let bad = github::image(&repository(NAME), "2.0.0");
    let (ended, reason) = outcome(&end(&relay, &bad));
    assert_eq!(ended, "rolledBack", "{reason}\n{}", relay.log());
    assert!(reason.contains(&format!("put back: {}", image(NAME, "1.0.0"))), "{reason}");
    assert_eq!(cluster.image("deployments", NAME), image(NAME, "1.0.0"));
    assert_eq!(cluster.generation(NAME), before + 2, "there and back");
    assert!(is_complete(&cluster.get("deployments", NAME)), "the way back is followed too");

    let (ended, reason) = outcome(&end(&relay, &bad));
    assert_eq!(ended, "held", "the same delivery: {reason}");
    let (ended, reason) = outcome(&push(&relay, NAME, "2.0.0"));
    assert_eq!(ended, "held", "another one of the same version: {reason}");
    assert_eq!(cluster.generation(NAME), before + 2, "nothing was touched");

    let answer = push(&relay, NAME, "2.0.1");
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(is_complete(&cluster.get("deployments", NAME)));
    assert_eq!(cluster.image("deployments", NAME), image(NAME, "2.0.1"));
    drop(hands);
    cluster.delete("deployments", NAME);
}

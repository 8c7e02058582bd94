//! Two hundred pushes within a minute for one workload: few are rolled out, and the last one stays.

use std::time::Duration;

use super::api::Cluster;
use super::hands::{Hands, is_complete};
use super::{end, image, outcome, relay, repository};
use support::delivery::Delivery;
use support::github;
use support::http::Connection;
use support::relay::Relay;

const NAME: &str = "pushed";
const PUSHES: usize = 200;

pub(super) fn play(cluster: &Cluster) {
    cluster.deploy(NAME, &image(NAME, "1.0.0"));
    let hands = Hands::lend(cluster, &[NAME], None);
    let relay = relay(&cluster.url, "settle: 500ms\nmaxWait: 2s", &[rule(cluster)]).state().start();
    let before = cluster.generation(NAME);
    let pace = Duration::from_millis(if cluster.real { 250 } else { 15 });
    let pushes = Pushes::send(&relay, NAME, pace, |sent| sent == PUSHES);
    let rolled_out = pushes.judge(cluster, &relay, NAME, before);
    assert!(rolled_out < PUSHES / 4, "the newest waits while one is followed: {rolled_out}");
    eprintln!("{PUSHES} pushes, {rolled_out} rollouts");
    drop(hands);
    cluster.delete("deployments", NAME);
}

/// The rule that sets the image of whatever runs it, whatever its tag.
pub(super) fn rule(cluster: &Cluster) -> String {
    format!("{{do: [setImage: {{namespace: {}, runningImage: true}}]}}", cluster.namespace)
}

/// Pushes for one workload, all accepted, each with a tag of its own.
pub(super) struct Pushes(Vec<Delivery>);

impl Pushes {
    /// Sends one after the other until these are enough.
    pub(super) fn send(relay: &Relay, name: &str, pace: Duration, enough: impl Fn(usize) -> bool) -> Self {
        let mut connection = Connection::open(relay.address()).unwrap();
        let mut sent = Vec::new();
        while !enough(sent.len()) {
            let push = github::image(&repository(name), &tag(sent.len() + 1));
            let answer = connection.request("POST", &push.path, &push.pairs(), &push.body).unwrap();
            assert_eq!(answer.status, 202, "{}", answer.text());
            sent.push(push);
            pause(pace);
        }
        Self(sent)
    }

    /// Each ended as it asked or gave way to a later one, and the last one runs. How many were rolled out.
    pub(super) fn judge(&self, cluster: &Cluster, relay: &Relay, name: &str, before: u64) -> usize {
        let Self(pushes) = self;
        let ends: Vec<_> = pushes.iter().map(|push| end(relay, push)).collect();
        for answer in &ends {
            let fits = match outcome(answer).0.as_str() {
                // A change whose answer was lost is found to be there.
                "succeeded" | "unchanged" => answer.status == 200,
                "superseded" => answer.status == 409,
                _ => false,
            };
            assert!(fits, "{} {}\n{}", answer.status, answer.text(), relay.log());
        }
        assert_eq!(ends.last().unwrap().status, 200, "{name}: nothing came after the last one");
        assert_eq!(cluster.image("deployments", name), image(name, &tag(pushes.len())));
        assert!(is_complete(&cluster.get("deployments", name)));
        let done = ends.iter().filter(|answer| answer.status == 200).count();
        assert_eq!(cluster.generation(name), before + done as u64, "{name}: each is one change");
        done
    }
}

fn tag(number: usize) -> String {
    format!("build-{number}")
}

#[expect(clippy::disallowed_methods, reason = "pushes come with time between them, and an outage lasts")]
pub(super) fn pause(time: Duration) {
    std::thread::sleep(time);
}

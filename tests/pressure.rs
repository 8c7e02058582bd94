//! Under pressure: pushes faster than anything rolls out, and an API server that is away while they come.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code: a broken assumption ends the test with its line"
)]

use serde_json::Value;
use std::time::Duration;
use support::delivery::Delivery;
use support::github;
use support::http::Connection;
use support::kube::{Double, Pace};
use support::objects::container;
use support::relay::Relay;
use support::scene::{SET_IMAGE, cluster, effective, image_of, prepared};

fn rolling(names: &[&str]) -> Double {
    let kube = cluster(names);
    kube.auto_rollout(Pace::Every(Duration::from_millis(5)));
    kube
}

fn relay(kube: &Double) -> Relay {
    prepared(kube, "settle: 50ms\nmaxWait: 300ms", &[SET_IMAGE]).state().start()
}

/// Sends so many pushes, one after the other, with pauses; all are accepted.
fn push(relay: &Relay, name: &str, number: usize, pause: Duration) -> Vec<Delivery> {
    let mut connection = Connection::open(relay.address()).unwrap();
    let one = |number| {
        let push = github::image(&format!("ghcr.io/acme/{name}"), &format!("build-{number}"));
        let answer = connection.request("POST", &push.path, &push.pairs(), &push.body).unwrap();
        assert_eq!(answer.status, 202, "{}", answer.text());
        wait(pause);
        push
    };
    (1..=number).map(one).collect()
}

#[expect(clippy::disallowed_methods, reason = "pushes come with time between them")]
fn wait(pause: Duration) {
    std::thread::sleep(pause);
}

/// How each of these ended: 200 succeeded, 409 superseded; nothing else is expected.
fn ends(relay: &Relay, pushes: &[Delivery]) -> Vec<String> {
    let end = |push: &Delivery| {
        let answer = push.clone().wait(60).send(relay);
        assert!(matches!(answer.status, 200 | 409), "{}", answer.text());
        answer.json()["runs"][0]["outcome"].as_str().unwrap().to_owned()
    };
    pushes.iter().map(end).collect()
}

fn generation(kube: &Double, name: &str) -> Value {
    kube.object("deployments", "default", name)["metadata"]["generation"].clone()
}

#[test]
fn of_two_hundred_pushes_for_one_workload_few_are_rolled_out_and_the_last_one_stays() {
    let kube = rolling(&["web"]);
    let relay = relay(&kube);
    let pushes = push(&relay, "web", 200, Duration::from_millis(15));
    let ends = ends(&relay, &pushes);

    let succeeded = ends.iter().filter(|outcome| *outcome == "succeeded").count();
    let superseded = ends.iter().filter(|outcome| *outcome == "superseded").count();
    assert_eq!((succeeded + superseded, ends[199].as_str()), (200, "succeeded"), "everything ends");
    assert_eq!(image_of(&kube, "web"), "ghcr.io/acme/web:build-200");
    assert!(succeeded < 100, "each is followed to its end, and meanwhile the newest waits: {succeeded}");
    assert_eq!(effective(&kube).len(), succeeded, "each with one patch");
    assert_eq!(generation(&kube, "web"), succeeded + 1);
    // Each was complete before the next began, in the order of the pushes.
    let images: Vec<u32> = effective(&kube)
        .iter()
        .map(|patch| patch.body["spec"]["template"]["spec"]["containers"][0]["image"].as_str().unwrap())
        .map(|image| image.rsplit('-').next().unwrap().parse().unwrap())
        .collect();
    assert!(images.is_sorted(), "{images:?}");
}

#[test]
fn an_api_server_that_is_away_under_load_costs_nothing_but_time() {
    const NAMES: [&str; 6] = ["web", "api", "queue", "mail", "search", "edge"];
    let kube = rolling(&NAMES);
    let relay = relay(&kube);
    let pushes: Vec<_> = std::thread::scope(|scope| {
        let pushes: Vec<_> = NAMES
            .into_iter()
            .map(|name| (name, scope.spawn(|| push(&relay, name, 150, Duration::from_millis(20)))))
            .collect();
        kube.wait_for_patches(3);
        kube.stop();
        relay.wait_for_log("the API cannot be reached");
        // The pushes go on for some seconds, tries and looks in vain.
        let pushes: Vec<_> =
            pushes.into_iter().map(|(name, pushes)| (name, pushes.join().unwrap())).collect();
        kube.restart_listener();
        pushes
    });
    for (name, pushes) in pushes {
        let ends = ends(&relay, &pushes);
        assert_eq!(ends.last().unwrap(), "succeeded", "{name}");
        let object = kube.object("deployments", "default", name);
        assert_eq!(container(&object, name)["image"], format!("ghcr.io/acme/{name}:build-150"));
        let succeeded = ends.iter().filter(|outcome| *outcome == "succeeded").count();
        assert_eq!(generation(&kube, name), succeeded + 1, "{name} was changed once for each");
    }
}

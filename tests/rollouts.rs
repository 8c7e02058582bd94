//! A change is followed to its end, and put back when that is a bad one.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on says so"
)]

use serde_json::json;
use std::time::Duration;
use support::github;
use support::http::Response;
use support::kube::{Double, How, Pace, Recorded};
use support::scene::{RESTART_WEB, cluster, image_of, prepared, relay};

const KEEP: &str = "{do: [setImage: {namespace: default, runningImage: true}]}";
const ROLL_BACK: &str =
    "{do: [setImage: {namespace: default, runningImage: true, rollout: {within: 1m, onFailure: rollback}}]}";
const BAD: &str = "ghcr.io/acme/web:2.0.0";

/// A cluster where version 2.0.0 of web cannot be pulled.
fn broken(names: &[&str]) -> Double {
    let kube = cluster(names);
    kube.break_image(BAD, How::ImagePullBackOff);
    kube.auto_rollout(Pace::Every(Duration::from_millis(10)));
    kube
}

/// Waits until a PATCH was taken: one before it may have met a controller's write.
fn wait_for_change(kube: &Double) {
    let taken = |request: &Recorded| request.method == "PATCH" && request.status == 200;
    kube.wait_for_blocking(|requests| requests.iter().any(taken));
}

fn ended(answer: &Response) -> (u16, String, String) {
    let run = &answer.json()["runs"][0];
    let text = |field: &str| run[field].as_str().unwrap_or_default().to_owned();
    (answer.status, text("outcome"), text("reason"))
}

#[test]
fn a_run_ends_when_every_replica_is_new_and_available() {
    let kube = cluster(&["web"]);
    kube.auto_rollout(Pace::Every(Duration::from_millis(5)));
    let relay = relay(&kube, "settle: 0", &[RESTART_WEB, KEEP]);
    let answer = github::image("ghcr.io/acme/web", "1.1.0").wait(50).send(&relay);
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(ended(&answer).2.ends_with("; rolled out"), "{}", answer.text());
    let status = &kube.object("deployments", "default", "web")["status"];
    assert_eq!((&status["updatedReplicas"], &status["availableReplicas"]), (&json!(2), &json!(2)));
    assert!(kube.patches().iter().all(|patch| patch.status == 200));
}

#[test]
fn what_fails_is_kept_unless_asked_otherwise_and_runs_again_when_redelivered() {
    let kube = broken(&["web"]);
    let relay = relay(&kube, "settle: 0", &[KEEP]);
    let delivery = github::image("ghcr.io/acme/web", "2.0.0").wait(50);
    let (status, outcome, reason) = ended(&delivery.send(&relay));
    assert_eq!((status, outcome.as_str()), (424, "failed"), "{reason}");
    assert!(reason.contains("web: ghcr.io/acme/web:1.0.0 → ghcr.io/acme/web:2.0.0"), "{reason}");
    assert!(reason.contains("ImagePullBackOff"), "what the pods say: {reason}");
    assert_eq!(image_of(&kube, "web"), BAD);
    let (status, outcome, reason) = ended(&delivery.send(&relay));
    assert_eq!((status, outcome.as_str()), (424, "failed"), "it is there, and broken: {reason}");
    assert!(reason.contains("runs already, but it has exceeded its progress deadline"), "{reason}");
    kube.mend_image(BAD);
    kube.wait_for_rest();
    let (status, outcome, reason) = ended(&delivery.send(&relay));
    assert_eq!((status, outcome.as_str()), (200, "unchanged"), "{reason}");
}

#[test]
fn a_bad_version_is_put_back_and_held_until_another_one_comes() {
    let kube = broken(&["web"]);
    let relay = relay(&kube, "settle: 0", &[ROLL_BACK]);
    let delivery = github::image("ghcr.io/acme/web", "2.0.0").wait(50);
    let (status, outcome, reason) = ended(&delivery.send(&relay));
    assert_eq!((status, outcome.as_str()), (424, "rolledBack"), "{reason}");
    assert!(reason.contains("put back: ghcr.io/acme/web:1.0.0"), "{reason}");
    assert_eq!(image_of(&kube, "web"), "ghcr.io/acme/web:1.0.0");

    kube.forget_requests();
    let (status, outcome, reason) = ended(&delivery.send(&relay));
    assert_eq!((status, outcome.as_str()), (424, "held"), "a redelivery: {reason}");
    assert!(reason.contains("boathook hold lift default/deployment/web"), "the way out: {reason}");
    let again = github::image("ghcr.io/acme/web", "2.0.0").wait(50);
    assert_eq!(ended(&again.send(&relay)).1, "held", "a new delivery of the same version");
    assert_eq!(kube.patches().len(), 0);

    let next = github::image("ghcr.io/acme/web", "2.0.1").wait(50);
    assert_eq!(ended(&next.send(&relay)).1, "succeeded");
    assert_eq!(image_of(&kube, "web"), "ghcr.io/acme/web:2.0.1");
}

#[test]
fn a_step_is_put_back_as_a_whole_and_the_next_one_is_not_reached() {
    let kube = broken(&["web"]);
    let mut twin = support::objects::deployment("default", "twin", "ghcr.io/acme/web:1.0.0");
    // The same image behind another spelling, which is not broken.
    twin["spec"]["template"]["spec"]["containers"][0]["image"] = json!("GHCR.io/acme/web:1.0.0");
    kube.apply(twin);
    kube.apply(support::objects::deployment("default", "queue", "ghcr.io/acme/queue:1"));
    let rule = "{do: [{setImage: {namespace: default, workloads: [deployment/web, deployment/twin], rollout: \
                {within: 1m, onFailure: rollback}}}, {restart: {namespace: default, workloads: [deployment/queue]}}]}";
    let relay = relay(&kube, "settle: 0", &[rule]);
    let answer = github::image("ghcr.io/acme/web", "2.0.0").wait(50).send(&relay);
    assert_eq!(ended(&answer).1, "rolledBack", "{}", answer.text());
    let steps = &answer.json()["runs"][0]["steps"];
    let outcomes: Vec<_> = (0..2).map(|place| steps[0]["targets"][place]["outcome"].clone()).collect();
    assert_eq!(outcomes, ["rolledBack", "rolledBack"], "{}", answer.text());
    assert_eq!(steps[1]["outcome"], "skipped");
    let twin = kube.object("deployments", "default", "twin");
    assert_eq!(twin["spec"]["template"]["spec"]["containers"][0]["image"], "GHCR.io/acme/web:1.0.0");
    assert_eq!(image_of(&kube, "web"), "ghcr.io/acme/web:1.0.0");
}

#[test]
fn what_never_gets_ready_fails_when_its_time_is_up() {
    let kube = cluster(&["web"]);
    kube.break_image(BAD, How::NeverReady);
    kube.progress_deadline(Duration::from_secs(3600));
    kube.auto_rollout(Pace::Every(Duration::from_millis(10)));
    let rule = "{do: [setImage: {namespace: default, runningImage: true, rollout: {within: 1s}}]}";
    let relay = relay(&kube, "settle: 0", &[rule]);
    let (status, outcome, reason) = ended(&github::image("ghcr.io/acme/web", "2.0.0").wait(50).send(&relay));
    assert_eq!((status, outcome.as_str()), (424, "failed"), "{reason}");
    assert!(reason.contains("not complete within 1s"), "{reason}");
}

#[test]
fn without_a_rollout_a_run_ends_with_its_patch() {
    let kube = broken(&["web"]);
    let rule = "{do: [setImage: {namespace: default, runningImage: true, rollout: none}]}";
    let relay = relay(&kube, "settle: 0", &[rule]);
    let (_, outcome, reason) = ended(&github::image("ghcr.io/acme/web", "2.0.0").wait(50).send(&relay));
    assert_eq!(outcome, "succeeded", "{reason}");
    assert!(!reason.contains("rolled out"), "{reason}");
}

#[test]
fn somebody_elses_image_is_left_alone() {
    let kube = cluster(&["web"]);
    kube.break_image(BAD, How::NeverReady);
    kube.progress_deadline(Duration::from_secs(3600));
    kube.auto_rollout(Pace::Every(Duration::from_millis(10)));
    let relay = relay(&kube, "settle: 0", &[ROLL_BACK]);
    let delivery = github::image("ghcr.io/acme/web", "2.0.0");
    delivery.accepted(&relay);
    wait_for_change(&kube);
    kube.apply(support::objects::deployment("default", "web", "ghcr.io/acme/web:hotfix"));
    let (_, outcome, reason) = ended(&delivery.wait(50).send(&relay));
    assert_eq!(outcome, "failed", "{reason}");
    assert!(reason.contains("somebody set ghcr.io/acme/web:hotfix"), "{reason}");
    assert_eq!(image_of(&kube, "web"), "ghcr.io/acme/web:hotfix");
}

#[test]
fn an_api_that_is_away_meanwhile_fails_nothing() {
    let kube = cluster(&["web"]);
    kube.break_image(BAD, How::NeverReady);
    kube.progress_deadline(Duration::from_secs(3600));
    kube.auto_rollout(Pace::Every(Duration::from_millis(10)));
    let relay = relay(&kube, "settle: 0", &[KEEP]);
    let delivery = github::image("ghcr.io/acme/web", "2.0.0");
    delivery.accepted(&relay);
    wait_for_change(&kube);
    kube.stop();
    relay.wait_for_log("cannot be followed now");
    kube.mend_image(BAD);
    kube.restart_listener();
    let (_, outcome, reason) = ended(&delivery.wait(50).send(&relay));
    assert_eq!(outcome, "succeeded", "{reason}");
}

#[test]
fn a_relay_that_is_killed_follows_further_and_puts_back() {
    let kube = cluster(&["web"]);
    kube.break_image(BAD, How::NeverReady);
    kube.progress_deadline(Duration::from_secs(3600));
    kube.auto_rollout(Pace::Every(Duration::from_millis(10)));
    let relay = prepared(&kube, "settle: 0", &[ROLL_BACK]).state().start();
    let delivery = github::image("ghcr.io/acme/web", "2.0.0");
    delivery.accepted(&relay);
    wait_for_change(&kube);
    let relay = relay.restart();
    relay.wait_for_log("1 runs of the last process go on");
    kube.progress_deadline(Duration::from_millis(1));
    let (_, outcome, reason) = ended(&delivery.wait(50).send(&relay));
    assert_eq!(outcome, "rolledBack", "{reason}");
    assert_eq!(image_of(&kube, "web"), "ghcr.io/acme/web:1.0.0");
    let mut relay = relay;
    assert_eq!(relay.stop(), 0);
    let relay = relay.restart();
    assert_eq!(ended(&github::image("ghcr.io/acme/web", "2.0.0").wait(50).send(&relay)).1, "held");
}

#[test]
fn a_version_that_is_held_for_every_workload_that_is_named_is_ignored() {
    let kube = broken(&["web"]);
    let rule = "{do: [setImage: {namespace: default, workloads: [deployment/web], rollout: {within: 1m, onFailure: \
                rollback}}]}";
    let relay = relay(&kube, "settle: 0", &[rule]);
    let bad = github::image("ghcr.io/acme/web", "2.0.0").wait(50);
    assert_eq!(ended(&bad.send(&relay)).1, "rolledBack");
    let answer = github::image("ghcr.io/acme/web", "2.0.0").send(&relay);
    assert_eq!((answer.status, &answer.json()["status"]), (200, &json!("ignored")));
    assert!(
        answer.json()["reason"].as_str().unwrap().contains("is held for deployment/web"),
        "{}",
        answer.text()
    );
    relay.wait_for_log("outcome=held");
}

#[test]
fn another_object_of_the_same_name_is_left_alone() {
    let kube = cluster(&["web"]);
    kube.break_image(BAD, How::NeverReady);
    kube.progress_deadline(Duration::from_secs(3600));
    kube.auto_rollout(Pace::Every(Duration::from_millis(10)));
    let relay = relay(&kube, "settle: 0", &[ROLL_BACK]);
    let delivery = github::image("ghcr.io/acme/web", "2.0.0");
    delivery.accepted(&relay);
    wait_for_change(&kube);
    kube.remove("deployments", "default", "web");
    kube.apply(support::objects::deployment("default", "web", BAD));
    let (_, outcome, reason) = ended(&delivery.wait(50).send(&relay));
    assert!(outcome == "failed" || outcome == "skipped", "{outcome}: {reason}");
    assert_eq!(image_of(&kube, "web"), BAD, "what somebody else made is not put back");
}

#[test]
fn time_in_which_the_api_was_away_fails_nothing() {
    let kube = cluster(&["web"]);
    kube.break_image(BAD, How::NeverReady);
    kube.progress_deadline(Duration::from_secs(3600));
    kube.auto_rollout(Pace::Every(Duration::from_millis(10)));
    let rule = "{do: [setImage: {namespace: default, runningImage: true, rollout: {within: 2s, onFailure: rollback}}]}";
    let relay = relay(&kube, "settle: 0", &[rule]);
    let delivery = github::image("ghcr.io/acme/web", "2.0.0");
    delivery.accepted(&relay);
    wait_for_change(&kube);
    kube.stop();
    // More looks fail than fit into two seconds: 0.25, 0.4, 0.6, 0.8, 1.3 s.
    relay.wait_for_logs("cannot be followed now", 6);
    kube.mend_image(BAD);
    kube.restart_listener();
    let (_, outcome, reason) = ended(&delivery.wait(50).send(&relay));
    assert_eq!(outcome, "succeeded", "{reason}");
}

//! SIGTERM with a journal: what is due is sent, the rest goes on in the next process, and the exit code is 0.

use super::{NEVER, ended, relay};
use std::time::Duration;
use support::github;
use support::kube::{Double, Fault, How, Pace};
use support::relay::Relay;
use support::scene::{RESTART_WEB, SET_IMAGE, cluster, effective, image_of, prepared};

const ROLL_BACK: &str =
    "{do: [setImage: {namespace: default, runningImage: true, rollout: {within: 5m, onFailure: rollback}}]}";

/// A cluster in which these images of web never come up, and nobody gives them up.
fn stuck(bad: &[&str]) -> Double {
    let kube = cluster(&["web"]);
    for image in bad {
        kube.break_image(image, How::NeverReady);
    }
    kube.progress_deadline(Duration::from_secs(3600));
    kube.auto_rollout(Pace::Every(Duration::from_millis(5)));
    kube
}

#[test]
fn what_is_followed_is_followed_further_by_the_next_process() {
    const NEW: &str = "ghcr.io/acme/web:2.0.0";
    let kube = stuck(&[NEW]);
    let mut relay = relay(&kube, "settle: 0", &[SET_IMAGE]);
    let delivery = github::image("ghcr.io/acme/web", "2.0.0");
    let run = delivery.accepted(&relay)[0].clone();
    kube.wait_for_patches(1);
    assert_eq!(relay.stop(), 0, "{}", relay.log());
    relay.wait_for_log(&format!("run={run} target=deployment/web followed further at the next start"));
    let line = relay.wait_for_log("goes on at the next start");
    assert!(line.contains(&format!("run={run} ")) && line.contains("target=deployment/web"), "{line}");
    kube.mend_image(NEW);
    let relay = relay.restart();
    relay.wait_for_log("1 runs of the last process go on");
    let (status, outcome, reason) = ended(&delivery.wait(50).send(&relay));
    assert_eq!((status, outcome.as_str()), (200, "succeeded"), "{reason}");
    assert!(reason.ends_with("; rolled out"), "{reason}");
    assert_eq!(effective(&kube).len(), 1, "it is not changed again");
}

#[test]
fn what_settles_is_sent_at_once() {
    let kube = cluster(&["web"]);
    let mut relay = relay(&kube, NEVER, &[RESTART_WEB]);
    github::image("ghcr.io/acme/web", "latest").accepted(&relay);
    assert_eq!(relay.stop(), 0);
    assert_eq!(effective(&kube).len(), 1, "the state directory may be gone with the pod");
}

#[test]
fn what_cannot_be_sent_is_named_and_sent_by_the_next_process() {
    let kube = cluster(&["web"]);
    let mut relay = relay(&kube, NEVER, &[RESTART_WEB]);
    let delivery = github::image("ghcr.io/acme/web", "latest");
    let run = delivery.accepted(&relay)[0].clone();
    kube.stop();
    assert_eq!(relay.stop(), 0, "nothing is lost: {}", relay.log());
    let line = relay.wait_for_log("not sent before the end; tried again at the next start");
    assert!(line.contains(&format!("WARN  run={run} target=deployment/web")), "{line}");
    relay.wait_for_log("goes on at the next start");
    kube.restart_listener();
    let relay = relay.restart();
    assert_eq!(ended(&delivery.wait(50).send(&relay)).1, "succeeded");
    assert_eq!(effective(&kube).len(), 1);
}

#[test]
fn what_was_sent_while_it_ended_is_not_undone_by_what_it_left() {
    let kube = stuck(&["ghcr.io/acme/web:2.0.0"]);
    let mut relay = relay(&kube, "settle: 0", &[SET_IMAGE]);
    let [older, newer] = ["2.0.0", "3.0.0"].map(|tag| github::image("ghcr.io/acme/web", tag));
    older.accepted(&relay);
    kube.wait_for_patches(1);
    newer.accepted(&relay);
    assert_eq!(relay.stop(), 0);
    assert_eq!(image_of(&kube, "web"), "ghcr.io/acme/web:3.0.0");
    let relay = relay.restart();
    assert_eq!(ended(&newer.wait(50).send(&relay)).1, "succeeded");
    assert_eq!(ended(&older.wait(50).send(&relay)).1, "superseded");
    assert_eq!(image_of(&kube, "web"), "ghcr.io/acme/web:3.0.0");
}

/// One bad version is followed when the relay is told to end, and this tag comes after it: once the next process
/// knows that it is bad, what was there before both is put back.
fn put_back_after(tag: &str) -> (Double, Relay) {
    let kube = stuck(&["ghcr.io/acme/web:2.0.0", "ghcr.io/acme/web:3.0.0"]);
    let mut relay = relay(&kube, "settle: 0", &[ROLL_BACK]);
    github::image("ghcr.io/acme/web", "2.0.0").accepted(&relay);
    kube.wait_for_patches(1);
    let delivery = github::image("ghcr.io/acme/web", tag);
    delivery.accepted(&relay);
    assert_eq!(relay.stop(), 0);
    kube.progress_deadline(Duration::from_millis(1));
    let relay = relay.restart();
    let (status, outcome, reason) = ended(&delivery.wait(50).send(&relay));
    assert_eq!((status, outcome.as_str()), (424, "rolledBack"), "{reason}");
    assert!(reason.contains("put back: ghcr.io/acme/web:1.0.0"), "{reason}");
    assert_eq!(image_of(&kube, "web"), "ghcr.io/acme/web:1.0.0");
    (kube, relay)
}

#[test]
fn a_bad_version_is_not_put_back_to_one_that_nobody_saw_come_up() {
    let (_kube, relay) = put_back_after("3.0.0");
    let (_, outcome, reason) = ended(&github::image("ghcr.io/acme/web", "3.0.0").wait(50).send(&relay));
    assert_eq!(outcome, "held", "{reason}");
}

#[test]
fn the_same_bad_version_again_is_not_taken_for_unchanged() {
    let (kube, _relay) = put_back_after("2.0.0");
    let changes = kube.object("deployments", "default", "web")["metadata"]["generation"].as_i64();
    assert_eq!(changes, Some(3), "there and back");
}

#[test]
fn two_rules_on_one_workload_keep_their_order_though_only_the_first_could_not_be_sent() {
    let kube = cluster(&["web"]);
    let rule = |tag: &str| {
        format!(
            "{{when: {{tag: \"{tag}\"}}, do: [setImage: {{namespace: default, workloads: [deployment/web]}}]}}"
        )
    };
    let mut relay = relay(&kube, "settle: 0", &[&rule("2.*"), &rule("3.*")]);
    kube.fail_for(Fault::TooManyRequests(20), "PATCH", "/deployments/web", Some(1));
    kube.fail_for(Fault::Status(503), "PATCH", "/deployments/web", Some(1));
    let [first, second] = ["2.0.0", "3.0.0"].map(|tag| github::image("ghcr.io/acme/web", tag));
    first.accepted(&relay);
    relay.wait_for_log("trying again in 20.0s");
    second.accepted(&relay);
    assert_eq!(relay.stop(), 0, "{}", relay.log());
    relay.wait_for_log("not sent before the end");
    let relay = relay.restart();
    let ends = [first, second].map(|delivery| ended(&delivery.wait(50).send(&relay)).1);
    assert_eq!(ends, ["succeeded", "succeeded"]);
    assert_eq!(image_of(&kube, "web"), "ghcr.io/acme/web:3.0.0");
}

#[test]
fn what_another_rule_sent_meanwhile_supersedes_what_was_followed() {
    let kube = stuck(&["ghcr.io/acme/web:2.0.0"]);
    let rule = |tag: &str| {
        format!("{{when: {{tag: \"{tag}\"}}, do: [setImage: {{namespace: default, runningImage: true}}]}}")
    };
    let mut relay = relay(&kube, "settle: 0", &[&rule("2.*"), &rule("3.*")]);
    let [first, second] = ["2.0.0", "3.0.0"].map(|tag| github::image("ghcr.io/acme/web", tag));
    first.accepted(&relay);
    kube.wait_for_patches(1);
    let run = second.accepted(&relay)[0].clone();
    assert_eq!(relay.stop(), 0, "{}", relay.log());
    let relay = relay.restart();
    assert_eq!(ended(&second.wait(50).send(&relay)).1, "succeeded");
    let (status, outcome, reason) = ended(&first.wait(50).send(&relay));
    assert_eq!((status, outcome.as_str()), (409, "superseded"), "{reason}");
    assert_eq!(reason, format!("deployment/web: superseded by run {run}"));
    assert_eq!(image_of(&kube, "web"), "ghcr.io/acme/web:3.0.0");
}

#[test]
fn a_successor_waits_until_its_predecessor_has_ended() {
    let kube = cluster(&["web"]);
    let mut first = relay(&kube, NEVER, &[RESTART_WEB]);
    let delivery = github::image("ghcr.io/acme/web", "latest");
    let second = prepared(&kube, NEVER, &[RESTART_WEB]).state_in(&first.directory().join("state")).begin();
    let line = second.wait_for_log("waiting for the journal");
    assert!(line.contains("WARN") && line.contains("another boathook has it"), "{line}");
    delivery.accepted(&first);
    assert_eq!(first.stop(), 0);
    let second = second.listening();
    assert_eq!(ended(&delivery.wait(50).send(&second)).1, "succeeded", "it knows what the first one did");
}

//! Versions that are held, and lifting them.

use serde_json::json;

use super::Scene;
use support::github;
use support::kube::How;
use support::scene::image_of;

const ROLL_BACK: &str =
    "{do: [setImage: {namespace: default, runningImage: true, rollout: {onFailure: rollback}}]}";

const BAD: &str = "ghcr.io/acme/web:1.3.0";

/// A scene in which 1.3.0 was rolled back, and its delivery's id.
fn rolled_back() -> (Scene, String) {
    let scene = Scene::new("settle: 0", &[ROLL_BACK]);
    scene.kube.break_image(BAD, How::CrashLoopBackOff);
    let delivery = github::image("ghcr.io/acme/web", "1.3.0");
    let answer = delivery.clone().wait(60).send(&scene.relay);
    assert_eq!(answer.json()["status"], "rolledBack", "{}", answer.text());
    (scene, delivery.value("X-GitHub-Delivery").to_owned())
}

#[test]
fn without_holds_there_is_nothing_to_list_or_lift() {
    let scene = Scene::new("settle: 0", &[ROLL_BACK]);
    scene.run(&["hold", "list"]).expect(0).tells("nothing is held");
    let lifted = scene.run(&["hold", "lift", "default/deploy/web"]).expect(1);
    lifted.tells("nothing is held for default/deployment/web\n");
}

#[test]
fn what_was_rolled_back_is_listed_and_not_applied_again_until_it_is_lifted() {
    let (scene, id) = rolled_back();
    let list = scene.run(&["hold", "list"]).expect(0).stdout;
    let lines: Vec<_> = list.lines().collect();
    assert!(lines.len() == 2 && lines[0].starts_with("WORKLOAD"), "{list}");
    for part in [
        "default/deployment/web  ",
        &format!("{BAD}@{}…", github::digest("1.3.0").get(..19).unwrap()),
        "  72d3162e  ",
    ] {
        assert!(lines[1].contains(part), "no {part} in: {list}");
    }
    let holds = scene.run(&["hold", "list", "--json"]).expect(0).json();
    assert_eq!(holds["holds"][0]["workload"], "default/deployment/web");
    assert_eq!((&holds["holds"][0]["tag"], &holds["holds"][0]["delivery"]), (&json!("1.3.0"), &json!(id)));

    // The bad image has been replaced behind its tag, say; the hold stays until it is lifted.
    let held = scene.run(&["redeliver", &id, "--wait", "50s"]).expect(1);
    for part in ["\noutcome   held\n", "lift the hold with: boathook hold lift default/deployment/web"] {
        assert!(held.stdout.contains(part), "no {part} in: {}", held.stdout);
    }
    let accepted = scene.run(&["redeliver", &id]).expect(0);
    // On standard error while it is under way, in its account once it has ended.
    let told = format!("{}{}", accepted.stdout, accepted.stderr);
    assert!(told.contains("lift the hold with: boathook hold lift default/deployment/web"), "{told}");
    // What is under way when the hold is lifted would be applied, and cannot be done once more.
    scene.wait_for_ends();
    assert_eq!(image_of(&scene.kube, "web"), "ghcr.io/acme/web:1.0.0");

    let other = scene.run(&["hold", "lift", "default/deployment/web", "--version", "1.2.0"]).expect(1);
    other.tells(&format!("nothing is held for default/deployment/web by that version, but {BAD}@sha256:"));
    let lifted = scene.run(&["hold", "lift", "default/deploy/web", "--version", "1.3.0"]).expect(0).stdout;
    assert!(lifted.contains("is held for default/deployment/web no longer"), "{lifted}");
    scene.run(&["hold", "list"]).expect(0).tells("nothing is held");

    let tried = scene.run(&["redeliver", &id, "--wait", "50s"]).expect(1).stdout;
    assert!(tried.contains("outcome   rolledBack\n"), "it was applied: {tried}");
}

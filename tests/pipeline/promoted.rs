//! All the way, and where it ends when something is not well.

use super::*;
use support::kube::How;

#[test]
fn an_image_goes_from_development_to_confirmed_production_step_by_step() {
    let world = World::start();
    // In production the new revision takes its time.
    world.kube.progress_deadline(Duration::from_secs(3600));
    world.kube.break_image("GHCR.io/owner/repo:tag", How::NeverReady);
    let relay = world.setup().start();
    promotion("1").accepted(&relay);
    waits(&relay, "1");
    assert_eq!(world.tags(), ["tag", "tag", "1"]);
    assert_eq!(
        (world.asked().len(), world.site.asked()),
        (0, vec!["/dev".to_owned(), "/staging".to_owned()])
    );

    confirm(&relay, "1");
    let created = |object: &Value| object["status"]["latestCreatedRevisionName"] == "game-2048-prod-00002";
    world.kube.wait_for_object("ksvc", "game-2048-prod", "game-2048-prod", created);
    assert_eq!((world.tags()[2].as_str(), world.shown().as_str()), ("tag", WAY[0]), "nobody meets it yet");
    world.kube.mend_image("GHCR.io/owner/repo:tag");

    let (status, outcome, answer) = ended(&relay, &promotion("1"));
    assert_eq!((status, outcome.as_str()), (200, "succeeded"), "{answer}");
    assert_eq!(
        (answer["deployment_id"].as_str(), world.asked()),
        (Some("1"), WAY.map(str::to_owned).to_vec())
    );
    assert_eq!(world.shown(), "00002=100");
    assert_eq!(world.site.asked(), ["/dev", "/staging", "/prod 10", "/prod 50", "/prod 100"]);
}

#[test]
fn what_is_not_healthy_in_an_environment_goes_no_further() {
    for (path, tags) in [("/dev", ["1", "1", "1"]), ("/staging", ["tag", "1", "1"])] {
        let world = World::start();
        world.site.break_path(path);
        let relay = world.setup().start();
        let (status, outcome, answer) = ended(&relay, &promotion("1"));
        assert_eq!((status, outcome.as_str()), (424, "rolledBack"), "{path}: {answer}");
        assert_eq!((world.tags(), world.asked().len()), (tags.map(str::to_owned), 0), "{path}");
    }
}

#[test]
fn a_check_that_fails_at_half_brings_production_back_and_holds_the_version() {
    let world = World::start();
    world.site.ill_at.store(50, Ordering::SeqCst);
    let relay = world.setup().start();
    promotion("1").accepted(&relay);
    waits(&relay, "1");
    confirm(&relay, "1");
    let (status, outcome, answer) = ended(&relay, &promotion("1"));
    assert_eq!((status, outcome.as_str()), (424, "rolledBack"), "{answer}");
    assert!(answer["reason"].as_str().unwrap().contains("; at 50 % of the traffic"), "{answer}");
    assert_eq!(world.asked(), [WAY[0], WAY[1], WAY[2], WAY[0]]);
    assert_eq!((world.tags(), world.shown().as_str()), (["tag", "tag", "1"].map(str::to_owned), WAY[0]));

    world.site.ill_at.store(-1, Ordering::SeqCst);
    let again = json!({
        "environment": "production", "namespace": "game-2048-prod", "service_name": "game-2048-prod",
        "deployment_strategy": "blue-green", "confirmation": "DEPLOY",
    });
    let answer = request("2", &again).wait(50).send(&relay);
    assert!(answer.text().contains("is held for ksvc/game-2048-prod since"), "{}", answer.text());
    assert_eq!(world.tags()[2], "1");
}

//! Doing again, whatever became of it.

use super::Scene;
use support::kube::Fault;
use support::scene::{RESTART_WEB, SET_IMAGE, effective, image_of};
use support::{github, objects};

const SETTINGS: &str = "settle: 0";

/// One more endpoint.
const ORG: &str = "- {name: org, source: GitHub, keyPath: org.key, rules: [{do: [fluxNotify: {}]}]}\n";

const ORG_KEY: &str = "the key of the organisation's hook";

/// The id of a delivery.
fn id(delivery: &support::delivery::Delivery) -> &str {
    delivery.value("X-GitHub-Delivery")
}

#[test]
fn what_succeeded_is_done_again() {
    let scene = Scene::new(SETTINGS, &[RESTART_WEB]);
    let delivery = github::image("ghcr.io/acme/web", "latest");
    assert_eq!(delivery.clone().wait(50).send(&scene.relay).status, 200);
    let again = scene.run(&["redeliver", id(&delivery), "--wait", "50s"]).expect(0);
    assert!(again.stdout.contains("outcome   succeeded\n"), "{}", again.stdout);
    assert_eq!(effective(&scene.kube).len(), 2);
    let known: Vec<_> = scene.listed().iter().map(|listed| listed["id"].clone()).collect();
    assert_eq!(known, [id(&delivery), id(&delivery)]);
    let shown = scene.run(&["deliveries", id(&delivery)]).expect(0).stdout;
    assert_eq!(shown.matches("outcome   succeeded").count(), 2, "{shown}");
    // The sender's own redelivery is still the same one.
    assert_eq!(delivery.send(&scene.relay).json()["status"], "duplicate");
    scene.relay.wait_for_log(&format!("control POST /deliveries/{}/redeliver user=", id(&delivery)));
}

#[test]
fn what_failed_is_done_again_once_the_cause_is_gone() {
    let scene = Scene::new(SETTINGS, &[RESTART_WEB]);
    scene.kube.remove("deployments", "default", "web");
    let delivery = github::image("ghcr.io/acme/web", "latest");
    assert_eq!(delivery.clone().wait(50).send(&scene.relay).status, 424);
    let failed = scene.run(&["redeliver", id(&delivery), "--wait=50s"]).expect(1);
    assert!(failed.stdout.contains("outcome   failed\n"), "{}", failed.stdout);
    assert!(failed.stdout.contains("there is no such object"), "{}", failed.stdout);
    scene.kube.apply(objects::deployment("default", "web", "ghcr.io/acme/web:1.0.0"));
    // Also without waiting, by the beginning of its id, and for a program.
    let accepted = scene.run(&["redeliver", &id(&delivery)[..12], "--json"]).expect(0).json();
    assert_eq!(accepted["id"], id(&delivery));
    scene.relay.wait_for_log("outcome=succeeded");
    assert_eq!(effective(&scene.kube).len(), 1);
}

#[test]
fn what_is_under_way_is_not_done_twice_at_once() {
    let scene = Scene::new("settle: 1h\nmaxWait: 1h", &[RESTART_WEB]);
    let delivery = github::image("ghcr.io/acme/web", "latest");
    delivery.accepted(&scene.relay);
    let refused = scene.run(&["redeliver", id(&delivery)]).expect(1);
    refused.tells(&format!("delivery {} is under way", id(&delivery)));
    assert_eq!((scene.listed().len(), effective(&scene.kube).len()), (1, 0));
    scene.run(&["redeliver", "nothing"]).expect(1).tells("no delivery nothing is known");
}

#[test]
fn the_end_is_waited_for_only_so_long() {
    let scene = Scene::new(SETTINGS, &[RESTART_WEB]);
    let delivery = github::image("ghcr.io/acme/web", "latest");
    delivery.clone().wait(50).send(&scene.relay);
    scene.kube.fail_for(Fault::Hang, "GET", "/deployments/web", None);
    let late = scene.run(&["redeliver", id(&delivery), "--wait", "1s"]).expect(1);
    late.tells("still under way");
    assert!(late.stdout.contains("outcome   pending\n"), "{}", late.stdout);
    scene.kube.clear_faults();
}

#[test]
fn the_rules_of_now_decide() {
    let scene = Scene::new(SETTINGS, &[RESTART_WEB]);
    let delivery = github::image("ghcr.io/acme/web", "1.3.0");
    delivery.clone().wait(50).send(&scene.relay);
    scene.reload(&scene.config(SETTINGS, &[SET_IMAGE]), 1);
    scene.run(&["redeliver", id(&delivery), "--wait", "50s"]).expect(0);
    assert_eq!(image_of(&scene.kube, "web"), "ghcr.io/acme/web:1.3.0");
}

#[test]
fn a_rule_or_an_endpoint_that_is_gone_is_told() {
    let scene = Scene::new(SETTINGS, &[RESTART_WEB]);
    let delivery = github::image("ghcr.io/acme/web", "1.3.0");
    delivery.clone().wait(50).send(&scene.relay);
    let other = "{when: {image: ghcr.io/acme/api}, do: [fluxNotify: {}]}";
    scene.reload(&scene.config(SETTINGS, &[other]), 1);
    let refused = scene.run(&["redeliver", id(&delivery)]).expect(1);
    refused.tells("no rule of the endpoint ghcr matches delivery").tells("any more: rule 1: ");
    let gone = scene.config(SETTINGS, &[other]).replace("name: ghcr", "name: registry");
    scene.relay.write("org.key", ORG_KEY);
    scene.reload(&(gone + ORG), 2);
    let refused = scene.run(&["redeliver", id(&delivery)]).expect(1);
    refused.tells("the configuration has no endpoint ghcr any more");
    assert_eq!(effective(&scene.kube).len(), 1);
}

#[test]
fn where_two_endpoints_had_the_id_one_must_be_named() {
    let scene = Scene::new(SETTINGS, &[RESTART_WEB]);
    scene.relay.write("org.key", ORG_KEY);
    scene.reload(&(scene.config(SETTINGS, &[RESTART_WEB]) + ORG), 2);
    let delivery = github::image("ghcr.io/acme/web", "1.3.0");
    let twin = github::signed(ORG_KEY, "package", &delivery.body).header("X-GitHub-Delivery", id(&delivery));
    delivery.clone().wait(50).send(&scene.relay);
    twin.send(&scene.relay);
    scene
        .run(&["redeliver", id(&delivery)])
        .expect(1)
        .tells("several endpoints had a delivery of this id: say --endpoint ghcr or --endpoint org");
    scene.run(&["redeliver", id(&delivery), "--endpoint", "ghcr", "--wait", "50s"]).expect(0);
    let unknown = scene.run(&["redeliver", id(&delivery), "--endpoint", "other"]).expect(1);
    unknown.tells("no delivery").tells("at other is known");
    assert_eq!(effective(&scene.kube).len(), 2);
}

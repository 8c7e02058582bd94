//! Looking: the list, and one delivery.

use serde_json::json;

use super::Scene;
use support::github;
use support::scene::RESTART_WEB;

const RESTART_API: &str =
    "{when: {image: ghcr.io/acme/api}, do: [restart: {namespace: default, workloads: [deployment/api]}]}";

#[test]
fn before_the_first_there_is_nothing_to_list() {
    let scene = Scene::new("settle: 0", &[RESTART_WEB]);
    scene.run(&["deliveries"]).expect(0).tells("no delivery has led to a run yet");
    assert_eq!(scene.run(&["deliveries", "--json"]).expect(0).json(), json!({"deliveries": []}));
}

#[test]
fn the_newest_come_first_with_what_became_of_them_and_why() {
    let scene = Scene::new("settle: 0", &[RESTART_WEB, RESTART_API]);
    let (web, api) = (github::image("ghcr.io/acme/web", "1.0.0"), github::image("ghcr.io/acme/api", "2.0.0"));
    assert_eq!(web.clone().wait(50).send(&scene.relay).status, 200);
    assert_eq!(api.clone().wait(50).send(&scene.relay).status, 424);
    assert_eq!(github::image("ghcr.io/acme/none", "1").send(&scene.relay).json()["status"], "ignored");

    let list = scene.run(&["deliveries"]).expect(0).stdout;
    let lines: Vec<_> = list.lines().collect();
    assert_eq!(lines.len(), 3, "{list}");
    assert!(lines[0].starts_with("RECEIVED"), "{list}");
    for (line, parts) in [
        (
            lines[1],
            [
                api.value("X-GitHub-Delivery"),
                "image ghcr.io/acme/api:2.0.0  failed",
                "there is no such object",
            ],
        ),
        (lines[2], [web.value("X-GitHub-Delivery"), "image ghcr.io/acme/web:1.0.0  succeeded", "restarted"]),
    ] {
        assert!(parts.iter().all(|part| line.contains(part)), "{parts:?}: {line}");
    }
    let one = scene.run(&["deliveries", "--limit", "1"]).expect(0).stdout;
    assert_eq!(one.lines().count(), 2, "{one}");
    for bad in ["0", "1001"] {
        scene.run(&["deliveries", "--limit", bad]).expect(1).tells("must be a number from 1 to 1000");
    }
}

#[test]
fn one_is_shown_with_everything() {
    let scene = Scene::new("settle: 0", &[RESTART_WEB]);
    let delivery = github::image("ghcr.io/acme/web", "1.0.0");
    let id = delivery.value("X-GitHub-Delivery");
    let run = delivery.clone().wait(50).send(&scene.relay).json()["runs"][0]["id"].clone();
    let shown = scene.run(&["deliveries", id]).expect(0).stdout;
    for part in [
        &format!("delivery  {id}\nendpoint  ghcr (GitHub)\n"),
        &format!(
            " from 127.0.0.1\nby        octavia\nevent     image ghcr.io/acme/web:1.0.0@{}",
            github::digest("1.0.0")
        ),
        "\noutcome   succeeded\n",
        &format!("\nrun {}, rule 1: succeeded\n", run.as_str().unwrap()),
        "\n  step 1, restart: succeeded\n    default/deployment/web: succeeded, restarted at ",
    ] {
        assert!(shown.contains(part), "no {part:?} in:\n{shown}");
    }
    let listed = &scene.run(&["deliveries", id, "--json"]).expect(0).json()["deliveries"];
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!((&listed[0]["status"], &listed[0]["runs"][0]["id"]), (&json!("succeeded"), &run));
    assert_eq!(listed[0]["events"][0]["kind"], "image");
}

#[test]
fn what_is_under_way_is_listed_too() {
    let scene = Scene::new("settle: 1h\nmaxWait: 1h", &[RESTART_WEB]);
    let delivery = github::image("ghcr.io/acme/web", "1.0.0");
    let run = delivery.accepted(&scene.relay)[0].clone();
    let listed = scene.listed();
    assert_eq!((listed.len(), &listed[0]["status"]), (1, &json!("pending")));
    assert_eq!(
        (listed[0]["runs"][0]["id"].as_str(), &listed[0]["ended"]),
        (Some(run.as_str()), &json!(null))
    );
    let shown = scene.run(&["deliveries", delivery.value("X-GitHub-Delivery")]).expect(0).stdout;
    assert!(shown.contains("outcome   pending\n") && shown.contains("deployment/web: pending\n"), "{shown}");
}

#[test]
fn the_beginning_of_an_id_will_do() {
    let scene = Scene::new("settle: 0", &[RESTART_WEB]);
    for id in ["abc-1", "abc-2", "abc-21", "d/e?f%"] {
        let delivery = github::image("ghcr.io/acme/web", "1.0.0").header("X-GitHub-Delivery", id);
        delivery.wait(50).send(&scene.relay);
    }
    let id = |asked: &str| {
        let shown = scene.run(&["deliveries", asked, "--json"]).expect(0).json();
        let deliveries = shown["deliveries"].as_array().unwrap();
        assert_eq!(deliveries.len(), 1, "{shown}");
        deliveries[0]["id"].as_str().unwrap().to_owned()
    };
    for (asked, found) in [("abc-1", "abc-1"), ("abc-2", "abc-2"), ("abc-21", "abc-21"), ("d/e", "d/e?f%")] {
        assert_eq!(id(asked), found);
    }
    scene.run(&["deliveries", "ab"]).expect(1).tells("3 deliveries begin with ab: abc-1, abc-2, abc-21");
    scene.run(&["deliveries", "x\u{1b}"]).expect(1).tells("no delivery x\\u{1b} is known");
}

#[test]
fn what_senders_say_cannot_forge_the_list() {
    let scene = Scene::new("settle: 0", &["{do: [fluxNotify: {}]}"]);
    let delivery = github::push("acme/fleet\u{1b}[2J", "main\nfailed");
    delivery.send(&scene.relay);
    let list = scene.run(&["deliveries"]).expect(0).stdout;
    assert_eq!(list.lines().count(), 2, "{list}");
    assert!(list.contains(r"git acme/fleet\u{1b}[2J main\nfailed"), "{list}");
}

//! How long a delivery counts as the same, by what became of it.

use serde_json::json;
use support::delivery::Delivery;
use support::scene::{RESTART_WEB, boathook, cluster, config, relay};
use support::sign::{hmac_sha256, hook_path};
use support::{flux, github, objects};

#[test]
fn what_failed_runs_again_when_it_is_sent_again() {
    let kube = cluster(&[]);
    let relay = relay(&kube, "settle: 0", &[RESTART_WEB]);
    let delivery = github::image("ghcr.io/acme/web", "latest").wait(50);
    assert_eq!(delivery.send(&relay).status, 424);
    assert_eq!(delivery.send(&relay).status, 424, "as often as it is sent");
    kube.apply(objects::deployment("default", "web", "ghcr.io/acme/web:1.0.0"));
    let again = delivery.send(&relay);
    assert_eq!((again.status, &again.json()["status"]), (200, &json!("succeeded")), "{}", again.text());
    let once_more = delivery.send(&relay);
    assert_eq!(
        once_more.json()["runs"][0]["id"],
        again.json()["runs"][0]["id"],
        "the result, not another run"
    );
    assert_eq!(kube.patches().len(), 1);
}

#[test]
fn what_was_superseded_stays_so() {
    let kube = cluster(&["web"]);
    let relay = relay(&kube, "settle: 1h\nmaxWait: 1h", &[RESTART_WEB]);
    let older = github::image("ghcr.io/acme/web", "a");
    older.accepted(&relay);
    github::image("ghcr.io/acme/web", "b").accepted(&relay);
    assert_eq!(older.send(&relay).json()["status"], "duplicate");
}

#[test]
fn what_was_ignored_or_refused_is_not_remembered() {
    let kube = cluster(&["web"]);
    let relay = relay(&kube, "settle: 1h\nmaxWait: 1h", &[RESTART_WEB]);
    let delivery = github::image("ghcr.io/acme/api", "latest");
    let forged = delivery.clone().header("X-Hub-Signature-256", &format!("sha256={}", "0".repeat(64)));
    assert_eq!(forged.send(&relay).status, 401);
    assert_eq!(delivery.send(&relay).json()["status"], "ignored");
    let every = "{do: [restart: {namespace: default, workloads: [deployment/web]}]}";
    relay.write("boathook.yaml", config(&kube, "settle: 1h\nmaxWait: 1h", &[every]));
    relay.signal("HUP");
    relay.wait_for_log("configuration read again");
    delivery.accepted(&relay);
}

#[test]
fn each_endpoint_remembers_for_itself() {
    const OTHER: &str = "the key of another GitHub endpoint";
    let kube = cluster(&["web"]);
    let both = format!(
        "version: 1\nkubernetes: {{api: \"{}\"}}\nsettle: 1h\nmaxWait: 1h\nendpoints:\n\
         - {{name: one, source: GitHub, keyPath: github.key, rules: [{RESTART_WEB}]}}\n\
         - {{name: two, source: GitHub, keyPath: other.key, rules: [{RESTART_WEB}]}}\n",
        kube.url()
    );
    let relay = boathook(&both).file("github.key", github::KEY).file("other.key", OTHER).start();
    let delivery = github::image("ghcr.io/acme/web", "latest");
    delivery.accepted(&relay);
    let signature = format!("sha256={}", hmac_sha256(OTHER.as_bytes(), &delivery.body));
    let path = hook_path(OTHER.as_bytes());
    Delivery { path, ..delivery }.header("X-Hub-Signature-256", &signature).accepted(&relay);
}

#[test]
fn with_flux_recvs_configuration_every_event_is_a_notification_at_once() {
    let flux = flux::Double::start();
    let config = format!(
        "fluxRecvVersion: 1\napi: {}\nendpoints:\n- source: GitHub\n  keyPath: github.key\n",
        flux.api()
    );
    let relay = boathook(&config).file("github.key", github::KEY).start();
    let delivery = github::push("acme/fleet", "main").wait(50);
    for number in 1..=2 {
        let answer = delivery.send(&relay);
        assert_eq!(
            (answer.status, &answer.json()["status"]),
            (200, &json!("succeeded")),
            "{}",
            answer.text()
        );
        assert_eq!(flux.notifications().len(), number, "what succeeded may run again");
    }
    // None takes another's place, though all are about one branch.
    flux.stop();
    let burst: Vec<_> = (0..5).map(|_| github::push("acme/fleet", "main")).collect();
    for delivery in &burst {
        delivery.accepted(&relay);
    }
    assert_eq!(burst[0].send(&relay).json()["status"], "duplicate", "while it is pending");
    flux.restart_listener();
    flux.wait_for(7);
}

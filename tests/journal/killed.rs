//! SIGKILL, as the kernel does when memory is short: what was accepted goes on where it was.

use super::{NEVER, RESTART_API, ended, relay, status};
use std::time::{Duration, Instant};
use support::github;
use support::kube::Fault;
use support::objects;
use support::scene::{RESTART_WEB, SET_IMAGE, asked, cluster, config, effective, image_of};

#[test]
fn accepted_while_the_api_was_away_it_is_carried_out_by_the_next_process() {
    let kube = cluster(&["web", "api"]);
    kube.stop();
    let relay = relay(&kube, "settle: 0", &[SET_IMAGE]);
    let deliveries = ["web", "api"].map(|name| github::image(&format!("ghcr.io/acme/{name}"), "2.0.0"));
    let runs = deliveries.each_ref().map(|delivery| delivery.accepted(&relay));
    let relay = relay.restart();
    relay.wait_for_log("2 runs of the last process go on");
    kube.restart_listener();
    for (delivery, run) in deliveries.into_iter().zip(runs) {
        let answer = delivery.wait(50).send(&relay);
        assert_eq!((ended(&answer).1.as_str(), answer.status), ("succeeded", 200), "{}", answer.text());
        assert_eq!(answer.json()["runs"][0]["id"], run[0], "the run that was accepted");
    }
    assert_eq!(image_of(&kube, "web"), "ghcr.io/acme/web:2.0.0");
    assert_eq!(effective(&kube).len(), 2);
}

#[test]
fn a_wait_is_not_cut_short_by_a_restart() {
    let kube = cluster(&["web", "api"]);
    let relay = relay(&kube, NEVER, &[RESTART_WEB, RESTART_API]);
    let waits = github::image("ghcr.io/acme/web", "latest");
    waits.accepted(&relay);
    let (state, key) = (relay.directory().join("state"), "settle: 0");
    relay.write(
        "boathook.yaml",
        format!("{}state: {}\n", config(&kube, key, &[RESTART_WEB, RESTART_API]), state.display()),
    );
    let relay = relay.restart();
    assert_eq!(github::image("ghcr.io/acme/api", "latest").wait(50).send(&relay).status, 200);
    assert_eq!(asked(&kube.requests()), ["GET api", "PATCH api", "GET api"], "web still settles");
    assert_eq!(waits.wait(1).send(&relay).status, 202);
}

#[expect(clippy::disallowed_methods, reason = "it is this time that has to pass")]
fn sleep_until(time: Instant) {
    std::thread::sleep(time.saturating_duration_since(Instant::now()));
}

#[test]
fn a_wait_goes_on_while_nobody_runs_and_is_not_begun_anew() {
    let kube = cluster(&["web", "api"]);
    let relay = relay(&kube, "settle: 5s\nmaxWait: 5s", &[RESTART_WEB, RESTART_API]);
    github::image("ghcr.io/acme/web", "latest").accepted(&relay);
    let accepted = Instant::now();
    let (state, new) = (relay.directory().join("state"), "settle: 2s\nmaxWait: 2s");
    relay.write(
        "boathook.yaml",
        format!("{}state: {}\n", config(&kube, new, &[RESTART_WEB, RESTART_API]), state.display()),
    );
    let relay = {
        let mut relay = relay;
        relay.kill();
        sleep_until(accepted + Duration::from_secs(5));
        relay.restart()
    };
    // It waits for two seconds; the other would wait for five, if it began again.
    assert_eq!(github::image("ghcr.io/acme/api", "latest").wait(50).send(&relay).status, 200);
    assert_eq!(asked(&kube.requests())[..2], ["GET web", "PATCH web"]);
}

#[test]
fn a_newer_delivery_takes_the_place_of_one_that_the_last_process_accepted() {
    let kube = cluster(&["web"]);
    let relay = relay(&kube, NEVER, &[SET_IMAGE]);
    let [older, newer] = ["2.0.0", "3.0.0"].map(|tag| github::image("ghcr.io/acme/web", tag));
    older.accepted(&relay);
    let mut relay = relay.restart();
    let run = newer.accepted(&relay)[0].clone();
    let answer = older.wait(50).send(&relay);
    assert_eq!(answer.status, 409, "{}", answer.text());
    assert_eq!(ended(&answer).2, format!("superseded by run {run}"));
    // What settles is sent now.
    assert_eq!(relay.stop(), 0);
    assert_eq!((image_of(&kube, "web").as_str(), effective(&kube).len()), ("ghcr.io/acme/web:3.0.0", 1));
    assert_eq!(newer.wait(50).send(&relay.restart()).status, 200);
}

#[test]
fn the_same_delivery_is_known_again_whatever_became_of_it() {
    let kube = cluster(&["web"]);
    let relay = relay(&kube, "settle: 0", &[RESTART_WEB, RESTART_API]);
    let [done, failed] = ["web", "api"].map(|name| github::image(&format!("ghcr.io/acme/{name}"), "latest"));
    let of_done = ended(&done.clone().wait(50).send(&relay));
    assert_eq!(of_done.1, "succeeded");
    let first = failed.clone().wait(50).send(&relay);
    assert_eq!(ended(&first).1, "failed", "there is no deployment/api");
    kube.fail_for(Fault::Status(503), "", "/deployments/web", None);
    let pending = github::image("ghcr.io/acme/web", "latest");
    let run = pending.accepted(&relay);

    let relay = relay.restart();
    assert_eq!(status(&done.send(&relay)), "duplicate");
    assert_eq!(ended(&done.wait(50).send(&relay)), of_done, "its result, from the journal");
    assert_eq!(status(&pending.send(&relay)), "duplicate");
    kube.apply(objects::deployment("default", "api", "ghcr.io/acme/api:1.0.0"));
    let again = failed.clone().wait(50).send(&relay);
    assert_eq!(ended(&again).1, "succeeded", "what failed runs again");
    assert_ne!(again.json()["runs"][0]["id"], first.json()["runs"][0]["id"]);
    kube.clear_faults();
    let answer = pending.wait(50).send(&relay);
    assert_eq!((answer.status, &answer.json()["runs"][0]["id"]), (200, &run[0].as_str().into()));

    let relay = relay.restart();
    assert_eq!(status(&failed.send(&relay)), "duplicate", "it succeeded in the end");
    assert_eq!(effective(&kube).len(), 3);
}

#[test]
fn a_restart_that_was_decided_is_made_though_another_one_looks_later() {
    let kube = cluster(&["web"]);
    let relay = relay(&kube, "settle: 0", &[RESTART_WEB]);
    kube.fail_for(Fault::Status(503), "PATCH", "/deployments/web", None);
    let delivery = github::image("ghcr.io/acme/web", "latest");
    delivery.accepted(&relay);
    relay.wait_for_log("trying again in ");
    let mut relay = relay;
    relay.kill();
    // kubectl writes its own time zone: this was half an hour ago.
    let an_hour_ahead = jiff::tz::TimeZone::fixed(jiff::tz::offset(1));
    let half_an_hour_ago = jiff::Timestamp::now() - jiff::SignedDuration::from_secs(1800);
    let mut web = objects::deployment("default", "web", "ghcr.io/acme/web:1.0.0");
    let at = half_an_hour_ago.to_zoned(an_hour_ahead).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string();
    web["spec"]["template"]["metadata"]["annotations"] =
        serde_json::json!({"kubectl.kubernetes.io/restartedAt": at});
    kube.apply(web);
    kube.clear_faults();
    let relay = relay.restart();
    let answer = delivery.wait(50).send(&relay);
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(effective(&kube).len(), 1, "{}", answer.text());
}

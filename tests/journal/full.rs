//! The disk is full: nothing is accepted that cannot be kept, nothing accepted is lost, and it goes on by itself.
//!
//! A limit on the size of files stands for the disk: `prlimit` (util-linux) sets and lifts it while the relay runs.

use super::{ended, journal};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use support::command::Bench;
use support::github;
use support::http::{self, Response};
use support::kube::{Double, Fault};
use support::relay::Relay;
use support::scene::{RESTART_WEB, cluster, config, effective};
use support::temp::TempDir;

/// Whether the tests of this file can be made here; says so if not.
fn possible() -> bool {
    let possible = Command::new("prlimit").arg("--version").output().is_ok();
    if !possible {
        eprintln!("skipped: prlimit (util-linux) is not installed");
    }
    possible
}

/// A relay with a journal, which a write beyond the limit does not kill, but fails.
fn relay(kube: &Double, rules: &[&str], binary: &TempDir) -> Relay {
    let script = format!("#!/bin/sh\ntrap '' XFSZ\nexec '{}' \"$@\"\n", env!("CARGO_BIN_EXE_boathook"));
    let binary = binary.write("boathook", script);
    std::fs::set_permissions(&binary, PermissionsExt::from_mode(0o700)).unwrap();
    let config = config(kube, "settle: 0", rules);
    Relay::with(binary, &config).file("github.key", github::KEY).state().start()
}

/// No file may be longer than this.
fn limit(relay: &Relay, bytes: &str) {
    let pid = relay.pid().to_string();
    let status = Command::new("prlimit").args(["--pid", &pid, &format!("--fsize={bytes}:")]).status();
    assert!(status.unwrap().success());
}

/// As when the last byte is used.
fn fill(relay: &Relay) {
    limit(relay, "0");
}

fn free(relay: &Relay) {
    limit(relay, "unlimited");
}

fn ready(relay: &Relay) -> Response {
    http::send("GET", relay.address(), "/ready", &[], b"")
}

/// It does not say so before it can go on for a while, and it says so once.
fn wait_until_ready(relay: &Relay) {
    relay.wait_for_log("the journal can be written again");
    assert_eq!(ready(relay).status, 200);
}

#[track_caller]
fn refused(answer: &Response) {
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    assert!(answer.header("retry-after").is_some_and(|seconds| seconds.parse::<u32>().is_ok()));
    assert_eq!(answer.json()["detail"], "the journal cannot be written");
}

#[test]
fn deliveries_are_refused_until_there_is_room_again() {
    if !possible() {
        return;
    }
    let (kube, binary) = (cluster(&["web"]), TempDir::new());
    let relay = relay(&kube, &[RESTART_WEB], &binary);
    assert_eq!(ready(&relay).status, 200);
    fill(&relay);
    let delivery = github::image("ghcr.io/acme/web", "latest");
    refused(&delivery.send(&relay));
    refused(&github::image("ghcr.io/acme/web", "latest").wait(50).send(&relay));
    let answer = ready(&relay);
    assert_eq!(answer.status, 503);
    assert!(answer.text().contains("journal"), "{}", answer.text());
    let line = relay.wait_for_log("the journal cannot be written, deliveries are refused until it can");
    assert!(line.contains("ERROR") && line.contains("File too large"), "{line}");
    assert!(kube.requests().is_empty(), "nothing that was refused is carried out");
    assert_eq!(
        http::send("GET", relay.address(), "/health", &[], b"").status,
        200,
        "no reason to be restarted"
    );

    free(&relay);
    wait_until_ready(&relay);
    let answer = delivery.wait(50).send(&relay);
    assert_eq!(ended(&answer).1, "succeeded", "what was refused is not known: {}", answer.text());
    assert_eq!(effective(&kube).len(), 1);
    let logged = relay.log();
    assert_eq!(logged.matches("the journal cannot be written, deliveries").count(), 1, "said once: {logged}");
}

#[test]
fn what_was_under_way_goes_on_when_there_is_room_again() {
    if !possible() {
        return;
    }
    let (kube, binary) = (cluster(&["web"]), TempDir::new());
    let relay = relay(&kube, &[RESTART_WEB], &binary);
    kube.fail_for(Fault::Hang, "GET", "/deployments/web", None);
    let delivery = github::image("ghcr.io/acme/web", "latest");
    let run = delivery.accepted(&relay)[0].clone();
    kube.wait_for_blocking(|requests| !requests.is_empty());
    fill(&relay);
    kube.clear_faults();
    relay.wait_for_log("the journal cannot be written, deliveries are refused until it can");
    assert!(kube.patches().is_empty(), "what was decided must be safe before it is done");
    free(&relay);
    let answer = delivery.wait(50).send(&relay);
    assert_eq!((ended(&answer).1.as_str(), &answer.json()["runs"][0]["id"]), ("succeeded", &run.into()));
    assert_eq!(effective(&kube).len(), 1);
}

#[test]
fn what_was_accepted_before_is_carried_out_after_a_kill_on_a_full_disk() {
    if !possible() {
        return;
    }
    let (kube, binary) = (cluster(&["web"]), TempDir::new());
    let relay = relay(&kube, &[RESTART_WEB], &binary);
    kube.stop();
    let kept = github::image("ghcr.io/acme/web", "a");
    let run = kept.accepted(&relay)[0].clone();
    fill(&relay);
    let lost = github::image("ghcr.io/acme/web", "b");
    refused(&lost.send(&relay));
    let relay = relay.restart();
    kube.restart_listener();
    let answer = kept.wait(50).send(&relay);
    assert_eq!((ended(&answer).1.as_str(), &answer.json()["runs"][0]["id"]), ("succeeded", &run.into()));
    let mut bench = Bench::new(env!("CARGO_BIN_EXE_boathook"));
    bench.environment("BOATHOOK_STATE", relay.directory().join("state").to_str().unwrap());
    let listed = bench.run(&["deliveries", "--json"]).expect(0).json();
    assert_eq!(listed["deliveries"].as_array().unwrap().len(), 1, "{listed}");
}

#[test]
fn a_disk_that_is_full_when_it_is_told_to_end_loses_no_run() {
    if !possible() {
        return;
    }
    let (kube, binary) = (cluster(&["web"]), TempDir::new());
    let mut relay = relay(&kube, &[RESTART_WEB], &binary);
    kube.stop();
    let delivery = github::image("ghcr.io/acme/web", "latest");
    delivery.accepted(&relay);
    relay.wait_for_log("trying again in ");
    fill(&relay);
    assert_eq!(relay.stop(), 0, "{}", relay.log());
    let relay = relay.restart();
    kube.restart_listener();
    assert_eq!(ended(&delivery.wait(50).send(&relay)).1, "succeeded");
    assert_eq!(effective(&kube).len(), 1);
}

#[test]
fn a_file_that_has_no_room_to_grow_is_enough_for_a_while() {
    if !possible() {
        return;
    }
    let (kube, binary) = (cluster(&["web"]), TempDir::new());
    let relay = relay(&kube, &[RESTART_WEB], &binary);
    let one = || github::image("ghcr.io/acme/web", "latest");
    one().accepted(&relay);
    let size = std::fs::metadata(journal(&relay)).unwrap().len();
    limit(&relay, &size.to_string());
    kube.stop();
    let mut accepted = Vec::new();
    let refusal = loop {
        let delivery = one();
        let answer = delivery.send(&relay);
        match answer.status {
            202 => accepted.push(delivery),
            _ => break answer,
        }
        assert!(accepted.len() < 100_000, "the file grows beyond the limit");
    };
    refused(&refusal);
    assert_eq!(ready(&relay).status, 503);
    free(&relay);
    wait_until_ready(&relay);
    kube.restart_listener();
    // It is restarted for the last one, or was by one that had started before and came to it later.
    let last = accepted.pop().unwrap().wait(50).send(&relay);
    assert_eq!(last.status, 200, "{}", last.text());
    assert!(!effective(&kube).is_empty());
    for delivery in accepted {
        let answer = delivery.wait(50).send(&relay);
        assert!(matches!(answer.status, 200 | 409), "{}", answer.text());
    }
    let logged = relay.log();
    assert_eq!(logged.matches("the journal can be written again").count(), 1, "said once: {logged}");
}

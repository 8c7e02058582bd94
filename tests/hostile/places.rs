//! Who takes all places.

use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::{ACCEPTED, InHand, memory, open, push, relay, sent, unharmed};
use support::github;
use support::relay::Relay;
use support::scene::{RESTART_WEB, cluster, relay as scene};

/// Times that nothing in a test reaches.
const PATIENT: &str = "idleTime: 5m, headerTime: 5m, keepAlive: 5m";

#[test]
fn connections_that_send_nothing_keep_nobody_out() {
    let kube = cluster(&[]);
    let relay = relay(&kube, &format!("connections: 16, {PATIENT}"));
    let silent: Vec<_> = (0..40).map(|_| open(&relay)).collect();
    unharmed(&relay);
    relay.wait_for_log("all 16 connections are taken (limits.connections)");
    let begun: Vec<_> = (0..40).map(|_| sent(&relay, b"POST /hook/")).collect();
    unharmed(&relay);
    let idle: Vec<_> = (0..40)
        .map(|_| {
            let mut connection = open(&relay);
            connection.request("GET", "/health", &[], b"").unwrap();
            connection
        })
        .collect();
    unharmed(&relay);
    drop((silent, begun, idle));
}

#[test]
fn a_request_in_hand_is_not_given_up_for_a_new_connection() {
    let kube = cluster(&[]);
    let relay = relay(&kube, &format!("connections: 16, bodyGrace: 5m, bodyTime: 5m, {PATIENT}"));
    let all: Vec<_> = (0..16).map(|_| InHand::begin(&relay)).collect();
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| push().send(&relay).status);
        for one in all {
            assert_eq!(one.end(), ACCEPTED);
        }
        assert_eq!(waits.join().unwrap(), 202);
    });
    unharmed(&relay);
}

/// Loopback is private, so that only a number that is given counts.
#[test]
fn one_client_has_its_own_number_of_connections_unless_it_is_a_proxy() {
    let kube = cluster(&[]);
    let limits = "limits: {connectionsPerClient: 2, bodyGrace: 5m, bodyTime: 5m}";
    let relay = scene(&kube, &format!("settle: 1h\nmaxWait: 1h\n{limits}"), &[RESTART_WEB]);
    let both = [InHand::begin(&relay), InHand::begin(&relay)];
    assert!(open(&relay).request("GET", "/health", &[], b"").is_err());
    assert_eq!(both.map(InHand::end), [ACCEPTED; 2]);
    wait_for(|| open(&relay).request("GET", "/health", &[], b"").is_ok());
    unharmed(&relay);

    let proxied = format!("settle: 1h\nmaxWait: 1h\n{limits}\ntrustedProxies: 127.0.0.0/8");
    let relay = scene(&kube, &proxied, &[RESTART_WEB]);
    let three = [(); 3].map(|()| InHand::begin(&relay));
    assert_eq!(three.map(InHand::end), [ACCEPTED; 3]);
}

#[test]
fn requests_in_hand_have_a_number() {
    let kube = cluster(&[]);
    let relay = relay(&kube, "requests: 1, bodyGrace: 5m, bodyTime: 5m");
    let first = InHand::begin(&relay);
    let answer = push().send(&relay);
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert_eq!((answer.header("retry-after"), answer.header("connection")), (Some("10"), Some("close")));
    assert_eq!(answer.json()["detail"], "too many requests are being read");
    assert_eq!(first.end(), ACCEPTED);
    unharmed(&relay);
}

#[test]
fn who_waits_for_the_end_keeps_nobody_out() {
    let kube = cluster(&[]);
    let settings = "settle: 1h\nmaxWait: 1h\nlimits: {requests: 1, waiting: 1}";
    let rule = "{do: [restart: {namespace: default, workloads: [deployment/web]}]}";
    let relay = scene(&kube, settings, &[rule]);
    // Each of its own image, or it would supersede the others.
    let wait = |image: &str| github::image(image, "latest").wait(300).header("Connection", "keep-alive");
    let _waits = sent(&relay, &wait("ghcr.io/acme/first").bytes());
    // It waits once it is not in hand any more; until then this one is turned away.
    let mut answer = None;
    wait_for(|| {
        let told = wait("ghcr.io/acme/second").header("Prefer", "wait=2").send(&relay);
        let at_once = told.header("preference-applied") == Some("wait=0");
        answer = Some(told);
        at_once
    });
    assert_eq!(answer.unwrap().status, 202);
    unharmed(&relay);
}

#[test]
fn connections_that_use_up_all_files_keep_nobody_out() {
    let kube = cluster(&[]);
    let relay = relay(&kube, PATIENT);
    let (pid, files) = (relay.pid().to_string(), format!("--nofile={}:", open_files(&relay) + 40));
    let lowered = Command::new("prlimit").args(["--pid", &pid, &files]).status();
    if !lowered.is_ok_and(|status| status.success()) {
        println!("skipped: prlimit is not installed");
        return;
    }
    let silent: Vec<_> = (0..100).map(|_| open(&relay)).collect();
    unharmed(&relay);
    relay.wait_for_log("Too many open files");
    drop(silent);
}

#[test]
fn ten_thousand_connections_that_send_nothing_are_cheap() {
    const MANY: usize = 10_000;
    if !may_open(MANY + 200) {
        println!("skipped: RLIMIT_NOFILE does not allow {MANY} connections");
        return;
    }
    let kube = cluster(&[]);
    let relay = relay(&kube, "connections: 11000, idleTime: 10m");
    let connect = || TcpStream::connect(relay.address()).unwrap();
    // Several at a time: one that the listener's queue has no room for is tried again a second later.
    let silent: Vec<TcpStream> = std::thread::scope(|scope| {
        let some = || scope.spawn(|| (0..MANY / 20).map(|_| connect()).collect::<Vec<_>>());
        let all: Vec<_> = (0..20).map(|_| some()).collect();
        all.into_iter().flat_map(|some| some.join().unwrap()).collect()
    });
    wait_for(|| open_files(&relay) >= MANY);
    println!("{MANY} connections that send nothing: RssAnon {} MiB", memory(&relay));
    assert!(memory(&relay) < 60, "{} MiB", memory(&relay));
    unharmed(&relay);
    drop(silent);
    wait_for(|| open_files(&relay) < 100);
    unharmed(&relay);
}

/// Whether this process, and the relay that it starts, may have so many files open; asks for it if need be.
fn may_open(files: usize) -> bool {
    let pid = std::process::id().to_string();
    let allowed = || {
        let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
        let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap().to_owned();
        let mut numbers = line.split_whitespace().map(|number| number.parse().unwrap_or(usize::MAX));
        (numbers.next().unwrap(), numbers.next().unwrap())
    };
    let (soft, hard) = allowed();
    if soft < files && hard >= files {
        let asked = format!("--nofile={files}:");
        let _ = Command::new("prlimit").args(["--pid", &pid, &asked]).status();
    }
    allowed().0 >= files
}

fn open_files(relay: &Relay) -> usize {
    std::fs::read_dir(format!("/proc/{}/fd", relay.pid())).unwrap().count()
}

/// Waits until this is so.
#[track_caller]
fn wait_for(mut so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !so() {
        assert!(Instant::now() < deadline, "it never comes to that");
        std::thread::yield_now();
    }
}

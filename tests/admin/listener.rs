//! Where the admin listener is, and what it bears.

use super::Watched;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::time::{Duration, Instant};
use support::command::Bench;
use support::github;
use support::http::{self, Connection};
use support::scene::{RESTART_WEB, cluster, prepared};

/// Where it is by default.
const DEFAULT: &str = "127.0.0.1:8081";

#[test]
fn the_configuration_says_where_it_is_and_the_environment_goes_before() {
    let kube = cluster(&["web"]);
    let said = |address: &str| prepared(&kube, &format!("settle: 0\nadmin: \"{address}\""), &[RESTART_WEB]);
    let relay = said("127.0.0.1:0").environment("BOATHOOK_ADMIN", "").start();
    let line = relay.wait_for_log("metrics at http://127.0.0.1:");
    assert!(line.ends_with("/metrics"), "{line}");
    assert!(!said("127.0.0.1:0").environment("BOATHOOK_ADMIN", "none").start().log().contains("metrics at"));
    assert!(said("none").argument("--admin=127.0.0.1:0").start().log().contains("metrics at"));
}

#[test]
fn without_a_word_it_is_on_this_machine_alone_and_hooks_need_it_not() {
    // Whoever has the port, it is taken.
    let deadline = Instant::now() + Duration::from_secs(5);
    let taken = loop {
        match TcpListener::bind(DEFAULT) {
            Ok(taken) => break Some(taken),
            Err(error) if error.kind() == ErrorKind::AddrInUse && Instant::now() < deadline => {
                std::thread::yield_now();
            }
            Err(_) => break None,
        }
    };
    let kube = cluster(&["web"]);
    let relay = prepared(&kube, "settle: 0", &[RESTART_WEB]).environment("BOATHOOK_ADMIN", "").start();
    relay.wait_for_log(&format!("no metrics, since {DEFAULT} cannot be listened on"));
    assert_eq!(github::image("ghcr.io/acme/web", "1.0.0").wait(50).send(&relay).status, 200);
    drop(taken);
}

#[test]
fn what_was_asked_for_and_cannot_be_had_is_an_error() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let kube = cluster(&[]);
    let begun = prepared(&kube, "settle: 0", &[RESTART_WEB]).environment("BOATHOOK_ADMIN", &address).begin();
    let (code, log, _) = begun.ends();
    assert_eq!(code, 1, "{log}");
    assert!(log.contains(&format!("cannot listen on {address} (admin): Address already in use")), "{log}");
    let bench = Bench::new(env!("CARGO_BIN_EXE_boathook"));
    bench.write("github.key", github::KEY);
    let config = "version: 1\nadmin: localhost\nendpoints:\n\
                  - {name: a, source: GitHub, keyPath: github.key, rules: [{do: [fluxNotify: {}]}]}\n";
    bench.write("c.yaml", config);
    bench.run(&["check", "c.yaml"]).expect(2).tells("admin").tells("such as 127.0.0.1:8081");
    bench.run(&["serve", "--config=c.yaml", "--admin=8081"]).expect(2).tells("--admin 8081: must be");
}

#[test]
fn who_keeps_connections_open_is_closed_for_others() {
    let kube = cluster(&["web"]);
    let watched = Watched::new(&kube, "settle: 0", &[RESTART_WEB]);
    let idle: Vec<_> = (0..40).map(|_| Connection::open(&watched.admin).unwrap()).collect();
    assert_eq!(watched.get("/health").status, 200);
    assert_eq!(http::send("GET", watched.relay.address(), "/health", &[], b"").status, 200);
    drop(idle);
    let mut slow = Connection::open(&watched.admin).unwrap();
    slow.write(b"GET /metrics HTTP/1.1\r\nHost: x\r\n").unwrap();
    assert!(slow.read_response().is_err(), "a head that never ends");
}

#[test]
fn a_head_that_is_too_large_is_refused() {
    let kube = cluster(&["web"]);
    let watched = Watched::new(&kube, "settle: 0", &[RESTART_WEB]);
    let long = "x".repeat(64 * 1024);
    let answer = http::send("GET", &watched.admin, "/metrics", &[("X-Long", &long)], b"");
    assert_eq!(answer.status, 431);
    watched.scrape();
}

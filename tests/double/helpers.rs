//! The helpers beside the double.

use serde_json::json;
use std::panic;
use support::flux::{Behavior, Double, Notification};
use support::relay::Relay;
use support::{http, sign};

// RFC 4231, test case 2.
#[test]
fn hmac_of_a_known_text() {
    assert_eq!(
        sign::hmac_sha256(b"Jefe", b"what do ya want for nothing?"),
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    );
}

#[test]
fn a_key_gives_its_path() {
    // SHA-256 of "abc", FIPS 180-2 appendix B.1.
    let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(sign::hook_path(b"abc"), format!("/hook/{digest}"));
}

#[test]
fn flux_notifications_are_recorded() {
    let flux = Double::start();
    let path = "/api/flux/v11/notify";
    let address = flux.api();
    let address = address.trim_end_matches("/api/flux");
    let body = json!({"Kind": "git", "Source": {"URL": "git@github.com:acme/fleet", "Branch": "main"}});
    let notify = || http::try_send("POST", address, path, &[], body.to_string().as_bytes());
    assert_eq!(notify().unwrap().status, 200);
    flux.behave(Behavior::Status(500));
    assert_eq!(notify().unwrap().status, 500);
    flux.behave(Behavior::Close);
    assert!(notify().is_err());
    flux.stop();
    assert_eq!(notify().unwrap_err().kind(), std::io::ErrorKind::ConnectionRefused);
    flux.restart_listener();
    flux.behave(Behavior::Accept);
    assert_eq!(notify().unwrap().status, 200);
    let recorded = Notification { path: path.to_owned(), text: body.to_string(), body };
    assert_eq!(flux.wait_for(4), vec![recorded; 4]);
    assert_eq!(http::send("POST", address, "/api/flux/v6/notify", &[], b"{}").status, 404);
}

const STAND_IN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/double/stand_in.sh");

#[test]
fn a_relay_is_started_signaled_and_stopped() {
    let setup = Relay::with(STAND_IN, "version: 1\n").file("a.key", "secret").argument("--quiet");
    let mut relay = setup.environment("EXTRA", "from the test").start();
    assert_eq!(relay.address(), "127.0.0.1:4711");
    relay.wait_for_log("--quiet from the test");
    assert_eq!(std::fs::read_to_string(relay.directory().join("a.key")).unwrap(), "secret");
    relay.write("boathook.yaml", "version: 2\n");
    relay.signal("HUP");
    relay.wait_for_log("version: 2");
    assert_eq!(relay.stop(), 7);
    let files = relay.directory().to_owned();
    let relay = relay.restart();
    assert_eq!((relay.address(), relay.directory()), ("127.0.0.1:4711", files.as_path()));
    drop(relay);
    assert!(!files.exists());
}

#[test]
fn a_relay_that_does_not_start_fails_with_its_log() {
    let started = panic::catch_unwind(|| Relay::with(STAND_IN, "").start().address().to_owned());
    let message = *started.unwrap_err().downcast::<String>().unwrap();
    assert!(message.contains("exit code 2") && message.contains("version: missing"), "{message}");
}

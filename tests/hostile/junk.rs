//! Junk at full speed, from the sender's own address, while the sender delivers.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::{MEMORY, memory, push, unharmed};
use support::http::Connection;
use support::relay::Relay;
use support::scene::{RESTART_WEB, cluster, relay as scene};

/// Requests that lead to nothing.
const JUNK: usize = 100_000;

/// Good ones in between.
const GOOD: usize = 200;

/// Whom the proxy speaks for.
const SENDER: &str = "203.0.113.7";

#[test]
fn among_a_hundred_thousand_bad_requests_every_good_delivery_is_served() {
    let kube = cluster(&[]);
    let settings = "settle: 1h\nmaxWait: 1h\ntrustedProxies: 127.0.0.1\nlimits: {connections: 64}";
    let relay = scene(&kube, settings, &[RESTART_WEB]);
    let (next, answered) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        let junk: Vec<_> = (0..6).map(|_| scope.spawn(|| send_junk(&relay, &next, &answered))).collect();
        for _ in 0..GOOD {
            let good = push().header("X-Forwarded-For", SENDER);
            let answer = good.send(&relay);
            assert_eq!(answer.status, 202, "{}", answer.text());
            assert!(memory(&relay) < MEMORY, "{} MiB", memory(&relay));
        }
        for junk in junk {
            junk.join().unwrap();
        }
    });
    let answered = answered.load(Ordering::Relaxed);
    assert!(answered > JUNK / 10 * 9, "only {answered} of {JUNK} were answered");
    unharmed(&relay);
    // One line for each good one, and a few each second for the others.
    let lines = relay.log().lines().count();
    assert!(lines < JUNK / 10, "{lines} lines in the log");
}

/// Sends junk of several kinds until there has been enough.
fn send_junk(relay: &Relay, next: &AtomicUsize, answered: &AtomicUsize) {
    let wrong = push().header("X-Hub-Signature-256", &format!("sha256={}", "0".repeat(64)));
    let unknown = format!("/hook/{}", "0".repeat(64));
    let mut kept: Option<Connection> = None;
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= JUNK {
            return;
        }
        let mut pairs = wrong.pairs();
        // Most of it from somewhere inside, some of it as from the sender, which brings its address over the rate.
        if number.is_multiple_of(20) {
            pairs.push(("X-Forwarded-For", SENDER));
        }
        let (method, path) = match number % 4 {
            0 => ("POST", unknown.as_str()),
            1 => ("GET", "/hook/../../etc/passwd"),
            2 => ("PUT", "/%00"),
            _ => ("POST", wrong.path.as_str()),
        };
        let mut connection = kept.take().unwrap_or_else(|| Connection::open(relay.address()).unwrap());
        // One that has no request in hand may be closed for another.
        let Ok(answer) = connection.request(method, path, &pairs, &wrong.body) else { continue };
        assert!(matches!(answer.status, 401 | 404 | 429), "{method} {path}: {}", answer.status);
        answered.fetch_add(1, Ordering::Relaxed);
        kept = (answer.header("connection") != Some("close")).then_some(connection);
    }
}

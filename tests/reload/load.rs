//! Reloads under load.

use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::{more_keys, restart, wait_for_endpoints, with_endpoints};
use support::github;
use support::http::Connection;
use support::scene::{cluster, prepared};

const RELOADS: usize = 20;
const SENDERS: usize = 4;

/// Ends the senders, also when the test fails.
struct AtEnd<'a>(&'a AtomicBool);

impl Drop for AtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn no_request_is_dropped_while_the_configuration_is_read_again() {
    let kube = cluster(&["web"]);
    let relay = more_keys(prepared(&kube, "settle: 0s", &[&restart("web")]), RELOADS + 2).start();
    let (done, sent) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        let end = AtEnd(&done);
        for _ in 0..SENDERS {
            scope.spawn(|| {
                // One connection over all reloads.
                let mut connection = Connection::open(relay.address()).unwrap();
                while !done.load(Ordering::Relaxed) {
                    let delivery = github::image("ghcr.io/acme/web", "latest");
                    let answer = connection
                        .request("POST", &delivery.path, &delivery.pairs(), &delivery.body)
                        .unwrap();
                    assert_eq!(answer.status, 202, "{}", answer.text());
                    sent.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for number in 1..=RELOADS {
            relay.write("boathook.yaml", with_endpoints(&kube, "web", number + 1));
            relay.signal("HUP");
            wait_for_endpoints(&relay, number + 1);
        }
        drop(end);
    });
    assert!(sent.load(Ordering::Relaxed) >= SENDERS, "nothing was sent meanwhile");
    let last = github::image("ghcr.io/acme/web", "latest").wait(30).send(&relay);
    assert_eq!(last.status, 200, "{}", last.text());
}

#[test]
fn deliveries_are_taken_while_the_configuration_is_read() {
    let kube = cluster(&["web"]);
    let relay = more_keys(prepared(&kube, "settle: 0s", &[&restart("web")]), 2).start();
    // Reading this key takes as long as nobody writes it.
    let pipe = relay.directory().join("more-1.key");
    std::fs::remove_file(&pipe).unwrap();
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    relay.write("boathook.yaml", with_endpoints(&kube, "web", 2));
    relay.signal("HUP");
    // Opens once the relay has opened it for reading.
    let writer = std::fs::OpenOptions::new().write(true).open(&pipe).unwrap();
    let answer = github::image("ghcr.io/acme/web", "latest").wait(30).send(&relay);
    assert_eq!(answer.status, 200, "{}", answer.text());
    relay.signal("TERM");
    relay.wait_for_log("ended");
    drop(writer);
}

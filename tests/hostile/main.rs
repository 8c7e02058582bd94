//! What somebody may do to the listener who wants it to stop, to grow or to fall over. Whatever it is: the memory stays
//! within the bounds of DESIGN.md section 9, nothing panics, and a signed delivery is served.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code: a broken assumption ends the test with its line"
)]

mod bodies;
mod junk;
mod lies;
mod places;
mod slow;

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use support::delivery::Delivery;
use support::github;
use support::http::Connection;
use support::kube::Double;
use support::relay::Relay;
use support::scene::{self, RESTART_WEB};

/// What the manifests give the process, in MiB.
const MEMORY: u64 = 64;

/// A relay with these limits; what it accepts waits.
fn relay(kube: &Double, limits: &str) -> Relay {
    scene::relay(kube, &format!("settle: 1h\nmaxWait: 1h\nlimits: {{{limits}}}"), &[RESTART_WEB])
}

/// The memory of a relay that is its own and no file's, in MiB.
fn memory(relay: &Relay) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", relay.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

/// A good delivery is accepted, and nothing bad has come of what was done before.
#[track_caller]
fn unharmed(relay: &Relay) {
    push().accepted(relay);
    assert!(memory(relay) < MEMORY, "{} MiB", memory(relay));
    assert!(!relay.log().contains("panicked"), "{}", relay.log());
}

/// A delivery that is genuine.
fn push() -> Delivery {
    github::image("ghcr.io/acme/web", "latest")
}

fn open(relay: &Relay) -> Connection {
    Connection::open(relay.address()).unwrap()
}

/// A connection on which these bytes were sent.
fn sent(relay: &Relay, bytes: &[u8]) -> Connection {
    let mut connection = open(relay);
    connection.write(bytes).unwrap();
    connection
}

/// A genuine delivery that the relay has in hand: it has asked for the body, of which the last byte is still to come.
struct InHand(TcpStream, u8);

impl InHand {
    fn begin(relay: &Relay) -> Self {
        let push = push().header("Connection", "close").header("Expect", "100-continue");
        let (last, most) = push.body.split_last().unwrap();
        let bytes = push.bytes();
        let mut stream = TcpStream::connect(relay.address()).unwrap();
        stream.write_all(&bytes[..bytes.len() - push.body.len()]).unwrap();
        let mut go_on = [0; 25];
        stream.read_exact(&mut go_on).unwrap();
        assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
        stream.write_all(most).unwrap();
        Self(stream, *last)
    }

    /// Sends the last byte; returns the first line of the answer.
    fn end(mut self) -> String {
        self.0.write_all(&[self.1]).unwrap();
        let mut answer = String::new();
        self.0.read_to_string(&mut answer).unwrap();
        answer.lines().next().unwrap_or_default().to_owned()
    }
}

/// What [`InHand::end`] returns for what was accepted.
const ACCEPTED: &str = "HTTP/1.1 202 Accepted";

/// Sends these bytes and then one more at a time, until the relay says something or closes the connection; returns
/// what it said.
fn dribble(relay: &Relay, begin: &[u8]) -> String {
    let mut stream = TcpStream::connect(relay.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    stream.write_all(begin).unwrap();
    let mut buffer = [0; 4096];
    for _ in 0..600 {
        // It may be closed between the two.
        let _ = stream.write_all(b"x");
        match stream.read(&mut buffer) {
            Ok(read) => return String::from_utf8_lossy(&buffer[..read]).into_owned(),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => return String::new(),
        }
    }
    panic!("the relay waits for ever; it logged:\n{}", relay.log())
}

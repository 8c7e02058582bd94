//! Who takes time: to send, to go on, to read.

use std::io::{ErrorKind, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::{dribble, open, push, relay, sent, unharmed};
use support::http::Connection;
use support::scene::cluster;

#[test]
fn a_head_must_come_in_time() {
    let kube = cluster(&[]);
    let relay = relay(&kube, "headerTime: 1s, idleTime: 1s");
    assert!(closed(open(&relay)), "nothing is sent");
    assert!(closed(sent(&relay, b"POST /hook/")), "a part of it is sent");
    assert_eq!(dribble(&relay, b"POST /health HTTP/1.1\r\nX-Slow: "), "", "a byte at a time is sent");
    unharmed(&relay);
}

#[test]
fn a_body_must_come_with_some_speed() {
    let kube = cluster(&[]);
    // Long enough for the time alone not to end it.
    let relay = relay(&kube, "bodyGrace: 1s, bodyTime: 1h, bodyRate: 1Ki");
    let head = push().header("Content-Length", "100000");
    let bytes = head.bytes();
    let body = bytes.windows(4).position(|end| end == b"\r\n\r\n").unwrap() + 4;
    let answer = dribble(&relay, &bytes[..body]);
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("connection: close"), "{answer}");
    unharmed(&relay);
}

#[test]
fn a_connection_is_kept_for_the_next_request_and_not_for_ever() {
    let kube = cluster(&[]);
    let patient = relay(&kube, "headerTime: 1s, idleTime: 1s, keepAlive: 10m");
    let mut connection = open(&patient);
    connection.request("GET", "/health", &[], b"").unwrap();
    // Longer than a head may take, as an ingress controller's connections are.
    wait(Duration::from_millis(1500));
    assert_eq!(connection.request("GET", "/health", &[], b"").unwrap().status, 200);

    let relay = relay(&kube, "headerTime: 5m, idleTime: 5m, keepAlive: 1s");
    let mut connection = open(&relay);
    connection.request("GET", "/health", &[], b"").unwrap();
    assert!(closed(connection));
    unharmed(&relay);
}

/// Whether the relay closes it, without a word.
fn closed(mut connection: Connection) -> bool {
    let end = connection.read_response().unwrap_err().kind();
    matches!(end, ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset)
}

#[expect(clippy::disallowed_methods, reason = "what is tested is that time passes and nothing happens")]
fn wait(time: Duration) {
    std::thread::sleep(time);
}

#[test]
fn answers_must_be_read() {
    let kube = cluster(&[]);
    let relay = relay(&kube, "answerTime: 1s");
    let mut stream = TcpStream::connect(relay.address()).unwrap();
    stream.set_write_timeout(Some(Duration::from_secs(30))).unwrap();
    let requests = b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n".repeat(1000);
    // What is not read fills the buffers of both sides; then the relay reads no further, and in the end it closes.
    let end = (0..10_000).find_map(|_| stream.write_all(&requests).err());
    let end = end.expect("the relay buffers without end");
    assert!(!matches!(end.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "it waits for ever: {end}");
    unharmed(&relay);
}

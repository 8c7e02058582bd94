//! Who says one thing and does another.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::{MEMORY, memory, open, push, relay, sent, unharmed};
use support::delivery::Delivery;
use support::scene::cluster;
use support::{github, sign};

const MIB: usize = 1024 * 1024;

/// Everything that the relay answers until it closes the connection, after these bytes.
fn answers(address: &str, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(bytes).unwrap();
    let mut text = Vec::new();
    let _ = stream.read_to_end(&mut text);
    String::from_utf8_lossy(&text).into_owned()
}

fn statuses(answers: &str) -> Vec<&str> {
    answers.split("HTTP/1.1 ").skip(1).map(|answer| &answer[..3]).collect()
}

#[test]
fn a_gigabyte_that_is_announced_is_refused_at_once() {
    let kube = cluster(&[]);
    let relay = relay(&kube, "");
    let announced = Delivery { body: Vec::new(), ..push() }.header("Content-Length", "1073741824");
    let mut connections: Vec<_> = (0..100).map(|_| sent(&relay, &announced.bytes())).collect();
    for connection in &mut connections {
        assert_eq!(connection.read_response().unwrap().status, 413);
    }
    let beyond = Delivery { body: Vec::new(), ..push() }.header("Content-Length", "99999999999999999999999");
    assert_eq!(sent(&relay, &beyond.bytes()).read_response().unwrap().status, 400);
    unharmed(&relay);
}

#[test]
fn bodies_that_are_announced_and_do_not_come_take_no_memory() {
    let kube = cluster(&[]);
    let relay = relay(&kube, "bodyGrace: 1s");
    let announced = Delivery { body: Vec::new(), ..push() }.header("Content-Length", &MIB.to_string());
    let mut connections: Vec<_> = (0..500).map(|_| sent(&relay, &announced.bytes())).collect();
    assert!(memory(&relay) < MEMORY, "{} MiB", memory(&relay));
    for connection in &mut connections {
        assert_eq!(connection.read_response().unwrap().status, 408);
    }
    unharmed(&relay);
}

#[test]
fn chunks_without_end_end() {
    let kube = cluster(&[]);
    let relay = relay(&kube, "bodyGrace: 1s, bodyTime: 5s");
    let head = Delivery { body: Vec::new(), ..push() }.header("Transfer-Encoding", "chunked");
    // Large ones, small ones, and one whose size is not to be believed.
    let large = [b"10000\r\n", &vec![b'x'; 0x10000][..], b"\r\n"].concat();
    for (chunk, times, status) in [
        (large, 17, "413"),
        (b"1\r\nx\r\n".to_vec(), MIB + 1, "413 or 408"),
        (b"fffffffffffffffff\r\n".to_vec(), 1, "400"),
        (b"7fffffffffffffff\r\n".to_vec(), 1, "408"),
        (b"1;ext=".to_vec(), 4, "408"),
        (format!("1;{}\r\n", "x".repeat(100_000)).into_bytes(), 1, "400"),
    ] {
        let mut stream = TcpStream::connect(relay.address()).unwrap();
        stream.write_all(&head.bytes()).unwrap();
        // The answer may come, and the connection be closed, while this is still being sent.
        let _ = stream.write_all(&chunk.repeat(times));
        let mut answer = [0; 12];
        let _ = stream.read(&mut answer);
        let shown = String::from_utf8_lossy(&answer[9..]).into_owned();
        let sent = String::from_utf8_lossy(&chunk[..chunk.len().min(30)]);
        assert!(shown.len() == 3 && status.contains(&shown), "{shown} to {sent}");
    }
    unharmed(&relay);
}

#[test]
fn a_body_that_is_shorter_than_it_says_is_no_delivery() {
    let kube = cluster(&[]);
    let relay = relay(&kube, "");
    let whole = push();
    let length = whole.body.len();
    let short = whole.clone().header("Content-Length", &(length + 1).to_string());
    let mut stream = TcpStream::connect(relay.address()).unwrap();
    stream.write_all(&short.bytes()).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(!answer.contains(" 202 ") && !answer.contains(" 200 "), "{answer}");
    unharmed(&relay);
}

#[test]
fn a_body_that_is_longer_than_it_says_is_another_request() {
    let kube = cluster(&[]);
    let relay = relay(&kube, "");
    let whole = push().header("Connection", "keep-alive");
    // What is signed is what is counted: the rest is no request, or one of its own.
    let bytes = [whole.bytes(), b"}}}} /x HTTP/1.1\r\n\r\n".to_vec()].concat();
    assert_eq!(statuses(&answers(relay.address(), &bytes)), ["202", "400"]);
    unharmed(&relay);
}

/// Whoever stands in front and goes by the other header must not see another request than the relay does: after
/// such a request the connection ends.
#[test]
fn two_lengths_hide_no_second_request() {
    let kube = cluster(&[]);
    let relay = relay(&kube, "");
    let hidden = "GET /health HTTP/1.1\r\nHost: a\r\n\r\n";
    let head = format!("POST {} HTTP/1.1\r\nHost: a\r\n", sign::hook_path(github::KEY.as_bytes()));
    let chunked = format!("0\r\n\r\n{hidden}");
    for (lengths, body) in [
        (format!("Content-Length: {}\r\nTransfer-Encoding: chunked\r\n", chunked.len()), chunked.as_str()),
        (format!("Transfer-Encoding: chunked\r\nContent-Length: {}\r\n", chunked.len()), chunked.as_str()),
        ("Transfer-Encoding: chunked, identity\r\n".to_owned(), chunked.as_str()),
        ("Transfer-Encoding: identity\r\n".to_owned(), chunked.as_str()),
        ("Transfer-Encoding: xchunked\r\nContent-Length: 0\r\n".to_owned(), hidden),
        ("Transfer-Encoding : chunked\r\nContent-Length: 0\r\n".to_owned(), hidden),
        ("Content-Length: 0\r\nContent-Length: 5\r\n".to_owned(), hidden),
        ("Content-Length: 0, 5\r\n".to_owned(), hidden),
        ("Content-Length: +0\r\n".to_owned(), hidden),
        ("Content-Length: -1\r\n".to_owned(), hidden),
        ("Content-Length: 0x10\r\n".to_owned(), hidden),
    ] {
        let answers = answers(relay.address(), format!("{head}{lengths}\r\n{body}").as_bytes());
        let statuses = statuses(&answers);
        assert_eq!(statuses.len(), 1, "{lengths}{answers}");
        assert!(matches!(statuses[0], "400" | "401"), "{lengths}{answers}");
    }
    unharmed(&relay);
}

#[test]
fn requests_in_a_row_are_answered_in_a_row() {
    let kube = cluster(&[]);
    let relay = relay(&kube, "");
    let wrong = push().header("X-Hub-Signature-256", "sha256=00").header("Connection", "keep-alive");
    let good = push().header("Connection", "keep-alive");
    let mut bytes = Vec::new();
    for _ in 0..100 {
        bytes.extend(wrong.bytes());
        bytes.extend(b"GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    bytes.extend(good.bytes());
    let mut connection = open(&relay);
    connection.write(&bytes).unwrap();
    for _ in 0..100 {
        assert_eq!(connection.read_response().unwrap().status, 401);
        assert_eq!(connection.read_response().unwrap().status, 404);
    }
    assert_eq!(connection.read_response().unwrap().status, 202);
    unharmed(&relay);
}

#[test]
fn what_is_no_http_is_told_so_and_no_more() {
    let kube = cluster(&[]);
    let relay = relay(&kube, "");
    let long = |what: &str| format!("GET /{what} HTTP/1.1\r\n");
    let many = "X: a\r\n".repeat(200);
    for (bytes, status) in [
        ("\0\0\0\0\r\n\r\n".to_owned(), "400"),
        ("\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\r\n\r\n".to_owned(), "400"),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), "400"),
        (format!("{}\r\n", long(&"x".repeat(100_000))), "414"),
        (format!("{}X: {}\r\n\r\n", long("a"), "x".repeat(100_000)), "431"),
        (format!("{}{many}\r\n", long("a")), "431"),
    ] {
        let answers = answers(relay.address(), bytes.as_bytes());
        let shown = &bytes[..bytes.len().min(40)];
        assert!(
            statuses(&answers).iter().all(|seen| *seen == status || *seen == "431"),
            "{shown:?}: {answers}"
        );
        assert!(statuses(&answers).len() <= 1, "{shown:?}: {answers}");
    }
    unharmed(&relay);
}

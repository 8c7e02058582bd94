//! Who is calling: whose address counts, who may call, and how often.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code: a broken assumption ends the test with its line"
)]

use support::delivery::Delivery;
use support::github;
use support::http::{self, Response};
use support::kube::Double;
use support::relay::Relay;
use support::scene::{RESTART_WEB, boathook, cluster};

/// A relay behind a proxy on this machine, with these settings (lines) and fields of its endpoint (a flow mapping's).
fn relay(kube: &Double, settings: &str, fields: &str) -> Relay {
    let config = format!(
        "version: 1\nsettle: 1h\nmaxWait: 1h\nkubernetes: {{api: \"{}\"}}\n{settings}\nendpoints:\n\
         - {{name: ghcr, source: GitHub, keyPath: github.key, rules: [{RESTART_WEB}], {fields}}}\n",
        kube.url()
    );
    boathook(&config).file("github.key", github::KEY).start()
}

const PROXY: &str = "trustedProxies: [127.0.0.0/8, 10.0.0.0/8]";

fn push() -> Delivery {
    github::image("ghcr.io/acme/web", "latest")
}

/// Passed on by a proxy for this client.
fn from(address: &str, delivery: &Delivery) -> Delivery {
    delivery.clone().header("X-Forwarded-For", address)
}

fn wrong() -> Delivery {
    push().header("X-Hub-Signature-256", &format!("sha256={}", "0".repeat(64)))
}

fn seconds(answer: &Response) -> u64 {
    answer.header("retry-after").unwrap().parse().unwrap()
}

/// Status, headers but the date, and body: what a caller can tell apart.
fn seen(answer: &Response) -> (u16, Vec<(String, String)>, String) {
    let headers = answer.headers.iter().filter(|(name, _)| name != "date").cloned().collect();
    (answer.status, headers, answer.text())
}

#[test]
fn the_client_that_a_trusted_proxy_names_is_who_is_logged() {
    let kube = cluster(&[]);
    let behind = relay(&kube, PROXY, "");
    from("198.51.100.1, 203.0.113.7, 10.0.0.9", &push()).accepted(&behind);
    behind.wait_for_log("from=203.0.113.7 ");
    // The other header is not the proxy's.
    from("203.0.113.8", &push()).header("Forwarded", "for=198.51.100.1").accepted(&behind);
    behind.wait_for_log("from=203.0.113.8 ");
    push().accepted(&behind);
    behind.wait_for_log("from=127.0.0.1 ");

    let other = relay(&kube, &format!("{PROXY}\nforwardedHeader: Forwarded"), "");
    from("198.51.100.1", &push())
        .header("Forwarded", "for=\"[2001:db8::7]:4711\";proto=https")
        .accepted(&other);
    other.wait_for_log("from=2001:db8::7 ");

    let alone = relay(&kube, "", "");
    from("203.0.113.7", &push()).accepted(&alone);
    alone.wait_for_log("from=127.0.0.1 ");
}

#[test]
fn an_endpoint_is_not_there_for_others_than_those_who_are_allowed() {
    let kube = cluster(&[]);
    let relay = relay(&kube, PROXY, "allowFrom: [192.30.252.0/22, '2606:50c0::/32']");
    for allowed in ["192.30.252.1", "192.30.255.255", "2606:50c0:1::1", "::ffff:192.30.252.1"] {
        from(allowed, &push()).accepted(&relay);
    }
    let unknown = http::send("POST", relay.address(), &format!("/hook/{}", "0".repeat(64)), &[], b"{}");
    assert_eq!(unknown.status, 404);
    for other in ["192.30.251.255", "2606:50c1::1", "203.0.113.7"] {
        assert_eq!(seen(&from(other, &push()).send(&relay)), seen(&unknown), "{other}");
    }
    // Nobody is named, so it is the proxy that calls. Nor is there a method that tells.
    assert_eq!(seen(&push().send(&relay)), seen(&unknown));
    let get = http::send("GET", relay.address(), &push().path, &[("X-Forwarded-For", "203.0.113.7")], b"");
    assert_eq!(seen(&get), seen(&unknown));
    relay.wait_for_log("endpoint=ghcr from=203.0.113.7 answer=404 reason=\"not in allowFrom\"");
    assert!(kube.requests().is_empty());
}

#[test]
fn who_is_refused_too_often_is_told_so_and_can_still_deliver() {
    let kube = cluster(&[]);
    let settings = format!("{PROXY}\nlimits: {{refusals: {{burst: 3, per: 1h}}}}");
    let relay = relay(&kube, &settings, "maxBody: 4Ki");
    let (bad, other) = ("203.0.113.7", "203.0.113.8");
    let unknown = Delivery { path: format!("/hook/{}", "0".repeat(64)), ..push() };
    let elsewhere = Delivery { path: "/nowhere".to_owned(), ..push() };
    let large = github::signed(github::KEY, "package", &[b'x'; 5000]);
    let send = |delivery: &Delivery| from(bad, delivery).header("Connection", "keep-alive").send(&relay);
    assert_eq!([&wrong(), &unknown, &large].map(|delivery| send(delivery).status), [401, 404, 413]);
    for refused in [&wrong(), &unknown, &large, &elsewhere] {
        let answer = send(refused);
        assert_eq!(answer.status, 429, "{}", answer.text());
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        assert_eq!(answer.header("connection"), Some("close"));
        assert!((1..=1200).contains(&seconds(&answer)), "{answer:?}");
    }
    // Not the genuine ones of the same address, nor anybody else.
    from(bad, &push()).accepted(&relay);
    assert_eq!(from(other, &wrong()).send(&relay).status, 401);
    from(bad, &push()).accepted(&relay);
    // Whoever comes from inside may be many.
    for inside in ["192.168.0.1", "unknown"] {
        for _ in 0..10 {
            assert_eq!(from(inside, &wrong()).send(&relay).status, 401);
        }
    }
    let logged = relay.log();
    let lines = logged.lines().filter(|line| line.contains("from=203.0.113.7") && line.contains("answer=4"));
    assert_eq!(lines.count(), 3, "what is told 429 has no line\n{logged}");
}

#[test]
fn an_endpoints_rate_counts_what_verifies() {
    let kube = cluster(&[]);
    let relay = relay(&kube, "", "rate: {burst: 2, per: 1h}");
    for _ in 0..2 {
        assert_eq!(wrong().send(&relay).status, 401);
        push().accepted(&relay);
    }
    let answer = push().send(&relay);
    assert_eq!(answer.status, 429, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    assert!((1700..=1800).contains(&seconds(&answer)), "{answer:?}");
    assert_eq!(wrong().send(&relay).status, 401, "it does not help to guess");
    relay.wait_for_log("answer=429");
}

#[test]
fn compressed_bodies_are_not_taken() {
    let kube = cluster(&[]);
    let relay = relay(&kube, "", "");
    for coding in ["gzip", "br", "identity, gzip", "x"] {
        let answer = push().header("Content-Encoding", coding).send(&relay);
        assert_eq!(answer.status, 415, "{coding}: {}", answer.text());
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        assert_eq!(answer.header("accept-encoding"), Some("identity"));
    }
    push().header("Content-Encoding", "Identity").accepted(&relay);
    let in_chunks = |coding: &str| {
        let push = push();
        let body = [format!("{:x}\r\n", push.body.len()).as_bytes(), &push.body, b"\r\n0\r\n\r\n"].concat();
        Delivery { body, ..push }.header("Transfer-Encoding", coding)
    };
    assert_eq!(in_chunks("gzip, chunked").send(&relay).status, 415, "compressed on the way");
    in_chunks("Chunked").accepted(&relay);
}

//! What is too large, too slow or too much.

use serde_json::json;
use support::delivery::Delivery;
use support::github;
use support::http::{Connection, Response};
use support::kube;
use support::relay::Relay;
use support::scene::{RESTART_WEB, boathook, cluster, relay};

const MIB: usize = 1024 * 1024;

fn refused(answer: &Response, status: u16) {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    assert_eq!(
        answer.header("connection"),
        Some("close"),
        "what is left of the body is not read as a request"
    );
}

/// A delivery whose body is so large, signed.
fn sized(key: &str, bytes: usize) -> Delivery {
    let mut body = github::package("ghcr.io/acme/web", "latest");
    body["filler"] = json!("x".repeat(bytes - body.to_string().len() - r#","filler":"""#.len()));
    github::signed(key, "package", body.to_string().as_bytes()).header("Connection", "keep-alive")
}

#[test]
fn a_body_is_refused_at_its_announcement() {
    let kube = cluster(&[]);
    let relay = relay(&kube, "", &[RESTART_WEB]);
    let head = Delivery { body: Vec::new(), ..github::image("ghcr.io/acme/web", "latest") };
    for expect in ["", "100-continue"] {
        let head = head.clone().header("Content-Length", &(MIB + 1).to_string()).header("Expect", expect);
        let mut connection = Connection::open(relay.address()).unwrap();
        connection.write(&head.bytes()).unwrap();
        // No byte of the body has been sent, and the sender is not asked to go on.
        refused(&connection.read_response().unwrap(), 413);
    }
}

#[test]
fn a_sender_that_sends_all_the_same_sees_the_answer() {
    let kube = cluster(&[]);
    let relay = relay(&kube, "", &[RESTART_WEB]);
    for size in [MIB + 1, 8 * MIB] {
        refused(&sized(github::KEY, size).send(&relay), 413);
    }
    assert_eq!(sized(github::KEY, MIB).send(&relay).status, 202, "the limit itself is allowed");
}

#[test]
fn chunks_are_refused_as_soon_as_they_pass_the_limit() {
    let kube = cluster(&[]);
    let relay = relay(&kube, "", &[RESTART_WEB]);
    let head = Delivery { body: Vec::new(), ..github::image("ghcr.io/acme/web", "latest") };
    let mut connection = Connection::open(relay.address()).unwrap();
    connection.write(&head.header("Transfer-Encoding", "chunked").bytes()).unwrap();
    for _ in 0..17 {
        connection.write(&[b"10000\r\n", &vec![b'x'; 0x10000][..], b"\r\n"].concat()).unwrap();
    }
    refused(&connection.read_response().unwrap(), 413);
}

/// Two endpoints: one that takes little, one that takes much.
fn two_sizes(kube: &kube::Double) -> Relay {
    let config = format!(
        "version: 1\nkubernetes: {{api: \"{}\"}}\nlimits: {{bodyTime: 10s}}\nendpoints:\n\
         - {{name: small, source: GitHub, keyPath: small.key, maxBody: 4Ki, rules: [{RESTART_WEB}]}}\n\
         - {{name: large, source: GitHub, keyPath: large.key, maxBody: 16Mi, rules: [{RESTART_WEB}]}}\n",
        kube.url()
    );
    boathook(&config).file("small.key", SMALL).file("large.key", LARGE).start()
}

const SMALL: &str = "the key of the small endpoint";
const LARGE: &str = "the key of the large endpoint";

#[test]
fn each_endpoint_has_its_own_limit() {
    let kube = cluster(&[]);
    let relay = two_sizes(&kube);
    assert_eq!(sized(SMALL, 4096).send(&relay).status, 202);
    refused(&sized(SMALL, 4097).send(&relay), 413);
    assert_eq!(sized(LARGE, 4 * MIB).send(&relay).status, 202);
}

#[test]
fn a_body_that_comes_too_slowly_is_408() {
    let kube = cluster(&[]);
    let relay = relay(&kube, "", &[RESTART_WEB]);
    let mut bytes = github::image("ghcr.io/acme/web", "latest").bytes();
    bytes.truncate(bytes.len() - 1);
    let mut connection = Connection::open(relay.address()).unwrap();
    connection.write(&bytes).unwrap();
    refused(&connection.read_response().unwrap(), 408);
}

#[test]
fn all_bodies_together_have_a_budget() {
    let kube = cluster(&[]);
    let relay = two_sizes(&kube);
    // 24 MiB that are not given back, since neither body comes to its end.
    let answers: Vec<Response> = std::thread::scope(|scope| {
        let send = || {
            let mut bytes = sized(LARGE, 12 * MIB).bytes();
            bytes.truncate(bytes.len() - 1);
            let mut connection = Connection::open(relay.address()).unwrap();
            connection.write(&bytes).unwrap();
            connection.read_response().unwrap()
        };
        let both = [scope.spawn(send), scope.spawn(send)];
        both.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let full = answers.iter().find(|answer| answer.status == 503).expect("one has to be turned away");
    refused(full, 503);
    assert_eq!(full.header("retry-after"), Some("10"));
    assert_eq!(sized(LARGE, 12 * MIB).send(&relay).status, 202, "what a request took is given back");
}

#[test]
fn too_much_pending_is_503_until_there_is_room() {
    let kube = cluster(&[]);
    let rule = "{do: [restart: {namespace: default, workloads: [deployment/web]}]}";
    let relay = relay(&kube, "settle: 1h\nmaxWait: 1h", &[rule; 256]);
    for number in 0..16 {
        github::image(&format!("ghcr.io/acme/web{number}"), "latest").accepted(&relay);
    }
    let more = github::image("ghcr.io/acme/more", "latest");
    let answer = more.send(&relay);
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert_eq!(answer.header("retry-after"), Some("10"));
    assert_eq!(answer.json()["detail"], "too many runs are pending");
}

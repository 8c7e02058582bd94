//! Side by side with flux-recv: what it took from each sender and what it told Flux, with keys and configuration as
//! it has them.

use ring::hmac;
use serde_json::{Value, json};

use super::BINARY;
use support::command::Bench;
use support::flux;
use support::http::{self, Response};
use support::relay::Relay;
use support::sign::{hmac_hex, hook_path};

/// Short, and one with a newline: flux-recv took the bytes of the file.
const SHORT: &str = "abc";
const NEWLINE: &str = "a key that ends in a newline\n";

const CONFIG: &str = "\
fluxRecvVersion: 1
api: FLUX
endpoints:
- {source: GitHub, keyPath: newline.key}
- {source: GitLab, keyPath: short.key}
- {source: BitbucketCloud, keyPath: a.key}
- {source: BitbucketServer, keyPath: b.key}
- {source: DockerHub, keyPath: c.key}
- {source: Quay, keyPath: d.key}
- {source: Harbor, keyPath: e.key}
- {source: Nexus, keyPath: f.key, registryHost: registry.example.com}
- {source: Nexus, keyPath: f.key, registryHost: other.example.com}
- {source: GoogleContainerRegistry, keyPath: g.key}
";

fn files() -> Vec<(String, String)> {
    let letters = ('a'..='g').map(|letter| (format!("{letter}.key"), letter.to_string().repeat(32)));
    let others = [("newline.key".to_owned(), NEWLINE.to_owned()), ("short.key".to_owned(), SHORT.to_owned())];
    letters.chain(others).collect()
}

fn start() -> (flux::Double, Relay) {
    let flux = flux::Double::start();
    let setup = Relay::with(BINARY, &CONFIG.replace("FLUX", &flux.api()));
    let setup = files().into_iter().fold(setup, |setup, (name, key)| setup.file(&name, key));
    let relay = setup.start();
    (flux, relay)
}

fn post(relay: &Relay, key: &str, headers: &[(&str, &str)], body: &str) -> Response {
    let headers = [&[("Content-Type", "application/json"), ("Prefer", "wait=20")], headers].concat();
    http::send("POST", relay.address(), &hook_path(key.as_bytes()), &headers, body.as_bytes())
}

fn hex(algorithm: hmac::Algorithm, key: &str, body: &str) -> String {
    hmac_hex(algorithm, key.as_bytes(), body.as_bytes())
}

/// The delivery is accepted and Flux is told exactly this, after `before` notifications.
#[track_caller]
fn told(flux: &flux::Double, before: usize, answer: &Response, expected: &Value) {
    assert_eq!((answer.status, &answer.json()["status"]), (200, &json!("succeeded")), "{}", answer.text());
    let notifications = flux.notifications();
    assert_eq!(notifications.len(), before + 1);
    assert_eq!(
        (&*notifications[before].path, &notifications[before].body),
        ("/api/flux/v11/notify", expected)
    );
}

fn git(url: &str, branch: &str) -> Value {
    json!({"Kind": "git", "Source": {"URL": url, "Branch": branch}})
}

fn image(domain: &str, image: &str) -> Value {
    json!({"Kind": "image", "Source": {"Name": {"Domain": domain, "Image": image}}})
}

fn github(reference: &str) -> String {
    support::github::pushed("acme/web", reference).to_string()
}

#[test]
fn github_with_any_signature_and_the_whole_file_as_key() {
    let (flux, relay) = start();
    let url = "git@github.com:acme/web.git";
    let body = github("refs/heads/main");
    let sha256 = format!("sha256={}", hex(hmac::HMAC_SHA256, NEWLINE, &body));
    let push = ("X-GitHub-Event", "push");
    let answer = post(&relay, NEWLINE, &[push, ("X-Hub-Signature-256", &sha256)], &body);
    told(&flux, 0, &answer, &git(url, "main"));
    for (number, (prefix, algorithm)) in [
        ("sha1", hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY),
        ("sha512", hmac::HMAC_SHA512),
        ("sha256", hmac::HMAC_SHA256),
    ]
    .into_iter()
    .enumerate()
    {
        let body = github("refs/heads/main");
        let signature = format!("{prefix}={}", hex(algorithm, NEWLINE, &body));
        let answer = post(&relay, NEWLINE, &[push, ("X-Hub-Signature", &signature)], &body);
        told(&flux, number + 1, &answer, &git(url, "main"));
    }
    let body = github("refs/tags/v1.4.0");
    let sha256 = format!("sha256={}", hex(hmac::HMAC_SHA256, NEWLINE, &body));
    let answer = post(&relay, NEWLINE, &[push, ("X-Hub-Signature-256", &sha256)], &body);
    told(&flux, 4, &answer, &git(url, "refs/tags/v1.4.0"));

    let trimmed = NEWLINE.trim_end();
    let by_trimmed = format!("sha256={}", hex(hmac::HMAC_SHA256, trimmed, &body));
    assert_eq!(post(&relay, NEWLINE, &[push, ("X-Hub-Signature-256", &by_trimmed)], &body).status, 401);
    assert_eq!(post(&relay, trimmed, &[push, ("X-Hub-Signature-256", &by_trimmed)], &body).status, 404);
    assert_eq!(post(&relay, NEWLINE, &[push], &body).status, 401);
    assert_eq!(flux.notifications().len(), 5);
}

#[test]
fn a_delivery_that_comes_again_is_told_again() {
    let (flux, relay) = start();
    let body = github("refs/heads/main");
    let signature = format!("sha256={}", hex(hmac::HMAC_SHA256, NEWLINE, &body));
    let headers = [
        ("X-GitHub-Event", "push"),
        ("X-GitHub-Delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958"),
        ("X-Hub-Signature-256", &signature),
    ];
    for number in 1..=3 {
        assert_eq!(post(&relay, NEWLINE, &headers, &body).json()["status"], "succeeded");
        assert_eq!(flux.notifications().len(), number, "at once, without settling");
    }
}

#[test]
fn gitlab_with_a_short_token() {
    let (flux, relay) = start();
    let body = json!({
        "object_kind": "push", "ref": "refs/heads/feature/x", "before": "1".repeat(40), "after": "2".repeat(40),
        "checkout_sha": "2".repeat(40), "project": {"path_with_namespace": "acme/web",
            "git_ssh_url": "git@gitlab.example.com:acme/web.git", "git_http_url": "https://gitlab.example.com/acme/web.git"}
    })
    .to_string();
    let event = ("X-Gitlab-Event", "Push Hook");
    let answer = post(&relay, SHORT, &[event, ("X-Gitlab-Token", SHORT)], &body);
    told(&flux, 0, &answer, &git("git@gitlab.example.com:acme/web.git", "feature/x"));
    assert_eq!(post(&relay, SHORT, &[event, ("X-Gitlab-Token", "abd")], &body).status, 401);
}

#[test]
fn bitbucket_in_the_cloud_by_its_path_and_on_a_server_by_signature() {
    let (flux, relay) = start();
    let key = "a".repeat(32);
    let body = json!({
        "push": {"changes": [{"new": {"type": "branch", "name": "main", "target": {"hash": "1".repeat(40)}}}]},
        "repository": {"full_name": "acme/web"}, "actor": {"nickname": "octavia"}
    })
    .to_string();
    let push = ("X-Event-Key", "repo:push");
    let expected = git("git@bitbucket.org:acme/web.git", "main");
    told(&flux, 0, &post(&relay, &key, &[push], &body), &expected);
    // It took no notice of a signature, which may be made with another secret.
    told(&flux, 1, &post(&relay, &key, &[push, ("X-Hub-Signature", "sha256=00")], &body), &expected);

    let key = "b".repeat(32);
    let body = include_str!("../data/bitbucket_server/tag_annotated.json")
        .replace("refs/tags/v1.4.0", "refs/heads/main")
        .replace(
            "\"displayId\": \"v1.4.0\", \"type\": \"TAG\"",
            "\"displayId\": \"main\", \"type\": \"BRANCH\"",
        );
    let push = ("X-Event-Key", "repo:refs_changed");
    let expected = git("ssh://git@bitbucket.example.com/~octavia/web.git", "main");
    for (number, (prefix, algorithm)) in [
        ("sha256", hmac::HMAC_SHA256),
        ("sha1", hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY),
        ("sha512", hmac::HMAC_SHA512),
    ]
    .into_iter()
    .enumerate()
    {
        let signature = format!("{prefix}={}", hex(algorithm, &key, &body));
        told(
            &flux,
            number + 2,
            &post(&relay, &key, &[push, ("X-Hub-Signature", &signature)], &body),
            &expected,
        );
    }
    assert_eq!(post(&relay, &key, &[push], &body).status, 401);
}

#[test]
fn registries() {
    let (flux, relay) = start();
    let key = |letter: &str| letter.repeat(32);
    let hub = include_str!("../data/docker_hub/push.json");
    told(&flux, 0, &post(&relay, &key("c"), &[], hub), &image("", "acme/web"));
    let quay = include_str!("../data/quay/push.json");
    told(&flux, 1, &post(&relay, &key("d"), &[], quay), &image("quay.io", "acme/web"));
    let harbor = include_str!("../data/harbor/push_v2.json");
    let answer = post(&relay, &key("e"), &[("Authorization", &key("e"))], harbor);
    told(&flux, 2, &answer, &image("harbor.example.com:8443", "acme/team/web"));
    assert_eq!(post(&relay, &key("e"), &[], harbor).status, 401);
    let google = include_str!("../data/google/push.json");
    told(&flux, 3, &post(&relay, &key("g"), &[], google), &image("europe-docker.pkg.dev", "acme/shop/web"));
}

#[test]
fn one_nexus_key_for_two_hosts() {
    let (flux, relay) = start();
    let (key, body) = ("f".repeat(32), include_str!("../data/nexus/component.json"));
    let signature = hex(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &key, body);
    let headers = [
        ("Prefer", "wait=20"),
        ("X-Nexus-Webhook-ID", "rm:repository:component"),
        ("X-Nexus-Webhook-Signature", signature.as_str()),
    ];
    for (number, host) in ["registry.example.com", "other.example.com"].into_iter().enumerate() {
        let path = hook_path(format!("{key}{host}").as_bytes());
        let answer = http::send("POST", relay.address(), &path, &headers, body.as_bytes());
        told(&flux, number, &answer, &image(host, "acme/web"));
    }
    assert_eq!(post(&relay, &key, &headers, body).status, 404, "the host is part of the path");
}

#[test]
fn check_takes_it_and_says_what_version_1_would_not() {
    let bench = Bench::new(BINARY);
    bench.write("fluxrecv.yaml", CONFIG.replace("FLUX", "http://localhost:3030/api/flux"));
    for (name, key) in files() {
        bench.write(&name, key);
    }
    let ended = bench.run(&["check", "fluxrecv.yaml"]).expect(0);
    for told in [
        "endpoints[0].keyPath: the newline at the end belongs to the key, as flux-recv has it; version 1 drops it",
        "endpoints[1].keyPath: the key has 3 bytes; version 1 refuses fewer than 16",
        "endpoints[2].source: whoever knows the path can call it",
        "endpoints[4].source: whoever knows the path can call it",
        "endpoints[5].source: whoever knows the path can call it",
        "endpoints[9].source: whoever knows the path can call it",
    ] {
        ended.tells(told);
    }
    assert_eq!(ended.stderr.lines().count(), 6, "{}", ended.stderr);
    for key in [NEWLINE, SHORT, &format!("{}registry.example.com", "f".repeat(32))] {
        assert!(ended.stdout.contains(&hook_path(key.as_bytes())), "{}", ended.stdout);
    }
    bench.write(
        "bad.yaml",
        "fluxRecvVersion: 1\nendpoints:\n- {source: GitHub, keyPath: none.key, foo: 1}\n- {source: X}\n",
    );
    let bad = bench.run(&["check", "bad.yaml"]).expect(2);
    bad.tells("none.key cannot be read").tells("endpoints[0].foo: is not a field here");
    bad.tells("endpoints[1]: keyPath is missing").tells("\"X\" is not a source").tells("4 mistakes");
}

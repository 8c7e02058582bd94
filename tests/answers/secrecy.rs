//! Neither log nor answer gives away a key, the digest in a path, a signature or a body.

use serde_json::json;
use support::delivery::Delivery;
use support::scene::{RESTART_WEB, cluster, prepared};
use support::{github, http, sign};

#[test]
fn nothing_secret_is_logged_or_answered() {
    let kube = cluster(&["web"]);
    let mut relay = prepared(&kube, "settle: 0", &[RESTART_WEB]).environment("RUST_LOG", "trace").start();
    let marked = |mut body: serde_json::Value| {
        body["description"] = json!("a-text-in-the-body");
        body
    };
    let odd_shape = json!({"action": "published", "package": {"name": ["a-text-in-the-body"]}});
    let mut deliveries = vec![
        github::event("package", &marked(github::package("ghcr.io/acme/web", "latest"))),
        github::event("package", &marked(github::package("ghcr.io/acme/other", "latest"))),
        github::event("package", &odd_shape),
        github::event("issues", &marked(json!({}))),
        github::event("ping", &marked(json!({}))),
        github::signed(github::KEY, "package", b"{\"a-text-in-the-body\": a-text-in-the-body}"),
        github::signed("another key altogether", "package", b"{\"a\": \"a-text-in-the-body\"}"),
    ];
    deliveries[6].path = sign::hook_path(github::KEY.as_bytes());
    deliveries.push(Delivery { body: vec![b'x'; 2 * 1024 * 1024], ..deliveries[0].clone() });
    deliveries.push(deliveries[0].clone());
    deliveries.push(deliveries[0].clone().wait(30));
    let mut answers = String::new();
    for delivery in &deliveries {
        answers.push_str(&delivery.send(&relay).text());
    }
    let hook = sign::hook_path(github::KEY.as_bytes());
    answers.push_str(&http::send("GET", relay.address(), &hook, &[], b"").text());
    answers.push_str(&http::send("POST", relay.address(), &hook[..40], &[], b"{}").text());
    assert_eq!(relay.stop(), 0);

    let digest = hook.strip_prefix("/hook/").unwrap();
    let mut secrets = vec![github::KEY.to_owned(), digest[..9].to_owned(), "a-text-in-the-body".to_owned()];
    let signatures = deliveries.iter().map(|delivery| delivery.value("X-Hub-Signature-256"));
    secrets.extend(signatures.map(|signature| signature[7..30].to_owned()));
    for secret in secrets {
        assert!(!answers.contains(&secret), "{secret} was answered:\n{answers}");
        assert!(!relay.log().contains(&secret), "{secret} was logged:\n{}", relay.log());
    }
    assert!(relay.log().contains("endpoint=ghcr"), "the endpoint goes by its name");
}

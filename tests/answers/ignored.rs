//! Authentic, and nothing to do: always 200, with a reason that a person understands.

use serde_json::{Value, json};
use support::delivery::Delivery;
use support::github;
use support::scene::{RESTART_WEB, boathook, cluster, relay};

/// A GitHub body, changed at a JSON pointer.
fn with(mut body: Value, pointer: &str, value: Value) -> Value {
    *body.pointer_mut(pointer).unwrap() = value;
    body
}

#[test]
fn every_reason_is_said() {
    let kube = cluster(&["web"]);
    let rule = "{when: {image: ghcr.io/acme/web, tag: latest}, do: [restart: {namespace: default, workloads: [deployment/web]}]}";
    let relay = relay(&kube, "", &[rule]);
    let image = github::package("ghcr.io/acme/web", "latest");
    let tag = "/package/package_version/container_metadata/tag/name";
    let deleted = with(github::pushed("acme/web", "refs/heads/old"), "/deleted", json!(true));
    for (delivery, reason) in [
        (github::event("issues", &json!({"action": "opened"})), "the event issues leads to nothing here"),
        (github::event("push", &deleted), "refs/heads/old was deleted"),
        (
            github::event("package", &with(image.clone(), "/action", json!("deleted"))),
            "the package's action is deleted",
        ),
        (
            github::event("package", &with(image.clone(), tag, json!(""))),
            "the manifest has no tag (part of a multi-platform image, or untagged)",
        ),
        (
            github::image("ghcr.io/acme/api", "latest"),
            "rule 1: image ghcr.io/acme/api is not ghcr.io/acme/web",
        ),
        (github::image("ghcr.io/acme/web", "nightly"), "rule 1: tag nightly is not latest"),
        (
            github::push("acme/web", "main"),
            "rule 1: this is a git event, and the rule is for image or deploy events",
        ),
    ] {
        let answer = delivery.send(&relay);
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.text(), format!(r#"{{"status":"ignored","reason":{}}}"#, json!(reason)));
        relay.wait_for_log(&format!("status=ignored reason=\"{reason}\""));
    }
    assert!(kube.requests().is_empty());
}

#[test]
fn an_endpoint_without_rules_says_so() {
    let kube = cluster(&[]);
    let config = format!(
        "version: 1\nkubernetes: {{api: \"{}\"}}\nendpoints:\n- {{name: ghcr, source: GitHub, keyPath: github.key, rules: []}}\n",
        kube.url()
    );
    let relay = boathook(&config).file("github.key", github::KEY).start();
    let answer = github::image("ghcr.io/acme/web", "latest").send(&relay);
    assert_eq!(answer.text(), r#"{"status":"ignored","reason":"the endpoint has no rules"}"#);
}

#[test]
fn a_pull_from_a_registry_is_ignored() {
    let key = "the key of the registry endpoint";
    let config = "version: 1\nendpoints:\n- name: registry\n  source: Distribution\n  keyPath: registry.key\n  rules:\n  \
                  - {do: [restart: {namespace: default, workloads: [deployment/web]}]}\n";
    let relay = boathook(config).file("registry.key", key).start();
    let event = json!({"events": [{
        "id": "320678d8-ca14-430f-8bb6-4ca139cd83f7", "timestamp": "2026-03-01T12:00:00Z", "action": "pull",
        "target": {"repository": "acme/web", "tag": "latest", "digest": format!("sha256:{}", "6c".repeat(32))},
        "request": {"host": "registry.example.com"}
    }]});
    let delivery = Delivery::json(key, event.to_string()).header("Authorization", &format!("Bearer {key}"));
    let answer = delivery.send(&relay);
    assert_eq!((answer.status, &answer.json()["status"]), (200, &json!("ignored")), "{}", answer.text());
    assert!(answer.json()["reason"].as_str().unwrap().contains("pull"), "{}", answer.text());
}

#[test]
fn a_shape_that_nobody_knows_is_a_warning_with_its_place_and_without_its_content() {
    let kube = cluster(&[]);
    let relay = relay(&kube, "", &[RESTART_WEB]);
    let body =
        with(github::package("ghcr.io/acme/web", "latest"), "/package/package_version", json!("hunter2"));
    let answer = github::event("package", &body).send(&relay);
    assert_eq!((answer.status, &answer.json()["status"]), (200, &json!("ignored")));
    let reason = answer.json()["reason"].as_str().unwrap().to_owned();
    assert!(reason.starts_with("a shape that is not known: package.package_version: "), "{reason}");
    let line = relay.wait_for_log("unknown shape: ");
    assert!(line.contains(" WARN ") && line.contains("package.package_version"), "{line}");
    assert!(!relay.log().contains("hunter2") && !reason.contains("hunter2"), "{reason}\n{}", relay.log());
}

//! `explain`: verification, events and rules. What it says of requests is tested with the actions.

use serde_json::{Value, json};

use super::bench;
use support::command::{Bench, Ended};
use support::sign::hmac_sha256;

const KEY: &str = "0123456789abcdef0123456789abcdef";

const CONFIG: &str = r#"
version: 1
endpoints:
- name: github
  source: GitHub
  keyPath: github.key
  rules:
  - when: {image: "ghcr.io/acme/web", tag: latest}
    do: [restart: {namespace: default, workloads: [deployment/web]}]
  - when: {repository: acme/web, branch: main}
    do: [fluxNotify: {}]
- name: gitlab
  source: GitLab
  keyPath: gitlab.key
  rules: [{when: {event: pipeline}, do: [fluxNotify: {}]}]
- name: generic
  source: Generic
  keyPath: generic.key
  rules: [{when: {image: "ghcr.io/acme/*"}, do: [setImage: {namespace: shop, workloads: [deployment/web]}]}]
- name: bitbucket
  source: BitbucketCloud
  keyPath: bitbucket.key
  verify: path
  rules: [{when: {branch: [main, feature/x]}, do: [fluxNotify: {}]}]
- name: quay
  source: Quay
  keyPath: quay.key
  rules: [{when: {tag: {semver: ">=1"}}, do: [fluxNotify: {}]}]
"#;

fn prepared() -> Bench {
    let bench = bench();
    bench.write("c.yaml", CONFIG);
    for name in ["github", "gitlab", "generic", "bitbucket", "quay"] {
        bench.write(&format!("{name}.key"), format!("{name}-{KEY}"));
    }
    bench
}

fn explain(endpoint: &str, headers: &[&str], body: &[u8]) -> Ended {
    let mut arguments = vec!["explain", "--json", "--config", "c.yaml", "--endpoint", endpoint];
    for header in headers {
        arguments.extend(["--header", header]);
    }
    prepared().run_with(&arguments, body)
}

fn json(endpoint: &str, headers: &[&str], body: &[u8]) -> Value {
    let told = explain(endpoint, headers, body).expect(0).json();
    for (field, what) in
        [("events", "array"), ("rules", "array"), ("requests", "array"), ("verification", "string")]
    {
        assert!(
            if what == "array" { told[field].is_array() } else { told[field].is_string() },
            "{field}: {told}"
        );
    }
    told
}

fn signature(endpoint: &str, body: &[u8]) -> String {
    format!("sha256={}", hmac_sha256(format!("{endpoint}-{KEY}").as_bytes(), body))
}

const PACKAGE: &str = "X-GitHub-Event:package";

fn package(tag: &str) -> Vec<u8> {
    support::github::package("ghcr.io/acme/web", tag).to_string().into_bytes()
}

#[test]
fn an_image_and_why_rules_match() {
    let body = package("latest");
    let signature = format!("X-Hub-Signature-256: {}", signature("github", &body));
    let told = json("github", &[PACKAGE, &signature], &body);
    let digest = support::github::digest("latest");
    assert_eq!(told["verification"], "valid");
    let image =
        json!({"kind": "image", "repository": "ghcr.io/acme/web", "tags": ["latest"], "digest": digest});
    assert_eq!(told["events"], json!([image]));
    assert_eq!(
        told["rules"],
        json!([
            {"endpoint": "github", "rule": 1, "matched": true,
             "why": "image ghcr.io/acme/web:latest matches image ghcr.io/acme/web; tag latest"},
            {"endpoint": "github", "rule": 2, "matched": false,
             "why": "this is an image event, and the rule is for git or pipeline events"},
        ])
    );
    let [request] = told["requests"].as_array().unwrap().as_slice() else { panic!("{told}") };
    let base = "http://localhost:8001/apis/apps/v1/namespaces/default/deployments/web";
    assert_eq!(request["method"], "PATCH");
    assert!(request["url"].as_str().unwrap().starts_with(base), "{request}");
    assert_eq!(request["contentType"], "application/strategic-merge-patch+json");
    assert!(request["body"]["spec"]["template"]["metadata"]["annotations"].is_object(), "{request}");
}

#[test]
fn verification_is_told_and_waived() {
    let body = package("latest");
    let good = signature("github", &body);
    let other = format!("X-Hub-Signature-256: {}", signature("gitlab", &body));
    let sha1 = "X-Hub-Signature: sha1=0000000000000000000000000000000000000000";
    let twice = format!("X-Hub-Signature-256: {good}");
    for (headers, expected) in [
        (vec![PACKAGE], "missing"),
        (vec![PACKAGE, sha1], "missing"),
        (vec![PACKAGE, &other], "invalid"),
        (vec![PACKAGE, "X-Hub-Signature-256: sha256="], "invalid"),
        (vec![PACKAGE, &twice, &twice], "invalid"),
        (vec![PACKAGE, &twice], "valid"),
    ] {
        let told = json("github", &headers, &body);
        // An old signature is not enough, and whether it counts as one is the source's affair.
        let old = headers.contains(&sha1) && told["verification"] == "invalid";
        assert!(told["verification"] == expected || old, "{headers:?}: {told}");
        assert_eq!(told["rules"][0]["matched"], true, "{told}");
    }
    let body = include_bytes!("../data/quay/push.json");
    assert_eq!(json("quay", &[], body)["verification"], "path");
    let body = include_bytes!("../data/bitbucket_cloud/several_changes.json");
    assert_eq!(json("bitbucket", &[], body)["verification"], "path");
    let signed = format!("X-Hub-Signature: {}", signature("bitbucket", body));
    assert_eq!(json("bitbucket", &[&signed], body)["verification"], "valid");
    assert_eq!(json("bitbucket", &["X-Hub-Signature: sha256=00"], body)["verification"], "invalid");
}

#[test]
fn a_push_and_a_run() {
    let body = support::github::pushed("acme/web", "refs/heads/main");
    let told = json("github", &["X-GitHub-Event: push"], body.to_string().as_bytes());
    let event = &told["events"][0];
    assert_eq!((&event["kind"], &event["branch"]), (&json!("git"), &json!("main")));
    assert_eq!(event["urls"][0], "git@github.com:acme/web.git");
    assert_eq!((&told["rules"][0]["matched"], &told["rules"][1]["matched"]), (&json!(false), &json!(true)));
    assert_eq!(told["requests"][0]["method"], "POST");
    let source = json!({"URL": "git@github.com:acme/web.git", "Branch": "main"});
    assert_eq!(told["requests"][0]["body"], json!({"Kind": "git", "Source": source}));

    let body = support::github::pushed("acme/web", "refs/tags/v1");
    let event = &json("github", &["X-GitHub-Event: push"], body.to_string().as_bytes())["events"][0];
    assert_eq!((&event["tag"], event.get("branch")), (&json!("v1"), None));

    let run = json!({
        "object_kind": "pipeline",
        "object_attributes": {"id": 31, "ref": "main", "tag": false, "sha": "a".repeat(40), "status": "success",
            "detailed_status": "passed", "source": "push", "created_at": "2026-05-04 09:00:00 UTC",
            "finished_at": "2026-05-04 09:10:00 UTC"},
        "user": {"username": "octavia"},
        "project": {"id": 1, "path_with_namespace": "acme/web", "web_url": "https://gitlab.com/acme/web",
            "git_ssh_url": "git@gitlab.com:acme/web.git", "git_http_url": "https://gitlab.com/acme/web.git"},
        "commit": {"id": "a".repeat(40)}, "builds": []
    });
    let told = json("gitlab", &["X-Gitlab-Event: Pipeline Hook"], run.to_string().as_bytes());
    assert_eq!(told["events"][0]["kind"], "pipeline", "{told}");
    assert_eq!(told["rules"][0]["matched"], true);
}

#[test]
fn a_request_for_a_deployment() {
    let body = include_bytes!("../data/generic/deploy.json");
    let told = json("generic", &[], body);
    let expected = json!({
        "kind": "deploy", "environment": "production", "image": "ghcr.io/acme/web", "tag": "1.2.3",
        "namespace": "shop", "workload": "web", "id": "gitlab-99120-1",
        "commit": "8f3b8f3b8f3b8f3b8f3b8f3b8f3b8f3b8f3b8f3b", "by": "Octavia Ünal",
    });
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(&told["events"][0][field], value, "{field}");
    }
    assert!(told["events"][0]["strategy"].is_string() && told["events"][0]["autoPromotion"].is_boolean());
    assert_eq!(told["requests"][0]["needs"], "live", "what runs there must be looked up: {told}");
    assert_eq!(told["verification"], "missing");
    let old = format!("X-Signature-SHA256: {}", signature("generic", body));
    assert_eq!(json("generic", &[&old], body)["verification"], "invalid", "its time is long past");
}

#[test]
fn what_leads_to_nothing_says_why() {
    let ping = json("github", &["X-GitHub-Event: ping"], b"{\"zen\": \"Keep it small.\", \"hook_id\": 1}");
    assert_eq!((&ping["events"], &ping["requests"]), (&json!([{"kind": "ping"}]), &json!([])));
    assert_eq!(ping["rules"][0]["why"], "a ping asks for nothing");
    let star = json("github", &["X-GitHub-Event: star"], b"{\"action\": \"created\"}");
    assert_eq!(
        (&star["events"][0]["kind"], &star["rules"][0]["matched"]),
        (&json!("ignored"), &json!(false))
    );
    assert!(star["events"][0]["reason"].as_str().is_some_and(|reason| reason.contains("star")), "{star}");
    let unknown = json("github", &[PACKAGE], b"{\"action\": \"published\", \"package\": 5}");
    let reason = unknown["events"][0]["reason"].as_str().unwrap();
    assert!(reason.contains("a shape that is not known") && reason.contains("package"), "{reason}");
}

#[test]
fn several_events_have_one_verdict_for_each_rule() {
    let push = ["X-Event-Key: repo:push"];
    let told = json("bitbucket", &push, include_bytes!("../data/bitbucket_cloud/several_changes.json"));
    assert!(told["events"].as_array().unwrap().len() > 1, "{told}");
    assert_eq!(told["rules"].as_array().unwrap().len(), 1, "{told}");
    assert_eq!(told["rules"][0]["matched"], true);
    let none = json(
        "quay",
        &[],
        br#"{"repository": "acme/web", "docker_url": "quay.io/acme/web", "updated_tags": ["latest"]}"#,
    );
    assert!(none["rules"][0]["why"].as_str().unwrap().contains("latest"), "{none}");
}

#[test]
fn a_malformed_body_is_told_in_the_same_form() {
    for (endpoint, body, place) in [
        ("github", &b"{\"action\""[..], "line 1"),
        ("github", b"", "line 1"),
        ("github", b"\xff\xfe", "not JSON"),
        ("generic", b"{\"environment\": 5}", "image: is missing"),
        ("quay", b"not json", "line 1"),
    ] {
        let ended = explain(endpoint, &[PACKAGE], body).expect(1);
        ended.tells("the delivery would be answered 400: ").tells(place);
        let told = ended.json();
        assert_eq!((&told["events"], &told["requests"]), (&json!([]), &json!([])));
        assert!(told["verification"].is_string() && told["rules"][0]["matched"] == false, "{told}");
    }
}

#[test]
fn people_read_text() {
    let arguments = ["explain", "--config=c.yaml", "--endpoint=github", "--header", PACKAGE];
    let text = prepared().run_with(&arguments, &package("latest")).expect(0).stdout;
    for line in [
        "verification  missing",
        "event         {\"kind\":\"image\",\"repository\":\"ghcr.io/acme/web\"",
        "rule 1        matches: image ghcr.io/acme/web:latest matches",
        "rule 2        does not match: this is an image event",
        "request       restart: PATCH http://localhost:8001/apis/apps/v1/namespaces/default/deployments/web",
    ] {
        assert!(text.lines().any(|l| l.starts_with(line)), "no {line:?} in:\n{text}");
    }
    let text = prepared().run_with(&arguments, &package("v1")).expect(0).stdout;
    assert!(text.contains("request       none") && text.contains("rule 1        does not match: "), "{text}");
}

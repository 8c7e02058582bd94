//! Refusals: 400, 401, 404, 405. None helps to guess.

use serde_json::json;
use support::delivery::Delivery;
use support::http::{self, Response};
use support::relay::Relay;
use support::scene::{RESTART_WEB, boathook, cluster, relay};
use support::{github, sign};

/// Status, headers but the date, and body: what a caller can tell apart.
fn seen(answer: &Response) -> (u16, Vec<(String, String)>, String) {
    let headers = answer.headers.iter().filter(|(name, _)| name != "date").cloned().collect();
    (answer.status, headers, answer.text())
}

fn problem(answer: &Response, status: u16, title: &str) -> String {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    let detail = answer.json()["detail"].as_str().unwrap().to_owned();
    let expected = format!(r#"{{"title":"{title}","status":{status},"detail":{}}}"#, json!(detail));
    assert_eq!(answer.text(), expected, "the members in the order of RFC 9457");
    detail
}

#[test]
fn without_a_right_signature_401_and_nothing_that_helps() {
    let kube = cluster(&["web"]);
    let relay = relay(&kube, "settle: 0", &[RESTART_WEB]);
    let right = github::image("ghcr.io/acme/web", "latest");
    let (name, signature) = ("X-Hub-Signature-256", right.value("X-Hub-Signature-256").to_owned());
    let missing = right.clone().without(name).send(&relay);
    problem(&missing, 401, "Unauthorized");
    assert_eq!(missing.header("www-authenticate"), Some("Signature realm=\"hook\""));
    let other_body = Delivery { body: b"not even JSON".to_vec(), ..right.clone() };
    for wrong in [
        right.clone().header(name, &format!("sha256={}", "0".repeat(64))),
        right.clone().header(name, ""),
        right.clone().header(name, &signature[..40]),
        right.clone().header(name, &signature[7..]),
        right.clone().without(name).header("X-Hub-Signature", &format!("sha1={}", "0".repeat(40))),
        other_body,
    ] {
        assert_eq!(seen(&wrong.send(&relay)), seen(&missing), "{:?}", wrong.headers);
    }
    assert!(kube.requests().is_empty(), "what does not verify makes no request");
    right.accepted(&relay);
}

#[test]
fn what_is_signed_and_no_json_is_400_naming_the_place() {
    let kube = cluster(&[]);
    let relay = relay(&kube, "", &[RESTART_WEB]);
    let told =
        |body: &[u8]| problem(&github::signed(github::KEY, "package", body).send(&relay), 400, "Bad Request");
    assert!(told(b"{\"action\": published}").contains("line 1 column 12"));
    assert!(told(b"").contains("the body is not JSON"));
    assert!(told(b"{\"action\": \"\xff\"}").contains("the body is not JSON"));
    let body = b"data=%7B%7D";
    let form = github::signed(github::KEY, "package", body)
        .header("Content-Type", "application/x-www-form-urlencoded");
    assert_eq!(problem(&form.send(&relay), 400, "Bad Request"), "the form has no field payload");
}

const CI_KEY: &str = "the key of the CI endpoint";

fn deploy(fields: &serde_json::Value) -> Delivery {
    let body = fields.to_string();
    let signature = format!("sha256={}", sign::hmac_sha256(CI_KEY.as_bytes(), body.as_bytes()));
    Delivery::json(CI_KEY, body).header("X-Signature-SHA256", &signature)
}

fn ci() -> Relay {
    let config = "version: 1\nendpoints:\n- name: ci\n  source: Generic\n  keyPath: ci.key\n  maxAge: 0\n  rules:\n  \
                  - {when: {image: ghcr.io/acme/*}, do: [setImage: {namespace: default, workloads: [deployment/web]}]}\n";
    boathook(config).file("ci.key", CI_KEY).start()
}

#[test]
fn a_deploy_request_is_told_which_field_is_wrong() {
    let relay = ci();
    let whole = json!({"environment": "production", "image": "ghcr.io/acme/web:1", "namespace": "default",
        "service_name": "web", "deployment_id": "1"});
    for (field, value, detail) in [
        ("image", json!(null), "image: is missing"),
        ("image", json!("ghcr.io/acme/web"), "image: has neither a tag nor a digest"),
        ("namespace", json!(7), "namespace: must be text"),
        (
            "deployment_id",
            json!(""),
            "deployment_id: must be 1 to 128 letters, digits and - _ . : + = @ ~ #, without ..",
        ),
    ] {
        let mut body = whole.clone();
        body[field] = value;
        assert_eq!(problem(&deploy(&body).send(&relay), 400, "Bad Request"), detail);
    }
}

#[test]
fn a_request_that_was_signed_long_ago_is_401() {
    let config = "version: 1\nendpoints:\n- name: ci\n  source: Generic\n  keyPath: ci.key\n  rules:\n  \
                  - {when: {image: ghcr.io/acme/*}, do: [setImage: {namespace: default, workloads: [deployment/web]}]}\n";
    let relay = boathook(config).file("ci.key", CI_KEY).start();
    let old =
        deploy(&json!({"environment": "production", "image": "ghcr.io/acme/web:1", "namespace": "default",
        "service_name": "web", "deployment_id": "1", "timestamp": "2020-01-01T00:00:00Z"}));
    problem(&old.send(&relay), 401, "Unauthorized");
}

#[test]
fn what_is_not_there_looks_the_same_everywhere() {
    let kube = cluster(&[]);
    let relay = relay(&kube, "", &[RESTART_WEB]);
    let hook = sign::hook_path(github::KEY.as_bytes());
    let send =
        |method: &str, path: &str, body: &[u8]| seen(&http::send(method, relay.address(), path, &[], body));
    let unknown = http::send("POST", relay.address(), &format!("/hook/{}", "0".repeat(64)), &[], b"{}");
    problem(&unknown, 404, "Not Found");
    let (short, upper, long) =
        (&hook[..20], hook.to_uppercase().replace("/HOOK/", "/hook/"), format!("{hook}00"));
    let (slash, twice) = (format!("{hook}/"), format!("/{hook}"));
    for path in [short, &upper, &long, &slash, &twice, "/", "/hook", "/hook/", "/hook/%00", "/favicon.ico"] {
        for method in ["POST", "GET", "DELETE"] {
            assert_eq!(send(method, path, b""), seen(&unknown), "{method} {path}");
        }
    }
    let large = vec![b'x'; 3 * 1024 * 1024];
    assert_eq!(send("POST", &format!("/hook/{}", "1".repeat(64)), &large), seen(&unknown), "a large body");
}

#[test]
fn a_hook_takes_post_alone() {
    let kube = cluster(&[]);
    let relay = relay(&kube, "", &[RESTART_WEB]);
    let hook = sign::hook_path(github::KEY.as_bytes());
    for method in ["GET", "PUT", "DELETE", "OPTIONS", "PATCH"] {
        let answer = http::send(method, relay.address(), &hook, &[], b"");
        problem(&answer, 405, "Method Not Allowed");
        assert_eq!(answer.header("allow"), Some("POST"));
    }
}

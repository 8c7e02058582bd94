//! What makes two deliveries the same, sender by sender.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use ring::hmac;
use serde_json::json;
use support::delivery::{Delivery, fresh};
use support::github;
use support::relay::Relay;
use support::scene::{boathook, cluster, relay};
use support::sign::hmac_sha256;

const NEVER: &str = "settle: 1h\nmaxWait: 1h";
const RESTART: &str = "{do: [restart: {namespace: default, workloads: [deployment/web]}]}";

/// A relay with one endpoint of this source, whose runs wait for ever.
fn endpoint(source: &str, key: &str, rule: &str) -> Relay {
    let config = format!(
        "version: 1\n{NEVER}\nendpoints:\n- {{name: hook, source: {source}, keyPath: hook.key, rules: [{rule}]}}\n"
    );
    boathook(&config).file("hook.key", key).start()
}

#[track_caller]
fn same(relay: &Relay, delivery: &Delivery, of: &str) {
    let answer = delivery.send(relay);
    assert_eq!((answer.status, &answer.json()["status"]), (200, &json!("duplicate")), "{}", answer.text());
    assert_eq!(answer.json()["of"], of);
}

#[test]
fn github_its_id_or_its_body() {
    let kube = cluster(&["web"]);
    let relay = relay(&kube, NEVER, &[RESTART]);
    let (id, other_id) = ("X-GitHub-Delivery", "72d3162e-cc78-11e3-81ab-ffffffffffff");
    let first = github::image("ghcr.io/acme/web", "a");
    first.accepted(&relay);
    same(&relay, &first, first.value(id));
    // Ids are not signed: another one makes no new delivery of a replayed body.
    same(&relay, &first.clone().header(id, other_id), first.value(id));
    same(&relay, &first.clone().without(id), first.value(id));
    same(&relay, &github::image("ghcr.io/acme/web", "b").header(id, first.value(id)), first.value(id));
    github::image("ghcr.io/acme/web", "a").header(id, other_id).accepted(&relay);
}

const TOKEN: &str = "the token of the GitLab endpoint";

fn gitlab(commit: &str) -> Delivery {
    let body = json!({
        "object_kind": "push", "event_name": "push", "ref": "refs/heads/main", "before": "1".repeat(40),
        "after": commit, "checkout_sha": commit, "user_username": "octavia",
        "project": {
            "path_with_namespace": "acme/web", "git_ssh_url": "git@gitlab.com:acme/web.git",
            "git_http_url": "https://gitlab.com/acme/web.git"
        }
    });
    Delivery::json(TOKEN, body.to_string()).header("X-Gitlab-Event", "Push Hook")
}

#[test]
fn gitlab_its_idempotency_key() {
    let relay = endpoint("GitLab", TOKEN, RESTART);
    let push = |commit: &str, id: &str| {
        gitlab(&commit.repeat(40)).header("X-Gitlab-Token", TOKEN).header("Idempotency-Key", id)
    };
    push("a", "one").accepted(&relay);
    same(&relay, &push("a", "one"), "one");
    same(&relay, &push("b", "one"), "one");
    push("a", "two").accepted(&relay);
}

#[test]
fn gitlab_the_events_id_with_the_body_where_there_is_no_other() {
    let relay = endpoint("GitLab", TOKEN, RESTART);
    let push = |commit: &str, id: &str| {
        gitlab(&commit.repeat(40)).header("X-Gitlab-Token", TOKEN).header("X-Gitlab-Event-UUID", id)
    };
    push("a", "one").accepted(&relay);
    assert_eq!(push("a", "one").send(&relay).json()["status"], "duplicate");
    // A chain of hooks shares the event's id.
    push("b", "one").accepted(&relay);
    push("a", "two").accepted(&relay);
}

#[test]
fn gitlab_signed_the_id_that_was_signed() {
    const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";
    let key = format!("whsec_{}", STANDARD.encode(SECRET));
    let relay = endpoint("GitLab", &key, RESTART);
    let push = |commit: &str, id: &str, seconds_ago: i64| {
        let time = (Timestamp::now() - SignedDuration::from_secs(seconds_ago)).as_second().to_string();
        let delivery = gitlab(&commit.repeat(40));
        let signed = [id.as_bytes(), b".", time.as_bytes(), b".", &delivery.body].concat();
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET), &signed);
        let path = Delivery::json(&key, "").path;
        Delivery { path, ..delivery }
            .header("webhook-id", id)
            .header("webhook-timestamp", &time)
            .header("webhook-signature", &format!("v1,{}", STANDARD.encode(tag)))
            .header("Idempotency-Key", &format!("unsigned-{}", fresh()))
    };
    push("a", "one", 60).accepted(&relay);
    same(&relay, &push("a", "one", 0), "one");
    push("a", "two", 0).accepted(&relay);
}

#[test]
fn quay_its_body_but_only_while_the_first_is_pending() {
    const KEY: &str = "the key of the Quay endpoint";
    let kube = cluster(&["web"]);
    let config = format!(
        "version: 1\nkubernetes: {{api: \"{}\"}}\nsettle: 0\nendpoints:\n\
         - {{name: quay, source: Quay, keyPath: quay.key, rules: [{RESTART}]}}\n",
        kube.url()
    );
    let relay = boathook(&config).file("quay.key", KEY).start();
    let body = json!({
        "name": "web", "repository": "acme/web", "namespace": "acme", "docker_url": "quay.io/acme/web",
        "homepage": "https://quay.io/repository/acme/web", "updated_tags": ["latest"]
    });
    let push = Delivery::json(KEY, body.to_string());
    kube.fail_for(support::kube::Fault::Hang, "GET", "", None);
    push.accepted(&relay);
    assert_eq!(push.send(&relay).json()["status"], "duplicate");
    kube.clear_faults();
    relay.wait_for_log(" outcome=succeeded ");
    // Two pushes of one tag are the same bytes.
    let again = push.wait(50).send(&relay);
    assert_eq!((again.status, &again.json()["status"]), (200, &json!("succeeded")), "{}", again.text());
    assert_eq!(kube.patches().len(), 2);
}

const CI_KEY: &str = "the key of the CI endpoint";

/// A request that was signed so many seconds ago.
fn deploy(id: &str, seconds_ago: i64) -> Delivery {
    let time = Timestamp::now() - SignedDuration::from_secs(seconds_ago);
    let body = json!({
        "environment": "production", "image": "ghcr.io/acme/web:2.0.0", "namespace": "default", "service_name": "web",
        "deployment_id": id, "timestamp": time.to_string()
    });
    let body = body.to_string();
    let signature = format!("sha256={}", hmac_sha256(CI_KEY.as_bytes(), body.as_bytes()));
    Delivery::json(CI_KEY, body).header("X-Signature-SHA256", &signature)
}

#[test]
fn a_deploy_request_its_deployment_id() {
    let rule =
        "{when: {image: ghcr.io/acme/*}, do: [setImage: {namespace: default, workloads: [deployment/web]}]}";
    let relay = endpoint("Generic", CI_KEY, rule);
    deploy("pipeline-1", 60).accepted(&relay);
    // Signed anew, to ask for the result.
    same(&relay, &deploy("pipeline-1", 0), "pipeline-1");
    assert_eq!(deploy("pipeline-1", 0).wait(1).send(&relay).status, 202);
    deploy("pipeline-2", 0).accepted(&relay);
}

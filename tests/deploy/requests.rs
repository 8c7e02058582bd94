//! What a request may say, and what it is told.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{prepared, request, signed};
use support::kube;
use support::objects::deployment;
use support::scene::cluster;

const GAME: &str = "[{when: {environment: development, image: ghcr.io/owner/repo, namespace: 'game-2048-*', workload: \
                    'game-2048-*', strategy: rolling, autoPromotion: false}, do: [setImage: {namespace: \
                    '${namespace}', workloads: ['deployment/${workload}']}]}]";

/// The payload that a deployment workflow sends, signed now.
fn game(deployment: &str) -> Value {
    json!({
        "environment": "development", "image": "ghcr.io/owner/repo:tag", "namespace": "game-2048-dev",
        "service_name": "game-2048-dev", "deployment_id": deployment, "commit_sha": "abc123",
        "triggered_by": "username", "timestamp": Timestamp::now().to_string(), "auto_promotion": false,
        "deployment_strategy": "rolling"
    })
}

#[test]
fn a_workflow_is_told_the_end_and_told_it_again() {
    let kube = kube::Double::start();
    kube.apply(deployment("game-2048-dev", "game-2048-dev", "ghcr.io/owner/repo:old"));
    let relay = prepared(&kube, "", GAME).start();
    let send = || {
        let delivery = signed(&game("123456-1")).header("X-GitHub-Event", "deployment");
        delivery.header("X-GitHub-Delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958").wait(50).send(&relay)
    };
    let answer = send();
    assert_eq!(answer.status, 200, "{}", answer.text());
    let told = answer.json();
    let reason = "ghcr.io/owner/repo:old → ghcr.io/owner/repo:tag; rolled out";
    assert_eq!(
        (&told["deployment_id"], &told["status"], &told["reason"]),
        (
            &json!("123456-1"),
            &json!("succeeded"),
            &json!(format!("deployment/game-2048-dev: game-2048-dev: {reason}"))
        )
    );
    let step = &told["runs"][0]["steps"][0];
    assert_eq!((&step["action"], &step["outcome"]), (&json!("setImage"), &json!("succeeded")));
    let target = &step["targets"][0];
    assert_eq!(
        (&target["target"], &target["namespace"]),
        (&json!("deployment/game-2048-dev"), &json!("game-2048-dev"))
    );
    assert_eq!(
        (&target["outcome"], &target["reason"]),
        (&json!("succeeded"), &json!(format!("game-2048-dev: {reason}")))
    );
    // Signed again, with a newer time.
    let again = send();
    assert_eq!((again.status, again.text()), (200, answer.text()));
    assert_eq!(kube.patches().len(), 1);
}

#[test]
fn a_failure_is_told_with_its_reason_and_told_again() {
    let kube = kube::Double::start();
    let relay = prepared(&kube, "", GAME).start();
    let send = || signed(&game("123456-2")).wait(50).send(&relay);
    let answer = send();
    assert_eq!(answer.status, 424, "{}", answer.text());
    let told = answer.json();
    assert_eq!((&told["deployment_id"], &told["status"]), (&json!("123456-2"), &json!("failed")));
    assert!(told["reason"].as_str().unwrap().contains("there is no such object"), "{told}");
    assert_eq!(send().text(), answer.text());
}

#[test]
fn what_matches_no_rule_is_ignored_and_says_why() {
    let relay = prepared(&cluster(&[]), "", GAME).start();
    for (field, value, why) in [
        ("environment", "production", "environment production is not development"),
        ("image", "ghcr.io/owner/other:tag", "image ghcr.io/owner/other is not"),
        ("namespace", "kube-system", "namespace kube-system does not match game-2048-*"),
        ("service_name", "other", "workload other does not match"),
        ("deployment_strategy", "blue-green", "strategy blue-green is not rolling"),
        ("auto_promotion", "true", "autoPromotion is true"),
    ] {
        let mut body = game("1");
        body[field] = json!(value);
        let answer = signed(&body).send(&relay);
        assert_eq!((answer.status, &answer.json()["status"]), (200, &json!("ignored")), "{}", answer.text());
        assert!(answer.json()["reason"].as_str().unwrap().contains(why), "{}", answer.text());
    }
}

#[test]
fn hostile_values_are_400_with_the_name_of_the_field() {
    let rules = "[{when: {image: 'ghcr.io/**'}, do: [confirm: {field: /proof/word}, setImage: {namespace: default, \
                 runningImage: true}]}]";
    let kube = cluster(&["web"]);
    let relay = prepared(&kube, "", rules).start();
    let long = "a".repeat(300);
    let hostile = [
        "a/b",
        "/",
        "..",
        "a..b",
        "../../etc",
        "a\"b",
        "a'b",
        "a`b",
        "a\nb",
        "a\r\nX: y",
        "a\u{0}b",
        "${tag}",
        "a${x",
        &long,
    ];
    let whole = request("1", "1", &json!({"proof": {"word": "no"}}));
    let whole: Value = serde_json::from_slice(&whole.body).unwrap();
    for field in
        ["environment", "namespace", "service_name", "deployment_id", "deployment_strategy", "commit_sha"]
    {
        for value in hostile {
            refused(&relay, &whole, field, field, value);
        }
    }
    for value in [
        "ghcr.io/../web:1",
        "ghcr.io/acme/web:1/2",
        "ghcr.io/acme/we..b:1:",
        "ghcr.io/acme/\"web\":1",
        "ghcr.io/acme/web:'1'",
        "ghcr.io/acme/web:1\n",
        "ghcr.io/acme/web:${tag}",
        "ghcr.io/${x}/web:1",
        &format!("ghcr.io/acme/{long}:1"),
        &format!("ghcr.io/acme/web:{long}"),
        "ghcr.io/acme/web:1@sha256:12",
        "/web:1",
        "ghcr.io//web:1",
    ] {
        refused(&relay, &whole, "image", "image", value);
    }
    for value in ["a\nb", "${tag}", &long] {
        refused(&relay, &whole, "triggered_by", "triggered_by", value);
        refused(&relay, &whole, "/proof/word", "proof/word", value);
    }
    let mut body = whole;
    body["proof"]["word"] = json!(true);
    assert!(signed(&body).send(&relay).text().contains("proof/word: must be text"));
    assert!(kube.patches().is_empty());
}

#[track_caller]
fn refused(relay: &support::relay::Relay, whole: &Value, place: &str, name: &str, value: &str) {
    let mut body = whole.clone();
    let pointer = if place.starts_with('/') { place.to_owned() } else { format!("/{place}") };
    if let Some(field) = body.pointer_mut(&pointer) {
        *field = json!(value);
    } else {
        body[place] = json!(value);
    }
    let answer = signed(&body).send(relay);
    assert_eq!(answer.status, 400, "{name} {value:?}: {}", answer.text());
    let detail = answer.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.starts_with(&format!("{name}: ")), "{name} {value:?}: {detail}");
}

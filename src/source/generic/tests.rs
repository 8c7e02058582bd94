use serde_json::{Value, json};

use super::SOURCE;
use crate::source::draft::SampleEvent;
use crate::source::testing::{
    DIGEST, decode, events, mistakes, now, plain, receiver, sample, signed, verify,
};
use crate::source::{Identity, Receiver, Refusal, Undecodable};

const DEPLOY: &[u8] = include_bytes!("../../../tests/data/generic/deploy.json");
const KEY: &[u8] = b"0123456789abcdef";

fn with(field: &str, value: Value) -> Vec<u8> {
    let mut body: Value = serde_json::from_slice(DEPLOY).unwrap();
    body[field] = value;
    body.to_string().into_bytes()
}

fn without(field: &str) -> Vec<u8> {
    let mut body: Value = serde_json::from_slice(DEPLOY).unwrap();
    body.as_object_mut().unwrap().remove(field);
    body.to_string().into_bytes()
}

fn check(receiver: &dyn Receiver, body: &[u8]) -> Result<(), Refusal> {
    let draft = signed(receiver, KEY, &[], body);
    let headers: Vec<_> = draft.headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    verify(receiver, KEY, &headers, body)
}

fn made(yaml: &str) -> Box<dyn Receiver> {
    receiver(&SOURCE, yaml)
}

fn told(body: &[u8]) -> String {
    match decode(&*plain(&SOURCE), &[], body) {
        Err(Undecodable::Malformed(text)) => text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_signature_stands_in_its_own_header() {
    let receiver = plain(&SOURCE);
    let right = signed(&*receiver, KEY, &[], DEPLOY).header("X-Signature-SHA256").unwrap().to_owned();
    let verify = |key: &[u8], headers: &[(&str, &str)]| verify(&*receiver, key, headers, DEPLOY);
    assert_eq!(verify(KEY, &[("X-Signature-SHA256", &right)]), Ok(()));
    assert_eq!(verify(KEY, &[]), Err(Refusal::Missing));
    assert_eq!(verify(KEY, &[("X-Hub-Signature-256", &right)]), Err(Refusal::Missing));
    let sha512 = format!("sha512={}", super::hmac_hex(super::Algorithm::Sha512, KEY, DEPLOY));
    for bad in [&right[7..], &right[..70], "sha256=", "", &sha512] {
        assert_eq!(verify(KEY, &[("X-Signature-SHA256", bad)]), Err(Refusal::Invalid), "{bad}");
    }
    let twice = [("X-Signature-SHA256", right.as_str()), ("X-Signature-SHA256", right.as_str())];
    assert_eq!(verify(KEY, &twice), Err(Refusal::Invalid));
    assert_eq!(verify(b"", &[("X-Signature-SHA256", &right)]), Err(Refusal::Invalid), "an empty key");
}

#[test]
fn header_algorithm_and_prefix_can_be_others() {
    let receiver = made("signature: {header: X-Sig, algorithm: sha512, prefix: ''}");
    let draft = signed(&*receiver, KEY, &[], DEPLOY);
    assert_eq!(draft.header("X-Sig").unwrap().len(), 128);
    assert_eq!(check(&*receiver, DEPLOY), Ok(()));
    assert!(receiver.proof().unwrap().starts_with("X-Sig, HMAC-SHA512 of the body"));
    for (bad, place) in [
        ("signature: {algorithm: sha1}", "signature.algorithm"),
        ("signature: {header: 'X Sig'}", "signature.header"),
        ("signature: {heeder: X}", "signature.heeder"),
        ("fields: {image: image}", "fields.image"),
        ("fields: {picture: /image}", "fields.picture"),
        ("maxAge: 5", "maxAge"),
    ] {
        let told = mistakes(&SOURCE, bad);
        assert!(told[0].contains(place), "{told:?}");
    }
}

#[test]
fn the_time_must_be_near() {
    let receiver = plain(&SOURCE);
    let at = |time: Value| check(&*receiver, &with("timestamp", time));
    for near in ["2026-03-01T12:00:00Z", "2026-03-01T11:55:00Z", "2026-03-01T13:05:00+01:00"] {
        assert_eq!(at(json!(near)), Ok(()), "{near}");
    }
    for far in ["2026-03-01T11:54:59Z", "2026-03-01T12:05:01Z", "2026-03-01T12:00:00", "now", ""] {
        assert_eq!(at(json!(far)), Err(Refusal::Invalid), "{far}");
    }
    assert_eq!(at(json!(1_772_366_400)), Err(Refusal::Invalid));
    assert_eq!(check(&*receiver, &without("timestamp")), Err(Refusal::Invalid));
    let off = made("maxAge: 0");
    assert_eq!(check(&*off, &without("timestamp")), Ok(()));
    assert_eq!(check(&*off, &with("timestamp", json!("2020-01-01T00:00:00Z"))), Ok(()));
    assert_eq!(check(&*made("maxAge: 1h"), &with("timestamp", json!("2026-03-01T11:00:00Z"))), Ok(()));
}

#[test]
fn what_is_signed_and_no_json_is_answered_as_that() {
    assert_eq!(check(&*plain(&SOURCE), b"{"), Ok(()));
    assert!(told(b"{").starts_with("the body is not JSON"));
    assert!(told(&DEPLOY[..99]).starts_with("the body is not JSON"));
    assert_eq!(told(b"[]"), "image: is missing");
}

#[test]
fn a_request_is_read() {
    let expected = json!([{"kind": "deploy", "environment": "production", "image": "ghcr.io/acme/web", "tag": "1.2.3",
        "namespace": "shop", "workload": "web", "id": "gitlab-99120-1", "commit": "8f3b".repeat(10),
        "by": "Octavia Ünal", "strategy": "blue-green", "autoPromotion": true}]);
    assert_eq!(events(&*plain(&SOURCE), &[], DEPLOY), expected);
    let decoded = decode(&*plain(&SOURCE), &[], DEPLOY).unwrap();
    assert_eq!(decoded.identity, Identity::Id("gitlab-99120-1".into()));
    assert_eq!(decoded.actor.as_deref(), Some("Octavia Ünal"));
    let pinned = with("image", json!(format!("registry:5000/web@{DIGEST}")));
    let event = &events(&*plain(&SOURCE), &[], &pinned)[0];
    assert_eq!((&event["image"], &event["tag"]), (&json!("registry:5000/web"), &json!("")));
    assert_eq!(event["digest"], json!(DIGEST));
}

#[test]
fn what_is_optional_has_a_default() {
    let body = br#"{"environment": "dev", "image": "web:3.10", "namespace": "a", "service_name": "web.v2",
        "deployment_id": "1", "commit_sha": "", "auto_promotion": "true"}"#;
    let event = &events(&*plain(&SOURCE), &[], body)[0];
    let expected = json!({"kind": "deploy", "environment": "dev", "image": "docker.io/library/web", "tag": "3.10",
        "namespace": "a", "workload": "web.v2", "id": "1", "commit": "", "by": "", "strategy": "rolling",
        "autoPromotion": true});
    assert_eq!(*event, expected);
}

#[test]
fn what_is_wrong_is_named() {
    for field in ["environment", "image", "namespace", "service_name", "deployment_id"] {
        assert_eq!(told(&without(field)), format!("{field}: is missing"));
        assert_eq!(told(&with(field, Value::Null)), format!("{field}: is missing"));
        assert_eq!(told(&with(field, json!(7))), format!("{field}: must be text"));
        for bad in [json!(""), json!("a\nb"), json!("${tag}"), json!("x".repeat(600))] {
            let text = told(&with(field, bad));
            assert!(text.starts_with(&format!("{field}: ")), "{text}");
        }
    }
    for (field, bad) in [
        ("image", json!("ghcr.io/acme/web")),
        ("image", json!("ghcr.io/acme/web:")),
        ("image", json!("ghcr.io/acme/web@sha256:12")),
        ("namespace", json!("Shop")),
        ("namespace", json!("a.b")),
        ("namespace", json!("a".repeat(64))),
        ("service_name", json!("../secrets/x")),
        ("service_name", json!("web.")),
        ("service_name", json!("-web")),
        ("deployment_id", json!("a b")),
        ("deployment_id", json!("é")),
        ("deployment_id", json!("x".repeat(129))),
        ("commit_sha", json!("HEAD")),
        ("triggered_by", json!("\u{1b}[31m")),
        ("timestamp", json!("yesterday")),
        ("auto_promotion", json!("yes")),
        ("auto_promotion", json!(1)),
        ("deployment_strategy", json!("rolling update")),
    ] {
        let text = told(&with(field, bad.clone()));
        assert!(text.starts_with(&format!("{field}: ")), "{bad}: {text}");
    }
}

#[test]
fn fields_may_stand_elsewhere() {
    let yaml = "{maxAge: 0, fields: {image: /artifact/image, deployment_id: /run~1id, service_name: /app}}";
    let receiver = made(yaml);
    let body = br#"{"environment": "dev", "artifact": {"image": "quay.io/acme/web:1"}, "namespace": "a",
        "app": "web", "run/id": "17"}"#;
    let event = &events(&*receiver, &[], body)[0];
    assert_eq!((&event["image"], &event["id"]), (&json!("quay.io/acme/web"), &json!("17")));
    let Err(Undecodable::Malformed(text)) = decode(&*receiver, &[], br#"{"image": "a:1"}"#) else { panic!() };
    assert_eq!(text, "image (at /artifact/image): is missing");
    let draft = receiver.sample(&sample(SampleEvent::Deploy), now()).unwrap();
    assert_eq!(events(&*receiver, &[], &draft.body)[0]["image"], "ghcr.io/acme/web");
    assert!(
        made("fields: {image: /a, namespace: /a/b}").sample(&sample(SampleEvent::Deploy), now()).is_none()
    );
}

#[test]
fn a_place_that_no_body_reaches_is_a_mistake() {
    let deep = |levels: usize| format!("{{maxAge: 0, fields: {{image: {}}}}}", "/a".repeat(levels));
    let receiver = made(&deep(127));
    let draft = receiver.sample(&sample(SampleEvent::Deploy), now()).unwrap();
    assert_eq!(events(&*receiver, &[], &draft.body)[0]["tag"], "1.2.3");
    let told = mistakes(&SOURCE, &deep(128));
    assert!(told.len() == 1 && told[0].contains("deeper than 127 levels"), "{told:?}");
}

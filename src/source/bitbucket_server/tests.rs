use serde_json::{Value, json};

use super::{Algorithm, SOURCE, hmac_hex};
use crate::source::draft::SampleEvent;
use crate::source::testing::{
    decode, events, flux_recv, ignored, mistakes, now, plain, receiver, sample, signed, verify, with,
};
use crate::source::{Identity, Receiver, Refusal, Undecodable};

const TAG: &[u8] = include_bytes!("../../../tests/data/bitbucket_server/tag_annotated.json");
const PUSH: [(&str, &str); 1] = [("X-Event-Key", "repo:refs_changed")];
const PING: (&str, &str) = ("X-Event-Key", "diagnostics:ping");
const KEY: &[u8] = b"0123456789abcdef";

fn made_up() -> Vec<u8> {
    plain(&SOURCE).sample(&sample(SampleEvent::Git), now()).unwrap().body
}

#[test]
fn the_signature_is_sha256_unless_flux_recv_took_others() {
    for algorithm in [Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512] {
        let header = format!("{}={}", algorithm.name(), hmac_hex(algorithm, KEY, TAG));
        let check = |receiver: Box<dyn Receiver>| {
            verify(&*receiver, KEY, &[PUSH[0], ("X-Hub-Signature", &header)], TAG)
        };
        let strict = if algorithm == Algorithm::Sha256 { Ok(()) } else { Err(Refusal::Invalid) };
        assert_eq!(check(plain(&SOURCE)), strict, "{algorithm:?}");
        assert_eq!(check(flux_recv(&SOURCE, "{}")), Ok(()), "{algorithm:?}");
    }
    let right = format!("sha256={}", hmac_hex(Algorithm::Sha256, KEY, TAG));
    let check = |headers: &[(&str, &str)]| verify(&*plain(&SOURCE), KEY, headers, TAG);
    assert_eq!(check(&PUSH), Err(Refusal::Missing));
    assert_eq!(check(&[("Authorization", "Basic eDp5")]), Err(Refusal::Missing), "not configured");
    assert_eq!(check(&[("X-Hub-Signature", &right[..40])]), Err(Refusal::Invalid));
    assert_eq!(check(&[("X-Hub-Signature", "")]), Err(Refusal::Invalid));
    assert_eq!(check(&[("X-Hub-Signature", &right), ("X-Hub-Signature", &right)]), Err(Refusal::Invalid));
    assert_eq!(verify(&*plain(&SOURCE), b"", &[("X-Hub-Signature", &right)], TAG), Err(Refusal::Invalid));
}

#[test]
fn a_user_name_and_password_where_they_are_configured() {
    let basic = receiver(&SOURCE, "signature: basic");
    let key = b"hook:a password";
    let draft = signed(&*basic, key, &[], TAG);
    let right = draft.header("Authorization").unwrap();
    assert_eq!(verify(&*basic, key, &[("Authorization", right)], TAG), Ok(()));
    assert_eq!(verify(&*basic, key, &[], TAG), Err(Refusal::Missing));
    for bad in
        ["Basic", "Basic ***", "Bearer aG9vazphIHBhc3N3b3Jk", "Basic aG9vazphIHBhc3N3b3I=", "hook:a password"]
    {
        assert_eq!(verify(&*basic, key, &[("Authorization", bad)], TAG), Err(Refusal::Invalid), "{bad}");
    }
    let both = [("Authorization", right), ("X-Hub-Signature", "sha256=00")];
    assert_eq!(verify(&*basic, key, &both, TAG), Err(Refusal::Invalid), "no fall-back");
    assert_eq!(verify(&*basic, key, &[PING, ("Authorization", "Basic ")], b""), Err(Refusal::Invalid));
    assert_eq!(mistakes(&SOURCE, "signature: none").len(), 1);
}

#[test]
fn an_unsigned_ping_is_a_ping_whatever_its_body_says() {
    for body in [&b"{\"test\": true}      "[..], TAG, b""] {
        assert_eq!(verify(&*plain(&SOURCE), KEY, &[PING], body), Ok(()));
        let decoded = decode(&*plain(&SOURCE), &[PING], body).unwrap();
        assert_eq!(serde_json::to_value(&decoded.events).unwrap(), json!([{"kind": "ping"}]));
    }
    let wrong = [PING, ("X-Hub-Signature", "sha256=00")];
    assert_eq!(verify(&*plain(&SOURCE), KEY, &wrong, b"{}"), Err(Refusal::Invalid));
    let twice = [PING, PUSH[0]];
    assert_eq!(verify(&*plain(&SOURCE), KEY, &twice, TAG), Err(Refusal::Missing), "two events");
}

#[test]
fn the_commit_of_an_annotated_tag_is_the_commit() {
    let expected = json!([{"kind": "git", "repository": "~OCTAVIA/web", "tag": "v1.4.0", "commit": "c0ffee12".repeat(5),
        "urls": ["ssh://git@bitbucket.example.com/~octavia/web.git", "https://bitbucket.example.com/scm/~octavia/web.git"]}]);
    assert_eq!(events(&*plain(&SOURCE), &PUSH, TAG), expected);
    let old = with(TAG, "/toCommit", Value::Null);
    assert_eq!(events(&*plain(&SOURCE), &PUSH, &old)[0].get("commit"), None, "may be the tag's object");
    let decoded = decode(&*plain(&SOURCE), &[PUSH[0], ("X-Request-Id", "r")], TAG).unwrap();
    assert_eq!(
        (decoded.identity, decoded.actor.as_deref()),
        (Identity::IdOrBody("r".into()), Some("octavia"))
    );
}

#[test]
fn branches_several_changes_and_deleted_ones() {
    let mut body: Value = serde_json::from_slice(&made_up()).unwrap();
    let change = body["changes"][0].clone();
    let mut deleted = change.clone();
    deleted["type"] = json!("DELETE");
    deleted["toHash"] = json!("0".repeat(40));
    body["toCommit"] = Value::Null;
    body["changes"] = json!([deleted, change]);
    let told = events(&*plain(&SOURCE), &PUSH, body.to_string().as_bytes());
    assert_eq!(told.as_array().unwrap().len(), 1);
    assert_eq!((&told[0]["branch"], &told[0]["commit"]), (&json!("main"), &json!("8f3b".repeat(10))));
    body["changes"] = json!([deleted]);
    ignored(&*plain(&SOURCE), &PUSH, body.to_string().as_bytes());
    body["repository"]["links"] = Value::Null;
    body["changes"] = json!([change]);
    let old = events(&*plain(&SOURCE), &PUSH, body.to_string().as_bytes());
    assert_eq!(old[0]["urls"], json!([]), "version 5 sends no links");
}

#[test]
fn mirrors_repeat_a_change_or_give_up() {
    let mirror = [("X-Event-Key", "mirror:repo_synchronized")];
    let body = with(&made_up(), "/eventKey", json!("mirror:repo_synchronized"));
    assert_eq!(events(&*plain(&SOURCE), &mirror, &body)[0]["branch"], "main");
    let too_much = br#"{"eventKey": "mirror:repo_synchronized", "refLimitExceeded": true,
        "repository": {"slug": "web", "project": {"key": "ACME"}}}"#;
    assert!(ignored(&*plain(&SOURCE), &mirror, too_much).contains("refLimitExceeded"));
}

#[test]
fn contradictions_are_unknown_shapes() {
    let unknown = |headers: &[(&str, &str)], body: &[u8]| {
        matches!(decode(&*plain(&SOURCE), headers, body), Err(Undecodable::UnknownShape(_)))
    };
    assert!(unknown(&[], TAG), "no event");
    assert!(unknown(&[("X-Event-Key", "mirror:repo_synchronized")], TAG), "another event");
    assert!(unknown(&PUSH, &with(TAG, "/changes/0/ref/type", json!("BRANCH"))));
    assert!(unknown(&PUSH, &with(TAG, "/changes/0/type", json!("MOVE"))));
    assert!(unknown(&PUSH, b"{\"repository\": {}}"));
    assert!(matches!(decode(&*plain(&SOURCE), &PUSH, &TAG[..99]), Err(Undecodable::Malformed(_))));
    let merged = [("X-Event-Key", "pr:merged")];
    assert_eq!(ignored(&*plain(&SOURCE), &merged, b"{}"), "the event pr:merged leads to nothing here");
}

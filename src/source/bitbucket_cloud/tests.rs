use serde_json::json;

use super::{Algorithm, BitbucketCloud, SOURCE};
use crate::source::testing::{decode, events, ignored, plain, signed, verify};
use crate::source::{Identity, Refusal, Undecodable};

const SEVERAL: &[u8] = include_bytes!("../../../tests/data/bitbucket_cloud/several_changes.json");
const PUSH: [(&str, &str); 1] = [("X-Event-Key", "repo:push")];
const KEY: &[u8] = b"0123456789abcdef";

fn changes(changes: &str) -> Vec<u8> {
    format!(r#"{{"push": {{"changes": {changes}}}, "repository": {{"full_name": "acme/web"}}}}"#).into_bytes()
}

#[test]
fn the_signature_is_sha256_under_the_old_name() {
    let draft = signed(&BitbucketCloud, KEY, &[], SEVERAL);
    let right = draft.header("X-Hub-Signature").unwrap();
    let check = |headers: &[(&str, &str)]| verify(&*plain(&SOURCE), KEY, headers, SEVERAL);
    assert_eq!(check(&[("X-Hub-Signature", right)]), Ok(()));
    assert_eq!(check(&[]), Err(Refusal::Missing));
    let sha1 = super::hmac_hex(Algorithm::Sha1, KEY, SEVERAL);
    let bare = right.trim_start_matches("sha256=");
    for bad in
        [&format!("sha1={sha1}"), &format!("sha512={bare}"), bare, &right[..right.len() - 1], "sha256="]
    {
        assert_eq!(check(&[("X-Hub-Signature", bad)]), Err(Refusal::Invalid), "{bad}");
    }
    assert_eq!(check(&[("X-Hub-Signature", right), ("X-Hub-Signature", right)]), Err(Refusal::Invalid));
    let truncated = verify(&BitbucketCloud, KEY, &[("X-Hub-Signature", right)], &SEVERAL[..40]);
    assert_eq!(truncated, Err(Refusal::Invalid));
    assert_eq!(verify(&BitbucketCloud, b"", &[("X-Hub-Signature", right)], SEVERAL), Err(Refusal::Invalid));
    assert_eq!(draft.header("X-Event-Key"), Some("repo:push"), "guessed from the body");
}

#[test]
fn every_change_is_an_event_and_a_deleted_one_is_none() {
    let urls = json!(["git@bitbucket.org:acme/web.git", "https://bitbucket.org/acme/web.git"]);
    let git = |field: &str, name: &str, commit: &str| json!({"kind": "git", "repository": "acme/web", "urls": urls, field: name, "commit": commit.repeat(20)});
    let expected =
        json!([git("branch", "feature/x", "1f"), git("tag", "v0.1", "2a"), git("tag", "release/1", "4c")]);
    assert_eq!(events(&BitbucketCloud, &PUSH, SEVERAL), expected);
    let headers = [PUSH[0], ("X-Request-UUID", "7b2f")];
    let decoded = decode(&BitbucketCloud, &headers, SEVERAL).unwrap();
    assert_eq!(decoded.identity, Identity::IdOrBody("7b2f".into()));
    assert_eq!(decoded.actor.as_deref(), Some("octavia"));
}

#[test]
fn nothing_that_was_pushed_is_ignored() {
    for nothing in ["[]", r#"[{"new": null}]"#, r#"[{"new": {"type": "bookmark", "name": "x"}}]"#] {
        ignored(&BitbucketCloud, &PUSH, &changes(nothing));
    }
    let other = [("X-Event-Key", "pullrequest:fulfilled")];
    let reason = ignored(&BitbucketCloud, &other, b"{}");
    assert_eq!(reason, "the event pullrequest:fulfilled leads to nothing here");
}

#[test]
fn unknown_shapes_are_named() {
    let told = |headers: &[(&str, &str)], body: &[u8]| decode(&BitbucketCloud, headers, body).unwrap_err();
    let shape = |text: &str| Undecodable::UnknownShape(text.into());
    assert_eq!(told(&[], SEVERAL), shape("X-Event-Key: missing"));
    assert_eq!(told(&PUSH, b"{}"), shape("push.changes: missing"));
    let nameless = changes(r#"[{"new": {"type": "branch", "name": "a"}}, {"new": {"type": "branch"}}]"#);
    assert_eq!(told(&PUSH, &nameless), shape("push.changes[1].new.name: missing"));
    assert!(matches!(told(&PUSH, &SEVERAL[..99]), Undecodable::Malformed(_)));
}

use serde_json::{Value, json};

use super::{GitLab, SOURCE};
use crate::key::Key;
use crate::source::draft::{Draft, SampleEvent};
use crate::source::testing::{decode, events, ignored, now, plain, sample, signed, verify, with};
use crate::source::{Identity, Receiver, Refusal, Undecodable};

const TAG: &[u8] = include_bytes!("../../../tests/data/gitlab/tag_push_annotated.json");
const SIGNING_KEY: &[u8] = b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn made_up(event: SampleEvent) -> Vec<u8> {
    GitLab.sample(&sample(event), now()).unwrap().body
}

fn read(body: &[u8]) -> Value {
    events(&GitLab, &[], body)
}

#[test]
fn the_token_is_the_whole_proof_of_a_plain_key() {
    let key = b"a token of 16 bytes";
    let check = |headers: &[(&str, &str)]| verify(&*plain(&SOURCE), key, headers, b"{}");
    assert_eq!(check(&[("X-Gitlab-Token", "a token of 16 bytes")]), Ok(()));
    assert_eq!(check(&[]), Err(Refusal::Missing));
    for bad in ["", "a token of 16 byte", "A token of 16 bytes", "a token of 16 bytes2"] {
        assert_eq!(check(&[("X-Gitlab-Token", bad)]), Err(Refusal::Invalid), "{bad}");
    }
    let twice = [("X-Gitlab-Token", "a token of 16 bytes"), ("X-Gitlab-Token", "a token of 16 bytes")];
    assert_eq!(check(&twice), Err(Refusal::Invalid));
    assert_eq!(verify(&GitLab, b"", &[("X-Gitlab-Token", "")], b"{}"), Err(Refusal::Invalid), "an empty key");
}

#[test]
fn a_signature_that_is_there_must_be_right() {
    let draft = signed(&GitLab, SIGNING_KEY, &[], TAG);
    let headers: Vec<_> = draft.headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    assert_eq!(verify(&GitLab, SIGNING_KEY, &headers, TAG), Ok(()));
    assert_eq!(verify(&GitLab, SIGNING_KEY, &headers, &TAG[1..]), Err(Refusal::Invalid));
    let both = [&headers[..], &[("X-Gitlab-Token", "a token of 16 bytes")]].concat();
    assert_eq!(verify(&GitLab, b"a token of 16 bytes", &both, TAG), Err(Refusal::Invalid), "no way back");
    let key = str::from_utf8(SIGNING_KEY).unwrap();
    let token = verify(&GitLab, SIGNING_KEY, &[("X-Gitlab-Token", key)], TAG);
    assert_eq!(token, Err(Refusal::Invalid), "a signing token is no token");
    assert_eq!(verify(&GitLab, SIGNING_KEY, &[], TAG), Err(Refusal::Missing));
}

#[test]
fn the_commit_of_an_annotated_tag_is_what_is_checked_out() {
    let expected = json!([{"kind": "git", "repository": "acme/shop/web", "tag": "v1.4.0", "commit": "c0ffee12".repeat(5),
        "urls": ["git@gitlab.example.com:acme/shop/web.git", "https://gitlab.example.com/acme/shop/web.git"]}]);
    assert_eq!(events(&GitLab, &[("X-Gitlab-Event", "Tag Push Hook")], TAG), expected);
    assert_eq!(events(&GitLab, &[("X-Gitlab-Event", "System Hook")], TAG), expected);
    let unknown = with(TAG, "/checkout_sha", Value::Null);
    assert_eq!(read(&unknown)[0].get("commit"), None, "`after` is the tag's object");
    assert_eq!(decode(&GitLab, &[], TAG).unwrap().actor.as_deref(), Some("octavia"));
}

#[test]
fn branches_pushed_and_deleted() {
    let push = made_up(SampleEvent::Git);
    assert_eq!(read(&push)[0]["branch"], "main");
    let lost = with(&push, "/checkout_sha", Value::Null);
    assert_eq!(read(&lost)[0]["commit"], json!("8f3b".repeat(10)));
    let deleted = with(&lost, "/after", json!("0".repeat(40)));
    assert_eq!(ignored(&GitLab, &[], &deleted), "refs/heads/main was deleted");
    let mut old: Value = serde_json::from_slice(&push).unwrap();
    old.as_object_mut().unwrap().remove("project");
    assert_eq!(read(old.to_string().as_bytes())[0]["repository"], "acme/web");
}

#[test]
fn only_a_branch_s_or_tag_s_successful_pipeline_counts() {
    let run = made_up(SampleEvent::Pipeline);
    let expected = json!([{"kind": "pipeline", "repository": "acme/web", "branch": "main", "commit": "8f3b".repeat(10),
        "urls": ["git@gitlab.com:acme/web.git", "https://gitlab.com/acme/web.git"]}]);
    assert_eq!(events(&GitLab, &[("X-Gitlab-Event", "Pipeline Hook")], &run), expected);
    let tag = with(&run, "/object_attributes/tag", json!(true));
    assert_eq!(read(&tag)[0]["tag"], "main");
    for status in ["pending", "running", "failed", "canceled", "skipped"] {
        let body = with(&run, "/object_attributes/status", json!(status));
        assert_eq!(ignored(&GitLab, &[], &body), format!("the pipeline's status is {status}"));
    }
    let reason = "the pipeline ran for a merge request, not for a branch";
    let merge = with(&run, "/object_attributes/source", json!("merge_request_event"));
    assert_eq!(ignored(&GitLab, &[], &merge), reason);
    let old = with(&with(&run, "/object_attributes/source", Value::Null), "/merge_request", json!({"id": 1}));
    assert_eq!(ignored(&GitLab, &[], &old), reason);
    let detached = with(&run, "/object_attributes/ref", json!("refs/merge-requests/1/head"));
    assert!(ignored(&GitLab, &[], &detached).ends_with("neither a branch nor a tag"));
    let wrong = with(&run, "/object_attributes/tag", json!("false"));
    assert!(matches!(decode(&GitLab, &[], &wrong), Err(Undecodable::UnknownShape(_))), "text for a flag");
}

#[test]
fn a_token_that_no_header_carries_signs_nothing() {
    for key in ["schlüssel", "a\nb", "secret "] {
        let told = GitLab.sign(&Key::new(key), &mut Draft::default(), now()).unwrap_err();
        assert!(told.starts_with("the key cannot stand in a header"), "{told}");
    }
}

#[test]
fn header_and_body_must_agree() {
    let push = made_up(SampleEvent::Git);
    for header in ["Tag Push Hook", "Pipeline Hook", "Issue Hook"] {
        let told = decode(&GitLab, &[("X-Gitlab-Event", header)], &push);
        assert!(matches!(told, Err(Undecodable::UnknownShape(_))), "{header}: {told:?}");
    }
    let template = decode(&GitLab, &[("X-Gitlab-Event", "Push Hook")], br#"{"text": "hello"}"#);
    assert_eq!(template, Err(Undecodable::UnknownShape("object_kind: missing".into())));
    assert!(matches!(decode(&GitLab, &[], &push[..50]), Err(Undecodable::Malformed(_))));
    let job = br#"{"object_kind": "build", "ref": "main", "tag": false, "build_status": "success"}"#;
    let reason = ignored(&GitLab, &[("X-Gitlab-Event", "Job Hook")], job);
    assert_eq!(reason, "the event build leads to nothing here");
    let member = br#"{"event_name": "user_add_to_group"}"#;
    ignored(&GitLab, &[("X-Gitlab-Event", "System Hook")], member);
}

#[test]
fn identity_goes_from_the_best_id_to_the_body() {
    let identity = |headers: &[(&str, &str)], body: &[u8]| decode(&GitLab, headers, body).unwrap().identity;
    let (push, run) = (made_up(SampleEvent::Git), made_up(SampleEvent::Pipeline));
    let id = |id: &str| Identity::Id(id.into());
    let all = [
        ("webhook-signature", "v1,"),
        ("webhook-id", "w"),
        ("Idempotency-Key", "k"),
        ("X-Gitlab-Event-UUID", "u"),
    ];
    assert_eq!(identity(&all, &push), id("w"));
    assert_eq!(identity(&all[1..], &push), id("k"), "an id that nobody signed");
    let chained = [identity(&all[3..], &push), identity(&all[3..], &run)];
    assert_ne!(chained[0], chained[1], "a chain of hooks shares its id");
    assert_eq!(identity(&[], &push), Identity::BodyWhilePending);
    assert_eq!(identity(&[], &run), Identity::Body);
}

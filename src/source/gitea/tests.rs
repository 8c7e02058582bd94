use serde_json::{Value, json};

use super::{Algorithm, SOURCE, hmac_hex};
use crate::source::draft::SampleEvent;
use crate::source::testing::{
    decode, events, ignored, mistakes, now, plain, receiver, sample, signed, verify, with,
};
use crate::source::{Identity, Refusal, Setting, Undecodable};

const KEY: &[u8] = b"0123456789abcdef";
const PUSH: [(&str, &str); 1] = [("X-Gitea-Event", "push")];
const PACKAGE: [(&str, &str); 1] = [("X-Gitea-Event", "package")];

fn made_up(event: SampleEvent) -> Vec<u8> {
    plain(&SOURCE).sample(&sample(event), now()).unwrap().body
}

#[test]
fn every_sha256_signature_that_is_there_must_be_right() {
    let body = b"{}";
    let right = hmac_hex(Algorithm::Sha256, KEY, body);
    let hub = format!("sha256={right}");
    let sha1 = format!("sha1={}", hmac_hex(Algorithm::Sha1, KEY, body));
    let check = |headers: &[(&str, &str)]| verify(&*plain(&SOURCE), KEY, headers, body);
    let all = [
        ("X-Forgejo-Signature", right.as_str()),
        ("X-Gitea-Signature", right.as_str()),
        ("X-Gogs-Signature", right.as_str()),
        ("X-Hub-Signature-256", hub.as_str()),
    ];
    assert_eq!(check(&all), Ok(()));
    for (i, (name, value)) in all.iter().enumerate() {
        assert_eq!(check(&all[i..=i]), Ok(()), "{name} alone");
        for bad in ["", "sha256=", "00", &right[1..], &format!("sha1={right}"), &value[..value.len() - 2]] {
            let mut headers = all;
            headers[i].1 = bad;
            assert_eq!(check(&headers), Err(Refusal::Invalid), "{name}: {bad}");
            assert_eq!(check(&headers[i..=i]), Err(Refusal::Invalid), "{name}: {bad}");
        }
        assert_eq!(check(&[all[i], all[i]]), Err(Refusal::Invalid), "twice");
    }
    assert_eq!(check(&[]), Err(Refusal::Missing));
    assert_eq!(check(&[("X-Hub-Signature", &sha1)]), Err(Refusal::Invalid), "SHA-1 alone");
    assert_eq!(verify(&*plain(&SOURCE), b"", &all, body), Err(Refusal::Invalid), "an empty key");
    let unsigned = [("X-Gitea-Signature", ""), ("X-Gogs-Signature", ""), ("X-Hub-Signature-256", "sha256=")];
    assert_eq!(check(&unsigned), Err(Refusal::Invalid), "a hook without a secret");
}

#[test]
fn of_a_form_the_json_is_signed() {
    let json = String::from_utf8(made_up(SampleEvent::Git)).unwrap();
    let form = form_urlencoded::Serializer::new(String::new()).append_pair("payload", &json).finish();
    let content = ("Content-Type", "application/x-www-form-urlencoded");
    let draft = signed(&*plain(&SOURCE), KEY, &[content], form.as_bytes());
    assert_eq!(
        draft.header("X-Gitea-Signature"),
        Some(hmac_hex(Algorithm::Sha256, KEY, json.as_bytes()).as_str())
    );
    let headers: Vec<_> = draft.headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    assert_eq!(verify(&*plain(&SOURCE), KEY, &headers, form.as_bytes()), Ok(()));
    assert_eq!(events(&*plain(&SOURCE), &headers, form.as_bytes())[0]["branch"], "main");
    let whole = hmac_hex(Algorithm::Sha256, KEY, form.as_bytes());
    let github_like = [content, ("X-Gitea-Signature", whole.as_str())];
    assert_eq!(verify(&*plain(&SOURCE), KEY, &github_like, form.as_bytes()), Err(Refusal::Invalid));
    assert_eq!(verify(&*plain(&SOURCE), KEY, &headers, b"other=1"), Err(Refusal::Invalid), "no payload");
}

#[test]
fn pushes_of_branches_and_tags() {
    let push = made_up(SampleEvent::Git);
    let expected = json!([{"kind": "git", "repository": "acme/web", "branch": "main", "commit": "8f3b".repeat(10),
        "urls": ["git@gitea.example.com:acme/web.git", "https://gitea.example.com/acme/web.git"]}]);
    assert_eq!(events(&*plain(&SOURCE), &PUSH, &push), expected);
    let tag = with(&with(&push, "/ref", json!("refs/tags/v1")), "/after", json!("7a".repeat(20)));
    let event = &events(&*plain(&SOURCE), &PUSH, &tag)[0];
    assert_eq!((&event["tag"], &event["commit"]), (&json!("v1"), &json!("8f3b".repeat(10))));
    let unknown = with(&tag, "/head_commit", Value::Null);
    assert_eq!(events(&*plain(&SOURCE), &PUSH, &unknown)[0].get("commit"), None);
    let gogs = with(&push, "/head_commit", Value::Null);
    assert_eq!(events(&*plain(&SOURCE), &[("X-Gogs-Event", "push")], &gogs), expected);
    let deleted = with(&push, "/after", json!("0".repeat(40)));
    assert_eq!(ignored(&*plain(&SOURCE), &PUSH, &deleted), "refs/heads/main was deleted");
}

#[test]
fn a_tag_counts_once() {
    let create = br#"{"ref": "v1", "ref_type": "tag", "sha": "7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a",
        "repository": {"full_name": "acme/web", "ssh_url": "git@git.example.com:acme/web.git"}}"#;
    let branch = String::from_utf8(create.to_vec()).unwrap().replace("\"tag\"", "\"branch\"");
    // Gitea sends Gogs' headers too, and a push for every tag.
    let gitea = [("X-Gitea-Event", "create"), ("X-Gogs-Event", "create")];
    assert_eq!(
        ignored(&*plain(&SOURCE), &gitea, create),
        "the tag v1 was created: the event push says so too"
    );
    let expected = json!([{"kind": "git", "repository": "acme/web", "tag": "v1", "urls": ["git@git.example.com:acme/web.git"]}]);
    assert_eq!(events(&*plain(&SOURCE), &gitea[1..], create), expected, "Gogs sends no push for tags");
    ignored(&*plain(&SOURCE), &gitea[1..], branch.as_bytes());
    for event in ["delete", "release", "pull_request"] {
        ignored(&*plain(&SOURCE), &[("X-Gitea-Event", event)], b"{}");
    }
}

#[test]
fn packages_take_their_host_from_an_address() {
    let package = with(&made_up(SampleEvent::Image), "/package/owner/login", json!("Acme"));
    let page = "https://Git.example.com:3000/Acme/-/packages/container/web/1.2.3";
    let package = with(&package, "/package/html_url", json!(page));
    let expected =
        json!([{"kind": "image", "repository": "git.example.com:3000/acme/web", "tags": ["1.2.3"]}]);
    assert_eq!(events(&*plain(&SOURCE), &PACKAGE, &package), expected);
    let hosted = receiver(&SOURCE, "registryHost: images.example.com");
    assert_eq!(events(&*hosted, &PACKAGE, &package)[0]["repository"], "images.example.com/acme/web");
    let by_repository = with(&package, "/package/html_url", Value::Null);
    let event = &events(&*plain(&SOURCE), &PACKAGE, &by_repository)[0];
    assert_eq!(event["repository"], "gitea.example.com/acme/web");
    for (pointer, value) in [
        ("/package/version", json!(format!("sha256:{}", "5a".repeat(32)))),
        ("/package/type", json!("npm")),
        ("/action", json!("deleted")),
    ] {
        ignored(&*plain(&SOURCE), &PACKAGE, &with(&package, pointer, value));
    }
    for bad in ["https://images.example.com", "images.example.com/x", "Images.example.com", ""] {
        assert_eq!(mistakes(&SOURCE, &format!("registryHost: \"{bad}\"")).len(), 1, "{bad}");
    }
}

#[test]
fn the_sender_s_own_headers_come_first() {
    let push = made_up(SampleEvent::Git);
    let headers = [
        ("X-GitHub-Event", "ping"),
        ("X-Gogs-Event", "issues"),
        ("X-Gitea-Event", "issues"),
        ("X-Forgejo-Event", "push"),
        ("X-Gitea-Delivery", "g"),
        ("X-Forgejo-Delivery", "f"),
    ];
    let decoded = decode(&*plain(&SOURCE), &headers, &push).unwrap();
    assert_eq!(decoded.identity, Identity::IdOrBody("f".into()));
    assert_eq!(decoded.actor.as_deref(), Some("octavia"));
    let told = decode(&*plain(&SOURCE), &headers[..1], &push).unwrap_err();
    assert_eq!(told, Undecodable::UnknownShape("X-Gitea-Event: missing".into()));
    assert!(matches!(decode(&*plain(&SOURCE), &PACKAGE, &push), Err(Undecodable::UnknownShape(_))));
    assert!(matches!(decode(&*plain(&SOURCE), &PUSH, &push[..99]), Err(Undecodable::Malformed(_))));
}

#[test]
fn where_the_path_is_enough_empty_signatures_are_none() {
    let setting = Setting { verify_path: true, ..Setting::default() };
    let (receiver, _) = crate::source::testing::configured(&SOURCE, "{}", &setting);
    let right = hmac_hex(Algorithm::Sha256, KEY, b"{}");
    let check = |headers: &[(&str, &str)]| verify(&*receiver, KEY, headers, b"{}");
    for (hub, old) in [("", ""), ("sha256=", "sha1=")] {
        let unsigned = [
            ("X-Gitea-Signature", ""),
            ("X-Gogs-Signature", ""),
            ("X-Hub-Signature-256", hub),
            ("X-Hub-Signature", old),
        ];
        assert_eq!(check(&unsigned), Err(Refusal::Missing));
        assert_eq!(
            verify(&*plain(&SOURCE), KEY, &unsigned, b"{}"),
            Err(Refusal::Invalid),
            "a proof is needed"
        );
    }
    let mixed = [("X-Gitea-Signature", right.as_str()), ("X-Gogs-Signature", "")];
    assert_eq!(check(&mixed), Err(Refusal::Invalid));
    assert_eq!(check(&[("X-Gitea-Signature", "00")]), Err(Refusal::Invalid));
    assert_eq!(check(&[("X-Gitea-Signature", ""), ("X-Hub-Signature", "sha1=00")]), Err(Refusal::Invalid));
}

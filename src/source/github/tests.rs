use serde_json::{Value, json};

use super::SOURCE;
use crate::source::draft::SampleEvent;
use crate::source::testing::{decode, events, flux_recv, ignored, plain, sample, signed, verify, with};
use crate::source::{Identity, Refusal, Undecodable};

const TAG: &[u8] = include_bytes!("../../../tests/data/github/push_annotated_tag.json");
const PACKAGE: &[u8] = include_bytes!("../../../tests/data/github/registry_package.json");
const KEY: &[u8] = b"It's a Secret to Everybody";
/// GitHub's documentation: the signature of `Hello, World!` under that key.
const KNOWN: &str = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

fn on(event: &str) -> Vec<(&str, &str)> {
    vec![("X-GitHub-Event", event), ("X-GitHub-Delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958")]
}

fn made_up(event: SampleEvent) -> Vec<u8> {
    plain(&SOURCE).sample(&sample(event), jiff::Timestamp::UNIX_EPOCH).unwrap().body
}

#[test]
fn the_signature_is_the_sha256_one() {
    let check = |headers: &[(&str, &str)]| verify(&*plain(&SOURCE), KEY, headers, b"Hello, World!");
    let sha1 = format!("sha1={}", super::hmac_hex(super::Algorithm::Sha1, KEY, b"Hello, World!"));
    assert_eq!(check(&[("X-Hub-Signature-256", KNOWN)]), Ok(()));
    assert_eq!(check(&[("X-Hub-Signature-256", KNOWN), ("X-Hub-Signature", "sha1=00")]), Ok(()));
    assert_eq!(check(&[]), Err(Refusal::Missing));
    assert_eq!(check(&[("X-Hub-Signature", &sha1)]), Err(Refusal::Invalid), "SHA-1 alone");
    assert_eq!(check(&[("X-Hub-Signature", KNOWN)]), Err(Refusal::Invalid), "the old header");
    assert_eq!(check(&[("X-Hub-Signature-256", &sha1)]), Err(Refusal::Invalid), "another algorithm");
    assert_eq!(check(&[("X-Hub-Signature-256", &KNOWN[..KNOWN.len() - 2])]), Err(Refusal::Invalid));
    assert_eq!(check(&[("X-Hub-Signature-256", "sha256=")]), Err(Refusal::Invalid));
    let twice = [("X-Hub-Signature-256", KNOWN), ("X-Hub-Signature-256", KNOWN)];
    assert_eq!(check(&twice), Err(Refusal::Invalid), "twice");
    let empty = format!("sha256={}", super::hmac_hex(super::Algorithm::Sha256, b"", b"x"));
    let refused = verify(&*plain(&SOURCE), b"", &[("X-Hub-Signature-256", &empty)], b"x");
    assert_eq!(refused, Err(Refusal::Invalid), "an empty key");
}

#[test]
fn flux_recv_took_the_old_header() {
    let receiver = flux_recv(&SOURCE, "{}");
    for algorithm in [super::Algorithm::Sha1, super::Algorithm::Sha256, super::Algorithm::Sha512] {
        let old = format!("{}={}", algorithm.name(), super::hmac_hex(algorithm, KEY, b"Hello, World!"));
        let check = |headers: &[(&str, &str)]| verify(&*receiver, KEY, headers, b"Hello, World!");
        assert_eq!(check(&[("X-Hub-Signature", &old)]), Ok(()));
        let both = [("X-Hub-Signature", old.as_str()), ("X-Hub-Signature-256", "sha256=00")];
        assert_eq!(check(&both), Err(Refusal::Invalid), "the stronger one must be right");
    }
    assert_eq!(verify(&*receiver, KEY, &[], b"Hello, World!"), Err(Refusal::Missing));
}

#[test]
fn the_commit_of_an_annotated_tag_is_the_commit() {
    let expected = json!([{"kind": "git", "repository": "acme/web", "tag": "v1.4.0", "commit": "c0ffee12".repeat(5),
        "urls": ["git@github.com:acme/web.git", "https://github.com/acme/web.git"]}]);
    assert_eq!(events(&*plain(&SOURCE), &on("push"), TAG), expected);
    let lost = with(TAG, "/head_commit", Value::Null);
    assert_eq!(events(&*plain(&SOURCE), &on("push"), &lost)[0].get("commit"), None);
    let decoded = decode(&*plain(&SOURCE), &on("push"), TAG).unwrap();
    assert_eq!(decoded.identity, Identity::IdOrBody("72d3162e-cc78-11e3-81ab-4c9367dc0958".into()));
    assert_eq!(decoded.actor.as_deref(), Some("octavia"));
    let without_id = decode(&*plain(&SOURCE), &[("X-GitHub-Event", "push")], TAG).unwrap();
    assert_eq!(without_id.identity, Identity::Body);
}

#[test]
fn branches_with_slashes_and_deleted_ones() {
    let branch = with(TAG, "/ref", json!("refs/heads/feature/x"));
    let no_head = with(&branch, "/head_commit", Value::Null);
    let event = &events(&*plain(&SOURCE), &on("push"), &no_head)[0];
    assert_eq!((&event["branch"], &event["commit"]), (&json!("feature/x"), &json!("7a".repeat(20))));
    for gone in [with(&branch, "/deleted", json!(true)), with(&branch, "/after", json!("0".repeat(40)))] {
        assert_eq!(ignored(&*plain(&SOURCE), &on("push"), &gone), "refs/heads/feature/x was deleted");
    }
}

#[test]
fn a_package_is_found_whatever_its_fields_contradict() {
    let expected = json!([{"kind": "image", "repository": "ghcr.io/acme/backend/api", "tags": ["3.10"],
        "digest": format!("sha256:{}", "3d".repeat(32))}]);
    assert_eq!(events(&*plain(&SOURCE), &on("registry_package"), PACKAGE), expected);
    let version = "/registry_package/package_version";
    for url in ["ghcr.io/Acme/Backend/API:sha256:3d", "", "nonsense"] {
        let body = with(PACKAGE, &format!("{version}/package_url"), json!(url));
        assert_eq!(events(&*plain(&SOURCE), &on("registry_package"), &body), expected, "{url}");
    }
    let hosted =
        with(PACKAGE, &format!("{version}/package_url"), json!("containers.git.example.com/acme/api:3.10"));
    let event = &events(&*plain(&SOURCE), &on("registry_package"), &hosted)[0];
    assert_eq!(event["repository"], "containers.git.example.com/acme/api");
    let cut = with(PACKAGE, &format!("{version}/version"), json!("sha256:xxxx"));
    let event = &events(&*plain(&SOURCE), &on("registry_package"), &cut)[0];
    assert_eq!(event.get("digest"), None, "no field holds a valid one");
}

#[test]
fn manifests_without_a_tag_are_ignored() {
    let name = "/registry_package/package_version/container_metadata/tag/name";
    let untagged =
        with(PACKAGE, "/registry_package/package_version/package_url", json!("ghcr.io/Acme/Backend/API:"));
    for tag in [json!(""), Value::Null, json!(format!("sha256:{}", "3d".repeat(32)))] {
        let reason = ignored(&*plain(&SOURCE), &on("registry_package"), &with(&untagged, name, tag));
        assert!(reason.starts_with("the manifest has no tag"), "{reason}");
    }
    let none = with(&untagged, "/registry_package/package_version/container_metadata", Value::Null);
    let none = with(&none, "/registry_package/package_type", json!("CONTAINER"));
    assert!(ignored(&*plain(&SOURCE), &on("registry_package"), &none).starts_with("the manifest has no tag"));
}

#[test]
fn what_is_no_image_is_ignored() {
    let reason = |body: &[u8]| ignored(&*plain(&SOURCE), &on("registry_package"), body);
    let config = "/registry_package/package_version/container_metadata/manifest/config/media_type";
    let chart = with(PACKAGE, config, json!("application/vnd.cncf.helm.config.v1+json"));
    assert_eq!(reason(&chart), "the package is a Helm chart, not an image");
    let npm = with(PACKAGE, "/registry_package/package_version/container_metadata", Value::Null);
    assert_eq!(reason(&npm), "a package of type npm is no image");
    assert_eq!(reason(&with(PACKAGE, "/action", json!("deleted"))), "the package's action is deleted");
    for action in ["updated", "create"] {
        let body = with(PACKAGE, "/action", json!(action));
        assert_eq!(events(&*plain(&SOURCE), &on("registry_package"), &body)[0]["kind"], "image");
    }
}

#[test]
fn only_a_branch_s_own_successful_run_is_a_pipeline() {
    let run = made_up(SampleEvent::Pipeline);
    let expected = json!([{"kind": "pipeline", "repository": "acme/web", "branch": "main", "commit": "8f3b".repeat(10),
        "urls": ["git@github.com:acme/web.git", "https://github.com/acme/web.git"]}]);
    assert_eq!(events(&*plain(&SOURCE), &on("workflow_run"), &run), expected);
    for (pointer, value) in [
        ("/action", json!("requested")),
        ("/action", json!("in_progress")),
        ("/workflow_run/conclusion", json!("failure")),
        ("/workflow_run/conclusion", Value::Null),
        ("/workflow_run/event", json!("pull_request")),
        ("/workflow_run/event", json!("pull_request_target")),
        ("/workflow_run/head_repository/full_name", json!("mallory/web")),
        ("/workflow_run/head_repository", Value::Null),
    ] {
        ignored(&*plain(&SOURCE), &on("workflow_run"), &with(&run, pointer, value));
    }
    let release = with(&run, "/workflow_run/event", json!("release"));
    assert_eq!(events(&*plain(&SOURCE), &on("workflow_run"), &release)[0]["tag"], "main");
}

#[test]
fn header_and_body_must_agree() {
    let unknown = |event: &str, body: &[u8]| {
        matches!(decode(&*plain(&SOURCE), &on(event), body), Err(Undecodable::UnknownShape(_)))
    };
    assert!(unknown("push", PACKAGE) && unknown("package", PACKAGE) && unknown("workflow_run", TAG));
    let missing = decode(&*plain(&SOURCE), &[], TAG).unwrap_err();
    assert_eq!(missing, Undecodable::UnknownShape("X-GitHub-Event: missing".into()));
    let wrong = with(TAG, "/ref", json!(7));
    let Err(Undecodable::UnknownShape(text)) = decode(&*plain(&SOURCE), &on("push"), &wrong) else {
        panic!()
    };
    assert!(text.starts_with("ref: invalid type"), "{text}");
    assert!(matches!(decode(&*plain(&SOURCE), &on("push"), &TAG[..99]), Err(Undecodable::Malformed(_))));
}

#[test]
fn pings_and_other_events() {
    let organisation = br#"{"zen": "Speak like a human.", "hook_id": 1, "organization": {"login": "acme"}}"#;
    assert_eq!(events(&*plain(&SOURCE), &on("ping"), organisation), json!([{"kind": "ping"}]));
    let reason = ignored(&*plain(&SOURCE), &on("create"), br#"{"ref": "v1", "ref_type": "tag"}"#);
    assert_eq!(reason, "the event create leads to nothing here");
}

#[test]
fn a_form_is_signed_as_a_whole() {
    let receiver = plain(&SOURCE);
    let json = String::from_utf8(TAG.to_vec()).unwrap();
    let form = form_urlencoded::Serializer::new(String::new()).append_pair("payload", &json).finish();
    let content = [("Content-Type", "application/x-www-form-urlencoded")];
    let draft = signed(&*receiver, KEY, &content, form.as_bytes());
    assert_eq!(draft.header("X-GitHub-Event"), Some("push"), "guessed from the payload");
    let headers: Vec<_> = draft.headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    assert_eq!(verify(&*receiver, KEY, &headers, form.as_bytes()), Ok(()));
    assert_eq!(events(&*receiver, &headers, form.as_bytes())[0]["tag"], "v1.4.0");
    let told = decode(&*receiver, &headers, b"other=1").unwrap_err();
    assert_eq!(told, Undecodable::Malformed("the form has no field payload".into()));
}

#[test]
fn samples_have_a_real_one_s_size() {
    let size = made_up(SampleEvent::Image).len();
    assert!((7_000..12_000).contains(&size), "{size}");
    assert!(made_up(SampleEvent::Git).len() > 6_000);
    assert!(plain(&SOURCE).sample(&sample(SampleEvent::Deploy), jiff::Timestamp::UNIX_EPOCH).is_none());
}

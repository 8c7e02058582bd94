//! What the sources' unit tests share.

use std::path::Path;

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::Value;

use super::draft::{Draft, Sample, SampleEvent};
use super::{Decoded, Delivery, PathAlone, Proof, Receiver, Refusal, Setting, Source, Undecodable, Verified};
use crate::config::fields::Node;
use crate::config::report::{FieldPath, Report};
use crate::event::{Event, ImagePushed};
use crate::image::{Digest, Repository};
use crate::key::Key;

/// A digest as senders write it.
pub(super) const DIGEST: &str = "sha256:1a9e7d5c3b8f6042a1b3c5d7e9f80246135799bbddff0022446688aaccee1133";
/// The key of the tests.
pub(super) const KEY: &str = "correct horse battery staple";

/// The time at which every test takes place.
pub(super) fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

/// The source with these fields of an endpoint, in YAML, and the mistakes in them.
pub(super) fn configured(source: &Source, yaml: &str, setting: &Setting) -> (Box<dyn Receiver>, Vec<String>) {
    let value = serde_yaml::from_str(yaml).unwrap();
    let report = Report::new(Path::new(env!("CARGO_MANIFEST_DIR")));
    let mut fields = Node::new(&value, &report).fields(FieldPath::default()).unwrap();
    let receiver = (source.configure)(&mut fields, setting);
    fields.finish();
    let findings = report.finish(Path::new("c.yaml"), yaml);
    (receiver, findings.mistakes.iter().map(ToString::to_string).collect())
}

/// The mistakes in these fields.
pub(super) fn mistakes(source: &Source, yaml: &str) -> Vec<String> {
    configured(source, yaml, &Setting::default()).1
}

/// The source with these fields, which have no mistake.
pub(super) fn receiver(source: &Source, yaml: &str) -> Box<dyn Receiver> {
    let (receiver, mistakes) = configured(source, yaml, &Setting::default());
    assert_eq!(mistakes, [""; 0]);
    receiver
}

/// The source without fields of its own.
pub(super) fn plain(source: &Source) -> Box<dyn Receiver> {
    receiver(source, "{}")
}

/// The source in a flux-recv configuration.
pub(super) fn flux_recv(source: &Source, yaml: &str) -> Box<dyn Receiver> {
    let (receiver, mistakes) = configured(source, yaml, &Setting { flux_recv: true, ..Setting::default() });
    assert_eq!(mistakes, [""; 0]);
    receiver
}

/// Headers as `source::headers` and drafts take them.
pub(super) fn pairs(headers: &[(&str, &str)]) -> Vec<(String, String)> {
    headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Verifies a request by one key.
pub(super) fn verify(
    receiver: &dyn Receiver,
    key: &[u8],
    headers: &[(&str, &str)],
    body: &[u8],
) -> Result<(), Refusal> {
    let headers = super::headers(&pairs(headers)).unwrap();
    let delivery = Delivery { headers: &headers, body };
    super::verify(receiver, PathAlone::Refused, &[Key::new(key)], &delivery, now()).map(|_| ())
}

/// Verifies a request by [`KEY`].
pub(super) fn verified(
    receiver: &dyn Receiver,
    headers: &[(&str, &str)],
    body: impl AsRef<[u8]>,
) -> Result<(), Refusal> {
    verify(receiver, KEY.as_bytes(), headers, body.as_ref())
}

/// Decodes a request, verification waived.
pub(super) fn decode(
    receiver: &dyn Receiver,
    headers: &[(&str, &str)],
    body: impl AsRef<[u8]>,
) -> Result<Decoded, Undecodable> {
    let headers = super::headers(&pairs(headers)).unwrap();
    receiver.decode(&Verified::waived(&Delivery { headers: &headers, body: body.as_ref() }))
}

/// The events as `explain --json` shows them.
pub(super) fn events(receiver: &dyn Receiver, headers: &[(&str, &str)], body: &[u8]) -> Value {
    serde_json::to_value(decode(receiver, headers, body).unwrap().events).unwrap()
}

/// The events of a JSON body.
pub(super) fn events_of(receiver: &dyn Receiver, body: &Value) -> Vec<Event> {
    decode(receiver, &[], body.to_string()).unwrap().events
}

/// The reason for which a delivery leads to nothing.
pub(super) fn ignored(receiver: &dyn Receiver, headers: &[(&str, &str)], body: &[u8]) -> String {
    match decode(receiver, headers, body).unwrap().events.as_slice() {
        [Event::Ignored { reason }] => reason.clone(),
        other => panic!("{other:?} is not one ignored event"),
    }
}

/// The reason for which a JSON body leads to nothing.
pub(super) fn ignored_of(receiver: &dyn Receiver, body: &Value) -> String {
    ignored(receiver, &[], body.to_string().as_bytes())
}

/// What is said of a JSON body of an unknown shape.
pub(super) fn unknown(receiver: &dyn Receiver, body: &Value) -> String {
    match decode(receiver, &[], body.to_string()) {
        Err(Undecodable::UnknownShape(text)) => text,
        other => panic!("{other:?} is no unknown shape"),
    }
}

/// A body, changed at a JSON pointer.
pub(super) fn with(body: &[u8], pointer: &str, value: Value) -> Vec<u8> {
    let mut body: Value = serde_json::from_slice(body).unwrap();
    *body.pointer_mut(pointer).unwrap() = value;
    body.to_string().into_bytes()
}

/// An image event.
pub(super) fn image(repository: &str, tags: &[&str], digest: Option<&str>) -> Event {
    Event::Image(ImagePushed {
        repository: Repository::parse(repository).unwrap(),
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        digest: digest.map(|digest| Digest::parse(digest).unwrap()),
    })
}

/// What a sample shall say: `ghcr.io/acme/web:1.2.3`.
pub(super) fn sample(event: SampleEvent) -> Sample {
    Sample {
        event,
        image: Repository::parse("ghcr.io/acme/web").unwrap(),
        tag: "1.2.3".into(),
        digest: Digest::parse(DIGEST).unwrap(),
        repository: "acme/web".into(),
        branch: "main".into(),
        commit: "8f3b".repeat(10),
    }
}

/// The sample of this kind, if there is one.
pub(super) fn sample_of(receiver: &dyn Receiver, event: SampleEvent) -> Option<Draft> {
    receiver.sample(&sample(event), now())
}

/// Signs a body as the source would, with the headers that are given.
pub(super) fn signed(receiver: &dyn Receiver, key: &[u8], headers: &[(&str, &str)], body: &[u8]) -> Draft {
    let mut draft = Draft { headers: pairs(headers), body: body.to_vec() };
    receiver.sign(&Key::new(key), &mut draft, now()).unwrap();
    draft
}

/// Makes a sample, signs it, verifies it with the same source, changes it, and decodes it.
pub(super) fn round_trip(receiver: &dyn Receiver, event: SampleEvent) -> Decoded {
    let mut draft = sample_of(receiver, event).unwrap();
    let keys = [Key::new(KEY.as_bytes())];
    receiver.sign(&keys[0], &mut draft, now()).unwrap();
    let headers = super::headers(&draft.headers).unwrap();
    let delivery = Delivery { headers: &headers, body: &draft.body };
    let verified = super::verify(receiver, PathAlone::Refused, &keys, &delivery, now()).unwrap();
    let wrong = super::verify(receiver, PathAlone::Refused, &[Key::new(*b"another key")], &delivery, now());
    assert_eq!(wrong.is_err(), verified.proof() == Some(Proof::Valid), "another key");
    receiver.decode(&verified).unwrap()
}

/// Any JSON, with the words that the sources look for among its names and texts.
pub(super) fn any_json() -> impl Strategy<Value = Value> {
    let word = prop::sample::select(vec![
        "action",
        "artifactory",
        "component",
        "data",
        "digest",
        "docker",
        "docker_url",
        "domain",
        "event_data",
        "event_type",
        "events",
        "host",
        "id",
        "insert",
        "jpd_origin",
        "message",
        "name",
        "ping",
        "push",
        "PUSH_ARTIFACT",
        "push_data",
        "pushed",
        "repo_key",
        "repo_name",
        "repository",
        "request",
        "resource_url",
        "resources",
        "specversion",
        "tag",
        "target",
        "type",
        "updated_tags",
        "version",
    ]);
    let text = prop_oneof![word.clone().prop_map(str::to_owned), "[ -~]{0,12}", ".{0,6}"];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text.prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 64, 6, move |inner| {
        let object = prop::collection::hash_map(word.clone().prop_map(str::to_owned), inner.clone(), 0..6);
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(Value::from),
            object.prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Whatever the JSON, decoding answers, and never with nothing.
pub(super) fn decoding_never_panics(receiver: &dyn Receiver) {
    proptest!(|(body in any_json())| {
        if let Ok(decoded) = decode(receiver, &[], body.to_string()) {
            prop_assert!(!decoded.events.is_empty());
        }
    });
}

//! What the tests of the registries' sources share.

use std::path::Path;

use proptest::prelude::*;
use serde_json::Value;

use super::draft::{Draft, Sample, SampleEvent};
use super::{Decoded, Delivery, Proof, Receiver, Refusal, Setting, Source, Undecodable, Verified};
use super::{PathAlone, headers, verify};
use crate::config::fields::Node;
use crate::config::report::{FieldPath, Report};
use crate::event::{Event, ImagePushed};
use crate::image::{Digest, Repository};
use crate::key::Key;

/// A digest as senders write it.
pub(super) const DIGEST: &str = "sha256:1a9e7d5c3b8f6042a1b3c5d7e9f80246135799bbddff0022446688aaccee1133";
/// The key of the tests.
pub(super) const KEY: &str = "correct horse battery staple";

/// The source with these fields, and the mistakes in them.
pub(super) fn configured(source: &Source, yaml: &str, setting: &Setting) -> (Box<dyn Receiver>, Vec<String>) {
    let value = serde_yaml::from_str(yaml).unwrap();
    let report = Report::new(Path::new(env!("CARGO_MANIFEST_DIR")));
    let mut fields = Node::new(&value, &report).fields(FieldPath::default()).unwrap();
    let receiver = (source.configure)(&mut fields, setting);
    fields.finish();
    let findings = report.finish(Path::new("c.yaml"), yaml);
    (receiver, findings.mistakes.iter().map(ToString::to_string).collect())
}

/// The source with these fields, which have no mistake.
pub(super) fn receiver(source: &Source, yaml: &str) -> Box<dyn Receiver> {
    let (receiver, mistakes) = configured(source, yaml, &Setting::default());
    assert_eq!(mistakes, [""; 0]);
    receiver
}

/// The source in a flux-recv configuration.
pub(super) fn flux_recv(source: &Source, yaml: &str) -> Box<dyn Receiver> {
    let (receiver, mistakes) = configured(source, yaml, &Setting { flux_recv: true, ..Setting::default() });
    assert_eq!(mistakes, [""; 0]);
    receiver
}

fn header_map(pairs: &[(&str, &str)]) -> hyper::HeaderMap {
    let pairs: Vec<_> = pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    headers(&pairs).unwrap()
}

/// Verifies a delivery against [`KEY`].
pub(super) fn verified(
    receiver: &dyn Receiver,
    pairs: &[(&str, &str)],
    body: impl AsRef<[u8]>,
) -> Result<(), Refusal> {
    verified_by(receiver, &[Key::new(KEY.as_bytes())], pairs, body)
}

/// Verifies a delivery against these keys.
pub(super) fn verified_by(
    receiver: &dyn Receiver,
    keys: &[Key],
    pairs: &[(&str, &str)],
    body: impl AsRef<[u8]>,
) -> Result<(), Refusal> {
    let headers = header_map(pairs);
    let delivery = Delivery { headers: &headers, body: body.as_ref() };
    receiver.verify(keys, &delivery, "2026-05-04T10:00:00Z".parse().unwrap())
}

/// Decodes a delivery without a look at its proof.
pub(super) fn decoded(
    receiver: &dyn Receiver,
    pairs: &[(&str, &str)],
    body: impl AsRef<[u8]>,
) -> Result<Decoded, Undecodable> {
    let headers = header_map(pairs);
    let delivery = Delivery { headers: &headers, body: body.as_ref() };
    receiver.decode(&Verified::waived(&delivery))
}

/// The events of a JSON body.
pub(super) fn events(receiver: &dyn Receiver, body: &Value) -> Vec<Event> {
    decoded(receiver, &[], body.to_string()).unwrap().events
}

/// The reason why a JSON body is ignored.
pub(super) fn ignored(receiver: &dyn Receiver, body: &Value) -> String {
    match events(receiver, body).as_slice() {
        [Event::Ignored { reason }] => reason.clone(),
        other => panic!("{other:?} is not one ignored event"),
    }
}

/// What is said of a JSON body of an unknown shape.
pub(super) fn unknown(receiver: &dyn Receiver, body: &Value) -> String {
    match decoded(receiver, &[], body.to_string()) {
        Err(Undecodable::UnknownShape(text)) => text,
        other => panic!("{other:?} is no unknown shape"),
    }
}

/// An image event.
pub(super) fn image(repository: &str, tags: &[&str], digest: Option<&str>) -> Event {
    Event::Image(ImagePushed {
        repository: Repository::parse(repository).unwrap(),
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        digest: digest.map(|digest| Digest::parse(digest).unwrap()),
    })
}

/// The sample of this kind that the tests ask for: `ghcr.io/acme/web:1.2.3`.
pub(super) fn sample_of(receiver: &dyn Receiver, event: SampleEvent) -> Option<Draft> {
    let sample = Sample {
        event,
        image: Repository::parse("ghcr.io/acme/web").unwrap(),
        tag: "1.2.3".into(),
        digest: Digest::parse(DIGEST).unwrap(),
        repository: "acme/web".into(),
        branch: "main".into(),
        commit: "5f3c1a9e7d5c3b8f6042a1b3c5d7e9f802461357".into(),
    };
    receiver.sample(&sample, "2026-05-04T10:00:00Z".parse().unwrap())
}

/// Makes a sample, signs it, verifies it with the same source, changes it, and decodes it.
pub(super) fn round_trip(receiver: &dyn Receiver, event: SampleEvent) -> Decoded {
    let now = "2026-05-04T10:00:00Z".parse().unwrap();
    let mut draft = sample_of(receiver, event).unwrap();
    let keys = [Key::new(KEY.as_bytes())];
    receiver.sign(&keys[0], &mut draft, now).unwrap();
    let headers = headers(&draft.headers).unwrap();
    let delivery = Delivery { headers: &headers, body: &draft.body };
    let verified = verify(receiver, PathAlone::Refused, &keys, &delivery, now).unwrap();
    let wrong = verify(receiver, PathAlone::Refused, &[Key::new(*b"another key")], &delivery, now);
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
        if let Ok(decoded) = decoded(receiver, &[], body.to_string()) {
            prop_assert!(!decoded.events.is_empty());
        }
    });
}

//! What the sources' unit tests share.

use std::path::Path;

use super::{
    Decoded, Delivery, Draft, PathAlone, Receiver, Refusal, Sample, Setting, Source, Undecodable, Verified,
};
use crate::config::fields::{Fields, Node};
use crate::config::report::{FieldPath, Report};
use crate::image::{Digest, Repository};
use crate::key::Key;
use crate::source::draft::SampleEvent;

/// Configures a source by the fields of an endpoint, in YAML.
pub(super) fn configure(
    source: &Source,
    yaml: &str,
    setting: &Setting,
) -> Result<Box<dyn Receiver>, Vec<String>> {
    let value = serde_yaml::from_str(yaml).unwrap();
    let report = Report::new(Path::new(""));
    let mut fields: Fields<'_> = Node::new(&value, &report).fields(FieldPath::default()).unwrap();
    let receiver = (source.configure)(&mut fields, setting);
    fields.finish();
    let mistakes = report.finish(Path::new("c.yaml"), yaml).mistakes;
    if mistakes.is_empty() { Ok(receiver) } else { Err(mistakes.iter().map(ToString::to_string).collect()) }
}

/// A source without fields of its own.
pub(super) fn plain(source: &Source) -> Box<dyn Receiver> {
    configure(source, "{}", &Setting::default()).unwrap()
}

/// A source in a flux-recv configuration.
pub(super) fn flux_recv(source: &Source) -> Box<dyn Receiver> {
    configure(source, "{}", &Setting { flux_recv: true, ..Setting::default() }).unwrap()
}

/// Headers as `source::headers` and drafts take them.
pub(super) fn pairs(headers: &[(&str, &str)]) -> Vec<(String, String)> {
    headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// The time at which every test takes place.
pub(super) fn now() -> jiff::Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
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

/// Decodes a request, verification waived.
pub(super) fn decode(
    receiver: &dyn Receiver,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Result<Decoded, Undecodable> {
    let headers = super::headers(&pairs(headers)).unwrap();
    receiver.decode(&Verified::waived(&Delivery { headers: &headers, body }))
}

/// The events as `explain --json` shows them.
pub(super) fn events(receiver: &dyn Receiver, headers: &[(&str, &str)], body: &[u8]) -> serde_json::Value {
    serde_json::to_value(decode(receiver, headers, body).unwrap().events).unwrap()
}

/// The reason for which a delivery leads to nothing.
pub(super) fn ignored(receiver: &dyn Receiver, headers: &[(&str, &str)], body: &[u8]) -> String {
    let events = decode(receiver, headers, body).unwrap().events;
    match events.as_slice() {
        [crate::event::Event::Ignored { reason }] => reason.clone(),
        other => panic!("{other:?}"),
    }
}

/// A body, changed at a JSON pointer.
pub(super) fn with(body: &[u8], pointer: &str, value: serde_json::Value) -> Vec<u8> {
    let mut body: serde_json::Value = serde_json::from_slice(body).unwrap();
    *body.pointer_mut(pointer).unwrap() = value;
    body.to_string().into_bytes()
}

/// A sample's values.
pub(super) fn sample(event: SampleEvent) -> Sample {
    Sample {
        event,
        image: Repository::parse("ghcr.io/acme/web").unwrap(),
        tag: "1.2.3".into(),
        digest: Digest::parse(&format!("sha256:{}", "5a".repeat(32))).unwrap(),
        repository: "acme/web".into(),
        branch: "main".into(),
        commit: "8f3b".repeat(10),
    }
}

/// Signs a body as the source would, with the headers that are given.
pub(super) fn signed(receiver: &dyn Receiver, key: &[u8], headers: &[(&str, &str)], body: &[u8]) -> Draft {
    let mut draft = Draft { headers: pairs(headers), body: body.to_vec() };
    receiver.sign(&Key::new(key), &mut draft, now()).unwrap();
    draft
}

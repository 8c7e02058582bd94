//! What the actions' unit tests share.

use std::path::Path;

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::context::Context;
use crate::config::fields::{Fields, Node};
use crate::config::report::{FieldPath, Report};
use crate::event::{DeployRequest, Event, GitPushed, GitRef, ImagePushed};
use crate::image::{Digest, Repository};
use crate::kubernetes::{Kind, Object, Workload};
use crate::rule::TagPolicy;

pub(super) const DIGEST: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

pub(super) fn pushed(repository: &str, tag: &str) -> Event {
    let repository = Repository::parse(repository).unwrap();
    Event::Image(ImagePushed { repository, tags: vec![tag.into()], digest: Digest::parse(DIGEST) })
}

pub(super) fn git() -> Event {
    let urls = vec!["git@github.com:acme/web.git".to_owned()];
    let reference = GitRef::Branch("main".into());
    Event::Git(GitPushed { repository: "acme/web".into(), urls, reference, commit: None })
}

pub(crate) fn deploy(image: &str, tag: &str, digest: Option<&str>) -> Event {
    Event::Deploy(Box::new(DeployRequest {
        environment: "production".into(),
        image: Repository::parse(image).unwrap(),
        tag: tag.into(),
        digest: digest.map(|digest| Digest::parse(digest).unwrap()),
        namespace: "shop".into(),
        workload: "web".into(),
        id: "d-1".into(),
        commit: String::new(),
        by: String::new(),
        strategy: "rolling".into(),
        auto_promotion: false,
        asked: std::collections::BTreeMap::new(),
    }))
}

pub(super) fn policy(json: &Value) -> TagPolicy {
    serde_json::from_value(json.clone()).unwrap()
}

pub(super) fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A context of an event that was received at 10:00:00.5 and is worked on a second later.
pub(super) fn context<'a>(
    event: &'a Event,
    tag: Option<&'a str>,
    policy: Option<&'a TagPolicy>,
) -> Context<'a> {
    let (received, now) = (time("2026-11-21T10:00:00.5Z"), time("2026-11-21T10:00:01.5Z"));
    Context::new(event, tag, policy, "GitHub", "72d3162e-cc78-11e3-81ab-4c9367dc0958", received, now)
}

pub(super) fn workload(kind: Kind) -> Workload {
    Workload::new("shop", kind, "web").unwrap()
}

/// A workload of these containers, as the API shows it.
pub(super) fn object(containers: &Value, init_containers: &Value) -> Value {
    json!({
        "metadata": {"name": "web", "resourceVersion": "7"},
        "spec": {"template": {"spec": {"containers": containers, "initContainers": init_containers}}},
    })
}

pub(super) fn parse(object: Value) -> Object {
    serde_json::from_value(object).unwrap()
}

/// Reads fields and says which mistakes there were.
pub(crate) fn read<T>(text: &str, read: impl FnOnce(Fields<'_>) -> Option<T>) -> (Option<T>, Vec<String>) {
    let value: serde_yaml::Value = serde_yaml::from_str(text).unwrap();
    let report = Report::new(Path::new(""));
    let made = Node::new(&value, &report).fields(FieldPath::default()).and_then(read);
    let told = report.finish(Path::new("c.yaml"), text).mistakes;
    (made, told.iter().map(ToString::to_string).collect())
}

/// A real API server's recorded exchange.
pub(super) fn exchange(file: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/exchanges").join(file);
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// What anybody may name things who wants to get out of the text that it is put into.
pub(crate) fn any_word() -> impl Strategy<Value = String> {
    let pieces = [
        "\", \"x\": [",
        "}",
        "]",
        "<!channel>",
        "&a *a",
        "\n",
        "\n---\n",
        "\n• ",
        "${tag}",
        "$${",
        "!!map",
        "\u{0}",
        "null",
        "7",
    ];
    let hostile = proptest::collection::vec(proptest::sample::select(pieces.to_vec()), 1..5);
    prop_oneof![hostile.prop_map(|pieces| pieces.concat()), ".{1,12}"]
}

/// A structure without its texts.
pub(crate) fn shape(value: &Value) -> Value {
    match value {
        Value::String(_) => "text".into(),
        Value::Array(items) => items.iter().map(shape).collect(),
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), shape(value))).collect(),
        other => other.clone(),
    }
}

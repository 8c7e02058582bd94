//! CNCF Distribution (`registry:2`, `registry:3`) and what is built on it. A header from the registry's
//! configuration proves the sender. One request may carry several events, most of which are no pushed image:
//! layers, pulls, the children of a multi-platform image.

use jiff::Timestamp;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::draft::SampleEvent;
use super::fixed_header::FixedHeader;
use super::json_list::list;
use super::registry::{below, host_of_url, is_image_manifest, merge, pushed, registry_host};
use super::sample::Values;
use super::{
    Decoded, Delivery, Draft, Identity, Receiver, Refusal, Sample, Source, Undecodable, Verified, json,
};
use crate::event::Event as Happened;
use crate::key::Key;

/// `source: Distribution`
pub static SOURCE: Source = Source {
    name: "Distribution",
    configure: |fields, _| {
        Box::new(Distribution {
            header: FixedHeader::configure(fields),
            registry_host: registry_host(fields),
        })
    },
};

const MEDIA_TYPE: &str = "application/vnd.docker.distribution.events.v2+json";

#[derive(Debug)]
struct Distribution {
    header: FixedHeader,
    /// Instead of the host that the pusher used, which may be one that only it can reach.
    registry_host: Option<String>,
}

#[derive(Deserialize)]
struct Envelope {
    #[serde(default, deserialize_with = "list")]
    events: Option<Vec<Event>>,
}

#[derive(Deserialize)]
struct Event {
    #[serde(default, deserialize_with = "json::scalar")]
    id: Option<String>,
    action: Option<String>,
    target: Option<Target>,
    request: Option<Request>,
    actor: Option<Actor>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Target {
    #[serde(default, deserialize_with = "json::scalar")]
    media_type: Option<String>,
    #[serde(default, deserialize_with = "json::scalar")]
    digest: Option<String>,
    repository: Option<String>,
    #[serde(default, deserialize_with = "json::scalar")]
    url: Option<String>,
    /// Only a manifest that is pushed by its tag has one.
    tag: Option<String>,
}

#[derive(Deserialize)]
struct Request {
    host: Option<String>,
}

#[derive(Deserialize)]
struct Actor {
    #[serde(default, deserialize_with = "json::scalar")]
    name: Option<String>,
}

impl Distribution {
    fn event(&self, event: &Event, at: &str) -> Result<Happened, Undecodable> {
        let action = json::need(event.action.as_deref(), &format!("{at}.action"))?;
        if action != "push" {
            return Ok(Happened::ignored(format!("the registry tells of {action}, which is no push")));
        }
        let target = json::need(event.target.as_ref(), &format!("{at}.target"))?;
        if !is_image_manifest(target.media_type.as_deref()) {
            let media_type = target.media_type.as_deref().unwrap_or_default().escape_debug();
            return Ok(Happened::ignored(format!("{media_type} was pushed, which is no image's manifest")));
        }
        let requested = event.request.as_ref().and_then(|request| request.host.as_deref());
        let host = self.registry_host.as_deref().or(requested.filter(|host| !host.is_empty()));
        let host = host.or_else(|| target.url.as_deref().and_then(host_of_url));
        let host = json::need(host, &format!("{at}.request.host"))?;
        let at = format!("{at}.target.repository");
        let repository = json::need(target.repository.as_deref(), &at)?;
        pushed(&format!("{host}/{repository}"), &at, target.tag.as_deref(), target.digest.as_deref())
    }
}

/// The events' ids, which stay when a delivery is repeated.
fn identity(events: &[Event]) -> Identity {
    let ids: Option<Vec<&str>> = events.iter().map(|event| event.id.as_deref()).collect();
    match ids.as_deref() {
        // Without ids the body still carries the times.
        None => Identity::Body,
        Some([id]) => Identity::Id((*id).to_owned()),
        Some(ids) => Identity::Id(hex::encode(Sha256::digest(ids.join("\n")))),
    }
}

impl Receiver for Distribution {
    fn proof(&self) -> Option<String> {
        Some(self.header.proof())
    }

    fn verify(&self, keys: &[Key], delivery: &Delivery<'_>, _: Timestamp) -> Result<(), Refusal> {
        self.header.verify(keys, delivery)
    }

    fn decode(&self, delivery: &Verified<'_>) -> Result<Decoded, Undecodable> {
        let envelope: Envelope = json::read(delivery.body())?;
        let told = json::need(envelope.events, "events")?;
        let events = told.iter().enumerate().map(|(i, event)| self.event(event, &format!("events[{i}]")));
        let events = merge(events.collect::<Result<Vec<_>, _>>()?);
        if events.is_empty() {
            return Ok(Decoded::ignored("the registry sent no events"));
        }
        let identity = identity(&told);
        let actor = told.into_iter().find_map(|event| event.actor?.name).filter(|name| !name.is_empty());
        Ok(Decoded { events, identity, actor })
    }

    fn sign(&self, key: &Key, draft: &mut Draft, _: Timestamp) -> Result<(), String> {
        draft.default_header("Content-Type", MEDIA_TYPE);
        self.header.sign(key, draft)
    }

    fn sample(&self, sample: &Sample, now: Timestamp) -> Option<Draft> {
        if sample.event != SampleEvent::Image {
            return None;
        }
        let mut values = Values::new(sample, now);
        values.set("image.below", below(&sample.image, self.registry_host.as_deref()));
        let body = values.fill(include_str!("distribution/samples/image.json"))?;
        // The registry indents its bodies.
        let headers = vec![("Content-Type".to_owned(), MEDIA_TYPE.to_owned())];
        Some(Draft { headers, body: format!("{body:#}").into_bytes() })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::*;
    use super::*;

    const GENUINE: &str = include_str!("../../tests/data/distribution/push.json");

    fn changed(pointer: &str, value: &Value) -> Value {
        let mut body: Value = serde_json::from_str(GENUINE).unwrap();
        *body.pointer_mut(pointer).unwrap() = value.clone();
        body
    }

    fn one(pointer: &str, value: &Value) -> Value {
        changed(pointer, value)["events"][0].clone()
    }

    #[test]
    fn a_genuine_delivery() {
        let registry = receiver(&SOURCE, "{}");
        assert_eq!(verified(&*registry, &[("Authorization", &format!("Bearer {KEY}"))], GENUINE), Ok(()));
        let decoded = decode(&*registry, &[("Content-Type", MEDIA_TYPE)], GENUINE).unwrap();
        assert_eq!(decoded.events, [image("registry.example.com:5000/acme/web", &["3.10"], Some(DIGEST))]);
        assert_eq!(decoded.identity, Identity::Id("5c1e1f0a-2d3b-4c5d-8e6f-7a8b9c0d1e2f".into()));
        assert_eq!(decoded.actor.as_deref(), Some("acme-ci"));
    }

    #[test]
    fn the_header_is_the_proof() {
        let registry = receiver(&SOURCE, "header: X-Token");
        assert_eq!(verified(&*registry, &[("X-Token", KEY)], GENUINE), Ok(()));
        assert_eq!(verified(&*registry, &[("X-Token", "wrong")], GENUINE), Err(Refusal::Invalid));
        assert_eq!(verified(&*registry, &[], GENUINE), Err(Refusal::Missing));
        let (_, mistakes) = configured(&SOURCE, "header: 'a b'", &super::super::Setting::default());
        assert_eq!(mistakes, ["c.yaml:1:9: header: \"a b\" is not the name of a header"]);
    }

    #[test]
    fn only_manifests_that_are_pushed_by_tag() {
        let registry = receiver(&SOURCE, "{}");
        for action in ["pull", "mount", "delete"] {
            let told = ignored_of(&*registry, &changed("/events/0/action", &json!(action)));
            assert_eq!(told, format!("the registry tells of {action}, which is no push"));
        }
        for media_type in ["application/octet-stream", "application/vnd.oci.image.layer.v1.tar+gzip"] {
            let told = ignored_of(&*registry, &changed("/events/0/target/mediaType", &json!(media_type)));
            assert_eq!(told, format!("{media_type} was pushed, which is no image's manifest"));
        }
        for untagged in [json!(""), Value::Null, json!(DIGEST)] {
            let told = ignored_of(&*registry, &changed("/events/0/target/tag", &untagged));
            assert_eq!(told, "registry.example.com:5000/acme/web was pushed without a tag");
        }
        assert_eq!(ignored_of(&*registry, &json!({"events": []})), "the registry sent no events");
    }

    #[test]
    fn one_delivery_of_several_events() {
        let registry = receiver(&SOURCE, "{}");
        let blob = one("/events/0/target/mediaType", &json!("application/octet-stream"));
        let child = one("/events/0/target/tag", &Value::Null);
        let other = one("/events/0/target/repository", &json!("acme/db"));
        let latest = one("/events/0/target/tag", &json!("latest"));
        let body = json!({"events": [blob, blob, child, one("/events/0/id", &json!("1")), other, latest]});
        let told = decode(&*registry, &[], body.to_string()).unwrap();
        let web = image("registry.example.com:5000/acme/web", &["3.10", "latest"], Some(DIGEST));
        let db = image("registry.example.com:5000/acme/db", &["3.10"], Some(DIGEST));
        assert_eq!(told.events[2..], [web, db]);
        assert!(told.events[..2].iter().all(|event| event.kind() == "ignored"));
        assert!(matches!(&told.identity, Identity::Id(id) if id.len() == 64));
        let fewer = json!({"events": [blob, child]});
        assert_ne!(decode(&*registry, &[], fewer.to_string()).unwrap().identity, told.identity);
        let unnamed = changed("/events/0/id", &Value::Null).to_string();
        assert_eq!(decode(&*registry, &[], unnamed).unwrap().identity, Identity::Body);
    }

    #[test]
    fn the_host_is_the_requests_or_the_configurations() {
        let internal = changed("/events/0/request/host", &json!("registry:5000"));
        let told = events_of(&*receiver(&SOURCE, "{}"), &internal);
        assert_eq!(told, [image("registry:5000/acme/web", &["3.10"], Some(DIGEST))]);
        let told = events_of(&*receiver(&SOURCE, "registryHost: pull.example.com"), &internal);
        assert_eq!(told, [image("pull.example.com/acme/web", &["3.10"], Some(DIGEST))]);
        let told = events_of(&*receiver(&SOURCE, "{}"), &changed("/events/0/request", &Value::Null));
        assert_eq!(told, [image("registry.internal:5000/acme/web", &["3.10"], Some(DIGEST))]);
    }

    #[test]
    fn unknown_shapes_name_their_place() {
        let registry = receiver(&SOURCE, "{}");
        assert_eq!(unknown(&*registry, &json!({})), "events: missing");
        assert_eq!(unknown(&*registry, &json!({"events": [{}]})), "events[0].action: missing");
        assert_eq!(
            unknown(&*registry, &changed("/events/0/target", &Value::Null)),
            "events[0].target: missing"
        );
        let nowhere = json!({"events": [{"action": "push", "target": {"repository": "a", "tag": "1"}}]});
        assert_eq!(unknown(&*registry, &nowhere), "events[0].request.host: missing");
        let told = unknown(&*registry, &changed("/events/0/target/repository", &json!("a b")));
        assert!(told.starts_with("events[0].target.repository: "), "{told}");
        assert!(matches!(decode(&*registry, &[], &GENUINE[..90]), Err(Undecodable::Malformed(_))));
        decoding_never_panics(&*registry);
    }

    #[test]
    fn samples_are_ones_of_its_own() {
        for yaml in ["{}", "registryHost: ghcr.io/acme"] {
            let told = round_trip(&*receiver(&SOURCE, yaml), SampleEvent::Image).events;
            assert_eq!(told, [image("ghcr.io/acme/web", &["1.2.3"], Some(DIGEST))]);
        }
        assert!(sample_of(&*receiver(&SOURCE, "{}"), SampleEvent::Ping).is_none());
    }
}

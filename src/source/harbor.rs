//! Harbor, versions 1 and 2, and version 2's `CloudEvents` form. A fixed header proves the sender.

use jiff::Timestamp;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::draft::SampleEvent;
use super::fixed_header::FixedHeader;
use super::json_list::list;
use super::registry::{merge, pushed, split_reference};
use super::sample::Values;
use super::{
    Decoded, Delivery, Draft, Identity, Receiver, Refusal, Sample, Source, Undecodable, Verified, json,
};
use crate::event::Event;
use crate::key::Key;

/// `source: Harbor`
pub static SOURCE: Source = Source {
    name: "Harbor",
    configure: |fields, _| Box::new(Harbor { header: FixedHeader::configure(fields) }),
};

#[derive(Debug)]
struct Harbor {
    header: FixedHeader,
}

/// What says how to read the rest.
#[derive(Deserialize)]
struct Head {
    r#type: Option<String>,
    specversion: Option<String>,
    #[serde(default, deserialize_with = "json::scalar")]
    operator: Option<String>,
    #[serde(default, deserialize_with = "json::scalar")]
    id: Option<String>,
    #[serde(default, deserialize_with = "json::scalar")]
    occur_at: Option<String>,
}

/// The default form.
#[derive(Deserialize)]
struct Plain {
    event_data: Option<EventData>,
}

/// The `CloudEvents` form (structured mode).
#[derive(Deserialize)]
struct CloudEvent {
    data: Option<EventData>,
}

#[derive(Deserialize)]
struct EventData {
    #[serde(default, deserialize_with = "list")]
    resources: Option<Vec<Resource>>,
}

#[derive(Deserialize)]
struct Resource {
    #[serde(default, deserialize_with = "json::scalar")]
    digest: Option<String>,
    /// The digest once more when the artifact has no tag.
    tag: Option<String>,
    /// `harbor.example.com/acme/web:3.10`, or with `@sha256:…`; never with a scheme.
    #[serde(rename = "resource_url")]
    url: Option<String>,
}

impl Resource {
    fn event(&self, at: &str) -> Result<Event, Undecodable> {
        let at = format!("{at}.resource_url");
        let reference = json::need(self.url.as_deref(), &at)?;
        let (name, tag_of_url, digest_of_url) = split_reference(reference);
        let tag = self.tag.as_deref().filter(|tag| !tag.is_empty()).or(tag_of_url);
        pushed(name, &at, tag, self.digest.as_deref().or(digest_of_url))
    }
}

/// A retry of Harbor's job service carries no id, and neither do the pushes: what happened when to what is the
/// identity. Without the time two pushes may look alike.
fn plain_identity(head: &Head, resources: &[Resource]) -> Identity {
    let Some(occur_at) = &head.occur_at else { return Identity::BodyWhilePending };
    let mut hash = Sha256::new();
    let mut add = |text: Option<&str>| hash.update(format!("{}\n", text.unwrap_or_default()));
    add(head.r#type.as_deref());
    add(Some(occur_at));
    for resource in resources {
        add(resource.digest.as_deref());
        add(resource.url.as_deref());
    }
    Identity::Id(hex::encode(hash.finalize()))
}

impl Receiver for Harbor {
    fn proof(&self) -> Option<String> {
        Some(self.header.proof())
    }

    fn verify(&self, keys: &[Key], delivery: &Delivery<'_>, _: Timestamp) -> Result<(), Refusal> {
        self.header.verify(keys, delivery)
    }

    fn decode(&self, delivery: &Verified<'_>) -> Result<Decoded, Undecodable> {
        let head: Head = json::read(delivery.body())?;
        let cloud_event =
            head.specversion.is_some() || delivery.delivery().is_content_type("application/cloudevents+json");
        let kind = json::need(head.r#type.as_deref(), "type")?;
        let (data, at) = match (cloud_event, kind) {
            (true, "harbor.artifact.pushed") => (json::read::<CloudEvent>(delivery.body())?.data, "data"),
            (false, "PUSH_ARTIFACT" | "pushImage") => {
                (json::read::<Plain>(delivery.body())?.event_data, "event_data")
            }
            (_, other) => return Ok(Decoded::ignored(format!("Harbor tells of {other}, which is no push"))),
        };
        let resources = json::need(data, at)?.resources.unwrap_or_default();
        let at = format!("{at}.resources");
        let events = resources.iter().enumerate().map(|(i, resource)| resource.event(&format!("{at}[{i}]")));
        let events = merge(events.collect::<Result<Vec<_>, _>>()?);
        if events.is_empty() {
            return Err(Undecodable::UnknownShape(format!("{at}: there are none")));
        }
        let identity = match head.id {
            Some(id) if cloud_event => Identity::Id(id),
            _ => plain_identity(&head, &resources),
        };
        Ok(Decoded { events, identity, actor: head.operator })
    }

    fn sign(&self, key: &Key, draft: &mut Draft, _: Timestamp) -> Result<(), String> {
        draft.default_header("Content-Type", "application/json");
        self.header.sign(key, draft)
    }

    fn sample(&self, sample: &Sample, now: Timestamp) -> Option<Draft> {
        if sample.event != SampleEvent::Image {
            return None;
        }
        Values::new(sample, now).draft(include_str!("harbor/samples/image.json"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::*;
    use super::*;

    const V2: &str = include_str!("../../tests/data/harbor/push_v2.json");
    const CLOUD_EVENT: &str = include_str!("../../tests/data/harbor/push_cloudevents.json");

    fn changed(pointer: &str, value: &Value) -> Value {
        let mut body: Value = serde_json::from_str(V2).unwrap();
        *body.pointer_mut(pointer).unwrap() = value.clone();
        body
    }

    #[test]
    fn genuine_deliveries() {
        let harbor = receiver(&SOURCE, "{}");
        let v1 = decode(&*harbor, &[], include_str!("../../tests/data/harbor/push_v1.json")).unwrap();
        assert_eq!(v1.events, [image("harbor.example.com/acme/web", &["3.10"], Some(DIGEST))]);
        assert_eq!(v1.actor.as_deref(), Some("acme-ci"));
        let v2 = decode(&*harbor, &[], V2).unwrap();
        assert_eq!(v2.events, [image("harbor.example.com:8443/acme/team/web", &["3.10"], Some(DIGEST))]);
        for content_type in [
            "application/cloudevents+json",
            "application/json",
            "Application/CloudEvents+JSON; charset=utf-8",
        ] {
            let told = decode(&*harbor, &[("Content-Type", content_type)], CLOUD_EVENT).unwrap();
            assert_eq!(told.events, [image("harbor.example.com/acme/web", &["3.10"], Some(DIGEST))]);
            assert_eq!(told.identity, Identity::Id("6f2f6a3b-4f5c-4b6d-9e2e-0a1b2c3d4e5f".into()));
            assert_eq!(told.actor.as_deref(), Some("acme-ci"));
        }
    }

    #[test]
    fn the_header_is_the_proof() {
        let harbor = receiver(&SOURCE, "{}");
        assert_eq!(harbor.proof().unwrap(), "Authorization, the key itself, alone or after Bearer");
        assert_eq!(verified(&*harbor, &[("Authorization", KEY)], V2), Ok(()));
        assert_eq!(verified(&*harbor, &[("Authorization", &format!("Bearer {KEY}"))], V2), Ok(()));
        assert_eq!(verified(&*harbor, &[("Authorization", "correct horse")], V2), Err(Refusal::Invalid));
        assert_eq!(verified(&*harbor, &[], V2), Err(Refusal::Missing));
        let named = receiver(&SOURCE, "header: X-Harbor-Token");
        assert_eq!(verified(&*named, &[("x-harbor-token", KEY)], V2), Ok(()));
        assert_eq!(verified(&*named, &[("Authorization", KEY)], V2), Err(Refusal::Missing));
    }

    #[test]
    fn only_pushes_are_acted_on_whatever_their_shape() {
        let harbor = receiver(&SOURCE, "{}");
        for kind in
            ["PULL_ARTIFACT", "DELETE_ARTIFACT", "pullImage", "deleteImage", "SCANNING_COMPLETED", "push"]
        {
            let told = ignored_of(&*harbor, &changed("/type", &json!(kind)));
            assert_eq!(told, format!("Harbor tells of {kind}, which is no push"));
        }
        for other in [
            json!({"type": "REPLICATION", "event_data": {"replication": {"job_status": "Success"}}}),
            json!({"type": "QUOTA_EXCEED", "event_data": {"resources": {"odd": true}}}),
            json!({"type": "harbor.artifact.pulled", "specversion": "1.0", "data": {"resources": []}}),
        ] {
            assert!(ignored_of(&*harbor, &other).starts_with("Harbor tells of "), "{other}");
        }
    }

    #[test]
    fn a_tag_that_is_the_digest_is_none() {
        let harbor = receiver(&SOURCE, "{}");
        let mut body = changed("/event_data/resources/0/tag", &json!(DIGEST));
        body["event_data"]["resources"][0]["resource_url"] =
            json!(format!("harbor.example.com/acme/web@{DIGEST}"));
        assert_eq!(ignored_of(&*harbor, &body), "harbor.example.com/acme/web was pushed without a tag");
        // Without its own field the tag is the reference's.
        for missing in [json!(""), Value::Null] {
            let told = events_of(&*harbor, &changed("/event_data/resources/0/tag", &missing));
            assert_eq!(told, [image("harbor.example.com:8443/acme/team/web", &["3.10"], Some(DIGEST))]);
        }
        let masked = changed("/event_data/resources/0/digest", &json!("sha256:xxxxd5c8"));
        assert_eq!(
            events_of(&*harbor, &masked),
            [image("harbor.example.com:8443/acme/team/web", &["3.10"], None)]
        );
    }

    #[test]
    fn several_resources_and_hosts_of_every_kind() {
        let harbor = receiver(&SOURCE, "{}");
        let resource = |url: &str, tag: &str| json!({"digest": DIGEST, "tag": tag, "resource_url": url});
        let all = json!([
            resource("localhost/acme/web:1", "1"),
            resource("localhost/acme/web:2", "2"),
            resource("harbor:8443/acme/db:1", "1"),
        ]);
        let told = events_of(&*harbor, &changed("/event_data/resources", &all));
        let web = image("localhost/acme/web", &["1", "2"], Some(DIGEST));
        assert_eq!(told, [web, image("harbor:8443/acme/db", &["1"], Some(DIGEST))]);
    }

    #[test]
    fn a_retry_is_the_same_and_a_push_is_another() {
        let harbor = receiver(&SOURCE, "{}");
        let identity = |body: &Value| decode(&*harbor, &[], body.to_string()).unwrap().identity;
        let first = identity(&serde_json::from_str(V2).unwrap());
        assert_eq!(identity(&changed("/operator", &json!("another policy's view"))), first);
        for (pointer, value) in [
            ("/occur_at", json!(1_714_816_162)),
            ("/type", json!("pushImage")),
            ("/event_data/resources/0/digest", json!("sha256:00")),
            ("/event_data/resources/0/resource_url", json!("harbor.example.com/acme/web:4")),
        ] {
            assert_ne!(identity(&changed(pointer, &value)), first, "{pointer}");
        }
        assert_eq!(identity(&changed("/occur_at", &Value::Null)), Identity::BodyWhilePending);
    }

    #[test]
    fn unknown_shapes_name_their_place() {
        let harbor = receiver(&SOURCE, "{}");
        assert_eq!(unknown(&*harbor, &json!({})), "type: missing");
        assert_eq!(unknown(&*harbor, &json!({"type": "PUSH_ARTIFACT"})), "event_data: missing");
        let told = unknown(&*harbor, &changed("/event_data/resources", &json!([])));
        assert_eq!(told, "event_data.resources: there are none");
        let told = unknown(&*harbor, &changed("/event_data/resources/0/resource_url", &Value::Null));
        assert_eq!(told, "event_data.resources[0].resource_url: missing");
        let told = unknown(&*harbor, &changed("/event_data/resources/0/resource_url", &json!("a b:1")));
        assert!(told.starts_with("event_data.resources[0].resource_url: \"a b\""), "{told}");
        assert!(matches!(decode(&*harbor, &[], &V2[..V2.len() / 2]), Err(Undecodable::Malformed(_))));
        decoding_never_panics(&*harbor);
    }

    #[test]
    fn samples_are_ones_of_its_own() {
        let harbor = receiver(&SOURCE, "{}");
        let told = round_trip(&*harbor, SampleEvent::Image).events;
        assert_eq!(told, [image("ghcr.io/acme/web", &["1.2.3"], Some(DIGEST))]);
        assert!(sample_of(&*harbor, SampleEvent::Ping).is_none());
    }
}

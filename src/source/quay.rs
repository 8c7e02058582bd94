//! Quay and Quay.io. Their hooks prove nothing over HTTP: the unguessable path alone authenticates them. There
//! is no event name either; what has `updated_tags` is a push.

use std::fmt;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::draft::SampleEvent;
use super::registry::pushed;
use super::sample::Values;
use super::{
    Decoded, Delivery, Draft, Identity, Receiver, Refusal, Sample, Source, Undecodable, Verified, json,
    json_list,
};
use crate::key::Key;

/// `source: Quay`
pub static SOURCE: Source = Source { name: "Quay", configure: |_, _| Box::new(Quay) };

#[derive(Debug)]
struct Quay;

#[derive(Deserialize)]
struct Body {
    /// `quay.io/acme/web`; the host is the server's own, with its port if it has one.
    docker_url: Option<String>,
    updated_tags: Option<Tags>,
    build_id: Option<IgnoredAny>,
    vulnerability: Option<IgnoredAny>,
}

/// `["latest"]`, or as older servers say it `{"latest": "image id"}`.
struct Tags(Vec<String>);

impl<'de> Deserialize<'de> for Tags {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TagsVisitor)
    }
}

struct TagsVisitor;

impl<'de> Visitor<'de> for TagsVisitor {
    type Value = Tags;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of tags, or a map from tags to image ids")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Tags, A::Error> {
        let mut tags = Vec::new();
        while let Some(tag) = items.next_element()? {
            json_list::push(&mut tags, tag, "tags")?;
        }
        Ok(Tags(tags))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Tags, A::Error> {
        let mut tags = Vec::new();
        while let Some((tag, _)) = entries.next_entry::<String, IgnoredAny>()? {
            json_list::push(&mut tags, tag, "tags")?;
        }
        Ok(Tags(tags))
    }
}

/// What a notification without `updated_tags` is about.
fn other_notification(body: &Body) -> Result<Decoded, Undecodable> {
    let what = if body.build_id.is_some() {
        "a build"
    } else if body.vulnerability.is_some() {
        "a vulnerability"
    } else if body.docker_url.is_some() {
        "something other than a push"
    } else {
        return json::need(None, "docker_url");
    };
    Ok(Decoded::ignored(format!("Quay tells of {what}: there are no updated_tags")))
}

impl Receiver for Quay {
    fn proof(&self) -> Option<String> {
        None
    }

    fn verify(&self, _: &[Key], _: &Delivery<'_>, _: Timestamp) -> Result<(), Refusal> {
        Err(Refusal::Missing)
    }

    fn decode(&self, delivery: &Verified<'_>) -> Result<Decoded, Undecodable> {
        let body: Body = json::read(delivery.body())?;
        let Some(Tags(tags)) = &body.updated_tags else { return other_notification(&body) };
        let name = json::need(body.docker_url, "docker_url")?;
        let event = pushed(&name, "docker_url", tags.iter().map(String::as_str), None)?;
        // Two pushes of one tag are the same bytes: only while the first is pending is the second the same.
        Ok(Decoded { events: vec![event], identity: Identity::BodyWhilePending, actor: None })
    }

    fn sign(&self, _: &Key, draft: &mut Draft, _: Timestamp) -> Result<(), String> {
        draft.default_header("Content-Type", "application/json");
        Ok(())
    }

    fn sample(&self, sample: &Sample, now: Timestamp) -> Option<Draft> {
        if sample.event != SampleEvent::Image {
            return None;
        }
        Values::new(sample, now).draft(include_str!("quay/samples/image.json"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::*;
    use super::*;

    #[test]
    fn a_genuine_delivery() {
        let quay = receiver(&SOURCE, "{}");
        assert!(quay.proof().is_none());
        let genuine = include_str!("../../tests/data/quay/push.json");
        let decoded = decode(&*quay, &[], genuine).unwrap();
        assert_eq!(decoded.events, [image("quay.io/acme/web", &["3.10"], None)]);
        assert_eq!(decoded.identity, Identity::BodyWhilePending);
    }

    #[test]
    fn tags_in_both_shapes_keep_their_order() {
        let quay = receiver(&SOURCE, "{}");
        let two = image("quay.example.com:8443/acme/web", &["v2", "latest"], None);
        let url = "quay.example.com:8443/Acme/web";
        assert_eq!(
            events_of(&*quay, &json!({"docker_url": url, "updated_tags": ["v2", "latest"]})),
            std::slice::from_ref(&two)
        );
        let legacy = r#"{"docker_url": "quay.example.com:8443/acme/web", "visibility": "public",
            "updated_tags": {"v2": "5f3c", "latest": null}, "pushed_image_count": 10, "pruned_image_count": 3}"#;
        assert_eq!(decode(&*quay, &[], legacy).unwrap().events, [two]);
    }

    #[test]
    fn tags_without_end_are_not_read_to_the_end() {
        let quay = receiver(&SOURCE, "{}");
        let names: Vec<_> = (0..=4096).map(|number| format!("v{number}")).collect();
        let map: serde_json::Map<_, _> = names.iter().map(|name| (name.clone(), json!(null))).collect();
        for tags in [json!(names), json!(map)] {
            let body = json!({"docker_url": "quay.io/acme/web", "updated_tags": tags}).to_string();
            let told = decode(&*quay, &[], &body).unwrap_err();
            assert!(format!("{told:?}").contains("more than 4096 tags"), "{told:?}");
        }
    }

    #[test]
    fn what_is_no_push() {
        let quay = receiver(&SOURCE, "{}");
        let url = "quay.io/acme/web";
        for (body, what) in [
            (json!({"docker_url": url, "build_id": "9e7d", "docker_tags": ["latest"]}), "a build"),
            (json!({"docker_url": url, "tags": ["1"], "vulnerability": {"id": "CVE-1"}}), "a vulnerability"),
            (json!({"docker_url": url, "tags": ["1"], "expiring_in": "7 days"}), "something other"),
            (json!({"docker_url": url, "updated_tags": null}), "something other"),
        ] {
            assert!(ignored_of(&*quay, &body).starts_with(&format!("Quay tells of {what}")), "{body}");
        }
        for none in [json!([]), json!({}), json!([""]), json!(["sha256:xx"])] {
            let told = ignored_of(&*quay, &json!({"docker_url": url, "updated_tags": none}));
            assert_eq!(told, "quay.io/acme/web was pushed without a tag");
        }
        assert_eq!(unknown(&*quay, &json!({"text": "a template of somebody's own"})), "docker_url: missing");
        assert_eq!(unknown(&*quay, &json!({"updated_tags": ["1"]})), "docker_url: missing");
        assert!(unknown(&*quay, &json!({"updated_tags": "1"})).starts_with("updated_tags: invalid type"));
        assert!(
            unknown(&*quay, &json!({"updated_tags": [3.1]})).starts_with("updated_tags[0]: invalid type")
        );
        assert!(matches!(decode(&*quay, &[], "updated_tags=1"), Err(Undecodable::Malformed(_))));
    }

    #[test]
    fn samples_are_ones_of_its_own() {
        let quay = receiver(&SOURCE, "{}");
        assert_eq!(
            round_trip(&*quay, SampleEvent::Image).events,
            [image("ghcr.io/acme/web", &["1.2.3"], None)]
        );
        assert!(sample_of(&*quay, SampleEvent::Ping).is_none());
        decoding_never_panics(&*quay);
    }
}

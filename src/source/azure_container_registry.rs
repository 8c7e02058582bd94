//! Azure Container Registry. A header that is typed into the webhook proves the sender, or its path alone with
//! `verify: path`.

use jiff::Timestamp;
use serde::Deserialize;

use super::draft::SampleEvent;
use super::fixed_header::FixedHeader;
use super::registry::{is_image_manifest, pushed};
use super::sample::Values;
use super::{
    Decoded, Delivery, Draft, Identity, Receiver, Refusal, Sample, Source, Undecodable, Verified, json,
};
use crate::event::Event;
use crate::key::Key;

/// `source: AzureContainerRegistry`
pub static SOURCE: Source = Source {
    name: "AzureContainerRegistry",
    configure: |fields, _| Box::new(AzureContainerRegistry { header: FixedHeader::configure(fields) }),
};

#[derive(Debug)]
struct AzureContainerRegistry {
    header: FixedHeader,
}

#[derive(Deserialize)]
struct Head {
    action: Option<String>,
    #[serde(default, deserialize_with = "json::scalar")]
    id: Option<String>,
}

#[derive(Deserialize)]
struct Push {
    target: Option<Target>,
    /// Absent from chart events.
    request: Option<Request>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Target {
    #[serde(default, deserialize_with = "json::scalar")]
    media_type: Option<String>,
    #[serde(default, deserialize_with = "json::scalar")]
    digest: Option<String>,
    repository: Option<String>,
    /// Empty or absent for a push by digest.
    tag: Option<String>,
}

#[derive(Deserialize)]
struct Request {
    host: Option<String>,
}

fn push_event(push: Push) -> Result<Event, Undecodable> {
    let target = json::need(push.target, "target")?;
    if !is_image_manifest(target.media_type.as_deref()) {
        let media_type = target.media_type.unwrap_or_default();
        return Ok(Event::ignored(format!("{} was pushed, which is no image", media_type.escape_debug())));
    }
    let host = push.request.and_then(|request| request.host).filter(|host| !host.is_empty());
    let host = json::need(host, "request.host")?;
    let repository = json::need(target.repository, "target.repository")?;
    let name = format!("{host}/{repository}");
    pushed(&name, "target.repository", target.tag.as_deref(), target.digest.as_deref())
}

impl Receiver for AzureContainerRegistry {
    fn proof(&self) -> Option<String> {
        Some(self.header.proof())
    }

    fn verify(&self, keys: &[Key], delivery: &Delivery<'_>, _: Timestamp) -> Result<(), Refusal> {
        self.header.verify(keys, delivery)
    }

    fn decode(&self, delivery: &Verified<'_>) -> Result<Decoded, Undecodable> {
        let head: Head = json::read(delivery.body())?;
        let event = match json::need(head.action.as_deref(), "action")? {
            "push" => push_event(json::read(delivery.body())?)?,
            "ping" => Event::Ping,
            other => Event::ignored(format!("Azure Container Registry tells of {other}, which is no push")),
        };
        // Without an id the body still carries the time.
        let identity = head.id.map_or(Identity::Body, Identity::Id);
        Ok(Decoded { events: vec![event], identity, actor: None })
    }

    fn sign(&self, key: &Key, draft: &mut Draft, _: Timestamp) -> Result<(), String> {
        draft.default_header("Content-Type", "application/json");
        self.header.sign(key, draft)
    }

    fn sample(&self, sample: &Sample, now: Timestamp) -> Option<Draft> {
        let text = match sample.event {
            SampleEvent::Image => include_str!("azure_container_registry/samples/image.json"),
            SampleEvent::Ping => include_str!("azure_container_registry/samples/ping.json"),
            _ => return None,
        };
        Values::new(sample, now).draft(text)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::*;
    use super::*;

    const GENUINE: &str = include_str!("../../tests/data/azure_container_registry/push.json");

    fn changed(pointer: &str, value: &Value) -> Value {
        let mut body: Value = serde_json::from_str(GENUINE).unwrap();
        *body.pointer_mut(pointer).unwrap() = value.clone();
        body
    }

    #[test]
    fn a_genuine_delivery() {
        let azure = receiver(&SOURCE, "{}");
        assert_eq!(verified(&*azure, &[("Authorization", KEY)], GENUINE), Ok(()));
        let decoded = decode(&*azure, &[("Content-Type", "application/json")], GENUINE).unwrap();
        assert_eq!(decoded.events, [image("acme.azurecr.io/acme/web", &["3.10"], Some(DIGEST))]);
        assert_eq!(decoded.identity, Identity::Id("6c1a8f0e-3f0d-4e55-9d3b-3a9f0f2c7b11".into()));
    }

    #[test]
    fn the_header_is_the_proof() {
        let azure = receiver(&SOURCE, "header: X-Registry-Token");
        assert_eq!(azure.proof().unwrap(), "X-Registry-Token, the key itself, alone or after Bearer");
        assert_eq!(verified(&*azure, &[("X-Registry-Token", KEY)], GENUINE), Ok(()));
        assert_eq!(verified(&*azure, &[("X-Registry-Token", "wrong")], GENUINE), Err(Refusal::Invalid));
        assert_eq!(verified(&*azure, &[("Authorization", KEY)], GENUINE), Err(Refusal::Missing));
        let twice = [("X-Registry-Token", KEY), ("X-Registry-Token", KEY)];
        assert_eq!(verified(&*azure, &twice, GENUINE), Err(Refusal::Invalid));
    }

    #[test]
    fn what_is_no_push_of_an_image() {
        let azure = receiver(&SOURCE, "{}");
        assert_eq!(events_of(&*azure, &json!({"id": "1", "action": "ping"})), [Event::Ping]);
        for action in ["delete", "chart_push", "chart_delete", "quarantine"] {
            let body = json!({"id": "1", "action": action, "target": {"repository": "acme/web", "tag": "1"}});
            assert!(ignored_of(&*azure, &body).contains(&format!("tells of {action},")));
        }
        for untagged in [json!(""), Value::Null, json!(DIGEST)] {
            let told = ignored_of(&*azure, &changed("/target/tag", &untagged));
            assert_eq!(told, "acme.azurecr.io/acme/web was pushed without a tag");
        }
        let layer = changed("/target/mediaType", &json!("application/vnd.acr.helm.chart"));
        assert!(ignored_of(&*azure, &layer).contains("vnd.acr.helm.chart"));
        let masked = events_of(&*azure, &changed("/target/digest", &json!("sha256:xxxxd5c8xxxx")));
        assert_eq!(masked, [image("acme.azurecr.io/acme/web", &["3.10"], None)]);
    }

    #[test]
    fn unknown_shapes_name_their_place() {
        let azure = receiver(&SOURCE, "{}");
        assert_eq!(unknown(&*azure, &json!({})), "action: missing");
        assert_eq!(unknown(&*azure, &json!({"action": "push"})), "target: missing");
        assert_eq!(unknown(&*azure, &changed("/request", &Value::Null)), "request.host: missing");
        assert!(
            unknown(&*azure, &changed("/target/repository", &json!("a b")))
                .starts_with("target.repository: ")
        );
        assert!(matches!(decode(&*azure, &[], &GENUINE[..90]), Err(Undecodable::Malformed(_))));
        decoding_never_panics(&*azure);
    }

    #[test]
    fn samples_are_ones_of_its_own() {
        let azure = receiver(&SOURCE, "{}");
        let told = round_trip(&*azure, SampleEvent::Image).events;
        assert_eq!(told, [image("ghcr.io/acme/web", &["1.2.3"], Some(DIGEST))]);
        assert_eq!(round_trip(&*azure, SampleEvent::Ping).events, [Event::Ping]);
        assert!(sample_of(&*azure, SampleEvent::Git).is_none());
    }
}

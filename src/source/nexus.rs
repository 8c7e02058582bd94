//! Sonatype Nexus Repository 3: repository webhooks for components, signed with HMAC-SHA1.

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::draft::{SampleEvent, random_uuid};
use super::registry::{below, pushed, registry_host};
use super::sample::Values;
use super::signature::{Algorithm, hmac_hex, verify_hmac_header};
use super::{
    Decoded, Delivery, Draft, Identity, Receiver, Refusal, Sample, Setting, Source, Undecodable, Verified,
    json,
};
use crate::config::fields::Fields;
use crate::key::Key;

/// `source: Nexus`
pub static SOURCE: Source = Source { name: "Nexus", configure };

const SIGNATURE: &str = "X-Nexus-Webhook-Signature";
const ID: &str = "X-Nexus-Webhook-ID";
const DELIVERY: &str = "X-Nexus-Webhook-Delivery";
const COMPONENT: &str = "rm:repository:component";

/// Nexus does not say at which host it serves its images, so `registryHost` does. flux-recv could do without
/// it, and then took the name as it was.
fn configure(fields: &mut Fields<'_>, setting: &Setting) -> Box<dyn Receiver> {
    let registry_host = registry_host(fields);
    if !setting.flux_recv && !fields.has("registryHost") {
        let text = "registryHost is missing: Nexus does not say at which host its images are pulled; \
                    add one such as registryHost: registry.example.com:5000";
        fields.report().mistake(fields.path(), text);
    }
    Box::new(Nexus { registry_host })
}

#[derive(Debug)]
struct Nexus {
    registry_host: Option<String>,
}

#[derive(Deserialize)]
struct Head {
    action: Option<String>,
    #[serde(default, deserialize_with = "json::scalar")]
    initiator: Option<String>,
    component: Option<IgnoredAny>,
    /// What webhooks for other things carry instead.
    asset: Option<IgnoredAny>,
    repository: Option<IgnoredAny>,
    audit: Option<IgnoredAny>,
    components: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Body {
    component: Component,
}

#[derive(Deserialize)]
struct Component {
    format: Option<String>,
    name: Option<String>,
    version: Option<String>,
}

/// Why a delivery is not about a component that came or changed.
fn uninteresting(head: &Head, webhook: Option<&str>) -> Option<String> {
    let other = match webhook {
        Some(COMPONENT) | None if head.component.is_some() => None,
        Some(webhook) if webhook != COMPONENT => Some(webhook.escape_debug().to_string()),
        _ if head.asset.is_some() => Some("an asset".into()),
        _ if head.components.is_some() => Some("components".into()),
        _ if head.repository.is_some() => Some("a repository".into()),
        _ if head.audit.is_some() => Some("an audit entry".into()),
        _ => None,
    };
    match (other, head.action.as_deref()) {
        (Some(other), Some(action)) => Some(format!("Nexus tells of {other} ({action}), not of a component")),
        (Some(other), None) => Some(format!("Nexus tells of {other}, not of a component")),
        (None, Some("CREATED" | "UPDATED") | None) => None,
        (None, Some(action)) => {
            Some(format!("Nexus tells of a component that was {action}, which is no push"))
        }
    }
}

impl Receiver for Nexus {
    fn proof(&self) -> Option<String> {
        Some(format!("{SIGNATURE}, HMAC-SHA1 of the body"))
    }

    fn verify(&self, keys: &[Key], delivery: &Delivery<'_>, _: Timestamp) -> Result<(), Refusal> {
        verify_hmac_header(Algorithm::Sha1, keys, delivery.header(SIGNATURE), "", delivery.body)
    }

    fn decode(&self, delivery: &Verified<'_>) -> Result<Decoded, Undecodable> {
        let head: Head = json::read(delivery.body())?;
        if let Some(reason) = uninteresting(&head, delivery.header(ID)) {
            return Ok(Decoded::ignored(reason));
        }
        json::need(head.component, "component")?;
        json::need(head.action, "action")?;
        let Body { component } = json::read(delivery.body())?;
        let format = json::need(component.format, "component.format")?;
        if format != "docker" {
            return Ok(Decoded::ignored(format!(
                "Nexus tells of a component of format {format}, not docker"
            )));
        }
        let name = json::need(component.name, "component.name")?;
        let name = match &self.registry_host {
            Some(host) => format!("{host}/{name}"),
            None => name,
        };
        let event = pushed(&name, "component.name", component.version.as_deref(), None)?;
        let id = delivery.header(DELIVERY).filter(|id| !id.is_empty());
        // The body carries the time.
        let identity = id.map_or(Identity::Body, |id| Identity::IdOrBody(id.to_owned()));
        Ok(Decoded { events: vec![event], identity, actor: head.initiator })
    }

    fn sign(&self, key: &Key, draft: &mut Draft, _: Timestamp) -> Result<(), String> {
        draft.default_header("Content-Type", "application/json; charset=UTF-8");
        draft.default_header(ID, COMPONENT);
        draft.default_header(DELIVERY, random_uuid());
        draft.default_header(SIGNATURE, hmac_hex(Algorithm::Sha1, key.expose(), &draft.body));
        Ok(())
    }

    fn sample(&self, sample: &Sample, now: Timestamp) -> Option<Draft> {
        if sample.event != SampleEvent::Image {
            return None;
        }
        let mut values = Values::new(sample, now);
        values.set("image.below", below(&sample.image, self.registry_host.as_deref()));
        values.draft(include_str!("nexus/samples/image.json"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::*;
    use super::*;

    const GENUINE: &str = include_str!("../../tests/data/nexus/component.json");
    /// By `openssl dgst -sha1 -hmac`.
    const SIGNED: &str = "774598d791dabbe37315dc4809a6188a705cc588";
    const HOST: &str = "registryHost: registry.example.com:5000/";

    fn changed(pointer: &str, value: &Value) -> Value {
        let mut body: Value = serde_json::from_str(GENUINE).unwrap();
        *body.pointer_mut(pointer).unwrap() = value.clone();
        body
    }

    #[test]
    fn a_genuine_delivery() {
        let nexus = receiver(&SOURCE, HOST);
        let headers = [(ID, COMPONENT), (DELIVERY, "bd9e6aef"), (SIGNATURE, SIGNED)];
        assert_eq!(verified(&*nexus, &headers, GENUINE), Ok(()));
        let decoded = decode(&*nexus, &headers, GENUINE).unwrap();
        assert_eq!(decoded.events, [image("registry.example.com:5000/acme/web", &["3.10"], None)]);
        assert_eq!(decoded.identity, Identity::IdOrBody("bd9e6aef".into()));
        assert_eq!(decoded.actor.as_deref(), Some("ci/10.0.0.7"));
    }

    #[test]
    fn the_signature_is_bare_hex_of_sha1() {
        let nexus = receiver(&SOURCE, HOST);
        let signed = |value: &str| verified(&*nexus, &[(SIGNATURE, value)], GENUINE);
        assert_eq!(signed(&SIGNED.to_uppercase()), Ok(()));
        let sha256 = hmac_hex(Algorithm::Sha256, KEY.as_bytes(), GENUINE.as_bytes());
        for wrong in ["", &SIGNED[..38], &SIGNED.replace('7', "8"), &format!("sha1={SIGNED}"), &sha256, KEY] {
            assert_eq!(signed(wrong), Err(Refusal::Invalid), "{wrong}");
        }
        assert_eq!(verified(&*nexus, &[], GENUINE), Err(Refusal::Missing));
        let twice = [(SIGNATURE, SIGNED), (SIGNATURE, SIGNED)];
        assert_eq!(verified(&*nexus, &twice, GENUINE), Err(Refusal::Invalid));
        assert_eq!(verified(&*nexus, &[(SIGNATURE, SIGNED)], &GENUINE[1..]), Err(Refusal::Invalid));
        let empty = hmac_hex(Algorithm::Sha1, b"", GENUINE.as_bytes());
        let told = verify(&*nexus, b"", &[(SIGNATURE, &empty)], GENUINE.as_bytes());
        assert_eq!(told, Err(Refusal::Invalid), "an empty key");
    }

    #[test]
    fn the_host_is_the_configurations() {
        let mistakes = |yaml| configured(&SOURCE, yaml, &Setting::default()).1;
        assert!(mistakes("{}")[0].contains("registryHost is missing"));
        assert!(mistakes("registryHost: https://registry.example.com")[0].contains("registry's host"));
        let path = receiver(&SOURCE, "registryHost: nexus.example.com/docker-hosted");
        let told = decode(&*path, &[], GENUINE).unwrap().events;
        assert_eq!(told, [image("nexus.example.com/docker-hosted/acme/web", &["3.10"], None)]);
        let without = flux_recv(&SOURCE, "{}");
        assert_eq!(decode(&*without, &[], GENUINE).unwrap().events, [image("acme/web", &["3.10"], None)]);
        assert_eq!(decode(&*without, &[], GENUINE).unwrap().identity, Identity::Body);
    }

    #[test]
    fn only_docker_components_that_came_or_changed() {
        let nexus = receiver(&SOURCE, HOST);
        let updated = events_of(&*nexus, &changed("/action", &json!("UPDATED")));
        assert_eq!(updated, [image("registry.example.com:5000/acme/web", &["3.10"], None)]);
        assert!(ignored_of(&*nexus, &changed("/action", &json!("DELETED"))).contains("DELETED"));
        assert!(ignored_of(&*nexus, &changed("/component/format", &json!("maven2"))).contains("maven2"));
        for (body, what) in [
            (json!({"action": "PURGED", "components": ["b66f"]}), "components (PURGED)"),
            (json!({"action": "CREATED", "asset": {"format": "docker", "name": "v2/-/blobs/x"}}), "an asset"),
            (json!({"action": "UPDATED", "repository": {"name": "docker-hosted"}}), "a repository"),
            (json!({"audit": {"domain": "security.user"}}), "an audit entry"),
        ] {
            let told = ignored_of(&*nexus, &body);
            assert!(told.starts_with(&format!("Nexus tells of {what}")), "{told}");
        }
        let asset = decode(&*nexus, &[(ID, "rm:repository:asset")], GENUINE).unwrap().events;
        assert!(matches!(&asset[..], [crate::event::Event::Ignored { .. }]), "header and body disagree");
        for untagged in [json!(DIGEST), json!(""), Value::Null] {
            let told = ignored_of(&*nexus, &changed("/component/version", &untagged));
            assert_eq!(told, "registry.example.com:5000/acme/web was pushed without a tag");
        }
    }

    #[test]
    fn unknown_shapes_name_their_place() {
        let nexus = receiver(&SOURCE, HOST);
        assert_eq!(unknown(&*nexus, &json!({})), "component: missing");
        assert_eq!(unknown(&*nexus, &changed("/action", &Value::Null)), "action: missing");
        assert_eq!(unknown(&*nexus, &changed("/component/name", &Value::Null)), "component.name: missing");
        assert!(unknown(&*nexus, &changed("/component/name", &json!("a b"))).starts_with("component.name: "));
        assert!(
            unknown(&*nexus, &changed("/component/version", &json!(3.1))).starts_with("component.version: ")
        );
        assert!(matches!(decode(&*nexus, &[], &GENUINE[..80]), Err(Undecodable::Malformed(_))));
        decoding_never_panics(&*nexus);
    }

    #[test]
    fn samples_are_ones_of_its_own() {
        for host in ["registryHost: ghcr.io", "registryHost: ghcr.io/acme"] {
            let told = round_trip(&*receiver(&SOURCE, host), SampleEvent::Image).events;
            assert_eq!(told, [image("ghcr.io/acme/web", &["1.2.3"], None)]);
        }
        assert!(sample_of(&*receiver(&SOURCE, HOST), SampleEvent::Ping).is_none());
    }
}

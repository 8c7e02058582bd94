//! Artifactory: webhooks of the domain `docker`. The one header either signs the body or is the secret
//! itself, and does not say which: the configuration does.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::artifactory_layout::Layout;
use super::draft::SampleEvent;
use super::fixed_header::header_value;
use super::json_tree::tree;
use super::registry::pushed;
use super::sample::Values;
use super::signature::{Algorithm, hmac_hex, verify_hmac_header, verify_token};
use super::{
    Decoded, Delivery, Draft, Identity, Receiver, Refusal, Sample, Setting, Source, Undecodable, Verified,
    json,
};
use crate::config::fields::Fields;
use crate::event::Event;
use crate::key::Key;

/// `source: Artifactory`
pub static SOURCE: Source = Source { name: "Artifactory", configure };

const HEADER: &str = "X-JFrog-Event-Auth";
/// What stands for the checksum in the delivery of the test button.
const SAMPLE_CHECKSUM: &str = "sample_checksum";

/// What the header holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Signature {
    /// HMAC-SHA256 of the body: "use secret for payload signing".
    Payload,
    /// The secret.
    Token,
}

/// `signature: payload|token`, and the fields of [`Layout::configure`].
fn configure(fields: &mut Fields<'_>, _: &Setting) -> Box<dyn Receiver> {
    let words = [("payload", Signature::Payload), ("token", Signature::Token)];
    let signature = fields.one_of("signature", &words).unwrap_or(Signature::Payload);
    Box::new(Artifactory { signature, layout: Layout::configure(fields) })
}

#[derive(Debug)]
struct Artifactory {
    signature: Signature,
    layout: Layout,
}

#[derive(Deserialize)]
struct Head {
    domain: Option<String>,
    event_type: Option<String>,
    #[serde(default, deserialize_with = "json::scalar")]
    source: Option<String>,
    /// Absent in old deliveries.
    #[serde(default, deserialize_with = "json::scalar")]
    jpd_origin: Option<String>,
    /// In a shape of the event's own.
    #[serde(default, deserialize_with = "tree")]
    data: Value,
}

#[derive(Deserialize)]
struct Body {
    data: Option<Data>,
}

#[derive(Deserialize)]
struct Data {
    repo_key: Option<String>,
    path: Option<String>,
    image_name: Option<String>,
    tag: Option<String>,
    /// Of the manifest, without `sha256:`.
    #[serde(default, deserialize_with = "json::scalar")]
    sha256: Option<String>,
}

impl Data {
    /// The image's whole name in its repository: what stands before `/TAG/manifest.json` in the path.
    fn image(&self) -> Option<&str> {
        let path = self.path.as_deref().unwrap_or_default();
        let manifest =
            ["/manifest.json", "/list.manifest.json"].iter().find_map(|end| path.strip_suffix(end));
        let of_path = manifest.and_then(|path| path.rsplit_once('/')).map(|(image, _)| image);
        of_path.or(self.image_name.as_deref()).filter(|image| !image.is_empty())
    }
}

impl Artifactory {
    fn push(&self, data: &Data, origin: Option<&str>) -> Result<Event, Undecodable> {
        let repo_key = json::need(data.repo_key.as_deref(), "data.repo_key")?;
        if repo_key.ends_with("-cache") {
            return Ok(Event::ignored(format!("{repo_key} was filled by a pull, which is no push")));
        }
        let image = json::need(data.image(), "data.image_name")?;
        let name = self.layout.name(origin, repo_key, image);
        let name = name.map_err(|what| Undecodable::UnknownShape(format!("jpd_origin: {what}")))?;
        let digest = data.sha256.as_deref().map(|digits| match digits.strip_prefix("sha256:") {
            Some(_) => digits.to_owned(),
            None => format!("sha256:{digits}"),
        });
        pushed(&name, "data.image_name", data.tag.as_deref(), digest.as_deref())
    }
}

impl Receiver for Artifactory {
    fn proof(&self) -> Option<String> {
        Some(match self.signature {
            Signature::Payload => format!("{HEADER}, HMAC-SHA256 of the body"),
            Signature::Token => format!("{HEADER}, the key itself"),
        })
    }

    fn verify(&self, keys: &[Key], delivery: &Delivery<'_>, _: Timestamp) -> Result<(), Refusal> {
        let header = delivery.header(HEADER);
        match self.signature {
            Signature::Payload => verify_hmac_header(Algorithm::Sha256, keys, header, "", delivery.body),
            Signature::Token => verify_token(keys, header),
        }
    }

    fn decode(&self, delivery: &Verified<'_>) -> Result<Decoded, Undecodable> {
        let head: Head = json::read(delivery.body())?;
        let domain = json::need(head.domain.as_deref(), "domain")?;
        let kind = json::need(head.event_type.as_deref(), "event_type")?;
        if head.data.get("sha256").and_then(Value::as_str) == Some(SAMPLE_CHECKSUM) {
            return Ok(Decoded::only(Event::Ping));
        }
        if (domain, kind) != ("docker", "pushed") {
            let reason = format!("Artifactory tells of {domain} {kind}, which is no push of an image");
            return Ok(Decoded::ignored(reason));
        }
        let body: Body = json::read(delivery.body())?;
        let event = self.push(&json::need(body.data, "data")?, head.jpd_origin.as_deref())?;
        // There is neither an id nor a time: two pushes of one manifest are the same bytes.
        Ok(Decoded { events: vec![event], identity: Identity::BodyWhilePending, actor: head.source })
    }

    fn sign(&self, key: &Key, draft: &mut Draft, _: Timestamp) -> Result<(), String> {
        draft.default_header("Content-Type", "application/json");
        let value = match self.signature {
            Signature::Payload => hmac_hex(Algorithm::Sha256, key.expose(), &draft.body),
            Signature::Token => header_value(key)?,
        };
        draft.default_header(HEADER, value);
        Ok(())
    }

    fn sample(&self, sample: &Sample, now: Timestamp) -> Option<Draft> {
        let text = match sample.event {
            SampleEvent::Image => include_str!("artifactory/samples/image.json"),
            SampleEvent::Ping => include_str!("artifactory/samples/ping.json"),
            _ => return None,
        };
        let (origin, repository, image) = self.layout.parts(&sample.image);
        let mut values = Values::new(sample, now);
        values.set("layout.origin", origin);
        values.set("layout.repository", repository);
        values.set("layout.image", image);
        values.draft(text)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::*;
    use super::*;

    const GENUINE: &str = include_str!("../../tests/data/artifactory/pushed.json");
    /// By `openssl dgst -sha256 -hmac`.
    const SIGNED: &str = "055cef46608a44911f848fdc241f792f6078e2194f064bb6887fd6b5c2302b7b";

    fn changed(pointer: &str, value: &Value) -> Value {
        let mut body: Value = serde_json::from_str(GENUINE).unwrap();
        *body.pointer_mut(pointer).unwrap() = value.clone();
        body
    }

    #[test]
    fn a_genuine_delivery() {
        let artifactory = receiver(&SOURCE, "{}");
        assert_eq!(verified(&*artifactory, &[(HEADER, SIGNED)], GENUINE), Ok(()));
        let decoded = decode(&*artifactory, &[], GENUINE).unwrap();
        assert_eq!(decoded.events, [image("acme.jfrog.io/docker-local/team/web", &["3.10"], Some(DIGEST))]);
        assert_eq!(decoded.identity, Identity::BodyWhilePending);
        assert_eq!(decoded.actor.as_deref(), Some("jfrog/acme-ci"));
    }

    #[test]
    fn the_configuration_says_what_the_header_holds() {
        let payload = receiver(&SOURCE, "signature: payload");
        let token = receiver(&SOURCE, "signature: token");
        assert_eq!(verified(&*payload, &[(HEADER, &SIGNED.to_uppercase())], GENUINE), Ok(()));
        assert_eq!(verified(&*token, &[(HEADER, KEY)], GENUINE), Ok(()));
        assert_eq!(verified(&*payload, &[(HEADER, KEY)], GENUINE), Err(Refusal::Invalid), "a token");
        assert_eq!(verified(&*token, &[(HEADER, SIGNED)], GENUINE), Err(Refusal::Invalid), "a signature");
        let sha1 = hmac_hex(Algorithm::Sha1, KEY.as_bytes(), GENUINE.as_bytes());
        for wrong in ["", &SIGNED[..62], &format!("sha256={SIGNED}"), &sha1] {
            assert_eq!(verified(&*payload, &[(HEADER, wrong)], GENUINE), Err(Refusal::Invalid), "{wrong}");
        }
        for receiver in [&payload, &token] {
            assert_eq!(verified(&**receiver, &[], GENUINE), Err(Refusal::Missing));
            let twice = [(HEADER, SIGNED), (HEADER, KEY)];
            assert_eq!(verified(&**receiver, &twice, GENUINE), Err(Refusal::Invalid));
            let empty = verify(&**receiver, b"", &[(HEADER, "")], GENUINE.as_bytes());
            assert_eq!(empty, Err(Refusal::Invalid), "an empty key");
        }
        assert_eq!(verified(&*payload, &[(HEADER, SIGNED)], &GENUINE[1..]), Err(Refusal::Invalid));
    }

    #[test]
    fn the_path_has_the_whole_name() {
        let artifactory = receiver(&SOURCE, "{}");
        let told = |pointer, value| events_of(&*artifactory, &changed(pointer, &value));
        let whole = [image("acme.jfrog.io/docker-local/team/web", &["3.10"], Some(DIGEST))];
        assert_eq!(told("/data/image_name", json!("web")), whole);
        for path in [json!("team/web/3.10/manifest.json"), json!("team/web/3.10/config.json"), Value::Null] {
            assert_eq!(told("/data/path", path), whole);
        }
    }

    #[test]
    fn what_is_no_push_of_an_image() {
        let artifactory = receiver(&SOURCE, "{}");
        for (pointer, value, what) in [
            ("/event_type", "deleted", "docker deleted"),
            ("/event_type", "promoted", "docker promoted"),
            ("/domain", "artifact", "artifact pushed"),
            ("/data/repo_key", "docker-remote-cache", "docker-remote-cache was filled by a pull"),
        ] {
            assert!(ignored_of(&*artifactory, &changed(pointer, &json!(value))).contains(what), "{what}");
        }
        let digits = DIGEST.strip_prefix("sha256:").unwrap();
        let other = format!("sha256__{}", "0a".repeat(32));
        for untagged in [json!(""), Value::Null, json!(DIGEST), json!(digits), json!(other)] {
            let told = ignored_of(&*artifactory, &changed("/data/tag", &untagged));
            assert_eq!(told, "acme.jfrog.io/docker-local/team/web was pushed without a tag");
        }
        let masked = events_of(&*artifactory, &changed("/data/sha256", &json!("xxxxd5c8")));
        assert_eq!(masked, [image("acme.jfrog.io/docker-local/team/web", &["3.10"], None)]);
    }

    #[test]
    fn the_test_button_is_a_ping() {
        let artifactory = receiver(&SOURCE, "{}");
        for domain in ["docker", "artifact"] {
            let data = json!({"repo_key": "sample_repo", "path": "sample_dir/sample.txt", "sha256": "sample_checksum"});
            let body = json!({"domain": domain, "event_type": "pushed", "data": data});
            assert_eq!(events_of(&*artifactory, &body), [Event::Ping]);
        }
    }

    #[test]
    fn unknown_shapes_name_their_place() {
        let artifactory = receiver(&SOURCE, "{}");
        assert_eq!(unknown(&*artifactory, &json!({})), "domain: missing");
        assert_eq!(unknown(&*artifactory, &changed("/data", &Value::Null)), "data: missing");
        assert_eq!(
            unknown(&*artifactory, &changed("/data/repo_key", &Value::Null)),
            "data.repo_key: missing"
        );
        assert!(unknown(&*artifactory, &changed("/jpd_origin", &Value::Null)).contains("registryHost"));
        assert!(
            unknown(&*artifactory, &changed("/data/repo_key", &json!("a b")))
                .starts_with("data.image_name: ")
        );
        assert!(matches!(decode(&*artifactory, &[], &GENUINE[..90]), Err(Undecodable::Malformed(_))));
        decoding_never_panics(&*artifactory);
    }

    #[test]
    fn samples_are_ones_of_its_own() {
        for yaml in ["{}", "signature: token"] {
            let artifactory = receiver(&SOURCE, yaml);
            let told = round_trip(&*artifactory, SampleEvent::Image).events;
            assert_eq!(told, [image("ghcr.io/acme/web", &["1.2.3"], Some(DIGEST))]);
            assert_eq!(round_trip(&*artifactory, SampleEvent::Ping).events, [Event::Ping]);
            assert!(sample_of(&*artifactory, SampleEvent::Git).is_none());
        }
    }
}

//! Google Artifact Registry and Container Registry, which publish to Pub/Sub, whose push subscription delivers.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::Deserialize;

use super::draft::SampleEvent;
use super::google_token::GoogleToken;
use super::key_set::KeySet;
use super::pub_sub::Message;
use super::registry::{pushed, split_reference};
use super::sample::Values;
use super::{
    Decoded, Delivery, Draft, Identity, Receiver, Refusal, Sample, Source, Undecodable, Verified, json,
};
use crate::event::Event;
use crate::key::Key;

/// `source: GoogleContainerRegistry`
pub static SOURCE: Source = Source {
    name: "GoogleContainerRegistry",
    configure: |fields, setting| {
        let token = GoogleToken::configure(fields, setting);
        Box::new(GoogleContainerRegistry { token, flux_recv: setting.flux_recv })
    },
};

#[derive(Debug)]
struct GoogleContainerRegistry {
    /// Absent where the path alone authenticates.
    token: Option<GoogleToken>,
    flux_recv: bool,
}

/// What the registries publish.
#[derive(Deserialize)]
struct Change {
    action: Option<String>,
    /// A whole reference: `europe-docker.pkg.dev/acme/shop/web:3.10`. Absent from a push by digest.
    tag: Option<String>,
    /// A whole reference, too: `europe-docker.pkg.dev/acme/shop/web@sha256:…`.
    digest: Option<String>,
}

/// A reference in its parts, if there is one.
fn given(reference: Option<&str>) -> Option<(&str, Option<&str>, Option<&str>)> {
    reference.filter(|text| !text.is_empty()).map(split_reference)
}

fn event(change: &Change) -> Result<Event, Undecodable> {
    let action = json::need(change.action.as_deref(), "action")?;
    if !action.eq_ignore_ascii_case("insert") {
        return Ok(Event::ignored(format!("the registry tells of {action}, which is no push")));
    }
    let digest = given(change.digest.as_deref());
    let Some((name, tag, _)) = given(change.tag.as_deref()) else {
        let (name, _, digest) = json::need(digest, "tag")?;
        return pushed(name, "digest", None, digest);
    };
    let digest = digest.filter(|(of_digest, _, _)| *of_digest == name).and_then(|(_, _, digest)| digest);
    pushed(name, "tag", tag, digest)
}

impl Receiver for GoogleContainerRegistry {
    fn proof(&self) -> Option<String> {
        self.token.as_ref().map(GoogleToken::proof)
    }

    fn verify(&self, _: &[Key], delivery: &Delivery<'_>, now: Timestamp) -> Result<(), Refusal> {
        self.token.as_ref().map_or(Err(Refusal::Missing), |token| token.verify(delivery, now))
    }

    fn decode(&self, delivery: &Verified<'_>) -> Result<Decoded, Undecodable> {
        // flux-recv read one JSON value and did not look at what followed.
        let body = if self.flux_recv { json::first_value(delivery.body()) } else { delivery.body() };
        let message = Message::read(body, delivery)?;
        let change = json::read::<Change>(&message.data).map_err(|error| message.locate(error))?;
        let event = event(&change).map_err(|error| message.locate(error))?;
        // Pub/Sub delivers at least once, always by the same id; the token signs nothing of it.
        let identity = message.id.map_or(Identity::BodyWhilePending, Identity::Id);
        Ok(Decoded { events: vec![event], identity, actor: None })
    }

    fn sign(&self, _: &Key, _: &mut Draft, _: Timestamp) -> Result<(), String> {
        Err("only Google can sign its tokens: get one with `gcloud auth print-identity-token \
             --impersonate-service-account=EMAIL --audiences=AUDIENCE --include-email` and pass it with \
             --header \"Authorization: Bearer …\""
            .to_owned())
    }

    fn sample(&self, sample: &Sample, now: Timestamp) -> Option<Draft> {
        if sample.event != SampleEvent::Image {
            return None;
        }
        let mut values = Values::new(sample, now);
        let data = values.fill(include_str!("google_container_registry/samples/data.json"))?;
        values.set("data", STANDARD.encode(data.to_string()));
        values.set("message.id", now.as_microsecond().to_string());
        values.draft(include_str!("google_container_registry/samples/image.json"))
    }

    fn key_set(&self) -> Option<&Arc<KeySet>> {
        self.token.as_ref().map(GoogleToken::keys)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::*;
    use super::super::{PathAlone, Proof, Setting, headers, verify};
    use super::*;

    const WEB: &str = "europe-docker.pkg.dev/acme/shop/web";

    fn lenient() -> Box<dyn Receiver> {
        let setting = Setting { verify_path: true, ..Setting::default() };
        configured(&SOURCE, "{}", &setting).0
    }

    fn wrapped(data: &str) -> Value {
        let message = json!({"data": STANDARD.encode(data), "messageId": "981636256311680"});
        json!({"message": message, "subscription": "projects/acme/subscriptions/boathook"})
    }

    fn change(tag: &Value, digest: &Value) -> Value {
        wrapped(&json!({"action": "INSERT", "tag": tag, "digest": digest}).to_string())
    }

    #[test]
    fn a_genuine_delivery() {
        let google = lenient();
        let genuine = include_str!("../../tests/data/google/push.json");
        let told = decode(&*google, &[], genuine).unwrap();
        assert_eq!(told.events, [image(WEB, &["3.10"], Some(DIGEST))]);
        assert_eq!(told.identity, Identity::Id("8213456789012345".into()));
    }

    #[test]
    fn a_message_without_its_wrapper() {
        let google = lenient();
        let body = json!({"action": "INSERT", "tag": format!("{WEB}:3.10")}).to_string();
        let told = decode(&*google, &[("x-goog-pubsub-message-id", "17")], &body).unwrap();
        assert_eq!(told.events, [image(WEB, &["3.10"], None)]);
        assert_eq!(told.identity, Identity::Id("17".into()));
        assert_eq!(decode(&*google, &[], &body).unwrap().identity, Identity::BodyWhilePending);
    }

    #[test]
    fn references_are_whole() {
        let google = lenient();
        let digest = |name: &str| json!(format!("{name}@{DIGEST}"));
        let tag = json!(format!("{WEB}:3.10"));
        for (tag, digest, expected) in [
            (&tag, digest(WEB), image(WEB, &["3.10"], Some(DIGEST))),
            (&tag, Value::Null, image(WEB, &["3.10"], None)),
            (&tag, json!(format!("{WEB}@sha256:xxxx")), image(WEB, &["3.10"], None)),
            (&tag, digest("gcr.io/acme/other"), image(WEB, &["3.10"], None)),
            (&json!("us.gcr.io/acme/web.api:t"), Value::Null, image("us.gcr.io/acme/web.api", &["t"], None)),
        ] {
            assert_eq!(events_of(&*google, &change(tag, &digest)), [expected]);
        }
        for untagged in [Value::Null, json!(""), json!(WEB), json!(format!("{WEB}:"))] {
            let told = ignored_of(&*google, &change(&untagged, &digest(WEB)));
            assert_eq!(told, format!("{WEB} was pushed without a tag"), "{untagged}");
        }
        let with_newline = wrapped(&format!("{{\"action\":\"insert\",\"tag\":\"{WEB}:1\"}}\n"));
        assert_eq!(events_of(&*google, &with_newline), [image(WEB, &["1"], None)]);
        let deleted = wrapped(&json!({"action": "DELETE", "tag": format!("{WEB}:1")}).to_string());
        assert_eq!(ignored_of(&*google, &deleted), "the registry tells of DELETE, which is no push");
    }

    #[test]
    fn unknown_shapes_name_their_place() {
        let google = lenient();
        assert_eq!(unknown(&*google, &json!({})), "message: missing");
        assert_eq!(unknown(&*google, &json!({"message": {"attributes": {}}})), "message.data: missing");
        assert_eq!(unknown(&*google, &json!({"message": {"data": "*"}})), "message.data: not base64");
        assert!(unknown(&*google, &wrapped("hello")).starts_with("message.data: the body is not JSON"));
        assert_eq!(unknown(&*google, &wrapped("{}")), "message.data: action: missing");
        assert_eq!(unknown(&*google, &change(&Value::Null, &Value::Null)), "message.data: tag: missing");
        assert!(unknown(&*google, &change(&json!("a b:1"), &Value::Null)).starts_with("message.data: tag: "));
        assert!(unknown(&*google, &wrapped(r#"{"action": 1}"#)).starts_with("message.data: action: invalid"));
        assert!(matches!(decode(&*google, &[], "{\"message\""), Err(Undecodable::Malformed(_))));
        decoding_never_panics(&*google);
    }

    #[test]
    fn flux_recv_did_not_look_behind_the_first_value() {
        let body = format!("{}\n}}", change(&json!(format!("{WEB}:1")), &Value::Null));
        let told = decode(&*flux_recv(&SOURCE, "{}"), &[], &body).unwrap();
        assert_eq!(told.events, [image(WEB, &["1"], None)]);
        assert!(matches!(decode(&*lenient(), &[], &body), Err(Undecodable::Malformed(_))));
    }

    #[test]
    fn without_settings_the_path_alone_authenticates() {
        for google in [lenient(), flux_recv(&SOURCE, "{}")] {
            assert!(google.proof().is_none() && google.key_set().is_none());
            let headers = headers(&[]).unwrap();
            let delivery = Delivery { headers: &headers, body: b"" };
            let now = Timestamp::UNIX_EPOCH;
            let verified = verify(&*google, PathAlone::Refused, &[], &delivery, now).unwrap();
            assert_eq!(verified.proof(), Some(Proof::Path));
        }
    }

    #[test]
    fn samples_are_ones_of_its_own_but_nobody_else_can_sign() {
        let google = lenient();
        let mut sample = sample_of(&*google, SampleEvent::Image).unwrap();
        let told = decode(&*google, &[], &sample.body).unwrap().events;
        assert_eq!(told, [image("ghcr.io/acme/web", &["1.2.3"], Some(DIGEST))]);
        let told = google.sign(&Key::new(KEY.as_bytes()), &mut sample, Timestamp::UNIX_EPOCH).unwrap_err();
        assert!(told.contains("--header \"Authorization: Bearer"), "{told}");
        assert!(sample_of(&*google, SampleEvent::Ping).is_none());
    }
}

//! Generic: a CI job's own request for a deployment.
//!
//! Proof: `X-Signature-SHA256: sha256=` + hex HMAC-SHA256 of the body, and in the body the time at which it was
//! signed. The time is looked at only after the signature was found to be right.

mod body;
mod valid;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use self::body::{FIELDS, Pointers};
use super::draft::{Draft, Sample, SampleEvent};
use super::sample::Values;
use super::signature::{Algorithm, hmac_hex, verify_hmac_header};
use super::{
    Decoded, Delivery, Identity, Receiver, Refusal, Setting, Source, Undecodable, Verified, json as reading,
};
use crate::config::fields::Fields;
use crate::event::Event;
use crate::key::Key;

/// The source's line in the list.
pub(super) static SOURCE: Source = Source { name: "Generic", configure };

const MAX_AGE: Duration = Duration::from_secs(300);

/// How many objects may stand in one another in a body: `serde_json`'s limit.
const DEEPEST: usize = 127;

#[derive(Debug)]
struct Generic {
    header: String,
    algorithm: Algorithm,
    /// What stands before the hex digits.
    prefix: String,
    pointers: Pointers,
    /// What rules ask for besides, by JSON pointer.
    asked: Vec<String>,
    /// How far the body's time may be off, in both directions; zero turns the check off.
    max_age: Duration,
}

fn configure(fields: &mut Fields<'_>, setting: &Setting) -> Box<dyn Receiver> {
    let (header, algorithm, prefix) = signature(fields);
    let pointers = pointers(fields);
    let max_age = fields.duration("maxAge").unwrap_or(MAX_AGE);
    let asked = setting.asked.clone();
    Box::new(Generic { header, algorithm, prefix, pointers, asked, max_age })
}

/// Reads `signature: {header, algorithm, prefix}`.
fn signature(fields: &mut Fields<'_>) -> (String, Algorithm, String) {
    let mut algorithm = Algorithm::Sha256;
    let (mut header, mut prefix) = (None, None);
    if let Some(mut section) = fields.section("signature") {
        const WORDS: [(&str, Algorithm); 2] = [("sha256", Algorithm::Sha256), ("sha512", Algorithm::Sha512)];
        algorithm = section.one_of("algorithm", &WORDS).unwrap_or(algorithm);
        header = section.string("header");
        if header.as_deref().is_some_and(|name| hyper::header::HeaderName::try_from(name).is_err()) {
            section.mistake("header", "is no header's name");
        }
        prefix = section.string("prefix");
        section.finish();
    }
    let header = header.unwrap_or_else(|| format!("X-Signature-{}", algorithm.name().to_uppercase()));
    (header, algorithm, prefix.unwrap_or_else(|| format!("{}=", algorithm.name())))
}

/// Reads `fields:`, which says where fields stand that are not where they are by default.
fn pointers(fields: &mut Fields<'_>) -> Pointers {
    let mut pointers = Pointers::default();
    if let Some(mut section) = fields.section("fields") {
        for field in FIELDS {
            let Some(pointer) = section.string(field) else { continue };
            if !pointer.starts_with('/') {
                section.mistake(field, "must be a JSON pointer (RFC 6901) such as /deployment/image");
            } else if pointer.matches('/').count() > DEEPEST {
                section
                    .mistake(field, format!("leads deeper than {DEEPEST} levels, which is all that is read"));
            } else {
                pointers.set(field, &pointer);
            }
        }
        section.finish();
    }
    pointers
}

impl Generic {
    /// Whether the body's time is near enough. What is no JSON has no time: decoding will say what is wrong.
    fn is_recent(&self, body: &[u8], now: Timestamp) -> bool {
        let Ok(body) = reading::read::<Value>(body) else { return true };
        let sent = self.pointers.find(&body, "timestamp").and_then(Value::as_str);
        let sent = sent.and_then(|text| text.parse::<Timestamp>().ok());
        let tolerance = SignedDuration::try_from(self.max_age).unwrap_or(SignedDuration::MAX);
        sent.is_some_and(|sent| now.duration_since(sent).abs() <= tolerance)
    }
}

impl Receiver for Generic {
    fn proof(&self) -> Option<String> {
        let name = self.algorithm.name().to_uppercase();
        let time = if self.max_age.is_zero() {
            String::new()
        } else {
            format!(", signed at most {} s ago", self.max_age.as_secs_f64())
        };
        Some(format!("{}, HMAC-{name} of the body{time}", self.header))
    }

    fn verify(&self, keys: &[Key], delivery: &Delivery<'_>, now: Timestamp) -> Result<(), Refusal> {
        let header = delivery.header(&self.header);
        verify_hmac_header(self.algorithm, keys, header, &self.prefix, delivery.body)?;
        let in_time = self.max_age.is_zero() || self.is_recent(delivery.body, now);
        if in_time { Ok(()) } else { Err(Refusal::Invalid) }
    }

    fn decode(&self, delivery: &Verified<'_>) -> Result<Decoded, Undecodable> {
        let body: Value = reading::read(delivery.body())?;
        let request = body::read(&body, &self.pointers, &self.asked)?;
        let identity = Identity::Id(request.id.clone());
        let actor = Some(request.by.clone()).filter(|by| !by.is_empty());
        Ok(Decoded { events: vec![Event::Deploy(Box::new(request))], identity, actor })
    }

    fn sign(&self, key: &Key, draft: &mut Draft, _: Timestamp) -> Result<(), String> {
        let signature = hmac_hex(self.algorithm, key.expose(), &draft.body);
        draft.default_header(&self.header, format!("{}{signature}", self.prefix));
        Ok(())
    }

    fn sample(&self, sample: &Sample, now: Timestamp) -> Option<Draft> {
        if sample.event != SampleEvent::Deploy {
            return None;
        }
        let workload = sample.image.path().rsplit('/').next().unwrap_or_default();
        let mut values = Values::new(sample, now);
        values.set("workload", workload.replace(['_', '.'], "-"));
        let fields = values.fill(include_str!("generic/samples/deploy.json"))?;
        Some(Draft::json(&self.pointers.place(&fields)?))
    }
}

#[cfg(test)]
mod tests;

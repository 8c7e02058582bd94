//! GitLab: hooks of projects and groups, and system hooks.
//!
//! Proof, by the key that is configured: a plain one must stand in `X-Gitlab-Token`, which signs nothing; a
//! signing token (`whsec_…`) signs id, time and body in the headers of Standard Webhooks. A signature that is
//! there must be right: there is no way back to the token.
//! <https://docs.gitlab.com/user/project/integrations/webhooks/>

mod body;
mod sample;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::draft::{Draft, Sample, random_uuid};
use super::fixed_header::header_value;
use super::standard_webhooks::{self as signing, ID, SIGNATURE, TIMESTAMP, is_signing_key};
use super::{
    Decoded, Delivery, Header, Identity, Receiver, Refusal, Setting, Source, Undecodable, Verified, git,
    signature,
};
use crate::config::fields::Fields;
use crate::event::Event;
use crate::key::Key;

/// The source's line in the list.
pub(super) static SOURCE: Source = Source { name: "GitLab", configure };

const EVENT: &str = "X-Gitlab-Event";
const TOKEN: &str = "X-Gitlab-Token";
const IDEMPOTENCY_KEY: &str = "Idempotency-Key";
const EVENT_UUID: &str = "X-Gitlab-Event-UUID";

fn configure(_: &mut Fields<'_>, _: &Setting) -> Box<dyn Receiver> {
    Box::new(GitLab)
}

#[derive(Debug)]
struct GitLab;

impl Receiver for GitLab {
    fn proof(&self) -> Option<String> {
        Some(format!("{TOKEN}; with a whsec_ key {SIGNATURE}, HMAC-SHA256 of id, time and body"))
    }

    fn verify(&self, keys: &[Key], delivery: &Delivery<'_>, now: Timestamp) -> Result<(), Refusal> {
        if delivery.header(SIGNATURE) != Header::Absent {
            return signing::verify(keys, delivery, now);
        }
        let tokens: Vec<Key> = keys.iter().filter(|key| !is_signing_key(key)).cloned().collect();
        signature::verify_token(&tokens, delivery.header(TOKEN))
    }

    fn decode(&self, delivery: &Verified<'_>) -> Result<Decoded, Undecodable> {
        let read = body::read(delivery.body(), delivery.header(EVENT))?;
        let identity = identity(delivery, &read.event);
        Ok(Decoded { events: vec![read.event], identity, actor: read.actor })
    }

    fn sign(&self, key: &Key, draft: &mut Draft, now: Timestamp) -> Result<(), String> {
        draft.default_header("User-Agent", "GitLab/boathook");
        if let Some(event) = sample::guess_event(draft) {
            draft.default_header(EVENT, event);
        }
        draft.default_header(EVENT_UUID, random_uuid());
        draft.default_header(ID, random_uuid());
        let id = draft.header(ID).unwrap_or_default().to_owned();
        draft.default_header(IDEMPOTENCY_KEY, id.as_str());
        if !is_signing_key(key) {
            draft.default_header(TOKEN, header_value(key)?);
            return Ok(());
        }
        draft.default_header(TIMESTAMP, now.as_second().to_string());
        let timestamp = draft.header(TIMESTAMP).unwrap_or_default().to_owned();
        let signed = signing::sign(key, &id, &timestamp, &draft.body);
        draft.default_header(SIGNATURE, signed.ok_or("what stands behind whsec_ in the key is not base64")?);
        Ok(())
    }

    fn sample(&self, sample: &Sample, now: Timestamp) -> Option<Draft> {
        sample::draft(sample, now)
    }
}

/// The id that was signed; else the one of the delivery; else that of the event, which a chain of hooks shares,
/// with the body; else the body, of which only a pipeline's says which one it is.
fn identity(delivery: &Verified<'_>, event: &Event) -> Identity {
    let signed = delivery.delivery().header(SIGNATURE) != Header::Absent;
    if let Some(id) = signed.then(|| git::sender_id(delivery, ID)).flatten() {
        return Identity::Id(id);
    }
    if let Some(id) = git::sender_id(delivery, IDEMPOTENCY_KEY) {
        return Identity::Id(id);
    }
    if let Some(id) = git::sender_id(delivery, EVENT_UUID) {
        return Identity::Id(format!("{id}-{}", hex::encode(Sha256::digest(delivery.body()))));
    }
    if matches!(event, Event::Pipeline(_)) { Identity::Body } else { Identity::BodyWhilePending }
}

#[cfg(test)]
mod tests;

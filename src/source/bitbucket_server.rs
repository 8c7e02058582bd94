//! Bitbucket Data Center and Server.
//!
//! Proof: `X-Hub-Signature: sha256=` + hex HMAC-SHA256 of the body; or, for hooks with a user name and a
//! password instead of a secret, `signature: basic` and a key of the form `user:password`. A signature that is
//! there must be right in either case. The connection test, which may be unsigned, is let in as that alone: its
//! header makes it a ping whatever its body says.
//! <https://confluence.atlassian.com/bitbucketserver/event-payload-938025882.html>

mod body;
mod sample;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::de::IgnoredAny;

use super::draft::{Draft, Sample, random_uuid};
use super::signature::{Algorithm, hmac_hex, is_key, present, verify_named_hmac};
use super::{
    Decoded, Delivery, Header, Receiver, Refusal, Setting, Source, Undecodable, Verified, git, json,
};
use crate::config::fields::Fields;
use crate::event::Event;
use crate::key::Key;

/// The source's line in the list.
pub(super) static SOURCE: Source = Source { name: "BitbucketServer", configure };

const EVENT: &str = "X-Event-Key";
const DELIVERY: &str = "X-Request-Id";
const SIGNATURE: &str = "X-Hub-Signature";
const AUTHORIZATION: &str = "Authorization";
const PING: &str = "diagnostics:ping";

fn configure(fields: &mut Fields<'_>, setting: &Setting) -> Box<dyn Receiver> {
    let basic = fields.one_of("signature", &[("payload", false), ("basic", true)]);
    Box::new(BitbucketServer { basic: basic.unwrap_or(false), flux_recv: setting.flux_recv })
}

#[derive(Debug)]
struct BitbucketServer {
    /// The key is `user:password` of an Authorization header.
    basic: bool,
    /// flux-recv took SHA-1, SHA-256 and SHA-512.
    flux_recv: bool,
}

impl BitbucketServer {
    fn algorithms(&self) -> &'static [Algorithm] {
        const ALL: [Algorithm; 3] = [Algorithm::Sha256, Algorithm::Sha1, Algorithm::Sha512];
        if self.flux_recv { &ALL } else { &[Algorithm::Sha256] }
    }
}

impl Receiver for BitbucketServer {
    fn proof(&self) -> Option<String> {
        if self.basic {
            return Some(format!("{AUTHORIZATION}, Basic with the key as user:password"));
        }
        let others = if self.flux_recv { ", -SHA1 or -SHA512" } else { "" };
        Some(format!("{SIGNATURE}, HMAC-SHA256{others} of the body"))
    }

    fn verify(&self, keys: &[Key], delivery: &Delivery<'_>, _: Timestamp) -> Result<(), Refusal> {
        let signature = delivery.header(SIGNATURE);
        if signature != Header::Absent {
            return verify_named_hmac(self.algorithms(), keys, signature, delivery.body);
        }
        let authorization = if self.basic { delivery.header(AUTHORIZATION) } else { Header::Absent };
        match authorization {
            Header::Absent if is_ping(delivery) => Ok(()),
            header => verify_basic(keys, header),
        }
    }

    fn decode(&self, delivery: &Verified<'_>) -> Result<Decoded, Undecodable> {
        // First, and whatever the body says: `verify` lets a ping in without proof.
        if is_ping(delivery.delivery()) {
            return Ok(Decoded::only(Event::Ping));
        }
        let event = json::need(delivery.header(EVENT), EVENT)?;
        if !matches!(event, body::PUSH | body::MIRROR) {
            return json::read::<IgnoredAny>(delivery.body()).map(|_| git::unused(event));
        }
        let (events, actor) = body::read(delivery.body(), event)?;
        Ok(Decoded { events, identity: git::identity(delivery, DELIVERY), actor })
    }

    fn sign(&self, key: &Key, draft: &mut Draft, _: Timestamp) -> Result<(), String> {
        draft.default_header("User-Agent", "Atlassian HttpClient");
        if let Some(event) = sample::guess_event(draft) {
            draft.default_header(EVENT, event);
        }
        draft.default_header(DELIVERY, random_uuid());
        if self.basic {
            draft.default_header(AUTHORIZATION, format!("Basic {}", STANDARD.encode(key.expose())));
        } else {
            let signature = hmac_hex(Algorithm::Sha256, key.expose(), &draft.body);
            draft.default_header(SIGNATURE, format!("sha256={signature}"));
        }
        Ok(())
    }

    fn sample(&self, sample: &Sample, now: Timestamp) -> Option<Draft> {
        sample::draft(sample, now)
    }
}

/// Whether the request is the connection test.
fn is_ping(delivery: &Delivery<'_>) -> bool {
    delivery.header(EVENT) == Header::Text(PING)
}

/// Checks `Authorization: Basic` (RFC 7617) against keys of the form `user:password`.
fn verify_basic(keys: &[Key], header: Header<'_>) -> Result<(), Refusal> {
    let (scheme, encoded) = present(header)?.split_once(' ').ok_or(Refusal::Invalid)?;
    let presented = STANDARD.decode(encoded.trim()).map_err(|_| Refusal::Invalid)?;
    let matches = scheme.eq_ignore_ascii_case("Basic") && is_key(keys, &presented);
    if matches { Ok(()) } else { Err(Refusal::Invalid) }
}

#[cfg(test)]
mod tests;

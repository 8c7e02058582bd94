//! Gitea, and Forgejo and Gogs, which speak as it does.
//!
//! Proof: hex HMAC-SHA256, bare in `X-Forgejo-Signature`, `X-Gitea-Signature` and `X-Gogs-Signature`, behind
//! `sha256=` in `X-Hub-Signature-256`. Every one that is there must be right; without a secret they are there
//! and empty. Of a form the JSON in its field `payload` is signed, not the body as with GitHub.
//! <https://docs.gitea.com/usage/webhooks>, <https://forgejo.org/docs/latest/user/webhooks/>

mod body;
mod package;
mod sample;

use jiff::Timestamp;
use serde::de::IgnoredAny;

use super::draft::{Draft, Sample, random_uuid};
use super::signature::{Algorithm, hmac, hmac_hex, same};
use super::{
    Decoded, Delivery, Header, Receiver, Refusal, Setting, Source, Undecodable, Verified, git, json,
};
use crate::config::fields::Fields;
use crate::image::Repository;
use crate::key::Key;

/// The source's line in the list.
pub(super) static SOURCE: Source = Source { name: "Gitea", configure };

/// Who sends it, in the order of detection: each one also sends the headers of those after it.
const SENDERS: [Sender; 3] = [
    Sender { event: "X-Forgejo-Event", delivery: "X-Forgejo-Delivery", tags_by_push: true },
    Sender { event: "X-Gitea-Event", delivery: "X-Gitea-Delivery", tags_by_push: true },
    Sender { event: "X-Gogs-Event", delivery: "X-Gogs-Delivery", tags_by_push: false },
];

/// The headers that sign, with what stands before the hex digits.
const SIGNATURES: [(&str, &str); 4] = [
    ("X-Forgejo-Signature", ""),
    ("X-Gitea-Signature", ""),
    ("X-Gogs-Signature", ""),
    ("X-Hub-Signature-256", "sha256="),
];

const OLD_SIGNATURE: &str = "X-Hub-Signature";

struct Sender {
    event: &'static str,
    delivery: &'static str,
    /// Whether the event `push` tells of tags too; Gogs tells of them by `create` alone.
    tags_by_push: bool,
}

fn configure(fields: &mut Fields<'_>, setting: &Setting) -> Box<dyn Receiver> {
    let host = fields.string("registryHost");
    if let Some(host) = &host
        && Repository::parse(&format!("{host}/owner/name")).map_or(true, |image| image.host() != host)
    {
        fields.mistake(
            "registryHost",
            "is no registry's host such as gitea.example.com or gitea.example.com:3000",
        );
    }
    Box::new(Gitea { registry_host: host, unsigned: setting.verify_path })
}

#[derive(Debug)]
struct Gitea {
    /// Where images are pulled from, if that is not the host of the package's page.
    registry_host: Option<String>,
    /// `verify: path`: what a hook without a secret sends, signatures that are all empty, is no proof at all.
    unsigned: bool,
}

impl Receiver for Gitea {
    fn proof(&self) -> Option<String> {
        let names = SIGNATURES.map(|(name, _)| name).join(", ");
        Some(format!("{names}: HMAC-SHA256 of the JSON in each that is there, in one at least"))
    }

    fn verify(&self, keys: &[Key], delivery: &Delivery<'_>, _: Timestamp) -> Result<(), Refusal> {
        let mut presented = Vec::with_capacity(SIGNATURES.len());
        let mut empty = false;
        for (name, prefix) in SIGNATURES {
            match delivery.header(name) {
                Header::Absent => {}
                Header::Text(text) if self.unsigned && (text.is_empty() || text == prefix) => empty = true,
                Header::Unusable => return Err(Refusal::Invalid),
                Header::Text(text) => {
                    let tag = text.strip_prefix(prefix).and_then(|digits| hex::decode(digits).ok());
                    presented.push(tag.ok_or(Refusal::Invalid)?);
                }
            }
        }
        if empty && !presented.is_empty() {
            return Err(Refusal::Invalid);
        }
        if presented.is_empty() {
            // SHA-1 is a proof that is too weak, not a missing one.
            let weak = match delivery.header(OLD_SIGNATURE) {
                Header::Absent => false,
                Header::Text("" | "sha1=") => !empty,
                _ => true,
            };
            return Err(if weak { Refusal::Invalid } else { Refusal::Missing });
        }
        let message = delivery.payload().ok_or(Refusal::Invalid)?;
        let matches = keys.iter().filter(|key| !key.expose().is_empty()).any(|key| {
            let tag = hmac(Algorithm::Sha256, key.expose(), &[&message]);
            // One key signs all of them.
            presented.iter().all(|presented| same(tag.as_ref(), presented))
        });
        if matches { Ok(()) } else { Err(Refusal::Invalid) }
    }

    fn decode(&self, delivery: &Verified<'_>) -> Result<Decoded, Undecodable> {
        let found = SENDERS.iter().find_map(|sender| Some((sender, delivery.header(sender.event)?)));
        let (sender, event) = json::need(found, "X-Gitea-Event")?;
        let payload = delivery.delivery().payload();
        let payload =
            payload.ok_or_else(|| Undecodable::Malformed("the form has no field payload".into()))?;
        let (event, actor) = match event {
            "push" => body::push(&payload)?,
            "create" => body::create(&payload, sender.tags_by_push)?,
            "package" => package::read(&payload, self.registry_host.as_deref())?,
            other => return json::read::<IgnoredAny>(&payload).map(|_| git::unused(other)),
        };
        Ok(Decoded { events: vec![event], identity: git::identity(delivery, sender.delivery), actor })
    }

    fn sign(&self, key: &Key, draft: &mut Draft, _: Timestamp) -> Result<(), String> {
        let headers = super::headers(&draft.headers)?;
        let message = Delivery { headers: &headers, body: &draft.body }.payload();
        let message = message.ok_or("the form has no field payload, which is what Gitea signs")?;
        let signature = hmac_hex(Algorithm::Sha256, key.expose(), &message);
        let delivery = SENDERS.iter().find_map(|sender| draft.header(sender.delivery)).map(str::to_owned);
        let delivery = delivery.unwrap_or_else(random_uuid);
        let event = SENDERS.iter().find_map(|sender| draft.header(sender.event)).map(str::to_owned);
        let event = event.or_else(|| sample::guess_event(draft).map(str::to_owned));
        for product in ["Gitea", "Gogs", "GitHub"] {
            draft.default_header(&format!("X-{product}-Delivery"), delivery.as_str());
            if let Some(event) = &event {
                draft.default_header(&format!("X-{product}-Event"), event.as_str());
                draft.default_header(&format!("X-{product}-Event-Type"), event.as_str());
            }
        }
        draft.default_header("X-Gitea-Signature", signature.as_str());
        draft.default_header("X-Gogs-Signature", signature.as_str());
        draft.default_header("X-Hub-Signature-256", format!("sha256={signature}"));
        Ok(())
    }

    fn sample(&self, sample: &Sample, now: Timestamp) -> Option<Draft> {
        sample::draft(sample, now)
    }
}

#[cfg(test)]
mod tests;

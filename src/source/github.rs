//! GitHub, and its container registry, which speaks through the same hooks.
//!
//! Proof: `X-Hub-Signature-256: sha256=` + hex HMAC-SHA256 of the raw body; of a form too the whole encoded
//! body is signed, and the JSON is its field `payload`.
//! <https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries>

mod package;
mod push;
mod sample;
mod workflow;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::draft::{Draft, Sample, random_uuid};
use super::signature::{Algorithm, hmac_hex, verify_hmac_header, verify_named_hmac};
use super::{
    Decoded, Delivery, Header, Receiver, Refusal, Setting, Source, Undecodable, Verified, git, json,
};
use crate::config::fields::Fields;
use crate::event::Event;
use crate::key::Key;

/// The source's line in the list.
pub(super) static SOURCE: Source = Source { name: "GitHub", configure };

const EVENT: &str = "X-GitHub-Event";
const DELIVERY: &str = "X-GitHub-Delivery";
const SIGNATURE: &str = "X-Hub-Signature-256";
const OLD_SIGNATURE: &str = "X-Hub-Signature";

fn configure(_: &mut Fields<'_>, setting: &Setting) -> Box<dyn Receiver> {
    Box::new(GitHub { flux_recv: setting.flux_recv })
}

#[derive(Debug)]
struct GitHub {
    /// flux-recv looked at `X-Hub-Signature` alone and took SHA-1, SHA-256 and SHA-512 there.
    flux_recv: bool,
}

impl Receiver for GitHub {
    fn proof(&self) -> Option<String> {
        let old = if self.flux_recv { ", else X-Hub-Signature, HMAC-SHA1, -SHA256 or -SHA512" } else { "" };
        Some(format!("{SIGNATURE}, HMAC-SHA256 of the body{old}"))
    }

    fn verify(&self, keys: &[Key], delivery: &Delivery<'_>, _: Timestamp) -> Result<(), Refusal> {
        let old = delivery.header(OLD_SIGNATURE);
        match delivery.header(SIGNATURE) {
            Header::Absent if self.flux_recv => verify_named_hmac(
                &[Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512],
                keys,
                old,
                delivery.body,
            ),
            // A proof that is too weak is not "no proof": it must not pass for one where the path is enough.
            Header::Absent if old != Header::Absent => Err(Refusal::Invalid),
            header => verify_hmac_header(Algorithm::Sha256, keys, header, "sha256=", delivery.body),
        }
    }

    fn decode(&self, delivery: &Verified<'_>) -> Result<Decoded, Undecodable> {
        let event = json::need(delivery.header(EVENT), EVENT)?;
        let body = delivery.delivery().payload();
        let body = body.ok_or_else(|| Undecodable::Malformed("the form has no field payload".into()))?;
        let (event, actor) = match event {
            "push" => push::read(&body)?,
            "package" | "registry_package" | "package_v2" => package::read(&body, event)?,
            "workflow_run" => workflow::read(&body)?,
            "ping" => (json::read::<IgnoredAny>(&body).map(|_| Event::Ping)?, None),
            other => return json::read::<IgnoredAny>(&body).map(|_| git::unused(other)),
        };
        Ok(Decoded { events: vec![event], identity: git::identity(delivery, DELIVERY), actor })
    }

    fn sign(&self, key: &Key, draft: &mut Draft, _: Timestamp) -> Result<(), String> {
        draft.default_header("User-Agent", "GitHub-Hookshot/boathook");
        if let Some(event) = sample::guess_event(draft) {
            draft.default_header(EVENT, event);
        }
        draft.default_header(DELIVERY, random_uuid());
        let signature = |algorithm| hmac_hex(algorithm, key.expose(), &draft.body);
        let (old, new) = (signature(Algorithm::Sha1), signature(Algorithm::Sha256));
        draft.default_header(OLD_SIGNATURE, format!("sha1={old}"));
        draft.default_header(SIGNATURE, format!("sha256={new}"));
        Ok(())
    }

    fn sample(&self, sample: &Sample, now: Timestamp) -> Option<Draft> {
        sample::draft(sample, now)
    }
}

/// A repository, as every event carries it.
#[derive(Deserialize)]
struct Repository {
    full_name: Option<String>,
    ssh_url: Option<String>,
    clone_url: Option<String>,
    html_url: Option<String>,
}

impl Repository {
    /// `acme/web`.
    fn name(&self) -> Result<String, Undecodable> {
        let name = self.full_name.clone().filter(|name| !name.is_empty());
        json::need(name, "repository.full_name")
    }

    /// SSH first.
    fn urls(self) -> Vec<String> {
        let page = self.html_url.filter(|url| !url.is_empty()).map(|url| format!("{url}.git"));
        git::urls([self.ssh_url, self.clone_url.or(page)])
    }
}

/// A user, as every event carries it.
#[derive(Deserialize)]
struct User {
    login: Option<String>,
}

/// Who sent the event.
fn login(user: Option<User>) -> Option<String> {
    user.and_then(|user| user.login).filter(|login| !login.is_empty())
}

#[cfg(test)]
mod tests;

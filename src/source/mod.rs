//! The senders: one file per kind, and the list of them.
//!
//! A delivery passes here in two steps that cannot be swapped: [`Verified`] is made by [`verify`] alone (or, by
//! name, by [`Verified::waived`] for `explain`), and only what is verified can be decoded.
//!
//! To add a source: write `source/NAME.rs` with a [`Source`], its samples `source/NAME/samples/KIND.json` (see
//! [`sample`]), add its line to [`SOURCES`], and run `cargo test --test sources`, which walks the list and says
//! what is missing.

pub mod artifactory;
pub mod artifactory_layout;
mod attachment;
pub mod azure_container_registry;
mod bitbucket_cloud;
mod bitbucket_server;
mod bounds;
pub mod delivery;
pub mod distribution;
pub mod docker_hub;
pub mod draft;
pub mod fetch;
pub mod fixed_header;
mod generic;
pub mod git;
mod gitea;
mod github;
mod gitlab;
pub mod google_container_registry;
pub mod google_token;
pub mod harbor;
pub mod json;
mod json_list;
mod json_path;
mod json_tree;
pub mod jwt;
pub mod key_set;
pub mod nexus;
pub mod pub_sub;
pub mod quay;
pub mod registry;
pub mod sample;
pub mod signature;
pub mod standard_webhooks;
#[cfg(test)]
mod testing;

use std::fmt;
use std::sync::Arc;

use hyper::HeaderMap;
use jiff::Timestamp;

pub use self::delivery::{Delivery, Header};
pub use self::draft::{Draft, Sample};
use crate::config::fields::Fields;
use crate::event::Event;
use crate::key::Key;

/// Every kind of sender, in alphabetical order.
pub static SOURCES: &[&Source] = &[
    &artifactory::SOURCE,
    &azure_container_registry::SOURCE,
    &bitbucket_cloud::SOURCE,
    &bitbucket_server::SOURCE,
    &distribution::SOURCE,
    &docker_hub::SOURCE,
    &generic::SOURCE,
    &gitea::SOURCE,
    &github::SOURCE,
    &gitlab::SOURCE,
    &google_container_registry::SOURCE,
    &harbor::SOURCE,
    &nexus::SOURCE,
    &quay::SOURCE,
];

/// A kind of sender.
#[derive(Debug)]
pub struct Source {
    /// The word after `source:` in a configuration.
    pub name: &'static str,
    /// Reads the source's own fields of an endpoint (`registryHost`, `gcr`, `header`, …) and makes what
    /// verifies and decodes that endpoint's deliveries. Mistakes go to the fields' report; what is returned is
    /// used only if there were none.
    pub configure: fn(&mut Fields<'_>, &Setting) -> Box<dyn Receiver>,
}

/// What a source must know of the endpoint besides its own fields.
#[derive(Clone, Debug, Default)]
pub struct Setting {
    /// The endpoint belongs to a flux-recv configuration: what flux-recv accepted is accepted.
    pub flux_recv: bool,
    /// The endpoint says `verify: path`: a source that needs settings for its proof may do without them.
    pub verify_path: bool,
    /// What the endpoint's rules ask for in a deploy request besides its usual fields: JSON pointers.
    pub asked: Vec<String>,
}

/// The source of this name.
pub fn find(name: &str) -> Option<&'static Source> {
    SOURCES.iter().copied().find(|source| source.name == name)
}

/// One endpoint's side of a source: its settings, ready to verify and decode.
pub trait Receiver: Send + Sync + fmt::Debug {
    /// How deliveries prove themselves, for `check`: `X-Hub-Signature-256, HMAC-SHA256 of the body`.
    /// `None` when this sender can prove nothing, so that its path alone authenticates it.
    fn proof(&self) -> Option<String>;

    /// Checks that the delivery comes from a holder of one of the keys. It is given the body as bytes and must
    /// not interpret it.
    fn verify(&self, keys: &[Key], delivery: &Delivery<'_>, now: Timestamp) -> Result<(), Refusal>;

    /// Says what happened.
    fn decode(&self, delivery: &Verified<'_>) -> Result<Decoded, Undecodable>;

    /// Adds to a request the headers that this sender would add: event, delivery id and proof; a header that
    /// is there already stays. Fails, saying why, where only the sender itself can sign.
    fn sign(&self, key: &Key, draft: &mut Draft, now: Timestamp) -> Result<(), String>;

    /// A request of a real one's shape for `send --sample`; `None` when this source has no such event.
    fn sample(&self, sample: &Sample, now: Timestamp) -> Option<Draft>;

    /// The key set that this receiver verifies tokens against, for the timer that fetches it.
    fn key_set(&self) -> Option<&Arc<key_set::KeySet>> {
        None
    }
}

/// Why a delivery is not taken for the sender's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It carries no proof at all.
    Missing,
    /// It carries a proof that is wrong, not allowed, ambiguous or too old.
    Invalid,
    /// It cannot be checked yet: the key set has not been fetched.
    Unavailable,
}

/// What is authenticated by its path alone, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathAlone {
    /// Not enough: a proof is needed.
    Refused,
    /// Enough when the delivery carries no proof; one that it does carry must be right.
    Allowed,
    /// Enough, whatever the delivery carries, as flux-recv has it.
    Ignoring,
}

/// How a delivery was found to be authentic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// By signature or token.
    Valid,
    /// By its path alone.
    Path,
}

/// A delivery that came from a holder of the key (or one whose verification `explain` waived).
pub struct Verified<'a> {
    delivery: &'a Delivery<'a>,
    proof: Option<Proof>,
}

/// Checks a delivery: the only way to a [`Verified`] one that counts.
pub fn verify<'a>(
    receiver: &dyn Receiver,
    path_alone: PathAlone,
    keys: &[Key],
    delivery: &'a Delivery<'a>,
    now: Timestamp,
) -> Result<Verified<'a>, Refusal> {
    let proof = if receiver.proof().is_none() || path_alone == PathAlone::Ignoring {
        Proof::Path
    } else {
        match receiver.verify(keys, delivery, now) {
            Ok(()) => Proof::Valid,
            Err(Refusal::Missing) if path_alone == PathAlone::Allowed => Proof::Path,
            Err(refusal) => return Err(refusal),
        }
    };
    Ok(Verified { delivery, proof: Some(proof) })
}

/// Says what a verified delivery says, within what a sender sends: the only way from bytes to events.
pub fn decode(receiver: &dyn Receiver, delivery: &Verified<'_>) -> Result<Decoded, Undecodable> {
    let mut decoded = receiver.decode(delivery).map_err(bounds::printable)?;
    bounds::check(&decoded.events)?;
    for event in &mut decoded.events {
        attachment::pass_over(event);
        bounds::shorten(event);
    }
    Ok(decoded)
}

impl<'a> Verified<'a> {
    /// Passes a delivery off as verified: for `explain`, which reports the verification and changes nothing.
    pub fn waived(delivery: &'a Delivery<'a>) -> Self {
        Self { delivery, proof: None }
    }

    /// How it was verified; `None` if that was waived.
    pub fn proof(&self) -> Option<Proof> {
        self.proof
    }

    /// The bytes of the body.
    pub fn body(&self) -> &'a [u8] {
        self.delivery.body
    }

    /// The delivery with its headers.
    pub fn delivery(&self) -> &'a Delivery<'a> {
        self.delivery
    }

    /// The header's value when it is there once and is text.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.delivery.text(name)
    }
}

/// What a delivery says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// In the order of the delivery; never empty.
    pub events: Vec<Event>,
    /// What makes another delivery the same one.
    pub identity: Identity,
    /// Who caused it (a pusher, an initiator, `triggered_by`), as the sender says it.
    pub actor: Option<String>,
}

impl Decoded {
    /// A delivery with one event that leads to nothing, and so needs no identity.
    pub fn only(event: Event) -> Self {
        Self { events: vec![event], identity: Identity::Unknown, actor: None }
    }

    /// A delivery that is authentic and leads to nothing.
    pub fn ignored(reason: impl Into<String>) -> Self {
        Self::only(Event::ignored(reason))
    }
}

/// What makes another delivery the same one (DESIGN.md section 7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// Nothing does.
    Unknown,
    /// The sender's id, which is signed, or stands in the body, or comes with a token that signs nothing.
    Id(String),
    /// The sender's id, or the same body: the body is signed and the id is not.
    IdOrBody(String),
    /// The same body: it carries a time or an id of the sender's.
    Body,
    /// The same body, but only while the first one is pending: two pushes may look alike.
    BodyWhilePending,
}

/// Why a verified delivery cannot be decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undecodable {
    /// It is not what it should be at all (not JSON, not the form, a field of a deploy request is not valid):
    /// answered 400 with this text, which names the place.
    Malformed(String),
    /// It is JSON of a shape that nobody knows: ignored, with a warning that carries this text, which names
    /// the JSON path.
    UnknownShape(String),
}

/// Headers as a map, for building deliveries in tests and commands.
pub fn headers(pairs: &[(String, String)]) -> Result<HeaderMap, String> {
    let mut map = HeaderMap::new();
    for (name, value) in pairs {
        let bad = |what| format!("header {}: not a valid {what}", name.escape_debug());
        let name = hyper::header::HeaderName::try_from(name.as_str()).map_err(|_| bad("name"))?;
        let value = hyper::header::HeaderValue::try_from(value.as_str()).map_err(|_| bad("value"))?;
        map.append(name, value);
    }
    Ok(map)
}

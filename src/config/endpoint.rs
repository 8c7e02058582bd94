//! One configured hook: a source, its keys, its rules.

use std::net::IpAddr;

use jiff::Timestamp;

use super::Across;
use super::fields::{Fields, suggest};
use super::keys::{self, Use};
use super::rule::Rule;
use super::units::Bytes;
use crate::action::Action;
use crate::cidr::Cidr;
use crate::key::{Key, PathDigest};
use crate::rate::{Limited, Rate};
use crate::source::{self, Delivery, PathAlone, Receiver, Refusal, Setting, Source, Verified};

/// The largest body that an endpoint takes when it does not say, in bytes.
const DEFAULT_MAX_BODY: usize = 1024 * 1024;

/// A hook that is served.
#[derive(Debug)]
pub struct Endpoint {
    /// Unique; stands in logs and metrics where the path must not.
    pub name: String,
    /// The kind of sender.
    pub source: &'static Source,
    /// What verifies and decodes its deliveries.
    pub receiver: Box<dyn Receiver>,
    /// Any of them verifies on any of the endpoint's paths.
    pub keys: Vec<Key>,
    /// One path for each key.
    pub digests: Vec<PathDigest>,
    /// What the path alone is good for.
    pub path_alone: PathAlone,
    /// In bytes.
    pub max_body: usize,
    /// How many deliveries that verify are taken; all of them without.
    pub rate: Option<Limited>,
    /// To clients with other addresses it is not there. All may call it without.
    pub allow_from: Option<Vec<Cidr>>,
    /// In order; all that match run.
    pub rules: Vec<Rule>,
    /// Whether it comes from a flux-recv configuration.
    pub flux_recv: bool,
}

impl Endpoint {
    /// Verifies a delivery that arrived here.
    pub fn verify<'a>(&self, delivery: &'a Delivery<'a>, now: Timestamp) -> Result<Verified<'a>, Refusal> {
        source::verify(self.receiver.as_ref(), self.path_alone, &self.keys, delivery, now)
    }

    /// Whether a client with this address may call it.
    pub fn allows(&self, address: IpAddr) -> bool {
        self.allow_from.as_ref().is_none_or(|ranges| ranges.iter().any(|range| range.contains(address)))
    }

    /// How deliveries are verified, for a person.
    pub fn proof(&self) -> String {
        match (self.receiver.proof(), self.path_alone) {
            (None, _) | (_, PathAlone::Ignoring) => "path only".to_owned(),
            (Some(proof), PathAlone::Allowed) => format!("path only; if sent: {proof}"),
            (Some(proof), PathAlone::Refused) => proof,
        }
    }

    pub(super) fn read(mut fields: Fields<'_>, index: usize, across: &mut Across) -> Option<Self> {
        let name = fields.required("name");
        if let Some(name) = &name
            && !is_name(name)
        {
            fields
                .mistake("name", "must be 1 to 63 letters, digits and . _ -: it stands in logs and metrics");
        }
        if let Some(name) = &name {
            across.unique.name(&fields, index, name);
        }
        let (keys, key_field) = keys::read(&mut fields, Use::Endpoint);
        let digests: Vec<_> = keys.iter().map(|key| key.path_digest(b"")).collect();
        across.unique.paths(&fields, index, name.as_deref(), &digests, key_field);
        let path_alone = match fields.one_of("verify", &[("path", PathAlone::Allowed)]) {
            Some(allowed) => allowed,
            None => PathAlone::Refused,
        };
        let max_body = fields.bytes("maxBody").unwrap_or(DEFAULT_MAX_BODY);
        if max_body > across.bodies {
            let most = Bytes(across.bodies);
            let text = format!(
                "must not be more than {most}: all bodies in memory together may take no more (limits.bodies)"
            );
            fields.mistake("maxBody", text);
        }
        let rate = Rate::read(&mut fields, "rate").map(Limited::new);
        let allow_from = Cidr::read_list(&mut fields, "allowFrom");
        let rules = Self::rules(&mut fields);
        let Some(source) = Self::source(&mut fields) else {
            // What some source would read may be right; what none would is told now.
            fields.ask_aside(|aside| {
                for source in source::SOURCES {
                    (source.configure)(aside, &Setting::default());
                }
            });
            fields.finish();
            return None;
        };
        let setting =
            Setting { flux_recv: false, verify_path: path_alone == PathAlone::Allowed, asked: asked(&rules) };
        let receiver = (source.configure)(&mut fields, &setting);
        Self::advise(&fields, source, receiver.as_ref(), path_alone, &rules);
        let path = fields.path().field("rules");
        across.reach.judge(source, receiver.as_ref(), &rules, &path, fields.report());
        fields.finish();
        let (name, flux_recv) = (name.unwrap_or_default(), false);
        Some(Self {
            name,
            source,
            receiver,
            keys,
            digests,
            path_alone,
            max_body,
            rate,
            allow_from,
            rules,
            flux_recv,
        })
    }

    fn rules(fields: &mut Fields<'_>) -> Vec<Rule> {
        if !fields.names_field("rules") {
            fields.report().mistake(fields.path(), "rules is missing: nothing would ever happen");
        }
        let list = fields.list("rules").unwrap_or_default();
        list.into_iter().enumerate().filter_map(|(i, (path, node))| Rule::read(i + 1, node, path)).collect()
    }

    pub(super) fn source(fields: &mut Fields<'_>) -> Option<&'static Source> {
        let name = fields.required("source")?;
        let found = source::find(&name);
        if found.is_none() {
            let known: Vec<_> = source::SOURCES.iter().map(|source| source.name).collect();
            let text = format!("\"{}\" is not a source{}", name.escape_debug(), suggest(&name, &known));
            fields.mistake("source", text);
        }
        found
    }

    /// Says what is legal but unwise, and what a Generic endpoint must not do.
    fn advise(
        fields: &Fields<'_>,
        source: &Source,
        receiver: &dyn Receiver,
        path_alone: PathAlone,
        rules: &[Rule],
    ) {
        if receiver.proof().is_none() {
            let text = format!(
                "{} signs nothing: whoever knows the path can call it, so treat the URL as a secret",
                source.name
            );
            fields.warn("source", text);
        } else if path_alone == PathAlone::Allowed {
            fields.warn("verify", "whoever knows the path can call it, so treat the URL as a secret");
        }
        if rules.is_empty() {
            fields.warn("rules", "is empty: deliveries are verified and nothing follows");
        }
        if source.name == "Generic" {
            let open = rules.iter().enumerate().filter(|(_, rule)| rule.when.deploy_without_image());
            for (i, _) in open {
                let path = fields.path().field("rules").index(i);
                let text = "a rule for deploy requests needs when.image, or the request could name any image";
                fields.report().mistake(&path, text);
            }
        } else {
            let confirms = |rule: &Rule| rule.actions.iter().any(|action| action.confirm().is_some());
            for (i, _) in rules.iter().enumerate().filter(|(_, rule)| confirms(rule)) {
                let path = fields.path().field("rules").index(i).field("do");
                // Generic tells of nothing else.
                let text = format!(
                    "confirm is for deploy requests, and {} sends none: only Generic does",
                    source.name
                );
                fields.report().mistake(&path, text);
            }
        }
    }
}

/// What rules ask for in a request, each once.
fn asked(rules: &[Rule]) -> Vec<String> {
    let confirms = rules.iter().flat_map(|rule| rule.actions.iter()).filter_map(Action::confirm);
    let mut asked: Vec<_> = confirms.map(|confirm| confirm.pointer().to_owned()).collect();
    asked.sort_unstable();
    asked.dedup();
    asked
}

/// Whether a name can stand in logs and metrics.
pub(super) fn is_name(name: &str) -> bool {
    (1..=63).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

//! The list `notify:`: who is told how runs ended.

use std::sync::Arc;
use std::{fmt, mem};

use reqwest::Url;
use zeroize::Zeroizing;

use super::endpoint::is_name;
use super::fields::{Fields, suggest};
use super::keys::{self, Use, trim_newline};
use crate::key::Key;
use crate::notify::{Format, Targets};
use crate::outside;
use crate::run::outcome::Outcome;
use crate::source::standard_webhooks::signing_key;

/// What is told when `on` is left out: every end that changed something or should have.
const DEFAULT_ON: [Outcome; 5] =
    [Outcome::Succeeded, Outcome::Held, Outcome::RolledBack, Outcome::Expired, Outcome::Failed];

/// Standard Webhooks wants signing keys of at least this many bytes.
const WEAK: usize = 24;

/// Somebody who is told how runs ended.
#[derive(Clone, Debug)]
pub struct NotifyTarget {
    /// Unique; stands in logs, where the URL must not.
    pub name: String,
    /// Where it is.
    pub url: SecretUrl,
    /// What is sent is signed with each of them; unsigned without any.
    pub keys: Vec<Key>,
    /// Which ends it is told of.
    pub on: Vec<Outcome>,
    /// How it is told.
    pub format: Format,
    /// Only runs of these endpoints; of all if there are none.
    pub endpoints: Vec<String>,
}

impl NotifyTarget {
    /// Whether it is told of a run of this endpoint that ended so.
    pub fn wants(&self, endpoint: &str, outcome: Outcome) -> bool {
        let from = self.endpoints.is_empty() || self.endpoints.iter().any(|name| name == endpoint);
        from && self.on.contains(&outcome)
    }
}

/// A URL whose path may be a credential: printed it shows only scheme and host, and it is zeroed when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretUrl(Url);

impl SecretUrl {
    /// Reads an absolute `http` or `https` URL. What is wrong with it is said without it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let url = outside::url(text).map_err(|why| format!("is not a URL: {why}"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err("must begin with https:// or http://".to_owned());
        }
        Ok(Self(url))
    }

    /// The whole URL, for a request, never for printing.
    pub fn expose(&self) -> &Url {
        &self.0
    }

    fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    fn is_slack(&self) -> bool {
        matches!(self.host(), "hooks.slack.com" | "hooks.slack-gov.com")
    }
}

impl Drop for SecretUrl {
    fn drop(&mut self) {
        // A URL lends its text to nobody who would change it, but gives it away.
        if let Ok(other) = Url::parse("http://localhost") {
            drop(Zeroizing::new(String::from(mem::replace(&mut self.0, other))));
        }
    }
}

impl fmt::Display for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.0.scheme(), self.host())?;
        self.0.port().map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

impl fmt::Debug for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}/…")
    }
}

/// Reads the list. `endpoints` are the names that a target may choose from.
pub(super) fn read(fields: &mut Fields<'_>, endpoints: &[&str]) -> Targets {
    let mut targets: Vec<Arc<NotifyTarget>> = Vec::new();
    for (path, node) in fields.list("notify").unwrap_or_default() {
        let Some(fields) = node.fields(path) else { continue };
        targets.extend(target(fields, endpoints, &targets).map(Arc::new));
    }
    targets.into()
}

fn target(mut fields: Fields<'_>, endpoints: &[&str], others: &[Arc<NotifyTarget>]) -> Option<NotifyTarget> {
    let url = url(&mut fields);
    let name = name(&mut fields, url.as_ref(), others);
    let keys = signing_keys(&mut fields);
    let on = on(&mut fields);
    let formats = Format::ALL.map(|format| (format.word(), format));
    let format = fields.one_of("format", &formats).unwrap_or(Format::CloudEvents);
    let told = url.as_ref().is_some_and(SecretUrl::is_slack) && format != Format::Slack;
    if told && fields.has("format") {
        fields.mistake("format", "Slack takes only `slack`");
    } else if told {
        fields.report().mistake(fields.path(), "format is missing: Slack takes only `format: slack`");
    }
    let endpoints = chosen(&mut fields, endpoints);
    fields.finish();
    Some(NotifyTarget { name: name?, url: url?, keys, on, format, endpoints })
}

/// The URL, from the configuration or from a file: both may stand in a Secret, one alone may be shown.
fn url(fields: &mut Fields<'_>) -> Option<SecretUrl> {
    let has = (fields.names_field("url"), fields.names_field("urlPath"));
    let (text, file) = (fields.string("url"), fields.string("urlPath"));
    match has {
        (true, true) => fields.mistake("urlPath", "url is there too: use one of them"),
        (false, false) => {
            let text = "url is missing: name a URL, or with urlPath a file that holds one";
            fields.report().mistake(fields.path(), text);
        }
        _ => {}
    }
    if let Some(text) = text {
        let url = SecretUrl::parse(&text).map_err(|why| fields.mistake("url", why)).ok()?;
        if url.is_slack() {
            let text = "whoever reads this can post there: put it into a file and name that as urlPath";
            fields.warn("url", text);
        }
        return Some(url);
    }
    let read = url_file(fields, &file?);
    read.map_err(|why| fields.mistake("urlPath", why)).ok()
}

fn url_file(fields: &Fields<'_>, name: &str) -> Result<SecretUrl, String> {
    let file = fields.report().watched_file(name);
    let shown = file.display();
    let mut bytes =
        keys::read_secret(&file).map_err(|error| format!("the file {shown} cannot be read: {error}"))?;
    trim_newline(&mut bytes);
    let small = bytes.len() as u64 <= keys::LARGEST;
    let text = str::from_utf8(&bytes).ok().filter(|text| small && !text.is_empty() && !text.contains('\n'));
    let text = text.ok_or_else(|| format!("the file {shown} must hold a URL and nothing else"))?;
    SecretUrl::parse(text).map_err(|why| format!("what the file {shown} holds {why}"))
}

/// The name, or the URL's host in its place.
fn name(fields: &mut Fields<'_>, url: Option<&SecretUrl>, others: &[Arc<NotifyTarget>]) -> Option<String> {
    let named = fields.names_field("name");
    let given = fields.string("name");
    let name = if named { given? } else { url?.host().to_owned() };
    let at = if named { fields.path().field("name") } else { fields.path().clone() };
    if !is_name(&name) {
        let text = if named {
            "must be 1 to 63 letters, digits and . _ -: it stands in logs"
        } else {
            "name is missing: the URL's host cannot stand for it"
        };
        fields.report().mistake(&at, text);
    } else if others.iter().any(|other| other.name == name) {
        let text = if named {
            "another target has this name already: names are unique"
        } else {
            "name is missing: another target is named after the same host"
        };
        fields.report().mistake(&at, text);
    }
    Some(name)
}

/// The keys of Standard Webhooks that sign what is sent: several while one is rotated.
fn signing_keys(fields: &mut Fields<'_>) -> Vec<Key> {
    let (keys, field) = keys::read(fields, Use::Signing);
    for key in &keys {
        match signing_key(key) {
            None => fields.mistake(
                field,
                "must be a key of Standard Webhooks, whsec_ and base64: make one with `boathook keygen --webhook`",
            ),
            Some(bytes) if bytes.len() < Key::SHORTEST => fields.mistake(
                field,
                format!("holds {} bytes, and fewer than {} can be guessed", bytes.len(), Key::SHORTEST),
            ),
            Some(bytes) if bytes.len() < WEAK => {
                fields.warn(field, format!("Standard Webhooks wants keys of at least {WEAK} bytes"));
            }
            Some(_) => {}
        }
    }
    keys
}

fn on(fields: &mut Fields<'_>) -> Vec<Outcome> {
    let Some(words) = fields.strings("on") else { return DEFAULT_ON.to_vec() };
    let known = Outcome::ALL.map(Outcome::word);
    let mut on = Vec::new();
    for word in words {
        if let Some(outcome) = Outcome::ALL.into_iter().find(|outcome| outcome.word() == word) {
            on.push(outcome);
        } else {
            let text = format!("\"{}\" is not an outcome{}", word.escape_debug(), suggest(&word, &known));
            fields.mistake("on", text);
        }
    }
    on
}

fn chosen(fields: &mut Fields<'_>, known: &[&str]) -> Vec<String> {
    let names = fields.strings("endpoints").unwrap_or_default();
    for name in names.iter().filter(|name| !known.contains(&name.as_str())) {
        let text = format!("\"{}\" is not an endpoint{}", name.escape_debug(), suggest(name, known));
        fields.mistake("endpoints", text);
    }
    names
}

#[cfg(test)]
mod tests;

//! A URL with variables in its host and path: it is taken apart while the configuration is read, so that what an
//! event names can fill a label or a segment and never adds one, nor reaches scheme, port, query or credentials.

use std::fmt;
use std::net::IpAddr;

use reqwest::Url;
use serde::{Deserialize, Serialize};

use super::address;
use crate::outside;
use crate::rule::name::namespace_name;
use crate::rule::{Template, Values, Variable};
use crate::text::printable;

/// How much of a value is shown, in characters.
const SHOWN: usize = 80;

/// Why a text cannot stand in a host.
const LABEL: &str = "is no label of a DNS name: up to 63 lower-case letters, digits and -, beginning and ending with a letter or digit";

/// What is put in for a variable.
type Fill<'a> = dyn Fn(Variable) -> Result<String, String> + 'a;

/// An `http` or `https` URL with variables, parsed. In JSON, and printed, it is the text that it was written as.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UrlTemplate {
    source: String,
    /// `https://`, or without the `s`.
    scheme: String,
    host: Host,
    /// `:8080`, or nothing.
    port: String,
    segments: Vec<Template>,
    /// `?a=b`, or nothing.
    query: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Host {
    /// The same for every event: a name or an address, as a URL has it.
    Literal(String),
    Labels(Vec<Template>),
}

impl UrlTemplate {
    /// Reads a URL; the error is a sentence for the configuration's author.
    pub fn parse(text: &str) -> Result<Self, String> {
        // From here on every `${` begins a variable that is known, and `$${` stands for itself.
        Template::parse(text)?;
        if text.contains(|c: char| c.is_whitespace() || c.is_control() || c == '\\') {
            return Err("has a blank, a control character or a \\, which no URL has".to_owned());
        }
        let (scheme, rest) = scheme(text)?;
        if rest.contains('#') {
            return Err("has a fragment (#…), which is never sent: leave it out".to_owned());
        }
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(end);
        let (path, query) = rest.split_at(rest.find('?').unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err(
                "has credentials before the host, which anybody who reads logs would see: leave out \
                        everything up to the @"
                    .to_owned(),
            );
        }
        let (host, port) = split_port(authority)?;
        let url = Self {
            source: text.to_owned(),
            scheme: scheme.to_owned(),
            host: Host::parse(scheme, host)?,
            port: port.to_owned(),
            segments: path.split('/').skip(1).map(segment).collect::<Result<_, _>>()?,
            query: literal(query, "the query")?,
        };
        // What is written out must be right whatever is put in.
        url.fill(&|_| Ok("a".to_owned()))?;
        Ok(url)
    }

    /// Puts the values in. The error says which value cannot stand where.
    pub fn render(&self, values: &Values) -> Result<Url, String> {
        self.fill(&|variable| values.required(variable).map(str::to_owned))
    }

    fn fill(&self, value: &Fill<'_>) -> Result<Url, String> {
        let host = self.host.fill(value)?;
        let mut path = String::new();
        for segment in &self.segments {
            path.push('/');
            path.push_str(&fill_segment(segment, value)?);
        }
        let text = format!("{}{host}{}{path}{}", self.scheme, self.port, self.query);
        let url = outside::url(&text).map_err(|why| format!("is not valid: {why}"))?;
        if matches!(self.host, Host::Labels(_)) && is_address(url.host_str().unwrap_or_default()) {
            return Err(format!("has the host \"{host}\", which is an address, where a name is needed"));
        }
        Ok(url)
    }

    /// The text as it was written, but for the query, which may hold a secret.
    pub fn shown(&self) -> &str {
        self.source.split_once('?').map_or(&self.source, |(before, _)| before)
    }

    /// What its host is, if that is written out and is none that anybody may connect to: `a loopback address`.
    pub(super) fn local(&self) -> Option<&'static str> {
        let Host::Literal(host) = &self.host else { return None };
        match address_of(host) {
            Some(address) => address::refused(address),
            None if is_localhost(host) => Some("this machine"),
            None => None,
        }
    }
}

impl Host {
    fn parse(scheme: &str, text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("has no host".to_owned());
        }
        if Template::parse(text)?.is_literal() {
            // As a client reads it: 0x7f.1 is an address.
            let url = outside::url(&format!("{scheme}{text}/"));
            let url = url.map_err(|why| format!("has a host that is not valid: {why}"))?;
            return Ok(Self::Literal(url.host_str().unwrap_or_default().to_owned()));
        }
        text.split('.').map(Template::parse).collect::<Result<_, _>>().map(Self::Labels)
    }

    fn fill(&self, value: &Fill<'_>) -> Result<String, String> {
        let labels = match self {
            Self::Literal(host) => return Ok(host.clone()),
            Self::Labels(labels) => labels,
        };
        let label = |label: &Template| {
            let label = label.fill(|variable| host_value(variable, value(variable)?))?;
            match namespace_name(&label) {
                Ok(label) => Ok(label.to_owned()),
                Err(_) => Err(format!("has \"{}\" in its host, which {LABEL}", printable(&label, SHOWN))),
            }
        };
        Ok(labels.iter().map(label).collect::<Result<Vec<_>, String>>()?.join("."))
    }
}

/// A host and, with its colon, a port.
fn split_port(authority: &str) -> Result<(&str, &str), String> {
    // An IPv6 address has colons of its own.
    let from = if authority.starts_with('[') { authority.find(']').unwrap_or(authority.len()) } else { 0 };
    let colon = authority.get(from..).and_then(|tail| tail.find(':')).map(|colon| from + colon);
    let Some((host, port)) = colon.map(|colon| authority.split_at(colon)) else { return Ok((authority, "")) };
    match port.trim_start_matches(':').parse::<u16>() {
        Ok(1..) if port.get(1..).is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_digit())) => {
            Ok((host, port))
        }
        _ => Err(format!(
            "has the port \"{}\": a port is a number from 1 to 65535",
            port.get(1..).unwrap_or_default()
        )),
    }
}

/// The scheme as it is put before a host, and what comes after it.
fn scheme(text: &str) -> Result<(&'static str, &str), String> {
    for scheme in ["http://", "https://"] {
        if let Some(rest) = text.strip_prefix(scheme) {
            return Ok((scheme, rest));
        }
    }
    Err("must begin with http:// or https://, written out".to_owned())
}

/// A part in which variables mean nothing good.
fn literal(text: &str, what: &str) -> Result<String, String> {
    let template = Template::parse(text)?;
    if let Some(variable) = template.variables().next() {
        return Err(format!("has {variable} in {what}: variables can stand in the host and the path only"));
    }
    template.fill(|_| Ok(String::new()))
}

fn segment(text: &str) -> Result<Template, String> {
    let template = Template::parse(text)?;
    // What is written out and a value must not make an escape together.
    for (at, _) in text.match_indices('%') {
        let digits = text.get(at + 1..at + 3).unwrap_or_default();
        if digits.len() < 2 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err("has a % that no two hexadecimal digits follow: write %25 for % itself".to_owned());
        }
    }
    Ok(template)
}

fn fill_segment(segment: &Template, value: &Fill<'_>) -> Result<String, String> {
    let filled = segment.fill(|variable| path_value(variable, &value(variable)?))?;
    if is_dots(&filled) {
        return Err(format!("has \"{filled}\" in its path, which means another path"));
    }
    Ok(filled)
}

/// A value as it stands in a label.
fn host_value(variable: Variable, value: String) -> Result<String, String> {
    match namespace_name(&value) {
        Ok(_) => Ok(value),
        Err(_) => {
            Err(format!("has {variable} in its host, which is \"{}\" and {LABEL}", printable(&value, SHOWN)))
        }
    }
}

/// A value as it stands in a segment. What servers take apart, or decode before they do, is not let in escaped
/// either.
fn path_value(variable: Variable, value: &str) -> Result<String, String> {
    let bad = |c: char| matches!(c, '/' | '\\' | '%') || c.is_control();
    if value.contains(bad) || value.contains("..") {
        return Err(format!(
            "has {variable} in its path, which is \"{}\": no /, \\, %, .. or control character may stand there",
            printable(value, SHOWN)
        ));
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let escape = |byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    Ok(value.bytes().map(escape).collect())
}

/// Whether a segment means the same directory or the one above, also where it is escaped.
fn is_dots(segment: &str) -> bool {
    let dots = segment.to_ascii_lowercase().replace("%2e", ".");
    matches!(dots.as_str(), "." | "..")
}

fn is_address(host: &str) -> bool {
    address_of(host).is_some()
}

/// The address that a URL's host is.
pub(super) fn address_of(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// Whether a name means this machine (RFC 6761, section 6.3).
fn is_localhost(host: &str) -> bool {
    let host = host.trim_end_matches('.');
    host == "localhost" || host.ends_with(".localhost")
}

impl fmt::Display for UrlTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.shown())
    }
}

impl TryFrom<String> for UrlTemplate {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl From<UrlTemplate> for String {
    fn from(url: UrlTemplate) -> Self {
        url.source
    }
}

#[cfg(test)]
mod tests;

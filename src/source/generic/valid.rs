//! What the fields of a request may hold. Every check says what is needed.

use jiff::Timestamp;

/// Text for people: 1 to `LIMIT` bytes, nothing that a terminal or a later substitution would act on.
pub(super) fn text<const LIMIT: usize>(text: &str) -> Result<(), &'static str> {
    if text.is_empty() {
        return Err("is empty");
    }
    if text.len() > LIMIT {
        return Err("is too long");
    }
    if text.chars().any(char::is_control) {
        return Err("has a control character");
    }
    if text.contains("${") { Err("has ${ in it, which is kept for substitution") } else { Ok(()) }
}

/// A DNS label (RFC 1123): a namespace's name.
pub(super) fn label(text: &str) -> Result<(), &'static str> {
    let valid = text.len() <= 63 && is_label(text);
    if valid { Ok(()) } else { Err("must be 1 to 63 lower-case letters, digits and -, not at an end") }
}

/// A DNS subdomain (RFC 1123): a workload's name.
pub(super) fn subdomain(text: &str) -> Result<(), &'static str> {
    let valid = text.len() <= 253 && text.split('.').all(is_label);
    if valid { Ok(()) } else { Err("must be 1 to 253 lower-case letters, digits, - and ., not at an end") }
}

fn is_label(text: &str) -> bool {
    let word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    text.bytes().next().is_some_and(word)
        && text.bytes().last().is_some_and(word)
        && text.bytes().all(|b| word(b) || b == b'-')
}

/// An environment's name: it may become part of a name or a URL.
pub(super) fn environment(name: &str) -> Result<(), &'static str> {
    let good = |c: char| c.is_alphanumeric() || " -_.".contains(c);
    let valid = (1..=128).contains(&name.len()) && name.chars().all(good) && !name.contains("..");
    if valid { Ok(()) } else { Err("must be 1 to 128 letters, digits, spaces, -, _ and ., without ..") }
}

/// An identity: it becomes a key of the journal and stands in logs.
pub(super) fn id(id: &str) -> Result<(), &'static str> {
    let good = |b: u8| b.is_ascii_alphanumeric() || b"-_.:+=@~#".contains(&b);
    let valid = (1..=128).contains(&id.len()) && id.bytes().all(good) && !id.contains("..");
    if valid { Ok(()) } else { Err("must be 1 to 128 letters, digits and - _ . : + = @ ~ #, without ..") }
}

/// A commit's id.
pub(super) fn commit(text: &str) -> Result<(), &'static str> {
    let valid = (4..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit());
    if valid { Ok(()) } else { Err("must be 4 to 64 hex digits") }
}

/// A strategy's name: `rolling`, `blue-green`.
pub(super) fn word(text: &str) -> Result<(), &'static str> {
    let valid = (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if valid { Ok(()) } else { Err("must be 1 to 64 letters, digits, - and _") }
}

/// A time (RFC 3339).
pub(super) fn time(text: &str) -> Result<(), &'static str> {
    text.parse::<Timestamp>()
        .map(|_| ())
        .map_err(|_| "must be a time (RFC 3339) such as 2026-03-01T12:00:00Z")
}

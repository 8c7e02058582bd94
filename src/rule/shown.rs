//! Texts as errors and reasons show them.

use std::fmt;

/// A text from outside for a person: printable and short, whatever a sender put in.
pub(super) fn shorten(text: &str) -> String {
    const LIMIT: usize = 80;
    let stands = |b: u8| matches!(b, b' '..=b'~') && !matches!(b, b'"' | b'\'' | b'\\');
    if text.len() <= LIMIT && text.bytes().all(stands) {
        return text.to_owned();
    }
    let mut short: String = text.escape_debug().take(LIMIT).collect();
    if text.escape_debug().nth(LIMIT).is_some() {
        short.push('…');
    }
    short
}

/// Names joined for a sentence.
pub(super) fn list<T: fmt::Display>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

//! Text from outside, made safe to print.

use std::collections::BTreeSet;
use std::fmt::{self, Display, Write as _};
use std::sync::{Mutex, PoisonError};

/// How much of a text is shown, in characters.
const SHOWN: usize = 300;

/// How much of a value is shown in a line, in characters: a reason tells of several containers and pods.
const SHOWN_IN_LINES: usize = 1000;

/// A value of a key=value line: control characters, quotes and anything that a terminal would obey are
/// escaped, a value with blanks is quoted, a long one is cut.
pub struct Escaped<'a>(pub &'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |c: char| c.is_ascii_graphic() && c != '"' && c != '\\' && c != '=';
        if !self.0.is_empty() && self.0.len() <= SHOWN_IN_LINES && self.0.chars().all(plain) {
            return f.write_str(self.0);
        }
        f.write_char('"')?;
        let (shown, is_cut) = cut(self.0, SHOWN_IN_LINES);
        escape(f, shown, |_| false)?;
        if is_cut {
            f.write_char('…')?;
        }
        f.write_char('"')
    }
}

/// Writes a text with escapes for what `escape_debug` would escape: what is not printable in any script, direction
/// marks and the like. `stands` excepts others from it.
fn escape(out: &mut impl fmt::Write, text: &str, stands: fn(char) -> bool) -> fmt::Result {
    let clean =
        |c| stands(c) || matches!(c, ' '..='~' if c != '"' && c != '\\') || c.escape_debug().len() == 1;
    let mut rest = text;
    // Stretches that stand as they are, with what is escaped between them.
    while let Some((at, c)) = rest.char_indices().find(|(_, c)| !clean(*c)) {
        let (before, from) = rest.split_at(at);
        write!(out, "{before}{}", c.escape_debug())?;
        rest = from.get(c.len_utf8()..).unwrap_or_default();
    }
    out.write_str(rest)
}

/// A text and whether more than so many characters of it were cut off.
fn cut(text: &str, most: usize) -> (&str, bool) {
    let end = if text.len() > most { text.char_indices().nth(most).map(|(end, _)| end) } else { None };
    (end.and_then(|end| text.get(..end)).unwrap_or(text), end.is_some())
}

/// Whether a terminal or a reader would act on a character instead of showing it: control characters, ends of lines,
/// marks that turn the direction of writing.
pub fn acts(c: char) -> bool {
    let marks = |c| matches!(c, '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{feff}' | '\u{2066}'..='\u{2069}');
    c.is_control() || matches!(c, '\u{2028}'..='\u{202e}') || marks(c)
}

/// A text of somebody else's, for the inside of a sentence: nothing in it that would be acted on, cut when long.
pub fn shorten(text: &str) -> String {
    if text.len() <= SHOWN && !text.contains(acts) {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(SHOWN).map(|c| if acts(c) { ' ' } else { c }).collect();
    if text.chars().nth(SHOWN).is_some() {
        short.push('…');
    }
    short
}

/// A text of somebody else's for a terminal: nothing in it that a terminal would obey or that would end the line,
/// and no more than so many characters.
pub fn printable(text: &str, most: usize) -> String {
    let (text, is_cut) = cut(text, most);
    let mut shown = String::with_capacity(text.len());
    // Writing to a String cannot fail.
    let _ = escape(&mut shown, text, |c| matches!(c, '"' | '\\'));
    if is_cut {
        shown.push('…');
    }
    shown
}

/// JSON with escapes for what a terminal would act on, which is the same JSON. Line breaks between its values stay.
pub fn escape_json(json: String) -> String {
    if !json.chars().any(|c| acts(c) && c != '\n') {
        return json;
    }
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        if acts(c) && c != '\n' {
            // All of them are in Unicode's first plane. Writing to a String cannot fail.
            let _ = write!(escaped, "\\u{:04x}", u32::from(c));
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// Says something only the first time that this very text comes up; the number of texts is bounded.
pub fn once(text: &str, say: impl FnOnce(&str)) {
    static SAID: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
    if said.len() < 1000 && said.insert(text.to_owned()) {
        say(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_can_forge_a_line_or_a_field() {
        let shown = |text: &str| Escaped(text).to_string();
        assert_eq!(shown("deployment/web"), "deployment/web");
        assert_eq!(shown("a b"), r#""a b""#);
        assert_eq!(shown("x\nrun=1 \u{1b}[31m\"\u{202e}"), r#""x\nrun=1 \u{1b}[31m\"\u{202e}""#);
        assert_eq!(shown("outcome=failed"), r#""outcome=failed""#);
        assert_eq!(shown(""), r#""""#);
        assert_eq!(shown(&"x".repeat(2000)).chars().count(), 1003);
    }

    #[test]
    fn a_terminal_is_not_told_what_to_do() {
        assert_eq!(printable("it's \"a b\" Grüße", 80), "it's \"a b\" Grüße");
        assert_eq!(printable("x\n\u{1b}[31m\u{202e}", 80), r"x\n\u{1b}[31m\u{202e}");
        assert_eq!(printable("abcdef", 3), "abc…");
        assert_eq!(printable("abc", 3), "abc");
        assert_eq!(shorten("e\u{301} a\nb\u{9b}c\u{202e}d\u{2028}"), "e\u{301} a b c d ");
    }

    #[test]
    fn escaped_json_is_the_same_json() {
        for text in
            ["plain", "Gr\u{fc}\u{df}e \u{1f6a2}", "\u{1b}[31m\u{7f}\u{9b}\u{202e}\u{2028}\u{2066}\u{feff}\n"]
        {
            let value = serde_json::json!({text: [text]});
            let escaped = escape_json(serde_json::to_string_pretty(&value).unwrap());
            assert!(!escaped.chars().any(|c| acts(c) && c != '\n'), "{escaped:?}");
            assert_eq!(serde_json::from_str::<serde_json::Value>(&escaped).unwrap(), value);
        }
    }
}

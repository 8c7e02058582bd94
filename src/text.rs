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
        let cut = self.0.char_indices().nth(SHOWN_IN_LINES).map(|(end, _)| end);
        let mut rest = cut.and_then(|end| self.0.get(..end)).unwrap_or(self.0);
        // Stretches that stand as they are, with what is escaped between them.
        while let Some((at, c)) = rest.char_indices().find(|(_, c)| !stands(*c)) {
            let (clean, from) = rest.split_at(at);
            write!(f, "{clean}{}", c.escape_debug())?;
            rest = from.get(c.len_utf8()..).unwrap_or_default();
        }
        f.write_str(rest)?;
        if cut.is_some() {
            f.write_char('…')?;
        }
        f.write_char('"')
    }
}

/// Whether a character is shown as it is between quotes. `escape_debug` leaves printable characters of every script,
/// but not direction marks and the like.
fn stands(c: char) -> bool {
    match c {
        ' '..='~' => c != '"' && c != '\\',
        c => c.escape_debug().len() == 1,
    }
}

/// A text of somebody else's, for the inside of a sentence: no control characters, cut when long.
pub fn shorten(text: &str) -> String {
    if text.len() <= SHOWN && !text.contains(char::is_control) {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(SHOWN).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(SHOWN).is_some() {
        short.push('…');
    }
    short
}

/// A text of somebody else's for a terminal: nothing in it that a terminal would obey or that would end the line,
/// and no more than so many characters.
pub fn printable(text: &str, most: usize) -> String {
    let mut shown = String::new();
    for (count, c) in text.chars().enumerate() {
        if count == most {
            shown.push('…');
            break;
        }
        match c {
            '"' | '\'' | '\\' => shown.push(c),
            c => shown.extend(c.escape_debug()),
        }
    }
    shown
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
    }
}

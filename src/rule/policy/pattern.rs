//! `{regex: …, newer: numeric}`: tags that a regular expression matches, ordered by its first capture.

use std::cmp::Ordering;

use regex_lite::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

use crate::rule::shown::shorten;
use crate::text::printable;

/// How the first captures of two tags are ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Newer {
    /// As whole numbers of any length.
    Numeric,
    /// Byte by byte, as RFC 3339 times and letters sort.
    Alphabetical,
}

impl Newer {
    /// The words of the configuration.
    pub(super) const WORDS: [(&'static str, Self); 2] =
        [("numeric", Self::Numeric), ("alphabetical", Self::Alphabetical)];
}

/// A regular expression, searched for anywhere in the tag unless it says `^` and `$` itself. Its syntax is
/// regex-lite's: ASCII classes, no look-around, no back-references; matching takes linear time.
#[derive(Clone, Debug)]
pub(super) struct TagPattern {
    regex: Regex,
    pub(super) newer: Option<Newer>,
}

impl PartialEq for TagPattern {
    fn eq(&self, other: &Self) -> bool {
        self.written() == other.written() && self.newer == other.newer
    }
}

impl Eq for TagPattern {}

impl TagPattern {
    /// What a compiled expression may take, in bytes; each match takes about as much while it lasts.
    const SIZE_LIMIT: usize = 256 * 1024;

    /// Compiles an expression; the error is a sentence.
    pub(super) fn parse(text: &str, newer: Option<Newer>) -> Result<Self, String> {
        if text.is_empty() {
            return Err("is empty; leave tag out for every tag".to_owned());
        }
        let built = RegexBuilder::new(text).size_limit(Self::SIZE_LIMIT).nest_limit(32).build();
        let regex =
            built.map_err(|error| format!("\"{}\" is no regular expression: {error}", shorten(text)))?;
        if newer.is_some() && regex.captures_len() < 2 {
            return Err("has no capture for newer to compare: put ( ) around the part that counts".to_owned());
        }
        Ok(Self { regex, newer })
    }

    /// The expression as it was written.
    pub(super) fn written(&self) -> &str {
        self.regex.as_str()
    }

    /// What is legal but perhaps not meant.
    pub(super) fn doubt(&self) -> Option<String> {
        let open = !self.written().contains(['^', '$']);
        open.then(|| "has neither ^ nor $ and matches anywhere in a tag: 1.2 is in v21.23, too".to_owned())
    }

    /// Whether the tag can be taken: it matches, and has what `newer` compares.
    pub(super) fn matches(&self, tag: &str) -> bool {
        match self.newer {
            None => self.regex.is_match(tag),
            Some(_) => self.key(tag).is_some(),
        }
    }

    /// What `newer` compares of a tag; `None` if the tag does not match or has no such part.
    pub(super) fn key<'t>(&self, tag: &'t str) -> Option<&'t str> {
        let capture = self.capture(tag)?;
        match self.newer? {
            Newer::Numeric if capture.is_empty() || !capture.bytes().all(|b| b.is_ascii_digit()) => None,
            Newer::Numeric => Some(capture.trim_start_matches('0')),
            Newer::Alphabetical => Some(capture),
        }
    }

    /// The order of two keys.
    pub(super) fn compare(&self, a: &str, b: &str) -> Ordering {
        match self.newer {
            // Without leading zeros, of two numbers the one with more digits is larger.
            Some(Newer::Numeric) => a.len().cmp(&b.len()).then_with(|| a.cmp(b)),
            _ => a.cmp(b),
        }
    }

    /// Why a tag is not taken.
    pub(super) fn mismatch(&self, tag: &str) -> String {
        let (shown, written) = (shorten(tag), printable(self.written(), usize::MAX));
        if !self.regex.is_match(tag) {
            return format!("does not match regex {written}");
        }
        match self.capture(tag) {
            Some(capture) => format!("has \"{}\" where newer: numeric wants digits only", shorten(capture)),
            None => format!("matches regex {written}, but its first capture takes no part of {shown}"),
        }
    }

    fn capture<'t>(&self, tag: &'t str) -> Option<&'t str> {
        Some(self.regex.captures(tag)?.get(1)?.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str, newer: Newer) -> TagPattern {
        TagPattern::parse(text, Some(newer)).unwrap()
    }

    #[test]
    fn an_expression_matches_as_it_is_written() {
        let open = TagPattern::parse("1\\.2", None).unwrap();
        assert!(open.matches("v1.2.3") && !open.matches("102"));
        assert!(open.doubt().unwrap().contains("anywhere"));
        let anchored = TagPattern::parse("^main-[0-9a-f]{7}$", None).unwrap();
        assert!(anchored.matches("main-0a1b2c3") && !anchored.matches("xmain-0a1b2c3"));
        assert_eq!(anchored.doubt(), None);
        assert_eq!(anchored.mismatch("x"), "does not match regex ^main-[0-9a-f]{7}$");
    }

    #[test]
    fn numbers_of_any_length_are_compared() {
        let numeric = pattern("^main-[0-9a-f]+-([0-9]+)$", Newer::Numeric);
        let nines = "9".repeat(60);
        for (less, more) in [("9", "10"), ("0010", "11"), ("0", "1"), (nines.as_str(), &format!("1{nines}"))]
        {
            let [less, more] = [less, more].map(|n| format!("main-abc-{n}"));
            let (less, more) = (numeric.key(&less).unwrap(), numeric.key(&more).unwrap());
            assert_eq!(numeric.compare(less, more), Ordering::Less);
            assert_eq!(numeric.compare(more, less), Ordering::Greater);
        }
        assert_eq!(numeric.key("main-a-007"), numeric.key("main-b-7"));
        assert_eq!(numeric.compare(numeric.key("main-a-00").unwrap(), "1"), Ordering::Less);
        let text = pattern("^(.*)$", Newer::Alphabetical);
        assert_eq!(text.compare("9", "10"), Ordering::Greater);
    }

    #[test]
    fn a_tag_without_the_part_that_counts_is_not_taken() {
        let optional = pattern("^main(-[a-z0-9]+)?$", Newer::Alphabetical);
        assert!(optional.matches("main-a") && !optional.matches("main"));
        assert!(optional.mismatch("main").contains("takes no part of main"));
        let numeric = pattern("^b(.*)$", Newer::Numeric);
        for tag in ["b", "b1.5", "bx", "b-1", "b٣"] {
            assert!(!numeric.matches(tag), "{tag}");
        }
        assert_eq!(numeric.mismatch("bx"), "has \"x\" where newer: numeric wants digits only");
    }

    #[test]
    fn expressions_that_cannot_be_used_are_refused() {
        for (text, newer, told) in [
            ("", None, "is empty"),
            ("(", None, "\"(\" is no regular expression: "),
            ("^v", Some(Newer::Numeric), "put ( ) around"),
            ("((a{50}){50}){50}", None, "no regular expression"),
            (&*("(".repeat(100) + &")".repeat(100)), None, "nesting"),
        ] {
            let error = TagPattern::parse(text, newer).unwrap_err();
            assert!(error.contains(told), "{text}: {error}");
        }
    }
}

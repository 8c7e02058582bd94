//! Patterns of names: `*` stands for any text without `/`, `**` for any text, `?` for one character that is
//! not `/`. Everything else is itself, letter case included: there are no classes, braces or escapes.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A parsed pattern. Matching takes one pass over the text and allocates nothing, whatever the pattern is:
/// the set of places in the pattern that the text read so far can have reached is one machine word.
/// In JSON it is the pattern as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Glob {
    source: String,
    /// How many bytes of the source stand before the first wildcard.
    prefix: usize,
    /// From the first wildcard on; no two of `*` and `**` are neighbours.
    tokens: Vec<Token>,
    /// A bit for each token that may stand for nothing.
    stars: u128,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    Character(char),
    AnyCharacter,
    Star,
    DoubleStar,
}

impl Token {
    fn is_star(self) -> bool {
        matches!(self, Self::Star | Self::DoubleStar)
    }
}

impl Glob {
    /// One bit of the set of places is the end of the pattern.
    const LIMIT: usize = 127;

    /// Reads a pattern. Refused are an empty one, and more than 127 characters from the first wildcard on.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("is empty; ** stands for anything".to_owned());
        }
        let prefix = text.find(['*', '?']).unwrap_or(text.len());
        let mut tokens = Vec::new();
        for c in text.chars().skip_while(|c| !matches!(c, '*' | '?')) {
            match (c, tokens.last_mut()) {
                // Stars in a row: as much as the strongest of them.
                ('*', Some(last @ (Token::Star | Token::DoubleStar))) => *last = Token::DoubleStar,
                ('*', _) => tokens.push(Token::Star),
                ('?', _) => tokens.push(Token::AnyCharacter),
                (c, _) => tokens.push(Token::Character(c)),
            }
        }
        if tokens.len() > Self::LIMIT {
            return Err(format!("has more than {} characters from its first wildcard on", Self::LIMIT));
        }
        let stars = tokens.iter().enumerate().fold(0, |set, (i, t)| set | u128::from(t.is_star()) << i);
        Ok(Self { source: text.to_owned(), prefix, tokens, stars })
    }

    /// Whether the whole text fits the pattern.
    pub fn matches(&self, text: &str) -> bool {
        let (prefix, _) = self.source.split_at(self.prefix);
        let Some(rest) = text.strip_prefix(prefix) else { return false };
        if self.tokens.is_empty() {
            return rest.is_empty();
        }
        let mut places = self.skip_stars(1);
        for c in rest.chars() {
            places = self.step(places, c);
            if places == 0 {
                return false;
            }
        }
        places >> self.tokens.len() & 1 == 1
    }

    /// Where one more character leads from each of these places.
    fn step(&self, mut places: u128, c: char) -> u128 {
        let mut next = 0;
        while places != 0 {
            let place = places.trailing_zeros();
            places &= places - 1;
            // No token at the pattern's end: nothing leads on from there.
            match self.tokens.get(place as usize) {
                Some(Token::Character(wanted)) if *wanted == c => next |= 2 << place,
                Some(Token::AnyCharacter) if c != '/' => next |= 2 << place,
                Some(Token::Star) if c != '/' => next |= 1 << place,
                Some(Token::DoubleStar) => next |= 1 << place,
                _ => {}
            }
        }
        self.skip_stars(next)
    }

    /// Adds the places after stars that stand for nothing; once is enough, as no two are neighbours.
    fn skip_stars(&self, places: u128) -> u128 {
        places | (places & self.stars) << 1
    }

    /// Whether it matches one text only.
    pub fn is_literal(&self) -> bool {
        self.tokens.is_empty()
    }

    /// Whether it says more of a text than how long it is: it has something else than wildcards.
    pub fn is_narrow(&self) -> bool {
        self.source.contains(|c| !matches!(c, '*' | '?'))
    }

    /// The pattern as it was written.
    pub fn source(&self) -> &str {
        &self.source
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

impl TryFrom<String> for Glob {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl From<Glob> for String {
    fn from(glob: Glob) -> Self {
        glob.source
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What the wildcards mean, without any cleverness.
    fn naive(pattern: &[char], text: &[char]) -> bool {
        let any = |rest: &[char], crosses: bool| {
            (0..=text.len())
                .take_while(|n| crosses || !text[..*n].contains(&'/'))
                .any(|n| naive(rest, &text[n..]))
        };
        match pattern {
            [] => text.is_empty(),
            ['*', '*', rest @ ..] => any(rest, true),
            ['*', rest @ ..] => any(rest, false),
            ['?', rest @ ..] => text.first().is_some_and(|c| *c != '/') && naive(rest, &text[1..]),
            [c, rest @ ..] => text.first() == Some(c) && naive(rest, &text[1..]),
        }
    }

    #[test]
    fn wildcards_mean_what_the_documentation_says() {
        for (pattern, yes, no) in [
            ("main", &["main"][..], &["Main", "mai", "main2", ""][..]),
            ("*", &["main", ""], &["feature/x"]),
            ("**", &["main", "feature/x", ""], &[]),
            ("***", &["a/b"], &[]),
            ("release/*", &["release/1", "release/"], &["release", "release/1/2"]),
            ("release/**", &["release/1/2"], &["release"]),
            ("v?.?", &["v1.2", "vä.b"], &["v10.2", "v/.2"]),
            ("a/**/b", &["a/x/b", "a/x/y/b", "a//b"], &["a/b"]),
            ("*a*b", &["ab", "xaxb", "aab"], &["a/b", "ba"]),
            ("[ab]{c}\\*", &["[ab]{c}\\x"], &["ac"]),
        ] {
            let glob = Glob::parse(pattern).unwrap();
            for text in yes {
                assert!(glob.matches(text), "{pattern} {text}");
            }
            for text in no {
                assert!(!glob.matches(text), "{pattern} {text}");
            }
        }
    }

    #[test]
    fn hostile_patterns_take_one_pass() {
        // An exponential or cubic matcher would not come back from this.
        let glob = Glob::parse(&"*a".repeat(63)).unwrap();
        assert!(!glob.matches(&("a".repeat(1 << 16) + "b")));
        assert!(glob.matches(&"a".repeat(1 << 16)));
        let mixed = Glob::parse(&"**a*/".repeat(31)).unwrap();
        assert!(!mixed.matches(&("a/".repeat(1 << 15) + "b")));
        assert!(mixed.matches(&"a/".repeat(1 << 15)));
    }

    #[test]
    fn what_cannot_be_a_pattern_is_refused() {
        assert_eq!(Glob::parse("").unwrap_err(), "is empty; ** stands for anything");
        assert!(Glob::parse(&format!("*{}", "a".repeat(126))).is_ok());
        assert!(Glob::parse(&format!("*{}", "a".repeat(127))).is_err());
        assert!(Glob::parse(&"a".repeat(1000)).unwrap().matches(&"a".repeat(1000)));
    }

    #[test]
    fn json_is_the_pattern() {
        let glob: Glob = serde_json::from_str("\"v*\"").unwrap();
        assert_eq!(serde_json::to_string(&glob).unwrap(), "\"v*\"");
        assert!(serde_json::from_str::<Glob>("\"\"").is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn agrees_with_the_naive_matcher(pattern in "[ab/*?é]{1,10}", text in "[ab/é]{0,10}") {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            let expected = naive(&chars(&pattern), &chars(&text));
            prop_assert_eq!(Glob::parse(&pattern).unwrap().matches(&text), expected);
        }
    }
}

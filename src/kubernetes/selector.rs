//! Label selectors: `app=web,tier!=db`, `env in (a, b)`, `!canary`.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A label selector of valid syntax
/// (kubernetes.io, "Labels and Selectors"; equality-based and set-based requirements).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Selector(String);

impl Selector {
    /// Reads a selector. An empty one would select everything, and is refused.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Err("an empty selector would select every workload".to_owned());
        }
        requirements(text)
            .into_iter()
            .try_for_each(requirement)
            .map_err(|why| format!("\"{}\" is not a label selector: {why}", text.escape_debug()))?;
        Ok(Self(text.trim().to_owned()))
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Splits at the commas that stand outside parentheses.
fn requirements(text: &str) -> Vec<&str> {
    let mut depth = 0i32;
    text.split(|c: char| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        c == ',' && depth == 0
    })
    .collect()
}

fn requirement(text: &str) -> Result<(), String> {
    let text = text.trim();
    if let Some((key, values)) = text.strip_suffix(')').and_then(|rest| rest.split_once('(')) {
        let mut words = key.split_whitespace();
        let (Some(name), Some("in" | "notin"), None) = (words.next(), words.next(), words.next()) else {
            return Err(format!("\"{text}\" should read `key in (a, b)` or `key notin (a, b)`"));
        };
        label_key(name)?;
        if values.trim().is_empty() {
            return Err(format!("\"{text}\" has no values"));
        }
        return values.split(',').try_for_each(|value| label_value(value.trim()));
    }
    if let Some(key) = text.strip_prefix('!') {
        return label_key(key.trim());
    }
    for operator in ["!=", "==", "="] {
        if let Some((key, value)) = text.split_once(operator) {
            label_key(key.trim())?;
            return label_value(value.trim());
        }
    }
    label_key(text)
}

fn label_key(key: &str) -> Result<(), String> {
    let (prefix, name) = key.rsplit_once('/').map_or((None, key), |(prefix, name)| (Some(prefix), name));
    let prefix_ok = prefix.is_none_or(|prefix| crate::rule::name::kubernetes_name(prefix).is_ok());
    if prefix_ok && !name.is_empty() && label_value(name).is_ok() {
        return Ok(());
    }
    Err(format!("\"{}\" is not a label's name", key.escape_debug()))
}

/// Up to 63 letters, digits and `-_.`, with a letter or digit at both ends; or nothing.
fn label_value(value: &str) -> Result<(), String> {
    let word = |b: u8| b.is_ascii_alphanumeric();
    let ends = value.bytes().next().is_none_or(word) && value.bytes().last().is_none_or(word);
    if ends && value.len() <= 63 && value.bytes().all(|b| word(b) || b"-_.".contains(&b)) {
        return Ok(());
    }
    Err(format!("\"{}\" is not a label's value", value.escape_debug()))
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Selector {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl From<Selector> for String {
    fn from(selector: Selector) -> Self {
        selector.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_requirements_are_read() {
        for good in [
            "app=web,tier!=db",
            "app == web",
            "env in (prod, staging),!canary",
            "kubernetes.io/name",
            "env notin (a),app=web",
            "app=",
        ] {
            assert_eq!(Selector::parse(good).map(|s| s.to_string()), Ok(good.to_owned()));
        }
        for bad in [
            "",
            " ",
            "===",
            "app=we b",
            "env in a",
            "in (a)",
            "a/b/c=d",
            "app=web,,x=y",
            "-a=b",
            "app=a=b",
            "a in ()",
            "a in (b",
            "!a=b",
            "a in (b c)",
        ] {
            assert!(Selector::parse(bad).is_err(), "{bad}");
        }
    }
}

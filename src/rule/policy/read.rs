//! How a tag policy is written: in the configuration, and the same in the journal's JSON.

use serde::{Deserialize, Serialize};
use serde_yaml::Value;

use super::pattern::{Newer, TagPattern};
use super::version::VersionRange;
use super::{TagPolicy, Wanted};
use crate::config::fields::{Fields, Node};
use crate::config::report::FieldPath;
use crate::rule::glob::Glob;
use crate::rule::shown::shorten;

impl TagPolicy {
    /// Reads `tag:` of a rule, telling every mistake: a glob, a list of globs, or `{semver, prerelease}`,
    /// `{regex}`, `{regex, newer}`, the ordered ones with `from: any`.
    pub fn read(node: Node<'_>, path: &FieldPath) -> Option<Self> {
        if matches!(node.value(), Value::Mapping(_)) {
            return read_mapping(node.fields(path.clone())?);
        }
        let in_list = matches!(node.value(), Value::Sequence(_));
        let mut globs = Vec::new();
        for (i, text) in node.strings(path)?.iter().enumerate() {
            match glob(text) {
                Ok(glob) => globs.push(Some(glob)),
                Err(error) => {
                    let path = if in_list { path.index(i) } else { path.clone() };
                    node.report().mistake(&path, error);
                    globs.push(None);
                }
            }
        }
        let globs = globs.into_iter().collect::<Option<_>>()?;
        Some(Self { wanted: Wanted::Globs(globs), from_any: false })
    }
}

fn read_mapping(mut fields: Fields<'_>) -> Option<TagPolicy> {
    let known = fields.has("semver") || fields.has("regex");
    let semver = fields.string("semver");
    let prerelease = fields.flag("prerelease");
    let regex = fields.string("regex");
    let has_newer = fields.has("newer");
    let newer = fields.one_of("newer", &Newer::WORDS);
    let has_from = fields.has("from");
    let from = fields.one_of("from", &[("any", ())]);
    // A value of the wrong type has been told; what follows would only repeat it.
    let complete = has_newer == newer.is_some() && has_from == from.is_some();
    if !known {
        fields.report().mistake(fields.path(), "needs semver or regex; or write a glob such as \"v*\"");
    }
    if fields.has("semver") && fields.has("regex") {
        fields.mistake("regex", "cannot stand beside semver: write two rules");
    }
    if prerelease.is_some() && !fields.has("semver") {
        fields.mistake("prerelease", "belongs to semver");
    }
    if has_newer && !fields.has("regex") {
        fields.mistake("newer", "belongs to regex; semver has its own order");
    }
    if has_from && known && !fields.has("semver") && !has_newer {
        fields.mistake("from", "needs an order: add newer: numeric or newer: alphabetical");
    }
    let semver = semver.map(|text| {
        ("semver", VersionRange::parse(&text, prerelease.unwrap_or(false)).map(Wanted::Versions))
    });
    let regex = regex.map(|text| ("regex", TagPattern::parse(&text, newer).map(Wanted::Pattern)));
    let mut read = None;
    for (name, wanted) in [semver, regex].into_iter().flatten() {
        match wanted {
            Ok(wanted) => {
                if let Some(doubt) = doubt(&wanted) {
                    fields.warn(name, doubt);
                }
                read = Some(TagPolicy { wanted, from_any: from.is_some() });
            }
            Err(error) => fields.mistake(name, error),
        }
    }
    fields.finish();
    read.filter(|_| complete)
}

fn doubt(wanted: &Wanted) -> Option<String> {
    match wanted {
        Wanted::Globs(_) => None,
        Wanted::Versions(range) => range.doubt(),
        Wanted::Pattern(pattern) => pattern.doubt(),
    }
}

/// Reads a glob of tags; one that no tag can match is a mistake.
fn glob(text: &str) -> Result<Glob, String> {
    let glob = Glob::parse(text)?;
    let possible = |c: char| c.is_ascii_alphanumeric() || "_.-*?".contains(c);
    let never = |why: &str| Err(format!("\"{}\" can match no tag: {why}", shorten(text)));
    if let Some((_, tag)) = text.rsplit_once(':') {
        return never(&format!("the image belongs in image:, here write {}", shorten(tag)));
    }
    if let Some(c) = text.chars().find(|c| !possible(*c)) {
        return never(&format!(
            "no tag contains {c:?}; a range of versions is written {{semver: \"…\"}}, a regular expression \
             {{regex: \"…\"}}"
        ));
    }
    if text.starts_with(['.', '-']) {
        return never("no tag begins with . or -");
    }
    if text.chars().filter(|c| *c != '*').count() > 128 {
        return never("a tag has at most 128 characters");
    }
    Ok(glob)
}

/// A tag policy as text and mappings. Untagged: a text, a list or a mapping tell themselves apart.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Written {
    Glob(String),
    Globs(Vec<String>),
    Semver {
        semver: String,
        #[serde(default)]
        prerelease: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<Origin>,
    },
    Regex {
        regex: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        newer: Option<Newer>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<Origin>,
    },
}

/// The only word that `from` knows.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Origin {
    Any,
}

impl TryFrom<Written> for TagPolicy {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let (wanted, from) = match written {
            Written::Glob(text) => (Wanted::Globs(vec![glob(&text)?]), None),
            Written::Globs(texts) if texts.is_empty() => return Err("a tag policy needs a glob".to_owned()),
            Written::Globs(texts) => {
                (Wanted::Globs(texts.iter().map(|text| glob(text)).collect::<Result<_, _>>()?), None)
            }
            Written::Semver { semver, prerelease, from } => {
                (Wanted::Versions(VersionRange::parse(&semver, prerelease)?), from)
            }
            Written::Regex { regex, newer, from } => {
                (Wanted::Pattern(TagPattern::parse(&regex, newer)?), from)
            }
        };
        Ok(Self { wanted, from_any: from.is_some() })
    }
}

impl From<TagPolicy> for Written {
    fn from(policy: TagPolicy) -> Self {
        let from = policy.from_any.then_some(Origin::Any);
        match policy.wanted {
            Wanted::Globs(globs) => match <[Glob; 1]>::try_from(globs) {
                Ok([glob]) => Self::Glob(glob.into()),
                Err(globs) => Self::Globs(globs.into_iter().map(String::from).collect()),
            },
            Wanted::Versions(range) => {
                Self::Semver { prerelease: range.prerelease, semver: range.written, from }
            }
            Wanted::Pattern(pattern) => {
                Self::Regex { regex: pattern.written().to_owned(), newer: pattern.newer, from }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::report::Report;

    /// The policy, the mistakes and the warnings of a `tag:` value.
    fn read(yaml: &str) -> (Option<TagPolicy>, Vec<String>, Vec<String>) {
        let value: Value = serde_yaml::from_str(yaml).unwrap();
        let report = Report::new(Path::new(""));
        let policy = TagPolicy::read(Node::new(&value, &report), &FieldPath::default().field("tag"));
        let findings = report.finish(Path::new("c"), "");
        let told = |found: Vec<crate::config::report::Told>| found.iter().map(ToString::to_string).collect();
        (policy, told(findings.mistakes), told(findings.warnings))
    }

    #[test]
    fn every_form_is_read_and_journalled() {
        for (yaml, json) in [
            ("latest", r#""latest""#),
            ("[latest, 'v*']", r#"["latest","v*"]"#),
            ("{semver: '>=1.2, <2'}", r#"{"semver":">=1.2, <2","prerelease":false}"#),
            (
                "{semver: '*', prerelease: true, from: any}",
                r#"{"semver":"*","prerelease":true,"from":"any"}"#,
            ),
            ("{regex: '^main-'}", r#"{"regex":"^main-"}"#),
            (
                "{regex: '^(\\d+)$', newer: numeric, from: any}",
                r#"{"regex":"^(\\d+)$","newer":"numeric","from":"any"}"#,
            ),
            ("{regex: '^(.+)$', newer: alphabetical}", r#"{"regex":"^(.+)$","newer":"alphabetical"}"#),
        ] {
            let (policy, mistakes, warnings) = read(yaml);
            assert!(mistakes.is_empty() && warnings.is_empty(), "{yaml}: {mistakes:?} {warnings:?}");
            let policy = policy.unwrap();
            assert_eq!(serde_json::to_string(&policy).unwrap(), json);
            assert_eq!(serde_json::from_str::<TagPolicy>(json).unwrap(), policy);
        }
    }

    #[test]
    fn mistakes_are_told_where_they_are() {
        for (yaml, expected) in [
            ("1.10", &["tag: YAML reads 1.1 as a number"][..]),
            ("[]", &["tag: is an empty list"]),
            (
                "['a b', web:v1]",
                &[
                    "tag[0]: \"a b\" can match no tag",
                    "tag[1]: \"web:v1\" can match no tag: the image belongs in image:, here write v1",
                ],
            ),
            ("'>=1.2'", &["a range of versions is written {semver: \"…\"}"]),
            ("'.x'", &["no tag begins with . or -"]),
            ("{}", &["tag: needs semver or regex"]),
            ("{semver: ''}", &["tag.semver: is empty"]),
            ("{semver: 1.2}", &["tag.semver: YAML reads 1.2 as a number"]),
            ("{semver: '>=2, <1', prerelease: 1}", &["tag.prerelease: is a number", "contains no version"]),
            ("{semver: '^1', regex: '^x'}", &["tag.regex: cannot stand beside semver"]),
            ("{semver: '^1', newer: numeric}", &["tag.newer: belongs to regex"]),
            ("{regex: '^x', prerelease: true}", &["tag.prerelease: belongs to semver"]),
            ("{regex: '^x', from: any}", &["tag.from: needs an order"]),
            ("{regex: '^(x)', newer: numbers}", &["tag.newer: \"numbers\" is not known"]),
            ("{semver: '^1', from: latest}", &["tag.from: \"latest\" is not known"]),
            ("{regex: '^(', newer: numeric}", &["tag.regex: \"^(\" is no regular expression"]),
            (
                "{semvr: '^1'}",
                &["tag: needs semver or regex", "tag.semvr: is not a field here; did you mean semver?"],
            ),
            ("{semver: '^1', pre: true}", &["tag.pre: is not a field here"]),
        ] {
            let (_, mistakes, _) = read(yaml);
            assert_eq!(mistakes.len(), expected.len(), "{yaml}: {mistakes:?}");
            for part in expected {
                assert!(mistakes.iter().any(|told| told.contains(part)), "{yaml}: {mistakes:?}");
            }
        }
    }

    #[test]
    fn doubts_are_warnings() {
        assert!(read("{semver: '1.2'}").2[0].contains("tag.semver: \"1.2\" means ^1.2"));
        assert!(read("{regex: v1}").2[0].contains("tag.regex: has neither ^ nor $"));
    }

    #[test]
    fn a_journal_cannot_bring_in_what_the_configuration_refuses() {
        for json in [
            r#""""#,
            "[]",
            r#"["a b"]"#,
            r#"{"semver":"one"}"#,
            r#"{"regex":"("}"#,
            r#"{"regex":"a","newer":"numeric"}"#,
            "{}",
            "1",
        ] {
            assert!(serde_json::from_str::<TagPolicy>(json).is_err(), "{json}");
        }
    }
}

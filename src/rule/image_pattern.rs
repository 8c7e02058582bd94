//! Patterns of image repositories, normalised as the images that they are compared with.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::glob::Glob;
use super::shown::shorten;
use crate::image::{Repository, canonical_host, is_host};

/// A pattern of normalised repositories: `nginx` is `docker.io/library/nginx`, `acme/*` is
/// `docker.io/acme/*`, `GHCR.io/Acme/*` is `ghcr.io/acme/*`. A first component with a wildcard can be a
/// registry's host and stays as it is: `*/acme/web` is that repository in any registry, `**` is every image.
/// In JSON it is the normalised pattern.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ImagePattern(Glob);

impl ImagePattern {
    /// Reads a pattern; the error is a sentence with the way out, and also covers what can never match.
    pub fn parse(text: &str) -> Result<Self, String> {
        refuse_other_forms(text)?;
        if !has_wildcard(text) {
            let repository = Repository::parse(text).map_err(|error| error.to_string())?;
            return Ok(Self(Glob::parse(repository.as_str())?));
        }
        let normal = normalise(&text.to_ascii_lowercase());
        let known = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '.' | '_' | '-' | '/' | ':' | '[' | ']' | '*' | '?');
        let never = |why: &str| Err(format!("\"{}\" can match no image: {why}", shorten(text)));
        if let Some(c) = normal.chars().find(|c| !known(*c)) {
            return never(&format!("no repository has {c:?} in its name; for several patterns write a list"));
        }
        if normal.split('/').any(str::is_empty) {
            return never("no part of a repository between slashes is empty");
        }
        if !normal.contains('/') && !normal.contains("**") {
            return never(&format!(
                "a repository is a registry and a path; write docker.io/library/{normal}, **/{normal} or ** for \
                 every image"
            ));
        }
        Ok(Self(Glob::parse(&normal)?))
    }

    /// Whether the repository fits.
    pub fn matches(&self, repository: &Repository) -> bool {
        self.0.matches(repository.as_str())
    }

    /// Whether it matches one repository only.
    pub fn is_literal(&self) -> bool {
        self.0.is_literal()
    }

    /// The normalised pattern.
    pub fn source(&self) -> &str {
        self.0.source()
    }

    /// What is legal but hardly meant: `*/web` is a registry's repository without an organisation.
    pub(super) fn doubt(&self) -> Option<String> {
        let (host, path) = self.source().split_once('/')?;
        let short = has_wildcard(host) && !self.source().contains("**") && !path.contains('/');
        short.then(|| {
            format!("{self} is {path} at the top of any registry; with an organisation it is */*/{path}, on Docker Hub docker.io/*/{path}")
        })
    }
}

fn has_wildcard(text: &str) -> bool {
    text.contains(['*', '?'])
}

/// Names what is close to a repository but is none.
fn refuse_other_forms(text: &str) -> Result<(), String> {
    let shown = shorten(text);
    if let Some((_, rest)) = text.split_once("://") {
        return Err(format!("\"{shown}\" is a URL: write {}", shorten(rest.trim_end_matches('/'))));
    }
    if let Some((name, _)) = text.split_once('@') {
        return Err(format!(
            "\"{shown}\" has a digest, which is different for every image: write {}",
            shorten(name)
        ));
    }
    // A colon before a slash belongs to the host's port.
    if let Some((name, tag)) = text.rsplit_once(':')
        && !tag.contains('/')
    {
        let (name, tag) = (shorten(name), shorten(tag));
        return Err(format!(
            "\"{shown}\" has a tag: put the tag in tag: (image: \"{name}\", tag: \"{tag}\")"
        ));
    }
    Ok(())
}

/// Puts in what a short name leaves out. Docker Hub's repositories always have an organisation.
fn normalise(lower: &str) -> String {
    let (host, path) = match lower.split_once('/') {
        Some((host, path)) if is_host(host) && !has_wildcard(host) => (canonical_host(host), path),
        Some((first, _)) if !has_wildcard(first) => ("docker.io", lower),
        _ => return lower.to_owned(),
    };
    let library =
        if host == "docker.io" && !path.contains('/') && !path.contains("**") { "library/" } else { "" };
    format!("{host}/{library}{path}")
}

impl fmt::Display for ImagePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl TryFrom<String> for ImagePattern {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl From<ImagePattern> for String {
    fn from(pattern: ImagePattern) -> Self {
        pattern.0.into()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn patterns_are_normalised_as_images_are() {
        for (written, normal) in [
            ("nginx", "docker.io/library/nginx"),
            ("acme/web", "docker.io/acme/web"),
            ("acme/*", "docker.io/acme/*"),
            ("docker.io/*", "docker.io/library/*"),
            ("docker.io/**", "docker.io/**"),
            ("index.docker.io/acme/*", "docker.io/acme/*"),
            ("GHCR.io/Acme/*", "ghcr.io/acme/*"),
            ("registry:5000/*", "registry:5000/*"),
            ("localhost/*", "localhost/*"),
            ("*/acme/web", "*/acme/web"),
            ("*.dkr.ecr.eu-west-1.amazonaws.com/web", "*.dkr.ecr.eu-west-1.amazonaws.com/web"),
            ("**", "**"),
            ("**/web", "**/web"),
            ("acme?/web", "acme?/web"),
        ] {
            let pattern = ImagePattern::parse(written).unwrap();
            assert_eq!(pattern.source(), normal, "{written}");
            // What is journalled is read back as the same pattern.
            assert_eq!(ImagePattern::parse(normal).unwrap(), pattern);
        }
    }

    #[test]
    fn mistakes_name_the_way_out() {
        for (written, told) in [
            ("ghcr.io/acme/web:latest", "put the tag in tag: (image: \"ghcr.io/acme/web\", tag: \"latest\")"),
            ("ghcr.io/acme/*:v*", "put the tag in tag: (image: \"ghcr.io/acme/*\", tag: \"v*\")"),
            ("https://ghcr.io/acme/web/", "is a URL: write ghcr.io/acme/web"),
            ("web@sha256:00", "write web"),
            ("web*", "write docker.io/library/web*, **/web* or ** for every image"),
            ("*", "** for every image"),
            ("ghcr.io/acme/{a,b}*", "for several patterns write a list"),
            ("ghcr.io//w*", "is empty"),
            ("ghcr.io/acme/*/", "is empty"),
            ("a b", "is not an image"),
            ("", "is not an image"),
        ] {
            let error = ImagePattern::parse(written).unwrap_err();
            assert!(error.contains(told), "{written}: {error}");
        }
    }

    #[test]
    fn a_pattern_without_organisation_is_doubted() {
        assert!(ImagePattern::parse("*/web").unwrap().doubt().unwrap().contains("*/*/web"));
        for good in ["*/acme/web", "**/web", "ghcr.io/*", "**", "acme/*"] {
            assert_eq!(ImagePattern::parse(good).unwrap().doubt(), None, "{good}");
        }
    }

    proptest! {
        #[test]
        fn a_repository_is_its_own_pattern(name in "[a-z]{1,5}(\\.io)?(/[a-z0-9]{1,4}){0,3}") {
            let repository = Repository::parse(&name).unwrap();
            prop_assert!(ImagePattern::parse(&name).unwrap().matches(&repository));
            prop_assert!(ImagePattern::parse(repository.as_str()).unwrap().matches(&repository));
            prop_assert!(ImagePattern::parse("**").unwrap().matches(&repository));
        }
    }
}

//! Image references, read as the distribution project's reference grammar does
//! (`distribution/reference`: domain, path, tag, digest) and normalised as container runtimes do.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The normalised name of an image's repository: host and path in lower case, no tag:
/// `docker.io/library/nginx`, `ghcr.io/acme/web`, `registry:5000/a/b`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Repository(String);

impl Repository {
    /// The longest name that the reference grammar allows, in bytes.
    const LIMIT: usize = 255;

    /// Reads a repository name without tag or digest, in any spelling.
    pub fn parse(name: &str) -> Result<Self, ImageError> {
        let error = |why| Err(ImageError { input: shorten(name), why });
        let lower = name.to_ascii_lowercase();
        let (host, path) = match lower.split_once('/') {
            Some((host, path)) if is_host(host) => (canonical_host(host), path),
            _ => ("docker.io", lower.as_str()),
        };
        if !valid_host(host) {
            return error("the registry's host is not valid");
        }
        if path.is_empty() || !path.split('/').all(valid_component) {
            return error("a repository is lower-case letters, digits and . _ - between slashes");
        }
        let library = if host == "docker.io" && !path.contains('/') { "library/" } else { "" };
        let name = format!("{host}/{library}{path}");
        if name.len() > Self::LIMIT {
            return error("the name is longer than 255 bytes");
        }
        Ok(Self(name))
    }

    /// `ghcr.io/acme/web`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `ghcr.io`; a port is part of it.
    pub fn host(&self) -> &str {
        self.0.split_once('/').map_or("", |(host, _)| host)
    }

    /// `acme/web`.
    pub fn path(&self) -> &str {
        self.0.split_once('/').map_or(self.0.as_str(), |(_, path)| path)
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Repository {
    type Error = ImageError;
    fn try_from(name: String) -> Result<Self, ImageError> {
        Self::parse(&name)
    }
}

impl From<Repository> for String {
    fn from(repository: Repository) -> Self {
        repository.0
    }
}

/// A manifest's digest: `sha256:` and 64 lower-case hex digits. Senders' examples are often masked or cut
/// short, so nothing else is taken for one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest(String);

impl Digest {
    /// Reads a digest; `None` if it is not a valid one.
    pub fn parse(text: &str) -> Option<Self> {
        let hex = text.strip_prefix("sha256:")?;
        let valid = hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        valid.then(|| Self(text.to_owned()))
    }

    /// `sha256:…`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Digest {
    type Error = ImageError;
    fn try_from(text: String) -> Result<Self, ImageError> {
        Self::parse(&text)
            .ok_or(ImageError { input: shorten(&text), why: "a digest is sha256: and 64 hex digits" })
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.0
    }
}

/// A whole image reference as a container's `image` field or a sender spells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// The normalised repository.
    pub repository: Repository,
    /// The repository as it was spelt, kept when a tag is replaced.
    pub spelling: String,
    /// The tag, where there is one.
    pub tag: Option<String>,
    /// The digest, where there is one.
    pub digest: Option<Digest>,
}

impl Image {
    /// Reads `[host[:port]/]path[:tag][@digest]`.
    pub fn parse(text: &str) -> Result<Self, ImageError> {
        let error = |why| ImageError { input: shorten(text), why };
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => {
                let digest = Digest::parse(digest);
                (name, Some(digest.ok_or_else(|| error("a digest is sha256: and 64 hex digits"))?))
            }
            None => (text, None),
        };
        let (spelling, tag) = match name.rsplit_once(':') {
            // A colon before a slash belongs to the host's port.
            Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
            _ => (name, None),
        };
        if let Some(tag) = tag
            && !is_tag(tag)
        {
            return Err(error("a tag is up to 128 letters, digits and . _ -, and starts with none of . -"));
        }
        let repository = Repository::parse(spelling).map_err(|e| error(e.why))?;
        Ok(Self { repository, spelling: spelling.to_owned(), tag: tag.map(str::to_owned), digest })
    }
}

/// As it was spelt.
impl fmt::Display for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.spelling)?;
        self.tag.as_ref().map_or(Ok(()), |tag| write!(f, ":{tag}"))?;
        self.digest.as_ref().map_or(Ok(()), |digest| write!(f, "@{digest}"))
    }
}

/// Whether this is a valid tag: `[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}`.
pub fn is_tag(text: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    text.len() <= 128
        && text.bytes().next().is_some_and(word)
        && text.bytes().all(|b| word(b) || b == b'.' || b == b'-')
}

/// Whether the part before the first slash names a registry rather than a path component.
pub(crate) fn is_host(text: &str) -> bool {
    text.contains(['.', ':']) || text == "localhost"
}

/// Docker Hub answers under several names; runtimes take them all for one.
pub(crate) fn canonical_host(host: &str) -> &str {
    match host {
        "index.docker.io" | "registry-1.docker.io" | "registry.hub.docker.com" => "docker.io",
        host => host,
    }
}

fn valid_host(host: &str) -> bool {
    let (name, port) = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, port)) => {
            if address.is_empty() || !address.bytes().all(|b| b.is_ascii_hexdigit() || b == b':') {
                return false;
            }
            ("v6", port)
        }
        None => host.split_at(host.find(':').unwrap_or(host.len())),
    };
    let label = |l: &str| {
        !l.is_empty()
            && !l.starts_with('-')
            && !l.ends_with('-')
            && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    let port_ok = port.is_empty() || port.strip_prefix(':').is_some_and(|p| p.parse::<u16>().is_ok());
    name.split('.').all(label) && port_ok
}

/// One path component: alphanumeric runs separated by `.`, one or two `_`, or any number of `-`.
fn valid_component(component: &str) -> bool {
    let alphanumeric = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    alphanumeric(component.bytes().next())
        && alphanumeric(component.bytes().last())
        && component.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b))
        && component.split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit()).all(|separator| {
            matches!(separator, "" | "." | "_" | "__") || separator.bytes().all(|b| b == b'-')
        })
}

/// Keeps an error's copy of its input printable and short.
fn shorten(text: &str) -> String {
    text.escape_debug().take(80).collect()
}

/// A text that is no image reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageError {
    input: String,
    why: &'static str,
}

impl fmt::Display for ImageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\" is not an image: {}", self.input, self.why)
    }
}

impl std::error::Error for ImageError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repositories_are_normalised_as_runtimes_do() {
        for (spelt, normal) in [
            ("nginx", "docker.io/library/nginx"),
            ("bitnami/kubectl", "docker.io/bitnami/kubectl"),
            ("docker.io/nginx", "docker.io/library/nginx"),
            ("index.docker.io/library/nginx", "docker.io/library/nginx"),
            ("GHCR.io/Acme/Web", "ghcr.io/acme/web"),
            ("registry:5000/a/b", "registry:5000/a/b"),
            ("localhost/web", "localhost/web"),
            ("quay.io/a/b/c__d-.e".trim_end_matches("-.e"), "quay.io/a/b/c__d"),
            ("[::1]:5000/web", "[::1]:5000/web"),
        ] {
            assert_eq!(Repository::parse(spelt).unwrap().as_str(), normal, "{spelt}");
        }
    }

    #[test]
    fn what_is_no_repository_is_refused() {
        let long = "a".repeat(300);
        for bad in
            ["", "/", "ghcr.io/", "ghcr.io//web", "a b", "../x", "ghcr.io/a/../b", "a:b/c", "-a", "a-", &long]
        {
            assert!(Repository::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn references_are_taken_apart() {
        let digest = format!("sha256:{}", "ab".repeat(32));
        let image = Image::parse(&format!("registry:5000/Web:3.10@{digest}")).unwrap();
        assert_eq!(image.repository.as_str(), "registry:5000/web");
        assert_eq!((image.spelling.as_str(), image.tag.as_deref()), ("registry:5000/Web", Some("3.10")));
        assert_eq!(image.digest.unwrap().as_str(), digest);
        assert_eq!(Image::parse("registry:5000/web").unwrap().tag, None);
        for bad in ["ghcr.io/a/b:", "web:.x", "web@sha256:12", "web:a b", "web@"] {
            assert!(Image::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn digests_are_64_lower_case_hex_digits() {
        assert!(Digest::parse(&format!("sha256:{}", "0f".repeat(32))).is_some());
        for bad in ["sha256:xxxx", &format!("sha256:{}", "0F".repeat(32)), &"a".repeat(64)] {
            assert!(Digest::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn errors_show_the_input_escaped() {
        let error = Image::parse("a\u{1b}[31m\n").unwrap_err().to_string();
        assert!(error.starts_with(r#""a\u{1b}[31m\n" is not an image"#), "{error}");
    }
}

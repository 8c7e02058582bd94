//! Requests that `send` makes, as a sender would.

use crate::event::Event;
use crate::image::{Digest, Repository};

/// A request that is being put together: headers and body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// Names and values in the order of sending.
    pub headers: Vec<(String, String)>,
    /// The body's bytes.
    pub body: Vec<u8>,
}

impl Draft {
    /// A JSON body, indented by nothing, as senders do.
    pub fn json(body: &serde_json::Value) -> Self {
        let mut draft = Self { headers: Vec::new(), body: body.to_string().into_bytes() };
        draft.default_header("Content-Type", "application/json");
        draft
    }

    /// The value of a header, names compared as HTTP does.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The JSON that the request carries, where it carries JSON: for guessing the event from the body.
    pub fn payload(&self) -> Option<serde_json::Value> {
        let headers = super::headers(&self.headers).ok()?;
        let delivery = super::Delivery { headers: &headers, body: &self.body };
        serde_json::from_slice(&delivery.payload()?).ok()
    }

    /// Adds a header unless there is one of this name.
    pub fn default_header(&mut self, name: &str, value: impl Into<String>) {
        if self.header(name).is_none() {
            self.headers.push((name.to_owned(), value.into()));
        }
    }
}

/// What a sample delivery shall say.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The kind of event: `image`, `git`, `pipeline`, `deploy` or `ping`.
    pub event: SampleEvent,
    /// The image.
    pub image: Repository,
    /// The image's tag.
    pub tag: String,
    /// The manifest's digest, made up.
    pub digest: Digest,
    /// The git repository: `acme/web`.
    pub repository: String,
    /// The branch.
    pub branch: String,
    /// The commit, made up.
    pub commit: String,
}

/// The kinds of event that can be made up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SampleEvent {
    /// An image is pushed.
    Image,
    /// A branch is pushed.
    Git,
    /// A CI run succeeds.
    Pipeline,
    /// A deployment is asked for.
    Deploy,
    /// The connection is tested.
    Ping,
}

impl SampleEvent {
    /// Every kind with its word, which is the one of [`Event::kind`].
    pub const WORDS: [(&'static str, Self); 5] = [
        ("image", Self::Image),
        ("git", Self::Git),
        ("pipeline", Self::Pipeline),
        ("deploy", Self::Deploy),
        ("ping", Self::Ping),
    ];

    /// Whether an event is of this kind.
    pub fn is(self, event: &Event) -> bool {
        Self::WORDS.iter().any(|(word, kind)| *kind == self && *word == event.kind())
    }
}

/// A random UUID (RFC 9562, version 4): what senders use for delivery ids.
pub fn random_uuid() -> String {
    let mut bytes = random::<16>();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = hex::encode(bytes);
    let part = |range: std::ops::Range<usize>| hex.get(range).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", part(0..8), part(8..12), part(12..16), part(16..20), part(20..32))
}

/// Random hex digits, two per byte: what a sample's digests and commits are made of.
pub fn random_hex<const BYTES: usize>() -> String {
    hex::encode(random::<BYTES>())
}

fn random<const BYTES: usize>() -> [u8; BYTES] {
    let mut bytes = [0u8; BYTES];
    // Without randomness a sample is merely not unique.
    let _ = ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_is_of_version_4() {
        let uuid = random_uuid();
        assert_eq!(uuid.len(), 36);
        assert_eq!(uuid.as_bytes()[14], b'4');
        assert_ne!(uuid, random_uuid());
    }

    #[test]
    fn a_header_that_is_given_stays() {
        let mut draft = Draft::json(&serde_json::json!({}));
        draft.default_header("content-type", "text/plain");
        assert_eq!(draft.headers, [("Content-Type".to_owned(), "application/json".to_owned())]);
    }
}

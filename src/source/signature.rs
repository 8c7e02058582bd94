//! The schemes that prove where a delivery comes from. Everything is compared in constant time, and the
//! algorithm is the caller's, never the request's alone.

use ring::hmac;

use super::{Header, Refusal};
use crate::key::Key;

/// A hash for HMAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// Only where the sender knows no better (Nexus; flux-recv's configurations).
    Sha1,
    /// The usual one.
    Sha256,
    /// Where a Generic endpoint or flux-recv's configuration asks for it.
    Sha512,
}

impl Algorithm {
    /// `sha256`, as it stands before the `=` of a signature.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    fn ring(self) -> hmac::Algorithm {
        match self {
            Self::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => hmac::HMAC_SHA256,
            Self::Sha512 => hmac::HMAC_SHA512,
        }
    }
}

/// The HMAC of a message (RFC 2104).
pub fn hmac(algorithm: Algorithm, key: &[u8], message: &[&[u8]]) -> hmac::Tag {
    let mut context = hmac::Context::with_key(&hmac::Key::new(algorithm.ring(), key));
    for part in message {
        context.update(part);
    }
    context.sign()
}

/// The HMAC in lower-case hex, as `send` writes it.
pub fn hmac_hex(algorithm: Algorithm, key: &[u8], message: &[u8]) -> String {
    hex::encode(hmac(algorithm, key, &[message]))
}

/// Whether `presented` is the HMAC of the message under one of the keys. A key of no bytes never matches.
pub fn hmac_matches(algorithm: Algorithm, keys: &[Key], message: &[&[u8]], presented: &[u8]) -> bool {
    keys.iter().filter(|key| !key.expose().is_empty()).any(|key| {
        let tag = hmac(algorithm, key.expose(), message);
        same(tag.as_ref(), presented)
    })
}

/// Checks a header of the form `PREFIX` + hex HMAC of the body, such as `sha256=…`; the hex digits may be in
/// either case, and one that is cut short does not match.
pub fn verify_hmac_header(
    algorithm: Algorithm,
    keys: &[Key],
    header: Header<'_>,
    prefix: &str,
    body: &[u8],
) -> Result<(), Refusal> {
    let text = present(header)?;
    let presented = text.strip_prefix(prefix).and_then(|digits| hex::decode(digits).ok());
    let matches = presented.is_some_and(|tag| hmac_matches(algorithm, keys, &[body], &tag));
    if matches { Ok(()) } else { Err(Refusal::Invalid) }
}

/// Checks a header of the form `sha256=` + hex HMAC of the body, where the sender names its algorithm: one that
/// is not in `allowed` never matches.
pub fn verify_named_hmac(
    allowed: &[Algorithm],
    keys: &[Key],
    header: Header<'_>,
    body: &[u8],
) -> Result<(), Refusal> {
    let (name, _) = present(header)?.split_once('=').ok_or(Refusal::Invalid)?;
    let algorithm = allowed.iter().copied().find(|algorithm| algorithm.name() == name);
    let algorithm = algorithm.ok_or(Refusal::Invalid)?;
    verify_hmac_header(algorithm, keys, header, &format!("{name}="), body)
}

/// Checks a header that carries the key itself.
pub fn verify_token(keys: &[Key], header: Header<'_>) -> Result<(), Refusal> {
    let text = present(header)?;
    if is_key(keys, text.as_bytes()) { Ok(()) } else { Err(Refusal::Invalid) }
}

/// Whether these bytes are one of the keys. A key of no bytes never matches.
pub fn is_key(keys: &[Key], presented: &[u8]) -> bool {
    keys.iter().filter(|key| !key.expose().is_empty()).any(|key| same(key.expose(), presented))
}

/// The header's text, or why it proves nothing. A header that is there but empty is a wrong proof, not a
/// missing one: Gitea sends empty signatures when no secret is set.
pub fn present(header: Header<'_>) -> Result<&str, Refusal> {
    match header {
        Header::Absent => Err(Refusal::Missing),
        Header::Unusable => Err(Refusal::Invalid),
        Header::Text(text) => Ok(text),
    }
}

/// Compares in constant time, whatever the lengths: both sides go through an HMAC first.
pub fn same(expected: &[u8], presented: &[u8]) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"boathook compares");
    hmac::verify(&key, presented, hmac::sign(&key, expected).as_ref()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A known answer from GitHub's documentation.
    #[test]
    fn known_answers() {
        let key = Key::new(*b"It's a Secret to Everybody");
        let header = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        let verify = |header: &str, body: &[u8]| {
            let keys = [Key::new(*b"another"), key.clone()];
            verify_hmac_header(Algorithm::Sha256, &keys, Header::Text(header), "sha256=", body)
        };
        assert_eq!(verify(header, b"Hello, World!"), Ok(()));
        assert_eq!(verify(&header.to_uppercase().replace("SHA", "sha"), b"Hello, World!"), Ok(()));
        assert_eq!(verify(header, b"Hello, World?"), Err(Refusal::Invalid));
        assert_eq!(verify(&header[..header.len() - 2], b"Hello, World!"), Err(Refusal::Invalid));
        assert_eq!(verify(&header[7..], b"Hello, World!"), Err(Refusal::Invalid), "without its prefix");
        assert_eq!(verify("sha256=", b"Hello, World!"), Err(Refusal::Invalid));
    }

    #[test]
    fn a_named_algorithm_must_be_allowed() {
        let keys = [Key::new(*b"key")];
        let verify = |header: &str| {
            let allowed = [Algorithm::Sha1, Algorithm::Sha512];
            verify_named_hmac(&allowed, &keys, Header::Text(header), b"body")
        };
        let signed =
            |algorithm: Algorithm| format!("{}={}", algorithm.name(), hmac_hex(algorithm, b"key", b"body"));
        assert_eq!(verify(&signed(Algorithm::Sha1)), Ok(()));
        assert_eq!(verify(&signed(Algorithm::Sha512)), Ok(()));
        assert_eq!(verify(&signed(Algorithm::Sha256)), Err(Refusal::Invalid));
        assert_eq!(verify(&signed(Algorithm::Sha1).replace("sha1", "sha512")), Err(Refusal::Invalid));
        assert_eq!(verify("sha1"), Err(Refusal::Invalid));
    }

    #[test]
    fn a_missing_proof_is_not_a_wrong_one() {
        let keys = [Key::new(*b"token")];
        assert_eq!(verify_token(&keys, Header::Text("token")), Ok(()));
        assert_eq!(verify_token(&keys, Header::Text("toke")), Err(Refusal::Invalid));
        assert_eq!(verify_token(&keys, Header::Absent), Err(Refusal::Missing));
        assert_eq!(verify_token(&keys, Header::Unusable), Err(Refusal::Invalid));
        assert_eq!(verify_token(&[Key::new(*b"")], Header::Text("")), Err(Refusal::Invalid), "an empty key");
    }
}

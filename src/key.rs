//! A shared secret: what senders sign with, and what names an endpoint's path.

use std::fmt;

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// The bytes of one key. `Debug` does not show them, `Display` there is none, and they are zeroed when it is dropped.
#[derive(Clone)]
pub struct Key(Zeroizing<Box<[u8]>>);

impl Key {
    /// The shortest key that a version 1 configuration may use, in bytes.
    pub const SHORTEST: usize = 16;

    /// Copies the bytes as they are. What they are copied from is the caller's to zero: see [`Zeroizing`].
    pub fn new(bytes: impl AsRef<[u8]>) -> Self {
        Self(Zeroizing::new(bytes.as_ref().into()))
    }

    /// The bytes themselves, for a signature or a comparison in constant time, never for printing.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The SHA-256 of the key followed by `suffix` (flux-recv puts `registryHost` there): the last segment of
    /// `/hook/…`. It is a credential of its own for senders that sign nothing.
    pub fn path_digest(&self, suffix: &[u8]) -> PathDigest {
        let mut hash = Sha256::new();
        hash.update(&self.0);
        hash.update(suffix);
        PathDigest(hash.finalize().into())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

/// The digest that names a hook's path. `Debug` shows eight hex digits, which is what logs may carry.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PathDigest([u8; 32]);

impl PathDigest {
    /// Reads the 64 lower-case hex digits of a path segment.
    pub fn from_segment(segment: &str) -> Option<Self> {
        let mut digest = [0; 32];
        let lower = !segment.bytes().any(|b| b.is_ascii_uppercase());
        (lower && hex::decode_to_slice(segment, &mut digest).is_ok()).then_some(Self(digest))
    }

    /// `/hook/<64 hex digits>`: for `check` and `url` alone, which the holder of the key asks.
    pub fn expose_path(&self) -> String {
        format!("/hook/{}", hex::encode(self.0))
    }
}

impl fmt::Debug for PathDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}…", hex::encode(self.0.get(..4).unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_the_sha256_of_key_and_suffix() {
        // printf abc | sha256sum
        let path = Key::new(*b"abc").path_digest(b"").expose_path();
        assert_eq!(path, "/hook/ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(Key::new(*b"a").path_digest(b"bc").expose_path(), path);
        let segment = path.strip_prefix("/hook/").unwrap();
        assert_eq!(PathDigest::from_segment(segment).unwrap().expose_path(), path);
        assert!(PathDigest::from_segment(&segment.to_uppercase()).is_none());
        assert!(PathDigest::from_segment("ab").is_none());
    }

    #[test]
    fn debug_shows_neither_key_nor_path() {
        let key = Key::new(*b"0123456789abcdef");
        let shown = format!("{key:?} {:?}", key.path_digest(b""));
        assert_eq!(shown, "Key(…) 9f9f5111…");
    }
}

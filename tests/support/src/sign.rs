//! Signatures as senders make them.

use ring::{digest, hmac};

/// HMAC-SHA256 of the body in lower-case hex, as most senders write it.
pub fn hmac_sha256(key: &[u8], body: &[u8]) -> String {
    hmac_hex(hmac::HMAC_SHA256, key, body)
}

/// HMAC of the body in lower-case hex, with the algorithm named.
pub fn hmac_hex(algorithm: hmac::Algorithm, key: &[u8], body: &[u8]) -> String {
    hex::encode(hmac::sign(&hmac::Key::new(algorithm, key), body))
}

/// The hook path of a key: `/hook/` and the SHA-256 of the key in hex.
pub fn hook_path(key: &[u8]) -> String {
    format!("/hook/{}", hex::encode(digest::digest(&digest::SHA256, key)))
}

/// SHA-256, as lower-case hex.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(digest::digest(&digest::SHA256, bytes))
}

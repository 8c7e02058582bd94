//! The public keys that an issuer signs its tokens with (JWKS, RFC 7517). The set is shared between the
//! endpoint that verifies and whoever fetches it; nothing here waits for the network.

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use serde::Deserialize;
use tokio::sync::Notify;

use super::{Refusal, json};

/// Where a key set comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// A file that was read with the configuration.
    File(PathBuf),
    /// A URL that is fetched at start and by timer.
    Url(String),
}

/// A set of public keys that can be replaced while it is in use.
pub struct KeySet {
    source: KeySource,
    /// `None` until the first [`KeySet::replace`].
    keys: RwLock<Option<Vec<RsaKey>>>,
    wanted: AtomicBool,
    want: Notify,
}

/// One RSA key for signatures; modulus and exponent big-endian, without leading zeros.
#[derive(Clone)]
struct RsaKey {
    id: String,
    modulus: Vec<u8>,
    exponent: Vec<u8>,
}

impl KeySet {
    /// A set without keys: until there are some, nothing can be verified.
    pub fn new(source: KeySource) -> Self {
        Self { source, keys: RwLock::new(None), wanted: AtomicBool::new(false), want: Notify::new() }
    }

    /// Takes the keys of another set, if this one has none yet. The caller knows that they are the same issuer's.
    pub fn copy_from(&self, other: &Self) {
        let keys = other.keys.read().unwrap_or_else(PoisonError::into_inner).clone();
        let mut own = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        if own.is_none() {
            *own = keys;
        }
    }

    /// Whether there is anything to verify by.
    pub fn has_keys(&self) -> bool {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Where the keys come from.
    pub fn source(&self) -> &KeySource {
        &self.source
    }

    /// Takes the keys of a JWKS document in place of those that are there, and says how many. A document that
    /// is not valid or has no usable key changes nothing: the error says why.
    pub fn replace(&self, document: &[u8]) -> Result<usize, String> {
        let keys = parse(document)?;
        let count = keys.len();
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Some(keys);
        self.wanted.store(false, Ordering::Relaxed);
        Ok(count)
    }

    /// Whether a token has named a key that is not in the set since it was last replaced.
    pub fn wanted(&self) -> bool {
        self.wanted.load(Ordering::Relaxed)
    }

    /// Waits until a token names a key that is not in the set. Whoever fetches must keep a pause between two
    /// fetches: anybody can send such a token.
    pub async fn until_wanted(&self) {
        self.want.notified().await;
    }

    /// Checks an RS256 signature (RSASSA-PKCS1-v1_5 with SHA-256, RFC 7518) by the key of this id.
    pub fn verify(&self, key_id: &str, message: &[u8], signature: &[u8]) -> Result<(), Refusal> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let keys = keys.as_ref().ok_or(Refusal::Unavailable)?;
        let mut named = keys.iter().filter(|key| key.id == key_id).peekable();
        if named.peek().is_none() {
            self.wanted.store(true, Ordering::Relaxed);
            self.want.notify_one();
            return Err(Refusal::Invalid);
        }
        let valid = named.any(|key| {
            let key = RsaPublicKeyComponents { n: &key.modulus, e: &key.exponent };
            key.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature).is_ok()
        });
        if valid { Ok(()) } else { Err(Refusal::Invalid) }
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySet").field("source", &self.source).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Document {
    keys: Option<Vec<Jwk>>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: Option<String>,
    r#use: Option<String>,
    alg: Option<String>,
    kid: Option<String>,
    n: Option<String>,
    e: Option<String>,
}

/// The RSA keys for RS256 signatures of a JWKS document. Keys of other kinds and for other uses are passed over,
/// and so is one that cannot be used while there are others.
fn parse(document: &[u8]) -> Result<Vec<RsaKey>, String> {
    let document: Document = json::read(document).map_err(|error| match error {
        super::Undecodable::Malformed(text) => text.replace("the body", "it"),
        super::Undecodable::UnknownShape(text) => text,
    })?;
    let jwks = document.keys.ok_or("it has no keys: it is no JWKS document (RFC 7517)")?;
    let (mut keys, mut odd) = (Vec::new(), Vec::new());
    for key in jwks.into_iter().filter_map(rsa_key) {
        match key {
            Ok(key) => keys.push(key),
            Err(why) => odd.push(why),
        }
    }
    if keys.is_empty() {
        let none = || "it has no RSA key with a kid for RS256 signatures".to_owned();
        return Err(odd.into_iter().next().unwrap_or_else(none));
    }
    for why in odd {
        log::warn!("passed over in a key set: {why}");
    }
    Ok(keys)
}

fn rsa_key(jwk: Jwk) -> Option<Result<RsaKey, String>> {
    let meant = jwk.kty.as_deref() == Some("RSA")
        && jwk.r#use.is_none_or(|usage| usage == "sig")
        && jwk.alg.is_none_or(|algorithm| algorithm == "RS256");
    let id = jwk.kid.filter(|_| meant)?;
    let number = |name: &str, text: Option<String>| {
        let bytes = text.and_then(|text| URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok());
        let bytes = bytes.ok_or_else(|| format!("key {}: {name} is not base64url", id.escape_debug()))?;
        Ok(bytes.into_iter().skip_while(|byte| *byte == 0).collect::<Vec<u8>>())
    };
    let components = number("n", jwk.n).and_then(|n| Ok((n, number("e", jwk.e)?)));
    Some(components.and_then(|(modulus, exponent)| {
        if modulus.len() < 256 {
            return Err(format!("key {}: has fewer than 2048 bits", id.escape_debug()));
        }
        Ok(RsaKey { id, modulus, exponent })
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::jwt::testing::{JWKS, sign_with};
    use super::*;

    fn key_set() -> KeySet {
        KeySet::new(KeySource::Url("https://keys.example.com".into()))
    }

    fn jwk(field: &str, value: &Value) -> Value {
        let mut document: Value = serde_json::from_slice(JWKS).unwrap();
        document["keys"][0][field] = value.clone();
        document["keys"][0].clone()
    }

    #[test]
    fn signatures_are_checked_by_the_key_that_is_named() {
        let set = key_set();
        let signature = sign_with(include_bytes!("../../tests/data/google/test-key.pk8"), b"message");
        assert_eq!(set.verify("test-key", b"message", &signature), Err(Refusal::Unavailable));
        assert!(!set.wanted());
        assert_eq!(set.replace(JWKS), Ok(1));
        assert_eq!(set.verify("test-key", b"message", &signature), Ok(()));
        assert_eq!(set.verify("test-key", b"massage", &signature), Err(Refusal::Invalid));
        assert_eq!(set.verify("test-key", b"message", &signature[1..]), Err(Refusal::Invalid));
        let other = sign_with(include_bytes!("../../tests/data/google/other-test-key.pk8"), b"message");
        assert_eq!(set.verify("test-key", b"message", &other), Err(Refusal::Invalid));
        assert!(!set.wanted());
    }

    #[test]
    fn one_key_that_cannot_be_used_does_not_spoil_the_others() {
        let set = key_set();
        let odd = [jwk("n", &json!("AQAB")), jwk("e", &json!("*"))];
        assert!(set.replace(json!({"keys": odd}).to_string().as_bytes()).is_err());
        assert!(!set.has_keys());
        let [short, unreadable] = odd;
        let keys = json!({"keys": [short, jwk("use", &Value::Null), unreadable]});
        assert_eq!(set.replace(keys.to_string().as_bytes()), Ok(1));
        assert!(set.has_keys());
        let signature = sign_with(include_bytes!("../../tests/data/google/test-key.pk8"), b"message");
        assert_eq!(set.verify("test-key", b"message", &signature), Ok(()));
    }

    #[tokio::test]
    async fn an_unknown_key_is_wanted_until_the_set_is_replaced() {
        let set = key_set();
        set.replace(JWKS).unwrap();
        assert_eq!(set.verify("another", b"message", b""), Err(Refusal::Invalid));
        assert!(set.wanted());
        set.until_wanted().await;
        assert!(set.replace(b"{}").is_err());
        assert!(set.wanted(), "a document that is no use changes nothing");
        set.replace(JWKS).unwrap();
        assert!(!set.wanted());
    }

    #[test]
    fn only_rsa_keys_for_signatures_count() {
        let others = [
            jwk("kty", &json!("EC")),
            jwk("use", &json!("enc")),
            jwk("alg", &json!("RS512")),
            jwk("kid", &Value::Null),
            json!({"kty": "OKP"}),
        ];
        let set = key_set();
        for other in &others {
            assert!(set.replace(json!({"keys": [other]}).to_string().as_bytes()).is_err(), "{other}");
        }
        let mut keys = others.to_vec();
        keys.extend([jwk("use", &Value::Null), jwk("alg", &Value::Null)]);
        assert_eq!(set.replace(json!({"keys": keys}).to_string().as_bytes()), Ok(2));
    }

    #[test]
    fn errors_say_what_is_wrong() {
        let told = |document: &Value| key_set().replace(document.to_string().as_bytes()).unwrap_err();
        assert!(key_set().replace(b"<html>").unwrap_err().starts_with("it is not JSON"));
        assert!(told(&json!({"test-key": "-----BEGIN CERTIFICATE-----"})).starts_with("it has no keys"));
        assert!(told(&json!({"keys": "none"})).starts_with("keys: invalid type"));
        assert!(told(&json!({"keys": []})).starts_with("it has no RSA key"));
        assert_eq!(told(&json!({"keys": [jwk("n", &json!("*"))]})), "key test-key: n is not base64url");
        assert_eq!(told(&json!({"keys": [jwk("e", &Value::Null)]})), "key test-key: e is not base64url");
        assert_eq!(
            told(&json!({"keys": [jwk("n", &json!("AQAB"))]})),
            "key test-key: has fewer than 2048 bits"
        );
    }
}

//! JSON Web Tokens and the key sets that they are verified against: a token's header and its claims, each in a line
//! of JSON, or a key set after a line `keys`.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use boathook::source::jwt;
use boathook::source::key_set::{KeySet, KeySource};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::Value;

use super::line;
use super::request::now;

static OWN: LazyLock<RsaKeyPair> =
    LazyLock::new(|| pair(include_bytes!("../../tests/data/google/test-key.pk8")));
static OTHER: LazyLock<RsaKeyPair> =
    LazyLock::new(|| pair(include_bytes!("../../tests/data/google/other-test-key.pk8")));
static KEYS: LazyLock<KeySet> = LazyLock::new(|| {
    let keys = KeySet::new(KeySource::Url("https://keys.example.com".into()));
    keys.replace(include_bytes!("../../tests/data/google/test-jwks.json")).unwrap();
    keys
});

fn pair(key: &[u8]) -> RsaKeyPair {
    RsaKeyPair::from_pkcs8(key).unwrap()
}

pub(crate) fn run(data: &[u8]) {
    let (head, claims) = line(data);
    if head == b"keys" {
        return key_set(claims);
    }
    let refused = |token: &str| assert!(jwt::verify(token, &KEYS, now()).is_err(), "{token}");
    if let Ok(text) = std::str::from_utf8(data) {
        refused(text);
    }
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(head), URL_SAFE_NO_PAD.encode(claims));
    refused(&format!("{message}."));
    refused(&format!("{message}.{}", URL_SAFE_NO_PAD.encode(claims)));
    // Signing takes long, so that it is done for what may be a token alone.
    let Ok(head) = serde_json::from_slice::<Value>(head) else { return };
    let sign = |pair: &RsaKeyPair| {
        let mut signature = vec![0; pair.public().modulus_len()];
        pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature).unwrap();
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    };
    refused(&sign(&OTHER));
    if let Ok(verified) = jwt::verify(&sign(&OWN), &KEYS, now()) {
        assert!(head["alg"] == "RS256" && head["kid"] == "test-key", "{head}");
        let claims: Value = serde_json::from_slice(claims).unwrap();
        let now = now().as_duration().as_secs_f64();
        assert!(claims["exp"].as_f64().is_some_and(|end| now < end + 61.0), "{claims}");
        assert!(verified.audience().is_none() || !claims["aud"].is_null(), "{claims}");
    }
}

/// A document that changes the set has a key in it.
fn key_set(document: &[u8]) {
    let keys = KeySet::new(KeySource::Url("https://keys.example.com".into()));
    match keys.replace(document) {
        Ok(count) => {
            assert!(count > 0 && keys.has_keys());
            assert!(keys.verify("test-key", b"message", document).is_err());
        }
        Err(why) => {
            assert!(!why.is_empty() && !keys.has_keys());
            super::assert_printable(&why);
        }
    }
}

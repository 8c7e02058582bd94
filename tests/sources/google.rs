//! Google's side of its push deliveries: tokens, signed with a test key.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use boathook::source::Draft;
use jiff::Timestamp;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};

use support::sign::hmac_sha256;

/// The key set that Google publishes.
pub(crate) const KEY_SET: &str = include_str!("../data/google/test-jwks.json");

const KEY: &[u8] = include_bytes!("../data/google/test-key.pk8");
const OTHER_KEY: &[u8] = include_bytes!("../data/google/other-test-key.pk8");

fn head() -> Value {
    json!({"alg": "RS256", "kid": "test-key", "typ": "JWT"})
}

/// What an honest token claims, for the endpoint in [`crate::cases::ROWS`].
fn claims(now: Timestamp) -> Value {
    json!({
        "iss": "https://accounts.google.com", "aud": "https://hooks.example.com",
        "email": "push@acme.iam.gserviceaccount.com", "email_verified": true,
        "sub": "113774264463038321964", "iat": now.as_second(), "exp": now.as_second() + 3600,
    })
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn signed(head: &Value, claims: &Value, key: &[u8]) -> String {
    let message = format!("{}.{}", part(head), part(claims));
    let pair = RsaKeyPair::from_pkcs8(key).unwrap();
    let mut signature = vec![0; pair.public().modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature).unwrap();
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// The draft with a token; several stand in several headers.
pub(crate) fn with_tokens(draft: &Draft, tokens: &[&str]) -> Draft {
    let mut draft = draft.clone();
    let header = |token: &&str| ("Authorization".to_owned(), format!("Bearer {token}"));
    draft.headers.extend(tokens.iter().map(header));
    draft
}

/// A token that Google would send now.
pub(crate) fn honest(now: Timestamp) -> String {
    signed(&head(), &claims(now), KEY)
}

/// Tokens that are none of Google's, or not for us, with what is wrong with each.
pub(crate) fn forged(now: Timestamp) -> Vec<(&'static str, String)> {
    let with = |mut value: Value, field: &str, other: Value| {
        value[field] = other;
        value
    };
    let claiming = |field: &str, other: Value| signed(&head(), &with(claims(now), field, other), KEY);
    let honest = honest(now);
    let (message, signature) = honest.rsplit_once('.').unwrap();
    let (head_part, _) = message.split_once('.').unwrap();
    let unsigned = format!("{}.{}.", part(&with(head(), "alg", json!("none"))), part(&claims(now)));
    // The public key as the secret of an HMAC.
    let symmetric = format!("{}.{}", part(&with(head(), "alg", json!("HS256"))), part(&claims(now)));
    let tag = hex::decode(hmac_sha256(KEY_SET.as_bytes(), symmetric.as_bytes())).unwrap();
    vec![
        ("wrong proof", signed(&head(), &claims(now), OTHER_KEY)),
        ("wrong proof", format!("{head_part}.{}.{signature}", part(&with(claims(now), "sub", json!("1"))))),
        ("wrong proof", signed(&with(head(), "kid", json!("a key that nobody knows")), &claims(now), KEY)),
        ("wrong proof", claiming("aud", json!("https://hooks.example.com/other"))),
        ("wrong proof", claiming("iss", json!("https://accounts.example.com"))),
        ("wrong proof", claiming("email", json!("somebody@gmail.com"))),
        ("wrong proof", claiming("email_verified", json!(false))),
        ("truncated proof", honest[..honest.len() - 2].to_owned()),
        ("truncated proof", message.to_owned()),
        ("empty proof", String::new()),
        ("other algorithm", unsigned),
        ("other algorithm", format!("{symmetric}.{}", URL_SAFE_NO_PAD.encode(tag))),
        ("stale", claiming("exp", json!(now.as_second() - 3600))),
    ]
}

//! JSON Web Tokens (RFC 7519) as OIDC issuers sign them, verified against a [`KeySet`]. The algorithm
//! is RS256 and nothing else, whatever the token says, and a key never comes with the token.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::Refusal;
use super::key_set::KeySet;

/// How far the issuer's clock and ours may differ, in seconds.
const SKEW: f64 = 60.0;

/// What a verified token says; who it is for and who sent it is the caller's to judge.
#[derive(Debug, Deserialize)]
pub struct Claims {
    /// The issuer.
    pub iss: Option<String>,
    aud: Option<Audience>,
    /// The account that the token stands for.
    pub email: Option<String>,
    /// Whether the issuer vouches for the address; a text `"true"` makes the token invalid.
    pub email_verified: Option<bool>,
    exp: Option<f64>,
    iat: Option<f64>,
    nbf: Option<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Claims {
    /// Whom the token is for, if that is exactly one.
    pub fn audience(&self) -> Option<&str> {
        match self.aud.as_ref()? {
            Audience::One(audience) => Some(audience),
            Audience::Several(audiences) => match audiences.as_slice() {
                [audience] => Some(audience),
                _ => None,
            },
        }
    }

    /// Whether the token is valid now. It must say when it was made and when it ends.
    fn is_current(&self, now: Timestamp) -> bool {
        let now = now.as_duration().as_secs_f64();
        self.exp.is_some_and(|end| now < end + SKEW)
            && self.iat.is_some_and(|made| now > made - SKEW)
            && self.nbf.is_none_or(|start| now > start - SKEW)
    }
}

#[derive(Deserialize)]
struct Head {
    alg: Option<String>,
    kid: Option<String>,
    /// Extensions that must be understood: none is.
    crit: Option<IgnoredAny>,
    /// Keys, or places of keys, of the token's own choice.
    jwk: Option<IgnoredAny>,
    jku: Option<IgnoredAny>,
    x5c: Option<IgnoredAny>,
    x5u: Option<IgnoredAny>,
}

impl Head {
    /// The id of the key that has signed, if the header asks for nothing that is not allowed.
    fn key_id(&self) -> Option<&str> {
        let forbidden = [&self.crit, &self.jwk, &self.jku, &self.x5c, &self.x5u];
        let plain = forbidden.iter().all(|field| field.is_none());
        self.kid.as_deref().filter(|_| plain && self.alg.as_deref() == Some("RS256"))
    }
}

/// Checks form, algorithm, signature and times of a token in its compact form (RFC 7515).
/// [`Refusal::Unavailable`] when the form is right and there are no keys yet to check it against.
pub fn verify(token: &str, keys: &KeySet, now: Timestamp) -> Result<Claims, Refusal> {
    let (message, signature) = token.rsplit_once('.').ok_or(Refusal::Invalid)?;
    let (head, claims) = message.split_once('.').ok_or(Refusal::Invalid)?;
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| Refusal::Invalid)?;
    let head: Head = part(head)?;
    let key_id = head.key_id().ok_or(Refusal::Invalid)?;
    keys.verify(key_id, message.as_bytes(), &signature)?;
    let claims: Claims = part(claims)?;
    if claims.is_current(now) { Ok(claims) } else { Err(Refusal::Invalid) }
}

fn part<T: DeserializeOwned>(text: &str) -> Result<T, Refusal> {
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| Refusal::Invalid)?;
    // UTF-8 as a whole (RFC 7519, section 3): the parser would not look at what is passed over.
    let text = String::from_utf8(bytes).map_err(|_| Refusal::Invalid)?;
    serde_json::from_str(&text).map_err(|_| Refusal::Invalid)
}

/// Tokens for tests, signed with a key that exists for tests alone.
#[cfg(test)]
pub(super) mod testing {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use ring::rand::SystemRandom;
    use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
    use serde_json::{Value, json};

    /// The public half of the test key.
    pub(in crate::source) const JWKS: &[u8] = include_bytes!("../../tests/data/google/test-jwks.json");

    /// Signs by RS256.
    pub(in crate::source) fn sign_with(key: &[u8], message: &[u8]) -> Vec<u8> {
        let pair = RsaKeyPair::from_pkcs8(key).unwrap();
        let mut signature = vec![0; pair.public().modulus_len()];
        pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).unwrap();
        signature
    }

    /// A token with this header and these claims, signed by the test key.
    pub(in crate::source) fn token(head: &Value, claims: &Value) -> String {
        token_of(head, claims.to_string().as_bytes())
    }

    /// A token with these bytes for its claims.
    pub(in crate::source) fn token_of(head: &Value, claims: &[u8]) -> String {
        let message =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(head.to_string()), URL_SAFE_NO_PAD.encode(claims));
        let signature = sign_with(include_bytes!("../../tests/data/google/test-key.pk8"), message.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// The header of an honest token.
    pub(in crate::source) fn head() -> Value {
        json!({"alg": "RS256", "kid": "test-key", "typ": "JWT"})
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::super::key_set::KeySource;
    use super::super::signature::{Algorithm, hmac};
    use super::testing::{JWKS, head, token, token_of};
    use super::*;

    const NOW: i64 = 1_777_888_800;

    fn keys() -> KeySet {
        let keys = KeySet::new(KeySource::Url("https://keys.example.com".into()));
        keys.replace(JWKS).unwrap();
        keys
    }

    fn check(token: &str) -> Result<Claims, Refusal> {
        verify(token, &keys(), Timestamp::from_second(NOW).unwrap())
    }

    fn claims() -> Value {
        json!({"iss": "https://accounts.google.com", "aud": "boathook", "exp": NOW + 3600, "iat": NOW})
    }

    fn with(mut value: Value, field: &str, other: &Value) -> Value {
        value[field] = other.clone();
        value
    }

    #[test]
    fn an_honest_token() {
        let claims = check(&token(&head(), &claims())).unwrap();
        assert_eq!(claims.iss.as_deref(), Some("https://accounts.google.com"));
        assert_eq!(claims.audience(), Some("boathook"));
    }

    #[test]
    fn claims_are_utf_8_also_where_nobody_reads_them() {
        let text = with(claims(), "note", &json!("odd")).to_string();
        assert!(check(&token_of(&head(), text.as_bytes())).is_ok());
        let odd: Vec<_> =
            text.replace("odd", "\u{1}dd").bytes().map(|b| if b == 1 { 0xa8 } else { b }).collect();
        assert_eq!(check(&token_of(&head(), &odd)).unwrap_err(), Refusal::Invalid);
    }

    #[test]
    fn the_token_does_not_choose_algorithm_or_key() {
        for (field, value) in [
            ("alg", json!("none")),
            ("alg", json!("None")),
            ("alg", json!("HS256")),
            ("alg", json!("RS512")),
            ("alg", Value::Null),
            ("kid", json!("another")),
            ("kid", Value::Null),
            ("crit", json!(["exp"])),
            ("jku", json!("https://keys.example.net")),
            ("x5u", json!("https://keys.example.net")),
            ("x5c", json!([])),
            ("jwk", json!({"kty": "RSA"})),
        ] {
            let told = check(&token(&with(head(), field, &value), &claims()));
            assert_eq!(told.unwrap_err(), Refusal::Invalid, "{field} {value}");
        }
        // The public key as the secret of an HMAC.
        let signed = token(&with(head(), "alg", &json!("HS256")), &claims());
        let (message, _) = signed.rsplit_once('.').unwrap();
        let tag = hmac(Algorithm::Sha256, JWKS, &[message.as_bytes()]);
        let forged = format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag));
        assert_eq!(check(&forged).unwrap_err(), Refusal::Invalid);
    }

    #[test]
    fn what_is_changed_or_cut_short_is_invalid() {
        let honest = token(&head(), &claims());
        let (message, signature) = honest.rsplit_once('.').unwrap();
        let (head_part, _) = message.split_once('.').unwrap();
        let other = URL_SAFE_NO_PAD.encode(with(claims(), "aud", &json!("another")).to_string());
        for bad in [
            &honest[..honest.len() - 4],
            message,
            &format!("{message}."),
            &format!("{honest}="),
            &format!("{honest}.{signature}"),
            &format!("{head_part}.{other}.{signature}"),
            &format!(" {honest}"),
            "",
            ".",
            "..",
            "a.b.c",
        ] {
            assert_eq!(check(bad).unwrap_err(), Refusal::Invalid, "{bad}");
        }
    }

    #[test]
    fn times_within_a_minute() {
        for (field, value, valid) in [
            ("exp", json!(NOW - 59), true),
            ("exp", json!(NOW - 60), false),
            ("exp", json!((NOW + 1).to_string()), false),
            ("exp", Value::Null, false),
            ("iat", json!(NOW + 59), true),
            ("iat", json!(NOW + 61), false),
            ("iat", Value::Null, false),
            ("nbf", json!(NOW + 59), true),
            ("nbf", json!(NOW + 61), false),
            ("nbf", json!(1.5e9), true),
        ] {
            assert_eq!(
                check(&token(&head(), &with(claims(), field, &value))).is_ok(),
                valid,
                "{field} {value}"
            );
        }
    }

    #[test]
    fn a_token_is_for_one_audience() {
        let audience = |value: Value| {
            let claims = check(&token(&head(), &with(claims(), "aud", &value))).unwrap();
            claims.audience().map(str::to_owned)
        };
        assert_eq!(audience(json!(["boathook"])).as_deref(), Some("boathook"));
        assert_eq!(audience(json!(["boathook", "another"])), None);
        assert_eq!(audience(json!([])), None);
        assert_eq!(audience(Value::Null), None);
    }

    #[test]
    fn without_keys_a_well_formed_token_cannot_be_judged() {
        let none = KeySet::new(KeySource::Url("https://keys.example.com".into()));
        let now = Timestamp::from_second(NOW).unwrap();
        assert_eq!(verify(&token(&head(), &claims()), &none, now).unwrap_err(), Refusal::Unavailable);
        assert_eq!(verify("a.b.c", &none, now).unwrap_err(), Refusal::Invalid);
    }

    proptest! {
        #[test]
        fn any_text_is_judged(text in ".{0,80}", parts in prop::collection::vec(any::<Vec<u8>>(), 0..5)) {
            prop_assert!(check(&text).is_err());
            let parts: Vec<_> = parts.iter().map(|part| URL_SAFE_NO_PAD.encode(part)).collect();
            prop_assert!(check(&parts.join(".")).is_err());
        }

        #[test]
        fn any_claims_are_judged(claims in super::super::testing::any_json()) {
            prop_assert!(check(&token(&head(), &claims)).is_err());
        }
    }
}

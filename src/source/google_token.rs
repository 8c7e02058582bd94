//! The OIDC token by which a Pub/Sub push subscription proves itself. It says nothing of the body, and whoever
//! has an account at Google can have one for any audience: it is the account's address that counts.

use std::sync::Arc;

use jiff::Timestamp;

use super::key_set::{KeySet, KeySource};
use super::signature::present;
use super::{Delivery, Refusal, Setting, jwt};
use crate::config::fields::Fields;
use crate::outside;

/// Both spellings are Google's own.
const ISSUERS: [&str; 2] = ["https://accounts.google.com", "accounts.google.com"];
/// The keys that Google's discovery document names.
const GOOGLE_KEYS: &str = "https://www.googleapis.com/oauth2/v3/certs";

/// What a token must say, and the keys that it must be signed by.
#[derive(Debug)]
pub struct GoogleToken {
    audience: String,
    /// Absent only in flux-recv's configurations: flux-recv did not look at it.
    email: Option<String>,
    keys: Arc<KeySet>,
}

impl GoogleToken {
    /// Reads `gcr: {audience, email}` and `jwks`, a file or a URL, which may stand in `gcr` or beside it.
    pub fn configure(fields: &mut Fields<'_>, setting: &Setting) -> Option<Self> {
        let beside = configure_keys(fields);
        let Some(mut gcr) = fields.section("gcr") else {
            if !(fields.has("gcr") || setting.flux_recv || setting.verify_path) {
                let text = "gcr is missing: add gcr: {audience: …, email: …} as the subscription has them, or \
                            verify: path if it sends no token";
                fields.report().mistake(fields.path(), text);
            }
            return None;
        };
        let audience = gcr.required("audience");
        let email = if setting.flux_recv { gcr.string("email") } else { gcr.required("email") };
        let inside = configure_keys(&mut gcr);
        if beside.is_some() && inside.is_some() {
            gcr.mistake("jwks", "stands beside gcr as well: leave one of them out");
        }
        gcr.finish();
        let google = || Arc::new(KeySet::new(KeySource::Url(GOOGLE_KEYS.to_owned())));
        Some(Self { audience: audience?, email, keys: inside.or(beside).unwrap_or_else(google) })
    }

    /// How deliveries prove themselves.
    pub fn proof(&self) -> String {
        let account = self.email.as_deref().unwrap_or("any account");
        format!("Authorization, Google's token for {} of {account}", self.audience)
    }

    /// The keys.
    pub fn keys(&self) -> &Arc<KeySet> {
        &self.keys
    }

    /// Checks the token of a delivery.
    pub fn verify(&self, delivery: &Delivery<'_>, now: Timestamp) -> Result<(), Refusal> {
        let text = present(delivery.header("authorization"))?;
        let token = match text.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim_start(),
            _ => return Err(Refusal::Invalid),
        };
        let claims = jwt::verify(token, &self.keys, now)?;
        let issued = claims.iss.as_deref().is_some_and(|issuer| ISSUERS.contains(&issuer));
        let meant = claims.audience() == Some(&self.audience);
        let sent = match &self.email {
            Some(email) => claims.email.as_ref() == Some(email) && claims.email_verified == Some(true),
            None => true,
        };
        if issued && meant && sent { Ok(()) } else { Err(Refusal::Invalid) }
    }
}

/// Reads `jwks`. A file is read here and now, and again with the configuration when it changes.
fn configure_keys(fields: &mut Fields<'_>) -> Option<Arc<KeySet>> {
    let place = fields.string("jwks")?;
    if place.contains("://") {
        if !is_trusted(&place) {
            fields
                .mistake("jwks", "must be fetched over https: over http anybody on the way can put in keys");
        } else if let Err(why) = outside::url(&place) {
            fields.mistake("jwks", format!("is not a URL: {why}"));
        }
        return Some(Arc::new(KeySet::new(KeySource::Url(place))));
    }
    let path = fields.report().watched_file(&place);
    let read = std::fs::read(&path).map_err(|error| error.to_string());
    let keys = KeySet::new(KeySource::File(path.clone()));
    if let Err(error) = read.and_then(|document| keys.replace(&document)) {
        fields.mistake("jwks", format!("{} is not a key set: {error}", path.display()));
    }
    Some(Arc::new(keys))
}

/// Whether nobody stands between us and this URL: https, or this machine.
fn is_trusted(url: &str) -> bool {
    let host = super::registry::host_of_url(url).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    url.starts_with("https://") && !host.is_empty()
        || url.starts_with("http://") && ["127.0.0.1", "localhost", "[::1]"].contains(&name)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::google_container_registry::SOURCE;
    use super::super::jwt::testing::{head, token};
    use super::super::testing::{configured, flux_recv, now, receiver, verified};
    use super::super::{Receiver, Refusal};
    use super::*;

    const GCR: &str = "gcr: {audience: boathook, email: push@acme.iam.gserviceaccount.com}
jwks: tests/data/google/test-jwks.json";

    fn claims() -> Value {
        let now = now().as_second();
        json!({
            "iss": "https://accounts.google.com",
            "aud": "boathook",
            "azp": "113774264463038321964",
            "sub": "113774264463038321964",
            "email": "push@acme.iam.gserviceaccount.com",
            "email_verified": true,
            "iat": now,
            "exp": now + 3600,
        })
    }

    fn check(google: &dyn Receiver, claims: &Value) -> Result<(), Refusal> {
        let bearer = format!("Bearer {}", token(&head(), claims));
        verified(google, &[("Authorization", &bearer)], "{}")
    }

    fn with(field: &str, value: &Value) -> Value {
        let mut claims = claims();
        claims[field] = value.clone();
        claims
    }

    #[test]
    fn an_honest_token() {
        let google = receiver(&SOURCE, GCR);
        assert_eq!(check(&*google, &claims()), Ok(()));
        assert_eq!(check(&*google, &with("iss", &json!("accounts.google.com"))), Ok(()));
        assert_eq!(check(&*google, &with("aud", &json!(["boathook"]))), Ok(()));
        let proof = google.proof().unwrap();
        assert_eq!(proof, "Authorization, Google's token for boathook of push@acme.iam.gserviceaccount.com");
        let file = google.key_set().unwrap().source().clone();
        assert!(matches!(file, KeySource::File(path) if path.ends_with("test-jwks.json")));
    }

    #[test]
    fn every_claim_counts() {
        let google = receiver(&SOURCE, GCR);
        for (field, value) in [
            ("iss", json!("https://accounts.google.com.example.net")),
            ("iss", Value::Null),
            ("aud", json!("https://hooks.example.com/other")),
            ("aud", json!(["boathook", "another"])),
            ("aud", Value::Null),
            ("email", json!("somebody@gmail.com")),
            ("email", Value::Null),
            ("email_verified", json!(false)),
            ("email_verified", json!("true")),
            ("email_verified", Value::Null),
            ("exp", json!(1_700_000_000)),
            ("exp", Value::Null),
        ] {
            assert_eq!(check(&*google, &with(field, &value)), Err(Refusal::Invalid), "{field} {value}");
        }
    }

    #[test]
    fn the_header_is_a_bearer_token_and_there_once() {
        let google = receiver(&SOURCE, GCR);
        let honest = token(&head(), &claims());
        let check = |values: &[&str]| {
            let headers: Vec<_> = values.iter().map(|value| ("Authorization", *value)).collect();
            verified(&*google, &headers, "{}")
        };
        assert_eq!(check(&[&format!("bearer {honest}")]), Ok(()));
        assert_eq!(check(&[]), Err(Refusal::Missing));
        for wrong in ["", "Bearer", "Bearer ", &honest, &format!("Basic {honest}"), "Bearer a.b.c"] {
            assert_eq!(check(&[wrong]), Err(Refusal::Invalid), "{wrong}");
        }
        let bearer = format!("Bearer {honest}");
        assert_eq!(check(&[&bearer, &bearer]), Err(Refusal::Invalid));
    }

    #[test]
    fn without_keys_yet_it_cannot_be_checked() {
        let google = receiver(&SOURCE, "gcr: {audience: boathook, email: a@b}");
        assert_eq!(check(&*google, &claims()), Err(Refusal::Unavailable));
        assert_eq!(google.key_set().unwrap().source(), &KeySource::Url(GOOGLE_KEYS.into()));
        google.key_set().unwrap().replace(jwt::testing::JWKS).unwrap();
        assert_eq!(check(&*google, &claims()), Err(Refusal::Invalid), "another account");
    }

    #[test]
    fn flux_recv_looked_at_the_audience_alone() {
        let audience = "gcr: {audience: boathook, jwks: tests/data/google/test-jwks.json}";
        let google = flux_recv(&SOURCE, audience);
        assert_eq!(check(&*google, &with("email", &json!("somebody@gmail.com"))), Ok(()));
        assert_eq!(check(&*google, &with("aud", &json!("another"))), Err(Refusal::Invalid));
        let (_, mistakes) = configured(&SOURCE, audience, &Setting::default());
        assert_eq!(mistakes, ["c.yaml:1:6: gcr: email is missing"]);
    }

    #[test]
    fn mistakes_are_told() {
        let mistakes = |yaml: &str| configured(&SOURCE, yaml, &Setting::default()).1;
        assert!(mistakes("{}")[0].contains("gcr is missing"));
        let gcr = |jwks: &str| format!("gcr: {{audience: a, email: b, jwks: '{jwks}'}}");
        for fine in ["https://keys.example.com/certs", "http://127.0.0.1:8000/certs", "http://[::1]:80/certs"]
        {
            assert_eq!(mistakes(&gcr(fine)), [""; 0], "{fine}");
        }
        for bad in
            ["http://keys.example.com/certs", "ftp://keys.example.com", "https://", "http://localhost.a/"]
        {
            assert!(mistakes(&gcr(bad))[0].contains("over https"), "{bad}");
        }
        for bad in ["https://b\u{fc}cher.example/certs", "https://[::1/certs", "https://a b/certs"] {
            assert!(mistakes(&gcr(bad))[0].contains("jwks: is not a URL: "), "{bad}");
        }
        assert!(mistakes(&gcr("https://b\u{fc}cher.example/certs"))[0].contains("is written as xn--"));
        assert!(mistakes(&gcr("missing.json"))[0].contains("missing.json is not a key set: "));
        assert!(mistakes(&gcr("Cargo.toml"))[0].contains("Cargo.toml is not a key set: it is not JSON"));
        let both = format!("{}\njwks: https://keys.example.com", gcr("https://keys.example.com"));
        assert!(mistakes(&both)[0].contains("leave one of them out"));
        assert!(mistakes("gcr: {audience: a, email: b, audiences: c}")[0].contains("did you mean audience?"));
    }
}

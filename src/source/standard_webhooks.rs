//! The signature of Standard Webhooks, version `v1`: HMAC-SHA256 of `id.timestamp.body`, base64.
//! <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use zeroize::Zeroizing;

use super::signature::{Algorithm, hmac, present, same};
use super::{Delivery, Refusal};
use crate::key::Key;

/// The delivery's id.
pub const ID: &str = "webhook-id";
/// When it was sent, in seconds since 1970.
pub const TIMESTAMP: &str = "webhook-timestamp";
/// `v1,` + base64, several of them between spaces while a key is rotated.
pub const SIGNATURE: &str = "webhook-signature";

/// How far the time that was signed may be off, in both directions.
const TOLERANCE: SignedDuration = SignedDuration::from_mins(5);
/// A rotation needs two signatures; nobody needs more than this.
const MOST_SIGNATURES: usize = 16;

/// The bytes of a signing key (`whsec_` + base64). `None` for any other key, which this scheme never uses.
pub fn signing_key(key: &Key) -> Option<Zeroizing<Vec<u8>>> {
    let encoded = key.expose().strip_prefix(b"whsec_")?;
    STANDARD.decode(encoded.trim_ascii_end()).ok().map(Zeroizing::new).filter(|bytes| !bytes.is_empty())
}

/// Whether a key is of this scheme by its prefix, usable or not: it must never be taken for a plain token.
pub fn is_signing_key(key: &Key) -> bool {
    key.expose().starts_with(b"whsec_")
}

/// Checks the three headers against the keys of this scheme.
pub fn verify(keys: &[Key], delivery: &Delivery<'_>, now: Timestamp) -> Result<(), Refusal> {
    let signatures = present(delivery.header(SIGNATURE))?;
    let id = delivery.text(ID).filter(|id| is_id(id)).ok_or(Refusal::Invalid)?;
    let timestamp = delivery.text(TIMESTAMP).ok_or(Refusal::Invalid)?;
    if !is_recent(timestamp, now) {
        return Err(Refusal::Invalid);
    }
    let presented: Vec<Vec<u8>> = signatures
        .split_ascii_whitespace()
        .take(MOST_SIGNATURES)
        .filter_map(|signature| STANDARD.decode(signature.strip_prefix("v1,")?).ok())
        .collect();
    let matches = keys.iter().filter_map(signing_key).any(|key| {
        let tag = tag(&key, id, timestamp, delivery.body);
        presented.iter().any(|presented| same(&tag, presented))
    });
    if matches { Ok(()) } else { Err(Refusal::Invalid) }
}

/// The signature that `verify` accepts for this key; `None` if the key is not of this scheme.
pub fn sign(key: &Key, id: &str, timestamp: &str, body: &[u8]) -> Option<String> {
    let tag = tag(&signing_key(key)?, id, timestamp, body);
    Some(format!("v1,{}", STANDARD.encode(tag)))
}

fn tag(key: &[u8], id: &str, timestamp: &str, body: &[u8]) -> Vec<u8> {
    let message = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body];
    hmac(Algorithm::Sha256, key, &message).as_ref().to_vec()
}

/// A dot in the id would let one signature stand for several messages.
fn is_id(id: &str) -> bool {
    (1..=200).contains(&id.len()) && !id.contains('.')
}

fn is_recent(seconds: &str, now: Timestamp) -> bool {
    let digits = !seconds.is_empty() && seconds.bytes().all(|b| b.is_ascii_digit());
    let sent = seconds.parse().ok().filter(|_| digits).and_then(|s| Timestamp::from_second(s).ok());
    sent.is_some_and(|sent| now.duration_since(sent).abs() <= TOLERANCE)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The specification's reference message.
    const KEY: &[u8] = b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const MESSAGE_ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const SENT: &str = "1614265330";
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SIGNED: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn check(
        key: &[u8],
        id: &str,
        timestamp: &str,
        signature: &str,
        seconds_later: i64,
    ) -> Result<(), Refusal> {
        let pairs = [(ID, id), (TIMESTAMP, timestamp), (SIGNATURE, signature)];
        let headers = crate::source::headers(&crate::source::testing::pairs(&pairs)).unwrap();
        let now = Timestamp::from_second(1_614_265_330 + seconds_later).unwrap();
        verify(&[Key::new(key)], &Delivery { headers: &headers, body: BODY }, now)
    }

    #[test]
    fn the_reference_message() {
        assert_eq!(sign(&Key::new(KEY), MESSAGE_ID, SENT, BODY).as_deref(), Some(SIGNED));
        assert_eq!(check(KEY, MESSAGE_ID, SENT, SIGNED, 0), Ok(()));
        let rotated = format!("v1,AAAA v2,xx v1a,{} {SIGNED}", &SIGNED[3..]);
        assert_eq!(check(KEY, MESSAGE_ID, SENT, &rotated, 0), Ok(()));
        for bad in ["", "v1,", &SIGNED[3..], &SIGNED[..20], &SIGNED.replace("v1,", "v1a,"), "v1,AAAA"] {
            assert_eq!(check(KEY, MESSAGE_ID, SENT, bad, 0), Err(Refusal::Invalid), "{bad}");
        }
    }

    #[test]
    fn five_minutes_in_both_directions() {
        for (off, expected) in
            [(300, Ok(())), (-300, Ok(())), (301, Err(Refusal::Invalid)), (-301, Err(Refusal::Invalid))]
        {
            assert_eq!(check(KEY, MESSAGE_ID, SENT, SIGNED, off), expected, "{off}");
        }
        for bad in ["", "+1614265330", " ", "99999999999999999999", "1614265330.0"] {
            assert_eq!(check(KEY, MESSAGE_ID, bad, SIGNED, 0), Err(Refusal::Invalid), "{bad}");
        }
    }

    #[test]
    fn an_id_that_could_hold_a_time_is_refused() {
        // "a.1" at 2 and "a" at 1 with a body of "2.…" would be the same bytes.
        let signed = sign(&Key::new(KEY), "a.1", SENT, BODY).unwrap();
        assert_eq!(check(KEY, "a.1", SENT, &signed, 0), Err(Refusal::Invalid));
    }

    #[test]
    fn only_keys_of_the_scheme_sign() {
        for bad in [&b"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"[..], b"whsec_", b"whsec_***"] {
            assert_eq!(sign(&Key::new(bad), MESSAGE_ID, SENT, BODY), None);
            assert_eq!(check(bad, MESSAGE_ID, SENT, SIGNED, 0), Err(Refusal::Invalid));
        }
    }
}

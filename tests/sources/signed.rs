//! What a source signs verifies, whatever it is, and nothing else does.

use std::sync::LazyLock;

use boathook::key::Key;
use boathook::source::Draft;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use serde_json::Value;

use crate::cases::{Case, cases, sign};

/// The cases that sign, with their samples.
static SIGNING: LazyLock<Vec<(Case, Vec<Draft>)>> = LazyLock::new(|| {
    let signed = |case: &Case| case.signed().into_iter().map(|(_, draft)| draft).collect::<Vec<_>>();
    let all = cases().into_iter().map(|case| (signed(&case), case)).map(|(drafts, case)| (case, drafts));
    all.filter(|(_, drafts)| !drafts.is_empty()).collect()
});

/// The bits of so many bytes.
fn bits(bytes: usize) -> impl Iterator<Item = (usize, u8)> {
    (0..bytes).flat_map(|byte| (0..8).map(move |bit| (byte, 1 << bit)))
}

fn with_body(draft: &Draft, change: impl FnOnce(&mut Vec<u8>)) -> Draft {
    let mut changed = draft.clone();
    change(&mut changed.body);
    changed
}

/// With one bit of a header flipped; `None` if that makes no text of it.
fn with_header_bit(draft: &Draft, name: &str, (byte, bit): (usize, u8)) -> Option<Draft> {
    let mut changed = draft.clone();
    let (_, value) = changed.headers.iter_mut().find(|(header, _)| header == name)?;
    let mut bytes = value.clone().into_bytes();
    bytes[byte] ^= bit;
    *value = String::from_utf8(bytes).ok()?;
    boathook::source::headers(&changed.headers).is_ok().then_some(changed)
}

/// Whether two values of one length say the same: a scheme's name, and an HMAC's hex digits, may be in either case.
fn says_the_same(old: &str, new: &str) -> bool {
    let digits = old.rsplit('=').next().unwrap_or_default();
    let is_hmac = digits.len() >= 40 && digits.bytes().all(|b| b.is_ascii_hexdigit());
    let (scheme, end) =
        (old.find(' ').unwrap_or(0), if is_hmac { old.len() - digits.len() } else { old.len() });
    old[..scheme].eq_ignore_ascii_case(&new[..scheme])
        && old[scheme..end] == new[scheme..end]
        && old[end..].eq_ignore_ascii_case(&new[end..])
}

/// What the proof is made of besides the body: the headers that carry it, and those that it signs.
fn signed_headers(case: &Case, draft: &Draft) -> Vec<String> {
    let mut names = case.proofs(draft);
    let more = draft.headers.iter().map(|(name, _)| name).filter(|name| name.starts_with("webhook-"));
    names.extend(more.filter(|_| case.signs_time).cloned());
    names.dedup();
    names
}

#[test]
fn no_bit_of_key_proof_or_body_can_be_another() {
    let mut tried = 0;
    for (case, drafts) in &*SIGNING {
        let mut refused = |key: &Key, draft: &Draft, what: &dyn Fn() -> String| {
            tried += 1;
            assert!(case.verify(key, draft).is_err(), "{}: {}", case.name, what());
        };
        let draft = drafts.iter().min_by_key(|draft| draft.body.len()).unwrap();
        for (byte, bit) in bits(case.key.expose().len()) {
            let mut key = case.key.expose().to_vec();
            key[byte] ^= bit;
            refused(&Key::new(key), draft, &|| format!("bit {bit:#x} of byte {byte} of the key"));
        }
        for name in signed_headers(case, draft) {
            let value = draft.header(&name).unwrap();
            for place in bits(value.len()) {
                let Some(changed) = with_header_bit(draft, &name, place) else { continue };
                if !says_the_same(value, changed.header(&name).unwrap()) {
                    refused(&case.key, &changed, &|| format!("{name}: {}", changed.header(&name).unwrap()));
                }
            }
            let mut twice = draft.clone();
            twice.headers.push((name.clone(), value.to_owned()));
            refused(&case.key, &twice, &|| format!("{name} twice"));
        }
        for (byte, bit) in bits(draft.body.len()).filter(|_| case.signs_body) {
            let changed = with_body(draft, |body| body[byte] ^= bit);
            refused(&case.key, &changed, &|| format!("bit {bit:#x} of byte {byte} of the body"));
        }
    }
    assert!(tried > 50_000, "only {tried} were tried");
}

#[test]
fn a_proof_is_good_for_minutes_where_it_binds_the_time_and_for_ever_elsewhere() {
    for (case, drafts) in &*SIGNING {
        for off in [SignedDuration::from_mins(6), SignedDuration::from_mins(-6)] {
            let then = Case { now: case.now + off, ..case.clone() };
            for draft in drafts {
                assert_eq!(then.verify(&then.key, draft).is_err(), case.signs_time, "{} {off}", case.name);
            }
        }
    }
}

/// A key of the form that the case's keys have.
fn key_of(case: &Case, bytes: &[u8]) -> Key {
    let own = case.key.expose();
    let digits = hex::encode(bytes);
    if own.starts_with(b"whsec_") {
        // Hex digits are base64, four of them at a time.
        return Key::new(format!("whsec_{}", &digits[..digits.len() / 4 * 4]).into_bytes());
    }
    if own.contains(&b':') {
        return Key::new(format!("{}:{digits}", &digits[..4]).into_bytes());
    }
    if case.signs_body { Key::new(bytes) } else { Key::new(digits.into_bytes()) }
}

/// A body of any bytes, where the source looks for nothing in it.
fn body_of(draft: &Draft, case: &Case, bytes: &[u8]) -> Vec<u8> {
    if case.source != "Generic" {
        return bytes.to_vec();
    }
    let mut body: Value = serde_json::from_slice(&draft.body).unwrap();
    body["more"] = String::from_utf8_lossy(bytes).into_owned().into();
    body.to_string().into_bytes()
}

proptest! {
    // Each case is one for every source.
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn what_is_signed_verifies_and_with_one_bit_changed_does_not(
        key in proptest::collection::vec(any::<u8>(), 4..200),
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        seconds in 0_i64..4_000_000_000,
        sample in any::<prop::sample::Index>(),
        (place, bit) in (any::<prop::sample::Index>(), 0..8_u32),
    ) {
        for (case, _) in &*SIGNING {
            let case = Case { now: Timestamp::from_second(seconds).unwrap(), ..case.clone() };
            let key = key_of(&case, &key);
            let samples = case.samples();
            let (_, draft) = &samples[sample.index(samples.len())];
            let draft = Draft { body: body_of(draft, &case, &bytes), ..draft.clone() };
            let signed = sign(&case, &key, draft);
            prop_assert!(signed.is_some(), "{} does not sign", case.name);
            let signed = signed.unwrap();
            prop_assert_eq!(case.verify(&key, &signed), Ok(()), "{}", case.name);
            if case.signs_body && !signed.body.is_empty() {
                let byte = place.index(signed.body.len());
                let changed = with_body(&signed, |body| body[byte] ^= 1 << bit);
                prop_assert!(case.verify(&key, &changed).is_err(), "{}: byte {byte} of the body", case.name);
            }
            let mut other = key.expose().to_vec();
            let byte = place.index(other.len());
            other[byte] ^= 1 << bit;
            prop_assert!(case.verify(&Key::new(other), &signed).is_err(), "{}: byte {byte} of the key", case.name);
        }
    }
}

//! What somebody may send who does not have the key.

use boathook::source::Draft;
use jiff::SignedDuration;
use ring::hmac::{HMAC_SHA1_FOR_LEGACY_USE_ONLY, HMAC_SHA256, HMAC_SHA512};

use crate::cases::{Case, other_byte, without};
use crate::google;
use crate::scene::{acting, genuine, is_google};
use support::sign::hmac_hex;

/// A delivery and what is wrong with it.
type Bad = (&'static str, Draft);

/// What can be wrong with a proof, or with what it proves; not all of it can be at every source.
pub(crate) const KINDS: [&str; 12] = [
    "empty body",
    "empty proof",
    "no proof",
    "other algorithm",
    "other body",
    "other content type",
    "proof twice",
    "stale",
    "truncated body",
    "truncated proof",
    "weaker proof",
    "wrong proof",
];

/// Deliveries without a good proof, of a source that can prove something.
pub(crate) fn unproven(case: &Case) -> Vec<Bad> {
    let mut bad = Vec::new();
    for draft in acting(case) {
        let first = bad.len();
        let signed = genuine(case, &draft);
        bad.push(("no proof", without(&signed, &proofs(case, &signed))));
        bad.push(("no proof", draft.clone()));
        if is_google(case) {
            forged(case, &draft, &mut bad);
        } else {
            spoilt(case, &signed, &mut bad);
        }
        if case.signs_body {
            other_bodies(&signed, &mut bad);
        }
        let of_other_types = bad[first..].iter().take(3).flat_map(|(_, draft)| {
            ["text/plain", "application/x-www-form-urlencoded"].map(|content_type| {
                let mut draft = without(draft, &["Content-Type".to_owned()]);
                draft.headers.push(("Content-Type".to_owned(), content_type.to_owned()));
                ("other content type", draft)
            })
        });
        bad.extend(of_other_types.collect::<Vec<_>>());
    }
    bad
}

/// The headers that carry the proof.
fn proofs(case: &Case, signed: &Draft) -> Vec<String> {
    if is_google(case) { vec!["Authorization".to_owned()] } else { case.proofs(signed) }
}

fn forged(case: &Case, draft: &Draft, bad: &mut Vec<Bad>) {
    let honest = google::honest(case.now);
    bad.push(("proof twice", google::with_tokens(draft, &[&honest, &honest])));
    let forged = google::forged(case.now).into_iter();
    bad.extend(forged.map(|(wrong, token)| (wrong, google::with_tokens(draft, &[&token]))));
}

fn spoilt(case: &Case, signed: &Draft, bad: &mut Vec<Bad>) {
    for name in proofs(case, signed) {
        let value = signed.header(&name).unwrap();
        let with = |value: String| {
            let mut changed = without(signed, std::slice::from_ref(&name));
            changed.headers.push((name.clone(), value));
            changed
        };
        let middle = value.len() / 2;
        let mut flipped = value.to_owned();
        flipped.replace_range(middle..=middle, &char::from(other_byte(value.as_bytes()[middle])).to_string());
        bad.push(("wrong proof", with(flipped)));
        bad.push(("truncated proof", with(value[..value.len() - 1].to_owned())));
        bad.push(("empty proof", with(String::new())));
        if let Some((prefix, _)) = value.split_once(['=', ',', ' ']) {
            bad.push(("empty proof", with(value[..=prefix.len()].to_owned())));
        }
        let mut twice = signed.clone();
        twice.headers.push((name.clone(), value.to_owned()));
        bad.push(("proof twice", twice));
        let algorithms =
            [("sha1", HMAC_SHA1_FOR_LEGACY_USE_ONLY), ("sha256", HMAC_SHA256), ("sha512", HMAC_SHA512)];
        for (word, algorithm) in algorithms {
            let digits = hmac_hex(algorithm, case.key.expose(), &signed.body);
            let others = [format!("{word}={digits}"), digits].into_iter().filter(|other| other != value);
            bad.extend(others.map(|other| ("other algorithm", with(other))));
        }
    }
    let mut weaker = without(signed, &proofs(case, signed));
    let sha1 = hmac_hex(HMAC_SHA1_FOR_LEGACY_USE_ONLY, case.key.expose(), &signed.body);
    weaker.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("X-Hub-Signature"));
    weaker.headers.push(("X-Hub-Signature".to_owned(), format!("sha1={sha1}")));
    bad.push(("weaker proof", weaker));
    if case.signs_time {
        for off in [SignedDuration::from_mins(-6), SignedDuration::from_mins(6)] {
            let other = Case { now: case.now + off, ..case.clone() };
            bad.extend(acting(&other).iter().map(|draft| ("stale", genuine(&other, draft))));
        }
    }
}

fn other_bodies(signed: &Draft, bad: &mut Vec<Bad>) {
    let with = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut other = signed.clone();
        change(&mut other.body);
        other
    };
    let middle = signed.body.len() / 2;
    bad.push(("other body", with(&|body| body[middle] ^= 1)));
    bad.push(("other body", with(&|body| body.push(b' '))));
    bad.push(("truncated body", with(&|body| body.truncate(body.len() - 1))));
    bad.push(("empty body", with(&|body| body.clear())));
}

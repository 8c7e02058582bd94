//! Signature schemes: a source's name, a key, headers, an empty line, and a body. Nothing verifies but by the key
//! that it was signed with.

use boathook::key::Key;
use boathook::source::standard_webhooks::{self, ID, SIGNATURE, TIMESTAMP};
use boathook::source::{self, Delivery, Draft, Refusal};

use super::cases::{Case, without};
use super::line;
use super::request::{chosen, now, request, signed, verify};

pub(crate) fn run(data: &[u8]) {
    let (first, rest) = line(data);
    let (key, rest) = line(rest);
    let (key, draft) = (Key::new(key), request(rest));
    for case in chosen(first).filter(|case| case.receiver.proof().is_some()) {
        assert!(verify(case, &Key::new(b""), &draft).is_err(), "{}: an empty key", case.name);
        if verify(case, &key, &draft).is_ok() {
            assert_bound(case, &key, &draft);
        }
        let Some(signed) = signed(case, &key, &draft) else { continue };
        match verify(case, &key, &signed) {
            Ok(()) => assert_bound(case, &key, &signed),
            Err(refusal) => {
                assert!(is_excused(case, &key, refusal), "{}: {refusal:?}: {signed:?}", case.name);
            }
        }
    }
    standard_webhook(&key, &draft);
}

/// What verifies does so neither by another key nor, where the body is signed, with another body.
fn assert_bound(case: &Case, key: &Key, draft: &Draft) {
    let other = Key::new([key.expose(), b"x"].concat());
    assert!(verify(case, &other, draft).is_err(), "{}: another key: {draft:?}", case.name);
    let headers = source::headers(&draft.headers).unwrap();
    // Of a form one field is signed.
    let whole = !Delivery { headers: &headers, body: &draft.body }.is_form();
    // GitLab's tokens sign nothing.
    let signs = case.source != "GitLab" || standard_webhooks::is_signing_key(key);
    if case.signs_body && signs && whole {
        let mut changed = draft.clone();
        changed.body.push(b' ');
        assert!(verify(case, key, &changed).is_err(), "{}: another body: {draft:?}", case.name);
    }
}

/// Whether what its sender signed need not verify.
fn is_excused(case: &Case, key: &Key, refusal: Refusal) -> bool {
    let text = key.expose();
    // The time that is signed stands in the body.
    let has_time = case.source == "Generic";
    // A header's value has no blanks at its ends.
    let is_trimmed = text.trim_ascii() != text;
    refusal == Refusal::Invalid && (text.is_empty() || has_time || is_trimmed)
}

/// The scheme by itself, with the id and the time of the request.
fn standard_webhook(key: &Key, draft: &Draft) {
    let part = |name| draft.header(name).unwrap_or_default();
    let (id, timestamp) = (part(ID), part(TIMESTAMP));
    let Some(signature) = standard_webhooks::sign(key, id, timestamp, &draft.body) else { return };
    let mut signed = without(draft, &[SIGNATURE.to_owned()]);
    signed.headers.push((SIGNATURE.to_owned(), signature));
    let check = |key: &Key, body: &[u8]| {
        let headers = source::headers(&signed.headers).unwrap();
        standard_webhooks::verify(std::slice::from_ref(key), &Delivery { headers: &headers, body }, now())
    };
    if check(key, &draft.body).is_ok() {
        assert!(!id.is_empty() && !id.contains('.') && timestamp.bytes().all(|b| b.is_ascii_digit()));
        assert!(check(&Key::new(b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), b"other").is_err());
        assert!(check(key, &[draft.body.as_slice(), b" "].concat()).is_err());
    }
}

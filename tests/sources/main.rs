//! The contract that every source keeps. It walks the list of sources, so that a new one is tested by being
//! there; what a source cannot do without stands in [`cases::ROWS`]. What must come of a bad delivery (nothing), and
//! of a good one, is seen at the real binary, between doubles.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on shall fail"
)]

mod arbitrary;
mod bad;
mod cases;
mod google;
mod nothing;
mod printed;
mod samples;
mod scene;
mod signed;

use boathook::event::Event;
use boathook::key::Key;
use boathook::source::{self, Decoded, Refusal, SOURCES, Undecodable};

use self::cases::{cases, sign, without};

/// Whether anything could come of it: what is let in without proof must not.
fn can_act(decoded: Result<Decoded, Undecodable>) -> bool {
    let harmless = |event: &Event| matches!(event, Event::Ping | Event::Ignored { .. });
    decoded.is_ok_and(|decoded| !decoded.events.iter().all(harmless))
}

#[test]
fn names_are_unique_and_in_order() {
    let names: Vec<_> = SOURCES.iter().map(|source| source.name.to_lowercase()).collect();
    assert!(names.is_sorted_by(|a, b| a < b), "{names:?}");
    for source in SOURCES {
        assert!(std::ptr::eq(source::find(source.name).unwrap(), *source));
    }
    assert!(source::find("github").is_none(), "names are exact");
}

#[test]
fn a_proof_is_described_in_words() {
    for case in cases() {
        assert!(case.receiver.proof().is_none_or(|text| text.len() > 10), "{}", case.name);
    }
}

#[test]
fn each_sample_decodes_to_its_own_kind() {
    for case in cases() {
        let samples = case.samples();
        assert!(!samples.is_empty(), "{} has no sample", case.name);
        for (kind, draft) in samples {
            let decoded = case.decode(&draft).unwrap_or_else(|error| panic!("{}: {error:?}", case.name));
            let [event] = decoded.events.as_slice() else { panic!("{}: {decoded:?}", case.name) };
            assert!(kind.is(event), "{}: {event:?}", case.name);
        }
    }
}

#[test]
fn what_is_signed_verifies_and_still_decodes() {
    for case in cases() {
        for (kind, draft) in case.signed() {
            assert_eq!(case.verify(&case.key, &draft), Ok(()), "{}", case.name);
            assert!(kind.is(&case.decode(&draft).unwrap().events[0]), "{}", case.name);
            assert!(
                !case.proofs(&draft).is_empty(),
                "{}: proof() names no header that sign() makes",
                case.name
            );
            let mut bare = draft.clone();
            bare.headers.retain(|(name, _)| name.eq_ignore_ascii_case("content-type"));
            let guessed = sign(&case, &case.key, bare).unwrap();
            assert!(
                kind.is(&case.decode(&guessed).unwrap().events[0]),
                "{}: the event is not guessed",
                case.name
            );
        }
    }
}

#[test]
fn a_missing_proof_or_an_empty_key_lets_nothing_in() {
    for case in cases().into_iter().filter(|case| case.receiver.proof().is_some()) {
        for (_, draft) in case.samples() {
            let verified = case.verify(&case.key, &draft);
            let let_in = verified.is_ok() && can_act(case.decode(&draft));
            assert!(!let_in && verified != Err(Refusal::Invalid), "{}: {verified:?}", case.name);
        }
        for (_, draft) in case.signed() {
            let stripped = without(&draft, &case.proofs(&draft));
            assert!(
                case.verify(&case.key, &stripped).is_err() || !can_act(case.decode(&stripped)),
                "{}",
                case.name
            );
            let empty = Key::new(*b"");
            let by_empty = sign(&case, &empty, stripped.clone()).unwrap_or(stripped);
            assert!(
                case.verify(&empty, &by_empty).is_err() || !can_act(case.decode(&by_empty)),
                "{}",
                case.name
            );
        }
    }
}

#[test]
fn a_truncated_body_says_nothing() {
    for case in cases() {
        for (_, mut draft) in case.samples() {
            while draft.body.pop().is_some() {
                assert!(!can_act(case.decode(&draft)), "{}: {} bytes", case.name, draft.body.len());
                let shorter = draft.body.len() - draft.body.len().min(7);
                draft.body.truncate(shorter);
            }
        }
    }
}

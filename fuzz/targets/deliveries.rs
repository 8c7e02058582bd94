//! Every source's decoder: a source's name, headers, an empty line, and a body, which is signed before it is decoded.

use boathook::event::Event;
use boathook::image::is_tag;
use boathook::rule::Subject;
use boathook::run::sameness::Keys;
use boathook::source::{self, Decoded, Delivery, Draft, PathAlone, Undecodable, Verified};
use boathook::text::Escaped;

use super::cases::Case;
use super::request::{chosen, now, request, signed};
use super::{assert_printable, line};

pub(crate) fn run(data: &[u8]) {
    events(data);
}

/// What was decoded, each with its source's name.
pub(crate) fn events(data: &[u8]) -> Vec<(&'static str, Event)> {
    let (first, rest) = line(data);
    let draft = request(rest);
    let decoded = chosen(first).flat_map(|case| {
        let events = decode(case, &draft).into_iter();
        events.map(|event| (case.source, event))
    });
    decoded.collect()
}

fn decode(case: &Case, draft: &Draft) -> Vec<Event> {
    let draft = signed(case, &case.key, draft).unwrap_or_else(|| draft.clone());
    let headers = source::headers(&draft.headers).unwrap();
    let delivery = Delivery { headers: &headers, body: &draft.body };
    let keys = std::slice::from_ref(&case.key);
    let verified = source::verify(&*case.receiver, PathAlone::Refused, keys, &delivery, now());
    // What only the sender can sign, or what was signed too long ago.
    let verified = verified.unwrap_or_else(|_| Verified::waived(&delivery));
    match source::decode(&*case.receiver, &verified) {
        Ok(decoded) => {
            check(&decoded, &draft.body);
            decoded.events
        }
        Err(Undecodable::Malformed(text) | Undecodable::UnknownShape(text)) => {
            assert_printable(&text);
            Vec::new()
        }
    }
}

/// What the rest of the way relies on.
fn check(decoded: &Decoded, body: &[u8]) {
    assert!((1..=256).contains(&decoded.events.len()), "{decoded:?}");
    for event in &decoded.events {
        match event {
            Event::Image(image) => {
                assert!((1..=256).contains(&image.tags.len()) && image.tags.iter().all(|tag| is_tag(tag)));
            }
            Event::Git(git) | Event::Pipeline(git) => {
                assert!(!git.repository.is_empty() && git.repository.len() <= 1024);
                assert!(git.reference.full().len() <= 1024);
            }
            Event::Ignored { reason } => assert_printable(reason),
            Event::Deploy(_) | Event::Ping => {}
        }
        let json = serde_json::to_vec(event).unwrap();
        assert_eq!(*event, serde_json::from_slice::<Event>(&json).unwrap(), "as the journal keeps it");
        if let Some(subject) = Subject::of(event) {
            assert_printable(&subject.to_string());
        }
    }
    assert_printable(&Escaped(decoded.actor.as_deref().unwrap_or_default()).to_string());
    assert!(Keys::new("hook", &decoded.identity, body, true).mark().len() <= 32);
}

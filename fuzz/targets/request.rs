//! Requests and the sources that they are for.

use std::sync::LazyLock;

use boathook::key::Key;
use boathook::source::{self, Delivery, Draft, PathAlone, Refusal, SOURCES};
use jiff::Timestamp;

use super::cases::{self, Case};
use super::line;

static CASES: LazyLock<Vec<Case>> = LazyLock::new(cases::cases);

/// When every delivery arrives.
pub(super) fn now() -> Timestamp {
    Timestamp::from_second(1_772_366_400).unwrap()
}

/// The source that the first line names, in every way to configure it; that of its first byte if it names none.
pub(super) fn chosen(first: &[u8]) -> impl Iterator<Item = &'static Case> {
    let named = SOURCES.iter().position(|source| source.name.as_bytes() == first);
    let place = named.unwrap_or_else(|| usize::from(first.first().copied().unwrap_or_default()));
    let name = SOURCES[place % SOURCES.len()].name;
    CASES.iter().filter(move |case| case.source == name)
}

/// `Name: value` up to an empty line, then the body. What HTTP does not let through is left out.
pub(super) fn request(mut data: &[u8]) -> Draft {
    let mut draft = Draft::default();
    loop {
        let (header, rest) = line(data);
        data = rest;
        if header.is_empty() {
            break;
        }
        let header = String::from_utf8_lossy(header);
        let (name, value) = header.split_once(':').unwrap_or((&header, ""));
        let header = (name.to_owned(), value.trim().to_owned());
        if source::headers(std::slice::from_ref(&header)).is_ok() {
            draft.headers.push(header);
        }
    }
    draft.body = data.to_vec();
    draft
}

/// The request as its sender would sign it, whatever proof it has; `None` where only the sender can, or with this key
/// nobody.
pub(super) fn signed(case: &Case, key: &Key, draft: &Draft) -> Option<Draft> {
    let proof = case.receiver.proof()?;
    let words = proof.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').map(str::to_owned);
    // What is signed along with the body, and proofs that stand instead of the one that is made.
    let signed = ["webhook-id", "webhook-timestamp", "X-Hub-Signature"].map(str::to_owned);
    let draft = cases::without(draft, &words.chain(signed).collect::<Vec<_>>());
    cases::sign(case, key, draft).filter(|draft| source::headers(&draft.headers).is_ok())
}

/// Whether a request proves itself by the key. Its headers are valid.
pub(super) fn verify(case: &Case, key: &Key, draft: &Draft) -> Result<(), Refusal> {
    let headers = source::headers(&draft.headers).unwrap();
    let delivery = Delivery { headers: &headers, body: &draft.body };
    let keys = std::slice::from_ref(key);
    source::verify(&*case.receiver, PathAlone::Refused, keys, &delivery, now()).map(|_| ())
}

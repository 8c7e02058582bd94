//! The contract that every source keeps. It walks the list of sources, so that a new one is tested by being
//! there; what a source cannot do without stands in [`ROWS`].

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on shall fail")]

use std::path::Path;
use std::sync::LazyLock;

use boathook::config::fields::Node;
use boathook::config::report::{FieldPath, Report};
use boathook::event::Event;
use boathook::image::{Digest, Repository};
use boathook::key::Key;
use boathook::source::draft::SampleEvent;
use boathook::source::{
    self, Decoded, Delivery, Draft, PathAlone, Receiver, Refusal, SOURCES, Sample, Setting, Undecodable,
    Verified,
};
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::Value;

/// One way to configure a source.
struct Row {
    source: &'static str,
    /// The fields of an endpoint, in YAML.
    fields: &'static str,
    key: &'static [u8],
    /// Whether the proof binds the body: a token does not.
    signs_body: bool,
}

const KEY: &[u8] = b"0123456789abcdef0123456789abcdef";

/// The sources that are not content with no fields at all, or that have more than one way, or whose proof signs
/// nothing. Every other one has the row of [`Row::plain`].
const ROWS: &[Row] = &[
    Row { signs_body: false, fields: "signature: token", ..Row::plain("Artifactory") },
    Row::plain("Artifactory"),
    Row { signs_body: false, ..Row::plain("AzureContainerRegistry") },
    Row { signs_body: false, fields: "header: X-Registry-Token", ..Row::plain("AzureContainerRegistry") },
    Row { signs_body: false, ..Row::plain("Distribution") },
    Row { signs_body: false, ..Row::plain("Harbor") },
    Row {
        signs_body: false,
        fields: "gcr: {audience: https://hooks.example.com, email: push@acme.iam.gserviceaccount.com}",
        ..Row::plain("GoogleContainerRegistry")
    },
    Row { fields: "registryHost: registry.example.com", ..Row::plain("Nexus") },
    Row::plain("BitbucketServer"),
    Row {
        signs_body: false,
        fields: "signature: basic",
        key: b"hook:a long password",
        ..Row::plain("BitbucketServer")
    },
    Row::plain("Generic"),
    Row {
        fields: "{signature: {header: X-Sig, algorithm: sha512, prefix: ''}, maxAge: 0}",
        ..Row::plain("Generic")
    },
    Row { signs_body: false, ..Row::plain("GitLab") },
    Row { key: b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", ..Row::plain("GitLab") },
];

impl Row {
    const fn plain(source: &'static str) -> Self {
        Self { source, fields: "{}", key: KEY, signs_body: true }
    }
}

/// A configured source.
struct Case {
    name: String,
    receiver: Box<dyn Receiver>,
    key: Key,
    signs_body: bool,
}

fn cases() -> Vec<Case> {
    let rows = |name: &'static str| {
        let own: Vec<_> = ROWS.iter().filter(|row| row.source == name).map(case).collect();
        if own.is_empty() { vec![case(&Row::plain(name))] } else { own }
    };
    SOURCES.iter().flat_map(|source| rows(source.name)).collect()
}

fn case(row: &Row) -> Case {
    let source = source::find(row.source).unwrap();
    let value = serde_yaml::from_str(row.fields).unwrap();
    let report = Report::new(Path::new(""));
    let mut fields = Node::new(&value, &report).fields(FieldPath::default()).unwrap();
    let receiver = (source.configure)(&mut fields, &Setting::default());
    fields.finish();
    let mistakes = report.finish(Path::new(row.source), row.fields).mistakes;
    assert!(mistakes.is_empty(), "{} needs a row in ROWS: {}", row.source, mistakes[0]);
    Case {
        name: format!("{} {}", row.source, row.fields),
        receiver,
        key: Key::new(row.key),
        signs_body: row.signs_body,
    }
}

fn now() -> Timestamp {
    Timestamp::from_second(1_772_366_400).unwrap()
}

fn sample(event: SampleEvent) -> Sample {
    Sample {
        event,
        image: Repository::parse("registry.example.com/acme/web").unwrap(),
        tag: "1.2.3".into(),
        digest: Digest::parse(&format!("sha256:{}", "5a".repeat(32))).unwrap(),
        repository: "acme/web".into(),
        branch: "main".into(),
        commit: "8f3b".repeat(10),
    }
}

impl Case {
    /// The samples that there are, unsigned.
    fn samples(&self) -> Vec<(SampleEvent, Draft)> {
        let kinds = SampleEvent::WORDS.iter().map(|(_, kind)| *kind);
        kinds.filter_map(|kind| Some((kind, self.receiver.sample(&sample(kind), now())?))).collect()
    }

    /// The samples, signed; none where only the sender can sign.
    fn signed(&self) -> Vec<(SampleEvent, Draft)> {
        if self.receiver.proof().is_none() {
            return Vec::new();
        }
        let samples = self.samples().into_iter();
        samples.filter_map(|(kind, draft)| Some((kind, sign(self, &self.key, draft)?))).collect()
    }

    fn verify(&self, key: &Key, draft: &Draft) -> Result<(), Refusal> {
        let headers = source::headers(&draft.headers).unwrap();
        let delivery = Delivery { headers: &headers, body: &draft.body };
        source::verify(&*self.receiver, PathAlone::Refused, &[key.clone()], &delivery, now()).map(|_| ())
    }

    fn decode(&self, draft: &Draft) -> Result<Decoded, Undecodable> {
        let headers = source::headers(&draft.headers).unwrap();
        self.receiver.decode(&Verified::waived(&Delivery { headers: &headers, body: &draft.body }))
    }

    /// The headers that carry the proof: those that depend on the key and that `proof()` names.
    fn proofs(&self, signed: &Draft) -> Vec<String> {
        let text = self.receiver.proof().unwrap_or_default();
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
        let named: Vec<_> = words.map(str::to_ascii_lowercase).collect();
        let depends = |name: &str| {
            let again = |key| sign(self, key, without(signed, &[name.to_owned()])).unwrap();
            let (same, other) = (again(&self.key), again(&other_key(&self.key)));
            same.header(name) == signed.header(name) && other.header(name) != signed.header(name)
        };
        let names = signed.headers.iter().map(|(name, _)| name);
        names.filter(|name| named.contains(&name.to_ascii_lowercase()) && depends(name)).cloned().collect()
    }
}

fn sign(case: &Case, key: &Key, mut draft: Draft) -> Option<Draft> {
    case.receiver.sign(key, &mut draft, now()).ok().map(|()| draft)
}

fn without(draft: &Draft, names: &[String]) -> Draft {
    let mut draft = draft.clone();
    draft.headers.retain(|(name, _)| !names.iter().any(|gone| gone.eq_ignore_ascii_case(name)));
    draft
}

/// A key of the same form with one other byte, which is no prefix's.
fn other_key(key: &Key) -> Key {
    let mut bytes = key.expose().to_vec();
    bytes[8] = other_byte(bytes[8]);
    Key::new(bytes)
}

/// Another byte, which neither letter case nor an encoding's slack makes the same.
fn other_byte(byte: u8) -> u8 {
    if byte.eq_ignore_ascii_case(&b'a') { b'b' } else { b'a' }
}

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
fn another_key_body_or_proof_does_not_verify() {
    for case in cases() {
        for (_, draft) in case.signed() {
            let refused = |draft: &Draft, what: &str| {
                assert!(case.verify(&case.key, draft).is_err(), "{}: {what}", case.name);
            };
            for i in 0..case.key.expose().len() {
                let mut key = case.key.expose().to_vec();
                key[i] = other_byte(key[i]);
                assert!(case.verify(&Key::new(key), &draft).is_err(), "{}: byte {i} of the key", case.name);
            }
            for i in (0..draft.body.len()).step_by(13).filter(|_| case.signs_body) {
                let mut changed = draft.clone();
                changed.body[i] = other_byte(changed.body[i]);
                refused(&changed, &format!("byte {i} of the body"));
            }
            for name in case.proofs(&draft) {
                for i in 0..draft.header(&name).unwrap().len() {
                    let mut changed = draft.clone();
                    let (_, value) = changed.headers.iter_mut().find(|(header, _)| *header == name).unwrap();
                    let byte = value.as_bytes()[i];
                    value.replace_range(i..=i, &char::from(other_byte(byte)).to_string());
                    refused(&changed, &format!("byte {i} of {name}"));
                }
                let mut twice = draft.clone();
                twice.headers.push((name.clone(), draft.header(&name).unwrap().to_owned()));
                refused(&twice, &format!("{name} twice"));
            }
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

static ALL: LazyLock<Vec<(Case, Vec<Draft>)>> = LazyLock::new(|| {
    let drafts = |case: &Case| case.samples().into_iter().map(|(_, draft)| draft).collect();
    cases().into_iter().map(|case| (drafts(&case), case)).map(|(drafts, case)| (case, drafts)).collect()
});

/// Any JSON, of the words that senders use and of others.
fn any_json() -> impl Strategy<Value = Value> {
    let words =
        ["", "push", "created", "refs/tags/v1", "sha256:", "a/b:c@d", "\u{0}", "success", "container"];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        proptest::sample::select(words.to_vec()).prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::hash_map("[a-z_]{1,8}", inner, 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// The JSON pointers of a tree's values.
fn pointers(tree: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match tree {
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, item)| pointers(item, &format!("{at}/{i}"), found));
        }
        Value::Object(fields) => {
            let escaped = |name: &str| name.replace('~', "~0").replace('/', "~1");
            fields
                .iter()
                .for_each(|(name, value)| pointers(value, &format!("{at}/{}", escaped(name)), found));
        }
        _ => {}
    }
}

proptest! {
    #[test]
    fn arbitrary_json_never_panics(body in any_json(), bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        for (case, drafts) in &*ALL {
            for draft in drafts {
                for body in [body.to_string().into_bytes(), bytes.clone()] {
                    let _ = case.decode(&Draft { headers: draft.headers.clone(), body });
                }
            }
        }
    }

    #[test]
    fn a_real_body_with_odd_values_never_panics(
        odd in proptest::collection::vec((any::<prop::sample::Index>(), any_json()), 1..4),
    ) {
        for (case, drafts) in &*ALL {
            for draft in drafts {
                let mut body: Value = serde_json::from_slice(&draft.body).unwrap();
                for (place, value) in &odd {
                    let mut places = Vec::new();
                    pointers(&body, "", &mut places);
                    *body.pointer_mut(&places[place.index(places.len())]).unwrap() = value.clone();
                }
                let headers = draft.headers.clone();
                if let Ok(decoded) = case.decode(&Draft { headers, body: body.to_string().into_bytes() }) {
                    prop_assert!(!decoded.events.is_empty(), "{}", case.name);
                }
            }
        }
    }
}

//! The sources, configured, and their samples.

use std::path::Path;
use std::sync::Arc;

use boathook::config::fields::Node;
use boathook::config::report::{FieldPath, Report};
use boathook::image::{Digest, Repository};
use boathook::key::Key;
use boathook::source::draft::SampleEvent;
use boathook::source::{
    self, Decoded, Delivery, Draft, PathAlone, Receiver, Refusal, SOURCES, Sample, Setting, Undecodable,
    Verified,
};
use jiff::Timestamp;

/// One way to configure a source.
pub(crate) struct Row {
    source: &'static str,
    /// The fields of an endpoint, in YAML.
    fields: &'static str,
    key: &'static [u8],
    /// Whether the proof binds the body: a token does not.
    signs_body: bool,
    /// Whether the proof binds the time, and is good for some minutes only.
    signs_time: bool,
}

const KEY: &[u8] = b"0123456789abcdef0123456789abcdef";

/// The sources that are not content with no fields at all, or that have more than one way, or whose proof signs
/// nothing. Every other one has the row of [`Row::plain`].
pub(crate) const ROWS: &[Row] = &[
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
    Row { signs_time: true, ..Row::plain("Generic") },
    Row {
        fields: "{signature: {header: X-Sig, algorithm: sha512, prefix: ''}, maxAge: 0}",
        ..Row::plain("Generic")
    },
    Row { signs_body: false, ..Row::plain("GitLab") },
    Row { key: b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", signs_time: true, ..Row::plain("GitLab") },
];

impl Row {
    const fn plain(source: &'static str) -> Self {
        Self { source, fields: "{}", key: KEY, signs_body: true, signs_time: false }
    }
}

/// A configured source.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) name: String,
    /// The word after `source:`.
    pub(crate) source: &'static str,
    /// The fields of an endpoint, in YAML.
    pub(crate) fields: &'static str,
    pub(crate) receiver: Arc<dyn Receiver>,
    pub(crate) key: Key,
    pub(crate) signs_body: bool,
    pub(crate) signs_time: bool,
    /// When it signs and verifies.
    pub(crate) now: Timestamp,
}

/// Every source, on a day long ago.
pub(crate) fn cases() -> Vec<Case> {
    cases_at(Timestamp::from_second(1_772_366_400).unwrap())
}

/// Every source, at this time.
pub(crate) fn cases_at(now: Timestamp) -> Vec<Case> {
    let rows = |name: &'static str| {
        let own: Vec<_> = ROWS.iter().filter(|row| row.source == name).map(|row| case(row, now)).collect();
        if own.is_empty() { vec![case(&Row::plain(name), now)] } else { own }
    };
    SOURCES.iter().flat_map(|source| rows(source.name)).collect()
}

fn case(row: &Row, now: Timestamp) -> Case {
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
        source: row.source,
        fields: row.fields,
        receiver: receiver.into(),
        key: Key::new(row.key),
        signs_body: row.signs_body,
        signs_time: row.signs_time,
        now,
    }
}

pub(crate) fn sample(event: SampleEvent) -> Sample {
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
    pub(crate) fn samples(&self) -> Vec<(SampleEvent, Draft)> {
        let kinds = SampleEvent::WORDS.iter().map(|(_, kind)| *kind);
        kinds.filter_map(|kind| Some((kind, self.receiver.sample(&sample(kind), self.now)?))).collect()
    }

    /// The samples, signed; none where only the sender can sign.
    pub(crate) fn signed(&self) -> Vec<(SampleEvent, Draft)> {
        if self.receiver.proof().is_none() {
            return Vec::new();
        }
        let samples = self.samples().into_iter();
        samples.filter_map(|(kind, draft)| Some((kind, sign(self, &self.key, draft)?))).collect()
    }

    pub(crate) fn verify(&self, key: &Key, draft: &Draft) -> Result<(), Refusal> {
        let headers = source::headers(&draft.headers).unwrap();
        let delivery = Delivery { headers: &headers, body: &draft.body };
        source::verify(&*self.receiver, PathAlone::Refused, std::slice::from_ref(key), &delivery, self.now)
            .map(|_| ())
    }

    pub(crate) fn decode(&self, draft: &Draft) -> Result<Decoded, Undecodable> {
        let headers = source::headers(&draft.headers).unwrap();
        self.receiver.decode(&Verified::waived(&Delivery { headers: &headers, body: &draft.body }))
    }

    /// The headers that carry the proof: those that depend on the key and that `proof()` names.
    pub(crate) fn proofs(&self, signed: &Draft) -> Vec<String> {
        let text = self.receiver.proof().unwrap_or_default();
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
        let told: Vec<_> = words.map(str::to_ascii_lowercase).collect();
        let depends = |name: &str| {
            let again = |key| sign(self, key, without(signed, &[name.to_owned()])).unwrap();
            let (same, other) = (again(&self.key), again(&other_key(&self.key)));
            same.header(name) == signed.header(name) && other.header(name) != signed.header(name)
        };
        let names = signed.headers.iter().map(|(name, _)| name);
        names.filter(|name| told.contains(&name.to_ascii_lowercase()) && depends(name)).cloned().collect()
    }
}

pub(crate) fn sign(case: &Case, key: &Key, mut draft: Draft) -> Option<Draft> {
    case.receiver.sign(key, &mut draft, case.now).ok().map(|()| draft)
}

pub(crate) fn without(draft: &Draft, names: &[String]) -> Draft {
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
pub(crate) fn other_byte(byte: u8) -> u8 {
    if byte.eq_ignore_ascii_case(&b'a') { b'b' } else { b'a' }
}

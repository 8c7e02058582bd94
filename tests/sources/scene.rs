//! A relay with an endpoint for every way to configure a source, between doubles that record what is asked of them.

use std::fmt::Write as _;

use boathook::key::Key;
use boathook::source::Draft;
use boathook::source::draft::SampleEvent;
use jiff::Timestamp;

use crate::cases::{Case, cases_at};
use crate::google;
use support::http::{self, Response};
use support::receiver::Receiver;
use support::relay::{Relay, Setup};
use support::scene::cluster;
use support::site::{Health, Site};
use support::temp::TempDir;
use support::{flux, kube, sign};

/// The source that only its sender can sign for.
const GOOGLE: &str = "GoogleContainerRegistry";

/// Where Google's key set is.
pub(crate) const KEYS: &str = "/certs";

/// Each endpoint has a key of its own, and rules that act on whatever happens.
pub(crate) struct Scene {
    pub(crate) kube: kube::Double,
    pub(crate) flux: flux::Double,
    pub(crate) told: Receiver,
    /// Google's, for its key set.
    pub(crate) google: Site,
    pub(crate) state: TempDir,
    pub(crate) cases: Vec<Case>,
    pub(crate) relay: Relay,
}

impl Scene {
    /// With everything in the log that there is.
    pub(crate) fn new(keys: Health) -> Self {
        let (kube, flux, told) = (cluster(&["web"]), flux::Double::start(), Receiver::start());
        let (google, state) = (Site::start(), TempDir::new());
        google.behave(KEYS, &[keys]);
        let mut cases = cases_at(Timestamp::now());
        let mut config = format!(
            "version: 1\nsettle: 0\nstate: {}\nkubernetes: {{api: \"{}\"}}\nflux: {{api: \"{}\"}}\nnotify:\n- \
             {{name: told, url: \"{}\", on: [succeeded, unchanged, failed]}}\nendpoints:\n",
            state.path().display(),
            kube.url(),
            flux.api(),
            told.url("/told"),
        );
        for (number, case) in cases.iter_mut().enumerate() {
            case.key = own_key(&case.key, number);
            config.push_str(&endpoint(case, number, &google));
        }
        let setup = Relay::with(env!("CARGO_BIN_EXE_boathook"), &config);
        let with_key = |setup: Setup, (number, case): (usize, &Case)| {
            setup.file(&format!("{}.key", name(number)), case.key.expose())
        };
        let setup = cases.iter().enumerate().fold(setup, with_key);
        let relay = setup.environment("RUST_LOG", "trace").start();
        // What is asked once, at the start, whatever is delivered.
        google.wait_for(KEYS, 1);
        kube.wait_for_reviews(1);
        Self { kube, flux, told, google, state, cases, relay }
    }

    /// Sends a delivery to a hook.
    pub(crate) fn post(&self, path: &str, draft: &Draft) -> Response {
        self.send("POST", path, draft, &[])
    }

    /// Sends a request with further headers to a hook.
    pub(crate) fn send(&self, method: &str, path: &str, draft: &Draft, more: &[(&str, &str)]) -> Response {
        let headers = draft.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let headers: Vec<_> = headers.chain(more.iter().copied()).collect();
        http::send(method, self.relay.address(), path, &headers, &draft.body)
    }

    /// How often anybody was asked for anything: the API, Flux, who is notified, Google.
    pub(crate) fn asked(&self) -> [usize; 4] {
        [
            self.kube.requests().len() + self.kube.reviews().len(),
            self.flux.notifications().len(),
            self.told.told("/told").len(),
            self.google.asked(KEYS),
        ]
    }

    /// Every file in the state directory, and its bytes.
    pub(crate) fn journal(&self) -> Vec<(String, Vec<u8>)> {
        let entries = std::fs::read_dir(self.state.path()).unwrap().map(|entry| entry.unwrap());
        let files = entries.filter(|entry| entry.file_type().unwrap().is_file());
        let mut files: Vec<_> = files
            .map(|file| (file.file_name().into_string().unwrap(), std::fs::read(file.path()).unwrap()))
            .collect();
        files.sort();
        files
    }
}

/// The name of an endpoint.
pub(crate) fn name(number: usize) -> String {
    format!("case-{number}")
}

/// The path of a case's hook.
pub(crate) fn path(case: &Case) -> String {
    sign::hook_path(case.key.expose())
}

/// The key names the path, so that no two endpoints may have the same.
fn own_key(key: &Key, number: usize) -> Key {
    let mut key = key.expose().to_vec();
    let last = key.len() - 2;
    key[last] = b'A' + u8::try_from(number).unwrap();
    Key::new(key)
}

fn endpoint(case: &Case, number: usize, google: &Site) -> String {
    let inside = case.fields.strip_prefix('{').and_then(|fields| fields.strip_suffix('}'));
    let mut fields = inside.unwrap_or(case.fields).to_owned();
    if case.source == GOOGLE {
        let _ = write!(fields, ", jwks: \"{}\"", google.url(KEYS));
    }
    let when = if case.source == "Generic" { "when: {image: registry.example.com/acme/web}, " } else { "" };
    let comma = if fields.is_empty() { "" } else { ", " };
    let (source, name) = (case.source, name(number));
    let restart = "restart: {namespace: default, workloads: [deployment/web]}";
    format!(
        "- {{name: {name}, source: {source}, keyPath: {name}.key{comma}{fields}, rules: [{{{when}do: [{restart}, \
         fluxNotify: {{}}]}}]}}\n"
    )
}

/// The samples that lead to something (a ping does not), without proof.
pub(crate) fn acting(case: &Case) -> Vec<Draft> {
    let samples = case.samples().into_iter().filter(|(kind, _)| *kind != SampleEvent::Ping);
    samples.map(|(_, draft)| draft).collect()
}

/// A delivery as its sender would send it.
pub(crate) fn genuine(case: &Case, draft: &Draft) -> Draft {
    if case.source == GOOGLE {
        return google::with_tokens(draft, &[&google::honest(case.now)]);
    }
    let mut draft = draft.clone();
    case.receiver.sign(&case.key, &mut draft, case.now).unwrap();
    draft
}

/// Whether nobody but the sender can make the proof.
pub(crate) fn is_google(case: &Case) -> bool {
    case.source == GOOGLE
}

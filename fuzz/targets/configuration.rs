//! The configuration: the whole input is the file, beside which are key files and a directory of manifests. One that
//! is read is used: its hooks are called, and its actions looked at.

use std::fs;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};

use boathook::action::{Action, Outlook};
use boathook::config::{Config, Endpoint, Overrides};
use boathook::kubernetes::discovery::Kinds;
use boathook::run::plan::{Arrival, plan};
use boathook::run::record::{Run, RunId};
use boathook::source::draft::SampleEvent;
use boathook::source::{self, Delivery, Verified};

use super::assert_printable;
use super::cases::sample;
use super::request::now;

/// A manifest with variables, as `apply` reads it.
const MANIFEST: &str =
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {IMAGE: \"${image}:${tag}\"}\n";

pub(crate) fn run(data: &[u8]) {
    is_read(data);
}

/// The same; whether it is a configuration that can be served.
pub(crate) fn is_read(data: &[u8]) -> bool {
    let directory = Directory::new();
    let file = directory.0.join("c.yaml");
    fs::write(&file, data).unwrap();
    let loaded = Config::load(&file, &Overrides::default());
    let findings = &loaded.findings;
    assert_eq!(loaded.config.is_none(), !findings.mistakes.is_empty(), "not valid, and a reason for it");
    for told in findings.mistakes.iter().chain(&findings.warnings) {
        let told = told.to_string();
        let told = told.strip_prefix(&*file.to_string_lossy()).expect("the file's name");
        assert_printable(told);
        assert!(is_placed(told) || data.is_empty() || std::str::from_utf8(data).is_err(), "{told}");
    }
    if let Some(config) = &loaded.config {
        config.rights(&Kinds::default());
        for endpoint in &config.endpoints {
            assert_printable(&endpoint.proof());
            call(config, endpoint);
        }
    }
    loaded.config.is_some()
}

/// `:LINE:COLUMN: ` and a reason. That there are two documents, or too many aliases, is true of the whole file.
fn is_placed(told: &str) -> bool {
    if told.starts_with(": this is not valid YAML: ") {
        return true;
    }
    let mut parts = told.splitn(4, ':').skip(1);
    let mut number = || parts.next().is_some_and(|part| part.parse::<usize>().is_ok_and(|number| number > 0));
    number() && number() && parts.next().is_some_and(|reason| reason.trim().len() > 3)
}

/// Sends the samples of an endpoint's source to it, and does what its rules say, as far as that changes nothing.
fn call(config: &Config, endpoint: &Endpoint) {
    let samples =
        SampleEvent::WORDS.iter().filter_map(|(_, kind)| endpoint.receiver.sample(&sample(*kind), now()));
    for draft in samples {
        let headers = source::headers(&draft.headers).unwrap();
        let delivery = Delivery { headers: &headers, body: &draft.body };
        let Ok(decoded) = source::decode(&*endpoint.receiver, &Verified::waived(&delivery)) else { continue };
        let arrival = Arrival { received: now(), from: None, mark: String::new() };
        let mut number = 0;
        let planned = plan(config, endpoint, &decoded, arrival, || {
            number += 1;
            RunId(number)
        });
        assert_printable(&planned.reason);
        for run in &planned.runs {
            let kept = serde_json::to_vec(&**run).unwrap();
            let read: Run = serde_json::from_slice(&kept).unwrap();
            assert_eq!(serde_json::to_vec(&read).unwrap(), kept, "as the journal keeps it");
            run.actions.iter().for_each(|action| preview(config, run, action));
        }
    }
}

fn preview(config: &Config, run: &Run, action: &Action) {
    let outlook = Outlook { kubernetes: &config.kubernetes, flux: &config.flux, live: None };
    let context = run.context();
    let mut preview = pin!(action.preview(&outlook, &context));
    // What is not ready waits for a file.
    if let Poll::Ready(previewed) = preview.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        previewed.notes.iter().for_each(|note| assert_printable(&note.to_string()));
    }
}

/// A directory of its own, removed in the end.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("boathook-fuzz-{}-{number}", std::process::id()));
        let directory = Self(path);
        fs::create_dir_all(directory.0.join("manifests")).unwrap();
        for (name, content) in [
            ("a.key", "0123456789abcdef0123456789abcdef"),
            ("b.key", "fedcba9876543210fedcba9876543210"),
            ("manifests/web.yaml", MANIFEST),
        ] {
            fs::write(directory.0.join(Path::new(name)), content).unwrap();
        }
        directory
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

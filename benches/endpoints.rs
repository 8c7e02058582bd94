//! What many endpoints cost: finding one, reading all of them again, holding them. `cargo bench --bench endpoints`.

#![allow(missing_docs, reason = "criterion makes the entry point")]
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot be set up ends with its line")]

use std::fmt::Write;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use boathook::action::Api;
use boathook::config::reload::Watch;
use boathook::config::{Config, Overrides};
use boathook::key::{Key, PathDigest};
use boathook::kubernetes::discovery::Kinds;
use boathook::run::engine::Engine;
use boathook::run::journal::Journal;
use boathook::run::queue::Restored;
use boathook::server::App;
use boathook::source::fetch;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

/// How many endpoints there are.
const COUNTS: [usize; 3] = [10, 1000, 10_000];

/// A configuration in a directory of its own, with a key file for each endpoint.
struct Many {
    directory: PathBuf,
    count: usize,
}

impl Many {
    fn new(count: usize) -> Self {
        let directory =
            std::env::temp_dir().join(format!("boathook-bench-endpoints-{}-{count}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let mut text = String::from("version: 1\nendpoints:\n");
        for number in 0..count {
            std::fs::write(directory.join(format!("{number}.key")), key(number)).unwrap();
            write!(
                text,
                "- name: app-{number}\n  source: GitHub\n  keyPath: {number}.key\n  rules:\n  - when: {{image: \
                 \"ghcr.io/acme/app-{number}\", tag: {{semver: \">=1.0.0\"}}}}\n    do:\n    - setImage: {{namespace: \
                 default, workloads: [deployment/app-{number}]}}\n"
            )
            .unwrap();
        }
        std::fs::write(directory.join("config.yaml"), text).unwrap();
        Self { directory, count }
    }

    fn file(&self) -> PathBuf {
        self.directory.join("config.yaml")
    }

    fn load(&self) -> Config {
        Config::load(&self.file(), &Overrides::default()).config.unwrap()
    }
}

impl Drop for Many {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

fn key(number: usize) -> String {
    format!("{number:08}0c2e9b7d4386f0e1d2c3b4a59687")
}

/// The last segment of the path of a key.
fn segment(number: usize) -> String {
    let path = Key::new(key(number)).path_digest(b"").expose_path();
    path.trim_start_matches("/hook/").to_owned()
}

fn app(config: Config) -> App {
    let api = Api::new(&config.kubernetes, &config.flux).unwrap();
    let notify = Arc::clone(&config.notify);
    let journal = Arc::new(Journal::in_memory());
    let engine = Engine::new(api, None, notify, journal, Restored::default());
    App::new(Arc::new(config), Arc::new(engine))
}

/// From the segment of a request's path to the endpoint, or to knowing that there is none.
fn route(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("route");
    for count in COUNTS {
        let app = app(Many::new(count).load());
        // Not always the same one: a delivery may be for any of them.
        let there: Vec<_> = (0..count).map(segment).collect();
        let unknown: Vec<_> = (count..2 * count).map(segment).collect();
        for (name, segments) in [("hit", &there), ("miss", &unknown)] {
            let mut next = segments.iter().cycle();
            group.bench_function(BenchmarkId::new(name, count), |bencher| {
                bencher.iter(|| {
                    let segment = next.next().map(String::as_str).unwrap_or_default();
                    let config = app.config();
                    let digest = PathDigest::from_segment(black_box(segment));
                    let found = digest.and_then(|digest| config.route(digest)).map(Arc::clone);
                    assert_eq!(found.is_some(), name == "hit");
                    found
                });
            });
        }
    }
    group.finish();
}

/// Reads a configuration again as `serve` does, and serves it.
fn reload(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _entered = runtime.enter();
    let mut group = criterion.benchmark_group("reload");
    group.sample_size(10);
    for count in COUNTS {
        let many = Many::new(count);
        let app = app(many.load());
        let mut watch = Watch::new(&many.file(), &Overrides::default(), Vec::new());
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(BenchmarkId::new("all", count), |bencher| {
            bencher.iter(|| {
                let config = runtime.block_on(watch.read_again()).unwrap().config.unwrap();
                let api = Api::new(&config.kubernetes, &config.flux).unwrap();
                let names = config.endpoints.iter().map(|endpoint| endpoint.name.as_str());
                app.engine.metrics.endpoints.keep(names);
                app.engine.set_api(api);
                fetch::inherit(&config, &app.config());
                black_box(config.rights(&Kinds::new()));
                app.set_config(Arc::new(config));
            });
        });
        group.bench_function(BenchmarkId::new("nothing has changed", count), |bencher| {
            bencher.iter(|| assert!(!runtime.block_on(watch.sees_change())));
        });
    }
    group.finish();
}

/// Prints what one endpoint holds: what memory grows by from one configuration in hand to several. What reading leaves
/// behind is used again by the next reading.
fn memory(_: &mut Criterion) {
    let many = Many::new(1000);
    let mut held = vec![many.load(), many.load()];
    let before = anonymous();
    held.extend((0..10).map(|_| many.load()));
    let endpoints = 10 * many.count;
    println!("memory: {} bytes for each endpoint\n", anonymous().saturating_sub(before) / endpoints);
}

/// This process's own memory, in bytes.
fn anonymous() -> usize {
    let status = std::fs::read_to_string(Path::new("/proc/self/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap_or_default();
    let kib = line.split_whitespace().next().and_then(|kib| kib.parse().ok());
    1024 * kib.unwrap_or(0)
}

criterion_group!(benches, memory, route, reload);
criterion_main!(benches);

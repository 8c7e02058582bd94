//! What a delivery costs before it is accepted: `cargo bench --bench deliveries`.

#![allow(missing_docs, reason = "criterion makes the entry point")]
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot be set up ends with its line")]

use std::hint::black_box;
use std::path::Path;

use boathook::config::fields::Node;
use boathook::config::report::{FieldPath, Report};
use boathook::image::{Digest, Repository};
use boathook::key::Key;
use boathook::source::draft::SampleEvent;
use boathook::source::{self, Delivery, PathAlone, SOURCES, Sample, Setting};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use jiff::Timestamp;

/// Verifies and decodes one sample of every source that can sign for itself.
fn verify_and_decode(criterion: &mut Criterion) {
    let keys = [Key::new(*b"5a1f0c2e9b7d4386f0e1d2c3b4a59687")];
    for source in SOURCES {
        let fields = serde_yaml::from_str("{registryHost: registry.example.com}").unwrap();
        let report = Report::new(Path::new(""));
        let mut fields = Node::new(&fields, &report).fields(FieldPath::default()).unwrap();
        let setting = Setting { verify_path: true, ..Setting::default() };
        let receiver = (source.configure)(&mut fields, &setting);
        let samples = [SampleEvent::Image, SampleEvent::Git, SampleEvent::Deploy].map(sample);
        let now = Timestamp::now();
        let Some(mut draft) = samples.iter().find_map(|sample| receiver.sample(sample, now)) else {
            continue;
        };
        if receiver.proof().is_some() && receiver.sign(&keys[0], &mut draft, now).is_err() {
            continue;
        }
        let headers = source::headers(&draft.headers).unwrap();
        let mut group = criterion.benchmark_group("verify and decode");
        group.throughput(Throughput::Bytes(draft.body.len() as u64));
        group.bench_function(source.name, |bencher| {
            bencher.iter(|| {
                let delivery = Delivery { headers: &headers, body: black_box(&draft.body) };
                let verified =
                    source::verify(receiver.as_ref(), PathAlone::Allowed, &keys, &delivery, now).unwrap();
                receiver.decode(&verified).unwrap()
            });
        });
        group.finish();
    }
}

fn sample(event: SampleEvent) -> Sample {
    Sample {
        event,
        image: Repository::parse("ghcr.io/acme/web").unwrap(),
        tag: "1.2.3".into(),
        digest: Digest::parse(&format!("sha256:{}", "ab".repeat(32))).unwrap(),
        repository: "acme/web".into(),
        branch: "main".into(),
        commit: "5b2c7d1e9f3a4866b0c1d2e3f4a5968778695a4b".into(),
    }
}

criterion_group!(benches, verify_and_decode);
criterion_main!(benches);

//! What it costs to make a delivery safe: `cargo bench --bench journal`.
//!
//! The journal is kept in the system's temporary directory, or in `BOATHOOK_BENCH_STATE`: on a disk the time is
//! the disk's, on tmpfs (`/dev/shm`) it is ours.

#![allow(missing_docs, reason = "criterion makes the entry point")]
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot be set up ends with its line")]

use std::path::PathBuf;

use boathook::run::journal::{Journal, Table, Write};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

/// How large a delivery's record is.
const RECORD: usize = 1000;

/// How many deliveries have not ended.
const PENDING: u64 = 640;

fn accept(criterion: &mut Criterion) {
    let directory = std::env::var_os("BOATHOOK_BENCH_STATE").map_or_else(std::env::temp_dir, PathBuf::from);
    let directory = directory.join(format!("boathook-bench-{}", std::process::id()));
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let journal: &'static Journal = Box::leak(Box::new(Journal::open(&directory, |_, _, _| {}).unwrap()));
    let mut next = 0;
    let mut group = criterion.benchmark_group("accept");
    for together in [1, 64] {
        group.throughput(Throughput::Elements(together));
        group.bench_function(format!("{together} together"), |bencher| {
            bencher.iter(|| {
                accept_together(&runtime, journal, next, together);
                next += together;
            });
        });
    }
    group.finish();
    runtime.block_on(journal.close());
    std::fs::remove_dir_all(directory).unwrap();
}

/// Accepts deliveries at the same time, and ends as many old ones.
fn accept_together(runtime: &Runtime, journal: &'static Journal, first: u64, count: u64) {
    runtime.block_on(async {
        let mut accepts = JoinSet::new();
        for key in first..first + count {
            let value = Some(vec![b'r'; RECORD]);
            accepts.spawn(journal.accept(vec![Write { table: Table::Pending, key, value }]));
            if let Some(key) = key.checked_sub(PENDING) {
                drop(journal.write(vec![Write { table: Table::Pending, key, value: None }]));
            }
        }
        while let Some(accepted) = accepts.join_next().await {
            accepted.unwrap().unwrap();
        }
    });
}

criterion_group!(benches, accept);
criterion_main!(benches);

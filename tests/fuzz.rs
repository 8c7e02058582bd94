//! The fuzz targets (`fuzz/`), each over every file of its corpus, without a fuzzer.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on shall fail"
)]

#[path = "../fuzz/targets/mod.rs"]
mod targets;

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use boathook::source::SOURCES;

const FUZZ: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz");

/// The files of a directory, in order.
fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn corpus(target: &str) -> Vec<PathBuf> {
    let files = files(&Path::new(FUZZ).join("corpus").join(target));
    assert!(!files.is_empty(), "{target} has no corpus");
    files
}

/// Runs a target over its corpus, and tells every file that fails.
fn each(target: &str, run: impl Fn(&[u8])) {
    let fails = |file: &PathBuf| {
        let data = fs::read(file).unwrap();
        catch_unwind(AssertUnwindSafe(|| run(&data))).is_err()
    };
    let failed: Vec<_> = corpus(target).into_iter().filter(fails).collect();
    assert!(failed.is_empty(), "{failed:#?}");
}

macro_rules! targets {
    ($($target:ident),*) => {
        const TARGETS: &[&str] = &[$(stringify!($target)),*];

        $(
            #[test]
            fn $target() {
                each(stringify!($target), targets::$target::run);
            }
        )*
    };
}

targets!(configuration, deliveries, images, journal, policies, signatures, templates, tokens);

#[test]
fn every_target_is_a_test_and_has_a_dictionary() {
    let names = |directory: &str| -> Vec<String> {
        let files = files(&Path::new(FUZZ).join(directory));
        files.iter().map(|file| file.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names("fuzz_targets"), TARGETS);
    assert_eq!(names("corpus"), TARGETS);
    assert_eq!(names("dictionaries"), TARGETS);
}

#[test]
fn the_corpus_reaches_every_sources_decoder() {
    let all: BTreeSet<_> = SOURCES.iter().map(|source| source.name).collect();
    let events = corpus("deliveries").into_iter().flat_map(|file| {
        let data = fs::read(file).unwrap();
        targets::deliveries::events(&data)
    });
    let acted = events.filter(|(_, event)| !matches!(event.kind(), "ping" | "ignored"));
    let reached: BTreeSet<_> = acted.map(|(source, _)| source).collect();
    assert_eq!(reached, all);
}

#[test]
fn the_corpus_has_configurations_that_are_read() {
    let read = corpus("configuration").into_iter().filter(|file| {
        let data = fs::read(file).unwrap();
        targets::configuration::is_read(&data)
    });
    assert!(read.count() > 10);
}

//! `boathook check`: every mistake at once with its line, field and the way out; else what the configuration does.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code: a broken assumption ends the test with its line"
)]

mod credentials;
mod files;
mod good;
mod keys;
mod mistakes;
mod warnings;

use support::command::{Bench, Ended};

/// A key that is long enough to be taken without a word.
const KEY: &str = "5f4dcc3b5aa765d61d8327deb882cf995f4dcc3b5aa765d61d8327deb882cf99";

/// A bench with two keys.
fn bench() -> Bench {
    let bench = Bench::new(env!("CARGO_BIN_EXE_boathook"));
    bench.write("github.key", KEY);
    bench.write("other.key", KEY.replace('5', "6"));
    bench
}

/// `check` of this text.
fn check(text: &str) -> Ended {
    check_with(&bench(), text)
}

fn check_with(bench: &Bench, text: &str) -> Ended {
    bench.write("c.yaml", text);
    let ended = bench.run(&["check", "c.yaml"]);
    for secret in [KEY, &KEY.replace('5', "6")] {
        assert!(
            !ended.stdout.contains(secret) && !ended.stderr.contains(secret),
            "a key is printed: {ended:?}"
        );
    }
    ended
}

/// One endpoint of this source, with these lines in it.
fn endpoint(source: &str, lines: &str) -> String {
    format!("version: 1\nendpoints:\n- name: a\n  source: {source}\n  keyPath: github.key\n{lines}")
}

/// A GitHub endpoint with one rule, whose YAML begins in column 5 of line 7.
fn rule(text: &str) -> String {
    endpoint("GitHub", &format!("  rules:\n  - {text}\n"))
}

//! The files that samples are made of.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use boathook::source::draft::SampleEvent;
use serde_json::Value;

use crate::cases::cases;

/// What of a directory ends so.
fn files(directory: &Path, end: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.to_str().unwrap().ends_with(end)).collect()
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The texts in a tree, and those in the base64 among them.
fn texts(tree: &Value, found: &mut Vec<String>) {
    match tree {
        Value::String(text) => {
            found.extend(STANDARD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok()));
            found.push(text.clone());
        }
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| texts(field, found)),
        _ => {}
    }
}

#[test]
fn no_placeholder_is_left_in_a_sample() {
    for case in cases() {
        for (kind, draft) in case.samples() {
            let mut found = Vec::new();
            texts(&serde_json::from_slice(&draft.body).unwrap(), &mut found);
            for text in found {
                assert!(!text.contains("{{"), "{} {kind:?}: \"{text}\" has a placeholder", case.name);
            }
        }
    }
}

#[test]
fn every_file_is_json_and_is_part_of_a_sample() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/source");
    let directories: Vec<_> = files(&sources, "").into_iter().filter(|path| path.is_dir()).collect();
    let mut count = 0;
    for directory in directories {
        let mut code: String = files(&directory, ".rs").iter().map(|path| text(path)).collect();
        code.push_str(&text(&directory.with_extension("rs")));
        for path in files(&directory.join("samples"), "") {
            let name = path.file_name().unwrap().to_str().unwrap();
            let json: Result<Value, _> = serde_json::from_str(&text(&path));
            assert!(json.is_ok(), "{}: {json:?}", path.display());
            assert!(code.contains(&format!("samples/{name}\")")), "{} is used nowhere", path.display());
            count += 1;
        }
    }
    assert!(count > 20, "only {count} files were found");
}

#[test]
fn pushes_and_runs_are_never_the_same_twice() {
    for case in cases() {
        for ((kind, first), (_, second)) in case.samples().into_iter().zip(case.samples()) {
            if matches!(kind, SampleEvent::Git | SampleEvent::Pipeline | SampleEvent::Deploy) {
                assert_ne!(first.body, second.body, "{} {kind:?}", case.name);
            }
        }
    }
}

//! The directory of manifests: which files there are, and the objects in them.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use serde::de::DeserializeSeed as _;
use serde_json::Value;

use super::identity::Identity;
use crate::action::filled;
use crate::action::yaml::{AsJson, Budget};

/// The largest file that is read, in bytes.
const LARGEST_FILE: usize = 1024 * 1024;

/// The most files of a directory.
const MOST_FILES: usize = 200;

/// The most objects of a directory: each has its place in the journal.
const MOST_OBJECTS: usize = 300;

/// How many mistakes are told.
const MOST_MISTAKES: usize = 20;

/// One object as it is written: its texts are valid templates.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Manifest {
    /// The name of its file in the directory.
    pub(super) file: String,
    /// For a person: `web.yaml:12`, where its document begins.
    pub(super) place: String,
    pub(super) identity: Identity,
    pub(super) object: Value,
}

/// The names of the files in a directory, in order.
pub(super) fn files(directory: &Path) -> Result<Vec<String>, String> {
    let told =
        |error: std::io::Error| format!("the directory {} cannot be read: {error}", directory.display());
    let mut names = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(told)? {
        // What a file is called in no known text, and the kubelet's own links, are not manifests.
        let Ok(name) = entry.map_err(told)?.file_name().into_string() else { continue };
        let is_one = ["yaml", "yml", "json"].iter().any(|extension| is_called(&name, extension));
        if is_one && !name.starts_with('.') && directory.join(&name).is_file() {
            names.push(name);
        }
    }
    names.sort_unstable();
    match names.len() {
        0 => Err(format!("the directory {} has no *.yaml, *.yml or *.json", directory.display())),
        1..=MOST_FILES => Ok(names),
        _ => Err(format!("the directory {} has more than {MOST_FILES} files", directory.display())),
    }
}

fn is_called(file: &str, extension: &str) -> bool {
    Path::new(file).extension().is_some_and(|own| own == extension)
}

/// Every object of these files of a directory, in order, and what is wrong.
pub(super) fn read(directory: &Path, files: &[String]) -> (Vec<Manifest>, Vec<String>) {
    let (mut manifests, mut mistakes) = (Vec::new(), Vec::new());
    let budget = Budget::default();
    for file in files {
        if let Err(why) = read_file(directory, file, &budget, &mut manifests, &mut mistakes) {
            mistakes.push(why);
        }
        if manifests.len() > MOST_OBJECTS {
            mistakes.push(format!("{file}: with it there are more than {MOST_OBJECTS} objects"));
            break;
        }
    }
    if manifests.is_empty() && mistakes.is_empty() {
        mistakes.push("there is no object in these files".to_owned());
    }
    if mistakes.len() > MOST_MISTAKES {
        let more = mistakes.len() - MOST_MISTAKES;
        mistakes.truncate(MOST_MISTAKES);
        mistakes.push(format!("and {more} more mistakes"));
    }
    (manifests, mistakes)
}

fn read_file(
    directory: &Path,
    file: &str,
    budget: &Budget,
    manifests: &mut Vec<Manifest>,
    mistakes: &mut Vec<String>,
) -> Result<(), String> {
    let text = text(&directory.join(file)).map_err(|why| format!("{file} {why}"))?;
    let starts = starts(&text);
    let shown = file.escape_debug();
    for (number, object) in documents(file, &text, budget).into_iter().enumerate() {
        let object = object.map_err(|why| format!("{shown}{why}"))?;
        let place = match starts.get(number) {
            Some(line) => format!("{shown}:{line}"),
            None => format!("{shown}, document {}", number + 1),
        };
        for object in items(object) {
            let read =
                Identity::of(&object).and_then(|identity| check_texts(&identity, &object).map(|()| identity));
            match read {
                Ok(identity) => {
                    let (file, place) = (file.to_owned(), place.clone());
                    manifests.push(Manifest { file, place, identity, object });
                }
                Err(why) => mistakes.push(format!("{place}: {why}")),
            }
        }
    }
    Ok(())
}

/// Whether every text is a template; what stands in a Secret is not repeated.
fn check_texts(identity: &Identity, object: &Value) -> Result<(), String> {
    filled::check(object).map_err(|wrong| {
        if identity.group.is_empty() && identity.kind == "Secret" {
            let place = &wrong.place;
            return format!(
                "{identity}: {place}: has a ${{ that begins no variable (write $${{ for the text ${{ itself)"
            );
        }
        format!("{identity}: {wrong}")
    })
}

fn text(path: &Path) -> Result<String, String> {
    let told = |error: std::io::Error| format!("cannot be read: {error}");
    let mut bytes = Vec::new();
    let opened = File::open(path).map_err(told)?;
    opened.take(LARGEST_FILE as u64 + 1).read_to_end(&mut bytes).map_err(told)?;
    if bytes.len() > LARGEST_FILE {
        return Err(format!("is larger than {LARGEST_FILE} bytes"));
    }
    String::from_utf8(bytes).map_err(|_| "cannot be read: it is not UTF-8 text".to_owned())
}

/// The documents that are not empty; the last one may be a mistake, which begins with its place (`:3:7: …`).
fn documents(file: &str, text: &str, budget: &Budget) -> Vec<Result<Value, String>> {
    if is_called(file, "json") {
        let mut json = serde_json::Deserializer::from_str(text);
        let read = AsJson(budget).deserialize(&mut json).and_then(|value| json.end().map(|()| value));
        return vec![read.map_err(|error| format!(":{}:{}: {error}", error.line(), error.column()))];
    }
    let mut documents = Vec::new();
    for document in serde_yaml::Deserializer::from_str(text) {
        match AsJson(budget).deserialize(document) {
            Ok(value) => documents.push(Ok(value)),
            Err(error) => {
                let place = error.location().map(|at| format!(":{}:{}", at.line(), at.column()));
                documents.push(Err(format!("{}: this is not valid: {error}", place.unwrap_or_default())));
                break;
            }
        }
    }
    documents
}

/// The lines in which documents begin, counted from 1.
fn starts(text: &str) -> Vec<usize> {
    let mut starts = vec![1];
    let mut has_content = false;
    for (number, line) in text.lines().enumerate() {
        if line.strip_prefix("---").is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r']))
        {
            if !has_content {
                starts.pop();
            }
            starts.push(number + 1);
            has_content = true;
        } else if !(line.trim().is_empty() || line.starts_with(['#', '%'])) {
            has_content = true;
        }
    }
    starts
}

/// The objects of a document: those of a List, which `kubectl get` makes of several.
fn items(object: Value) -> Vec<Value> {
    if object.is_null() {
        return Vec::new();
    }
    let is_list = object.get("kind").and_then(Value::as_str) == Some("List");
    match object {
        Value::Object(mut map) if is_list => match map.remove("items") {
            Some(Value::Array(items)) => items,
            _ => Vec::new(),
        },
        object => vec![object],
    }
}

#[cfg(test)]
mod tests;

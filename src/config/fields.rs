//! One mapping of the configuration file, read field by field: every field is asked for once, what nobody
//! asked for is a mistake, and every mistake goes to the report so that all are told at once.

use std::time::Duration;

use serde_yaml::{Mapping, Value};

use super::report::{FieldPath, Report};
pub use super::suggest::suggest;
pub use super::units::parse_duration;
use super::units::{Bytes, Shown, parse_bytes};

/// What is told of a field that is `null`.
const EMPTY: &str = "is empty: give a value or leave the field out";

/// A value and where it stands.
#[derive(Clone, Copy)]
pub struct Node<'a> {
    value: &'a Value,
    report: &'a Report,
}

/// A mapping that is being read. Call [`Fields::finish`] when every field has been asked for.
pub struct Fields<'a> {
    map: &'a Mapping,
    path: FieldPath,
    asked: Vec<&'static str>,
    report: &'a Report,
}

impl<'a> Node<'a> {
    /// The file's outermost value.
    pub fn new(value: &'a Value, report: &'a Report) -> Self {
        Self { value, report }
    }

    /// Reads the value as a mapping.
    pub fn fields(self, path: FieldPath) -> Option<Fields<'a>> {
        match self.value {
            Value::Mapping(map) => Some(Fields { map, path, asked: Vec::new(), report: self.report }),
            other => {
                self.report.mistake(&path, format!("is {}, where fields are needed", kind(other)));
                None
            }
        }
    }

    /// Reads the value as text. A number is refused: YAML has already dropped what its spelling said.
    pub fn string(self, path: &FieldPath) -> Option<String> {
        match self.value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => {
                self.report.mistake(
                    path,
                    format!("YAML reads {number} as a number, and 1.10 as 1.1: put the value in quotes"),
                );
                None
            }
            other => {
                self.report.mistake(path, format!("is {}, where text is needed", kind(other)));
                None
            }
        }
    }

    /// Reads the value as one text or a list of texts; an empty list is a mistake.
    pub fn strings(self, path: &FieldPath) -> Option<Vec<String>> {
        let Value::Sequence(items) = self.value else {
            return self.string(path).map(|text| vec![text]);
        };
        if items.is_empty() {
            self.report.mistake(path, "is an empty list: leave the field out or name something");
            return None;
        }
        let report = self.report;
        let texts = items.iter().enumerate().map(|(i, value)| Node { value, report }.string(&path.index(i)));
        // Every item is read, so that every mistake is told.
        texts.collect::<Vec<_>>().into_iter().collect()
    }

    /// The value as YAML.
    pub fn value(self) -> &'a Value {
        self.value
    }

    /// The report that the value belongs to.
    pub fn report(self) -> &'a Report {
        self.report
    }
}

impl<'a> Fields<'a> {
    /// Where this mapping stands.
    pub fn path(&self) -> &FieldPath {
        &self.path
    }

    /// Where mistakes go.
    pub fn report(&self) -> &'a Report {
        self.report
    }

    /// Whether the mapping has this field with a value, without asking for it.
    pub fn has(&self, name: &str) -> bool {
        self.map.get(name).is_some_and(|value| !value.is_null())
    }

    /// Whether the mapping names this field: `null` counts as far as it is a mistake of its own, which
    /// [`Fields::node`] tells.
    pub fn names_field(&self, name: &str) -> bool {
        self.map.get(name).is_some_and(|value| !(value.is_null() && self.report.takes_null()))
    }

    /// A field's value; `None` when it is missing. `null` is a mistake: what somebody began to write must not
    /// mean the default, which for a condition is everything.
    pub fn node(&mut self, name: &'static str) -> Option<Node<'a>> {
        self.asked.push(name);
        let value = self.map.get(name)?;
        if value.is_null() {
            if !self.report.takes_null() {
                self.mistake(name, EMPTY);
            }
            return None;
        }
        Some(Node { value, report: self.report })
    }

    /// A text.
    pub fn string(&mut self, name: &'static str) -> Option<String> {
        let path = self.path.field(name);
        self.node(name)?.string(&path)
    }

    /// A text that must be there and must not be empty.
    pub fn required(&mut self, name: &'static str) -> Option<String> {
        if !self.names_field(name) {
            self.asked.push(name);
            self.report.mistake(&self.path, format!("{name} is missing"));
            return None;
        }
        let text = self.string(name)?;
        if text.is_empty() {
            self.mistake(name, "is empty");
            return None;
        }
        Some(text)
    }

    /// One text or a list of texts.
    pub fn strings(&mut self, name: &'static str) -> Option<Vec<String>> {
        let path = self.path.field(name);
        self.node(name)?.strings(&path)
    }

    /// `true` or `false`.
    pub fn flag(&mut self, name: &'static str) -> Option<bool> {
        let node = self.node(name)?;
        let flag = node.value.as_bool();
        if flag.is_none() {
            self.mistake(name, format!("is {}, where true or false is needed", kind(node.value)));
        }
        flag
    }

    /// A whole number from `least` to `most`.
    pub fn number(&mut self, name: &'static str, least: u64, most: u64) -> Option<u64> {
        let node = self.node(name)?;
        let number = node.value.as_u64().filter(|n| (least..=most).contains(n));
        if number.is_none() {
            self.mistake(name, format!("must be a whole number from {least} to {most}"));
        }
        number
    }

    /// A duration: `10s`, `5m`, `1h30m`, `250ms`; `0` is allowed.
    pub fn duration(&mut self, name: &'static str) -> Option<Duration> {
        let node = self.node(name)?;
        let parsed = match node.value {
            Value::String(text) => parse_duration(text),
            Value::Number(number) if number.as_u64() == Some(0) => Some(Duration::ZERO),
            _ => None,
        };
        if parsed.is_none() {
            self.mistake(name, "must be a duration such as 250ms, 10s, 5m, 1h30m or 24h");
        }
        parsed
    }

    /// A number of bytes: a whole number, or one with `Ki` or `Mi`.
    pub fn bytes(&mut self, name: &'static str) -> Option<usize> {
        let node = self.node(name)?;
        let parsed = match node.value {
            Value::Number(number) => number.as_u64().and_then(|n| usize::try_from(n).ok()),
            Value::String(text) => parse_bytes(text),
            _ => None,
        };
        let parsed = parsed.filter(|n| *n > 0);
        if parsed.is_none() {
            self.mistake(name, "must be a size such as 65536, 256Ki or 1Mi");
        }
        parsed
    }

    /// A duration from `least` to `most`.
    pub fn duration_within(
        &mut self,
        name: &'static str,
        least: Duration,
        most: Duration,
    ) -> Option<Duration> {
        let found = self.duration(name)?;
        let within = (least..=most).contains(&found);
        if !within {
            self.mistake(name, format!("must be from {} to {}", Shown(least), Shown(most)));
        }
        within.then_some(found)
    }

    /// A number of bytes from `least` to `most`.
    pub fn bytes_within(&mut self, name: &'static str, least: usize, most: usize) -> Option<usize> {
        let found = self.bytes(name)?;
        let within = (least..=most).contains(&found);
        if !within {
            self.mistake(name, format!("must be from {} to {}", Bytes(least), Bytes(most)));
        }
        within.then_some(found)
    }

    /// One of a few words.
    pub fn one_of<T: Copy>(&mut self, name: &'static str, words: &[(&str, T)]) -> Option<T> {
        let text = self.string(name)?;
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning);
        if found.is_none() {
            let known: Vec<_> = words.iter().map(|(word, _)| *word).collect();
            self.mistake(name, format!("\"{}\" is not known{}", text.escape_debug(), suggest(&text, &known)));
        }
        found
    }

    /// A mapping.
    pub fn section(&mut self, name: &'static str) -> Option<Fields<'a>> {
        let path = self.path.field(name);
        self.node(name)?.fields(path)
    }

    /// A list's items, each with its path.
    pub fn list(&mut self, name: &'static str) -> Option<Vec<(FieldPath, Node<'a>)>> {
        let path = self.path.field(name);
        let node = self.node(name)?;
        let Value::Sequence(items) = node.value else {
            self.report.mistake(&path, format!("is {}, where a list is needed", kind(node.value)));
            return None;
        };
        let node = |(i, value)| (path.index(i), Node { value, report: self.report });
        Some(items.iter().enumerate().map(node).collect())
    }

    /// Every field with its text name, asking for all of them: for mappings whose names are data.
    pub fn entries(&mut self) -> Vec<(String, FieldPath, Node<'a>)> {
        let mut entries = Vec::new();
        for (key, value) in self.map {
            let Some(key) = key.as_str() else { continue };
            entries.push((key.to_owned(), self.path.field(key), Node { value, report: self.report }));
        }
        entries
    }

    /// The names of the mapping's fields that are text.
    pub fn names(&self) -> Vec<&'a str> {
        self.map.keys().filter_map(Value::as_str).collect()
    }

    /// Reports a mistake in a field.
    pub fn mistake(&self, name: &str, text: impl Into<String>) {
        self.report.mistake(&self.path.field(name), text);
    }

    /// Warns about a field.
    pub fn warn(&self, name: &str, text: impl Into<String>) {
        self.report.warn(&self.path.field(name), text);
    }

    /// Has `read` ask for fields, of which only the names count: what it finds in them is not told.
    pub(super) fn ask_aside(&mut self, read: impl FnOnce(&mut Fields<'_>)) {
        let report = Report::default();
        let mut aside = Fields { map: self.map, path: self.path.clone(), asked: Vec::new(), report: &report };
        read(&mut aside);
        self.asked.append(&mut aside.asked);
    }

    /// Reports every field that nobody asked for.
    pub fn finish(self) {
        for key in self.map.keys() {
            let Some(name) = key.as_str() else {
                self.report.mistake(&self.path, "has a field whose name is not text");
                continue;
            };
            if !self.asked.contains(&name) {
                let text = format!("is not a field here{}", suggest(name, &self.asked));
                self.report.mistake(&self.path.field(name), text);
            }
        }
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "empty",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Sequence(_) => "a list",
        Value::Mapping(_) => "a mapping",
        Value::Tagged(_) => "a value with a YAML tag",
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn mistakes(text: &str, read: impl FnOnce(&mut Fields<'_>)) -> Vec<String> {
        let value: Value = serde_yaml::from_str(text).unwrap();
        let report = Report::new(Path::new(""));
        let mut fields = Node::new(&value, &report).fields(FieldPath::default()).unwrap();
        read(&mut fields);
        fields.finish();
        report.finish(Path::new("c.yaml"), text).mistakes.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_mistake_is_told_with_its_line_and_the_way_out() {
        let told = mistakes("tag: 1.10\nsettel: 5s\nwait: soon\nkind: Github\n", |fields| {
            fields.string("tag");
            fields.duration("settle");
            fields.duration("wait");
            fields.one_of("kind", &[("GitHub", 1), ("GitLab", 2)]);
            fields.required("name");
        });
        assert_eq!(
            told,
            [
                "c.yaml:1:1: name is missing",
                "c.yaml:1:6: tag: YAML reads 1.1 as a number, and 1.10 as 1.1: put the value in quotes",
                "c.yaml:2:9: settel: is not a field here; did you mean settle?",
                "c.yaml:3:7: wait: must be a duration such as 250ms, 10s, 5m, 1h30m or 24h",
                "c.yaml:4:7: kind: \"Github\" is not known; did you mean GitHub?",
            ]
        );
    }
}

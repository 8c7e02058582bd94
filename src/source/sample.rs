//! Sample deliveries: JSON files with placeholders, and what is put in their places.
//!
//! A source's samples stand in `source/NAME/samples/`, one file per kind of event, named by its word
//! (`image.json`, `git.json`, …); any other file there is a part of those. A placeholder `{{name}}` stands in a
//! string. One that is the whole string gives way to a value of any type: a number, or an object, whose name
//! begins with `>` (`"sender": "{{>sender}}"`).

use jiff::Timestamp;
use serde_json::Value;

use super::draft::{Draft, Sample, random_hex, random_uuid};

/// The values of placeholders: those that every source has, and what a source adds.
#[derive(Debug)]
pub struct Values(Vec<(&'static str, Value)>);

impl Values {
    /// What every source's files may say:
    ///
    /// * `image` (`ghcr.io/acme/web`), its parts `image.host`, `image.path`, `image.namespace` and `image.name`,
    ///   `tag`, `digest` and `digest.hex` (without `sha256:`);
    /// * `repository` (`acme/web`), `repository.owner`, `repository.name`, `branch`, `commit`, the commit
    ///   `before` it, and their first eleven digits `commit.short` and `before.short`;
    /// * `now`: UTC without the zone, which each sender writes in its own way, in whole seconds, with 3, 7 or 9
    ///   digits more as `now.3`, `now.7` and `now.9`, and as the numbers `now.seconds` and `now.milliseconds`
    ///   since 1970;
    /// * `id`: a number, the same all over the delivery; `uuid`: another one each time.
    pub fn new(sample: &Sample, now: Timestamp) -> Self {
        let path = sample.image.path();
        let (namespace, name) = path.split_once('/').unwrap_or(("library", path));
        let repository = sample.repository.as_str();
        let (owner, repository_name) = repository.rsplit_once('/').unwrap_or(("acme", repository));
        let (digest, before) = (sample.digest.as_str(), random_hex::<20>());
        let mut values = Self(Vec::new());
        for (name, value) in [
            ("image", sample.image.as_str()),
            ("image.host", sample.image.host()),
            ("image.path", path),
            ("image.namespace", namespace),
            ("image.name", name),
            ("tag", &sample.tag),
            ("digest", digest),
            ("digest.hex", digest.trim_start_matches("sha256:")),
            ("repository", repository),
            ("repository.owner", owner),
            ("repository.name", repository_name),
            ("branch", &sample.branch),
            ("commit", &sample.commit),
            ("commit.short", sample.commit.get(..11).unwrap_or(&sample.commit)),
            ("before", &before),
            ("before.short", before.get(..11).unwrap_or_default()),
        ] {
            values.set(name, value);
        }
        for (name, digits) in [("now", 0), ("now.3", 3), ("now.7", 7), ("now.9", 9)] {
            values.set(name, format!("{now:.digits$}").trim_end_matches('Z'));
        }
        values.set("now.seconds", now.as_second());
        values.set("now.milliseconds", now.as_millisecond());
        let id = random_hex::<4>();
        values.set("id", u32::from_str_radix(&id, 16).unwrap_or_default());
        values
    }

    /// Adds a value, or puts it in the place of the one of this name.
    pub fn set(&mut self, name: &'static str, value: impl Into<Value>) {
        self.0.push((name, value.into()));
    }

    /// Adds what a file makes as a value, once the values that it needs besides, which may have placeholders
    /// of their own, are set. `None` as in [`Self::fill`].
    pub fn part(&mut self, name: &'static str, text: &str, with: &[(&'static str, &str)]) -> Option<()> {
        for (name, value) in with {
            let value = self.replaced(value);
            self.set(name, value);
        }
        let part = self.fill(text)?;
        self.set(name, part);
        Some(())
    }

    /// Puts the values into a file's text; a placeholder that there is no value for stays. `None` if the text
    /// is not JSON, which none of the files that are compiled in is.
    pub fn fill(&self, text: &str) -> Option<Value> {
        let mut body = serde_json::from_str(text).ok()?;
        self.put(&mut body);
        Some(body)
    }

    /// The delivery that a file makes. `None` as in [`Self::fill`].
    pub fn draft(&self, text: &str) -> Option<Draft> {
        self.fill(text).map(|body| Draft::json(&body))
    }

    fn put(&self, value: &mut Value) {
        match value {
            Value::String(text) => *value = self.replaced(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.put(item)),
            Value::Object(fields) => fields.values_mut().for_each(|field| self.put(field)),
            _ => {}
        }
    }

    fn replaced(&self, text: &str) -> Value {
        let whole = text.strip_prefix("{{").and_then(|text| text.strip_suffix("}}"));
        if let Some(value) = whole.and_then(|name| self.get(name)) {
            return value;
        }
        let (mut made, mut rest) = (String::new(), text);
        while let Some((before, after)) = rest.split_once("{{") {
            made.push_str(before);
            let found = after.split_once("}}").and_then(|(name, after)| Some((self.get(name)?, after)));
            rest = match found {
                Some((Value::String(value), after)) => {
                    made.push_str(&value);
                    after
                }
                Some((value, after)) => {
                    made.push_str(&value.to_string());
                    after
                }
                None => {
                    made.push_str("{{");
                    after
                }
            };
        }
        made.push_str(rest);
        made.into()
    }

    fn get(&self, name: &str) -> Option<Value> {
        if name == "uuid" {
            return Some(random_uuid().into());
        }
        self.0.iter().rev().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::source::draft::SampleEvent;
    use crate::source::testing::sample;

    fn values() -> Values {
        Values::new(&sample(SampleEvent::Image), "2026-03-01T12:00:00.5Z".parse().unwrap())
    }

    fn filled(values: &Values, text: &str) -> Value {
        values.fill(&json!([text]).to_string()).unwrap()[0].clone()
    }

    #[test]
    fn values_have_their_types() {
        let values = values();
        for (text, value) in [
            ("{{image}}:{{tag}}", json!("ghcr.io/acme/web:1.2.3")),
            (
                "{{image.host}} {{image.path}} {{image.namespace}} {{image.name}}",
                json!("ghcr.io acme/web acme web"),
            ),
            ("{{now}}Z", json!("2026-03-01T12:00:00Z")),
            ("{{now.3}} {{now.7}}", json!("2026-03-01T12:00:00.500 2026-03-01T12:00:00.5000000")),
            ("{{now.milliseconds}}", json!(1_772_366_400_500_i64)),
            ("at {{now.seconds}}", json!("at 1772366400")),
        ] {
            assert_eq!(filled(&values, text), value, "{text}");
        }
        assert_eq!(filled(&values, "{{id}}"), filled(&values, "{{id}}"), "the same all over the delivery");
        assert_ne!(filled(&values, "{{uuid}}"), filled(&values, "{{uuid}}"), "another one each time");
    }

    #[test]
    fn only_what_is_known_gives_way_and_only_in_strings() {
        let values = values();
        for text in ["{{other}}", "{/ref}{{", "}}{{tag", "{{ tag }}", "{{}}"] {
            assert_eq!(filled(&values, text), json!(text));
        }
        assert_eq!(filled(&values, "{{other}} {{tag}}"), json!("{{other}} 1.2.3"));
        assert_eq!(values.fill(r#"{"{{tag}}": ["{{tag}}", 1]}"#).unwrap(), json!({"{{tag}}": ["1.2.3", 1]}));
        assert!(values.fill(r#"{"a": {{now.seconds}}}"#).is_none());
    }

    #[test]
    fn what_is_put_in_is_neither_read_again_nor_structure() {
        let mut values = values();
        values.set("branch", "\"{{commit}}\\");
        assert_eq!(filled(&values, "{{branch}}"), json!("\"{{commit}}\\"));
        assert_eq!(filled(&values, "refs/heads/{{branch}}"), json!("refs/heads/\"{{commit}}\\"));
    }

    #[test]
    fn parts_are_put_in_whole() {
        let mut values = values();
        values.part(">user", r#"{"login": "{{login}}"}"#, &[("login", "{{repository.owner}}")]).unwrap();
        assert_eq!(filled(&values, "{{>user}}"), json!({"login": "acme"}));
    }
}

//! YAML as JSON, within bounds: an alias that stands for an alias that stands for an alias makes a small file large.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// How many values may be read in all, and how many bytes of text in them.
#[derive(Debug)]
pub(super) struct Budget {
    values: Cell<usize>,
    bytes: Cell<usize>,
}

/// The most values of all files together.
const VALUES: usize = 200_000;

/// The most bytes of text in them.
const BYTES: usize = 8 * 1024 * 1024;

impl Default for Budget {
    fn default() -> Self {
        Self { values: Cell::new(VALUES), bytes: Cell::new(BYTES) }
    }
}

impl Budget {
    fn spend<E: Error>(&self, text: usize) -> Result<(), E> {
        let left = |budget: &Cell<usize>, spent| {
            let left = budget.get().checked_sub(spent);
            left.map(|left| budget.set(left)).ok_or_else(|| E::custom(TOO_MUCH))
        };
        left(&self.values, 1)?;
        left(&self.bytes, text)
    }
}

const TOO_MUCH: &str = "too large once its aliases are followed";

/// Reads one value, of which keys are text and numbers are finite.
#[derive(Clone, Copy, Debug)]
pub(super) struct AsJson<'a>(pub(super) &'a Budget);

impl<'de> DeserializeSeed<'de> for AsJson<'_> {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for AsJson<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value without a YAML tag")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        self.0.spend(0)?;
        let mut map = Map::new();
        while let Some(key) = entries.next_key_seed(self)? {
            let Value::String(key) = key else {
                return Err(Error::custom(format!("the key {key} is not text: put it in quotes")));
            };
            if key == "<<" {
                return Err(Error::custom("<< is not known here: write out what it would merge"));
            }
            if map.contains_key(&key) {
                let key = key.escape_debug();
                return Err(Error::custom(format!("the key \"{key}\" stands here twice")));
            }
            let value = entries.next_value_seed(self)?;
            map.insert(key, value);
        }
        octal_modes(&mut map);
        Ok(Value::Object(map))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        self.0.spend(0)?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        self.0.spend(text.len())?;
        Ok(Value::String(text.to_owned()))
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Value, E> {
        self.0.spend(0)?;
        Ok(flag.into())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Value, E> {
        self.0.spend(0)?;
        Ok(number.into())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Value, E> {
        self.0.spend(0)?;
        Ok(number.into())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Value, E> {
        self.0.spend(0)?;
        let number = serde_json::Number::from_f64(number);
        number.map(Value::Number).ok_or_else(|| E::custom("a number must be finite"))
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        self.0.spend(0)?;
        Ok(Value::Null)
    }

    /// A document without anything in it.
    fn visit_none<E: Error>(self) -> Result<Value, E> {
        self.visit_unit()
    }
}

/// `defaultMode: 0644`, and `mode` beside `path`, are octal numbers to kubectl (YAML 1.1) and text in YAML 1.2. The API
/// takes nothing but a number there.
fn octal_modes(map: &mut Map<String, Value>) {
    let of_item = map.contains_key("path").then_some("mode");
    for field in ["defaultMode"].into_iter().chain(of_item) {
        let Some(Value::String(text)) = map.get(field) else { continue };
        if let Some(number) = text.strip_prefix('0').and_then(|digits| u32::from_str_radix(digits, 8).ok()) {
            map.insert(field.to_owned(), number.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use serde_json::json;

    use super::*;

    fn read(text: &str) -> Result<Value, String> {
        let budget = Budget::default();
        let deserializer = serde_yaml::Deserializer::from_str(text);
        AsJson(&budget).deserialize(deserializer).map_err(|error| error.to_string())
    }

    #[test]
    fn values_are_what_they_are_in_json() {
        let text = "a: [1, -2, 1.5, true, null, \"0644\", yes]\nb: {c: |\n    text\n  }\n";
        let text = text.replace("{c: |\n    text\n  }", "&x {c: text}\nd: *x");
        let expected = json!({
            "a": [1, -2, 1.5, true, null, "0644", "yes"], "b": {"c": "text"}, "d": {"c": "text"},
        });
        assert_eq!(read(&text).unwrap(), expected);
    }

    #[test]
    fn modes_are_octal_as_kubectl_has_it() {
        let read = |text| read(text).unwrap();
        assert_eq!(read("{defaultMode: 0644}"), json!({"defaultMode": 420}));
        assert_eq!(read("{path: a, mode: 0400}"), json!({"path": "a", "mode": 256}));
        assert_eq!(read("{mode: 0400, defaultMode: 420}"), json!({"mode": "0400", "defaultMode": 420}));
    }

    #[test]
    fn what_json_cannot_say_is_told() {
        for (text, told) in [
            ("{1: a}", "the key 1 is not text: put it in quotes"),
            ("{a: 1, a: 2}", "the key \"a\" stands here twice"),
            ("a: .nan", "a number must be finite"),
            ("a: !secret x", "a value without a YAML tag"),
            ("a: &a {b: 1}\nc: {<<: *a}", "<< is not known here"),
            ("a: [", "did not find expected node content"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(told), "{text}: {error}");
        }
    }

    #[test]
    fn a_small_text_does_not_become_a_large_value() {
        let mut nested = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let of = format!("*a{}, ", level - 1).repeat(10);
            writeln!(nested, "a{level}: &a{level} [{of}]").unwrap();
        }
        let error = read(&nested).unwrap_err();
        assert!(error.contains(TOO_MUCH) || error.contains("repetition limit"), "{error}");
        let long = format!("a: &a {}\nb: [{}]\n", "x".repeat(100_000), "*a, ".repeat(1000));
        let error = read(&long).unwrap_err();
        assert!(error.contains(TOO_MUCH), "{error}");
    }
}

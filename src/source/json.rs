//! Reading JSON bodies into the few fields that matter, and naming the place when that fails.

use std::fmt;

use serde::de::{DeserializeOwned, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Number;

use super::{Undecodable, json_path};

/// Reads a JSON body. What is not JSON is [`Undecodable::Malformed`]; JSON with a field of an unexpected type
/// is [`Undecodable::UnknownShape`], with that field's path.
pub fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Undecodable> {
    let text = std::str::from_utf8(body);
    let text = text.map_err(|error| Undecodable::Malformed(format!("the body is not JSON: {error}")))?;
    serde_json::from_str(text).map_err(|error| explain(text, &error))
}

/// The bytes of the first JSON value of a body, for senders whose bodies have something after it; all of them
/// if there is none.
pub fn first_value(body: &[u8]) -> &[u8] {
    let mut values = serde_json::Deserializer::from_slice(body).into_iter::<IgnoredAny>();
    let found = matches!(values.next(), Some(Ok(_)));
    body.get(..values.byte_offset()).filter(|_| found).unwrap_or(body)
}

/// The slow way, taken only when reading has failed.
fn explain(body: &str, error: &serde_json::Error) -> Undecodable {
    if let Err(error) = serde_json::from_str::<IgnoredAny>(body) {
        return Undecodable::Malformed(format!("the body is not JSON: {error}"));
    }
    let path = json_path::at(body, error.line(), error.column());
    Undecodable::UnknownShape(format!("{path}: {}", without_value(&error.to_string())))
}

/// serde's sentence without the value that it quotes: what stands in a body goes into no log and no answer.
fn without_value(told: &str) -> String {
    match (told.find(['`', '"']), told.rfind(", expected ")) {
        (Some(quoted), Some(expected)) if quoted < expected => {
            let (before, after) = (told.get(..quoted), told.get(expected..));
            format!("{}{}", before.unwrap_or_default().trim_end(), after.unwrap_or_default())
        }
        _ => told.to_owned(),
    }
}

/// For `deserialize_with`, beside `default`: a text or a number, as text, and nothing for anything else. For
/// fields that merely add to an event (who, when, which id), whose odd type must not cost the event.
/// Nothing else is held: a tree of a body's bytes takes a hundred times their memory.
pub fn scalar<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    deserializer.deserialize_any(Scalar)
}

struct Scalar;

impl<'de> Visitor<'de> for Scalar {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(text.to_owned()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Some(number.to_string()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Some(number.to_string()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        // As it stands in JSON.
        Ok(Number::from_f64(number).map(|number| number.to_string()))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Self::Value, A::Error> {
        IgnoredAny.visit_seq(items).map(|_| None)
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Self::Value, A::Error> {
        IgnoredAny.visit_map(fields).map(|_| None)
    }
}

/// A field without which an event means nothing.
pub fn need<T>(field: Option<T>, path: &str) -> Result<T, Undecodable> {
    field.ok_or_else(|| Undecodable::UnknownShape(format!("{path}: missing")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    struct Push {
        #[expect(dead_code, reason = "only its type matters here")]
        repository: Option<Repository>,
    }
    #[derive(Debug, serde::Deserialize)]
    struct Repository {
        #[expect(dead_code, reason = "only its type matters here")]
        name: Option<String>,
    }

    fn told(body: &[u8]) -> Undecodable {
        read::<Push>(body).unwrap_err()
    }

    #[test]
    fn failures_name_the_place() {
        assert!(read::<Push>(br#"{"repository": null, "other": [1]}"#).is_ok());
        for bad in [&b"{"[..], b"", b"{} x", b"{\"a\": \"\xff\"}", &[b'['; 200]] {
            assert!(matches!(told(bad), Undecodable::Malformed(_)), "{bad:?}");
        }
        let Undecodable::UnknownShape(text) = told(br#"{"repository": {"name": 7}}"#) else { panic!() };
        assert!(text.starts_with("repository.name: invalid type: integer, expected a string at"), "{text}");
        let Undecodable::UnknownShape(text) = told(br#"{"repository": "a, expected `b`"}"#) else { panic!() };
        assert!(text.starts_with("repository: invalid type: string, expected struct Repository"), "{text}");
    }

    #[test]
    fn fields_that_merely_add_may_be_odd() {
        #[derive(serde::Deserialize)]
        struct Pushed {
            #[serde(default, deserialize_with = "scalar")]
            at: Option<String>,
        }
        let at = |body: &[u8]| read::<Pushed>(body).unwrap().at;
        assert_eq!(at(br#"{"at": 1.4e9}"#).unwrap(), "1400000000.0");
        assert_eq!(at(br#"{"at": -7}"#).unwrap(), "-7");
        assert_eq!(at(br#"{"at": "now"}"#).unwrap(), "now");
        for none in
            [&b"{}"[..], br#"{"at": null}"#, br#"{"at": true}"#, br#"{"at": [1]}"#, br#"{"at": {"a": 1}}"#]
        {
            assert_eq!(at(none), None);
        }
    }

    #[test]
    fn the_first_value_ends_where_it_ends() {
        assert_eq!(first_value(b" {\"a\": [1]}\n}"), b" {\"a\": [1]}");
        assert_eq!(first_value(b"{}{}"), b"{}");
        assert_eq!(first_value(b"{\"a\""), b"{\"a\"");
        assert_eq!(first_value(b""), b"");
    }
}

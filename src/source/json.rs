//! Reading JSON bodies into the few fields that matter, and naming the place when that fails.

use serde::de::{DeserializeOwned, IgnoredAny};

use super::Undecodable;

/// Reads a JSON body. What is not JSON is [`Undecodable::Malformed`]; JSON with a field of an unexpected type
/// is [`Undecodable::UnknownShape`], with that field's path.
pub fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Undecodable> {
    let text = std::str::from_utf8(body);
    let text = text.map_err(|error| Undecodable::Malformed(format!("the body is not JSON: {error}")))?;
    serde_json::from_str(text).map_err(|_| explain::<T>(text))
}

/// The slow way, taken only when reading has failed.
fn explain<T: DeserializeOwned>(body: &str) -> Undecodable {
    if let Err(error) = serde_json::from_str::<IgnoredAny>(body) {
        return Undecodable::Malformed(format!("the body is not JSON: {error}"));
    }
    match serde_path_to_error::deserialize::<_, T>(&mut serde_json::Deserializer::from_str(body)) {
        Ok(_) => Undecodable::Malformed("the body has something after its JSON value".into()),
        Err(error) if error.inner().is_data() => {
            Undecodable::UnknownShape(format!("{}: {}", error.path(), error.inner()))
        }
        Err(error) => Undecodable::Malformed(format!("the body is not JSON: {}", error.inner())),
    }
}

/// A field without which an event means nothing.
pub fn need<T>(field: Option<T>, path: &str) -> Result<T, Undecodable> {
    field.ok_or_else(|| Undecodable::UnknownShape(format!("{path}: missing")))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Push {
        #[expect(dead_code, reason = "only its type matters here")]
        repository: Option<Repository>,
    }
    #[derive(Debug, Deserialize)]
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
        assert!(text.starts_with("repository.name: invalid type"), "{text}");
    }
}

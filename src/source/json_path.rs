//! Where in a JSON text an error is: `commits[0].id`. Deserializing again with a path kept would cost a second
//! copy of every deserializer in the binary; walking the text to the error's place costs this file.

/// How much of a path is shown, in bytes.
const SHOWN: usize = 200;

/// One level of nesting on the way to the place.
enum Level<'a> {
    /// The key that was read last; `None` before the first.
    Object(Option<&'a str>),
    /// The index of the item.
    Array(usize),
}

/// The path of the value at a line and column (both from 1, the column in bytes) of a valid JSON text, as
/// `serde_json` reports them; `.` is the whole.
pub(super) fn at(text: &str, line: usize, column: usize) -> String {
    let lines_before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let levels = levels(text, lines_before + column);
    let mut path = String::new();
    for level in levels {
        match level {
            Level::Object(Some(key)) if path.is_empty() => path.push_str(key),
            Level::Object(Some(key)) => path.extend([".", key]),
            Level::Object(None) => {}
            Level::Array(index) => path.extend(["[", &index.to_string(), "]"]),
        }
    }
    match path.char_indices().nth(SHOWN) {
        Some((end, _)) => path.truncate(end),
        None if path.is_empty() => path.push('.'),
        None => {}
    }
    path
}

/// The nesting at a byte offset.
fn levels(text: &str, end: usize) -> Vec<Level<'_>> {
    let mut levels = Vec::new();
    let mut offset = 0;
    // Whether the next string in an object is a key.
    let mut key_next = false;
    let bytes = text.as_bytes();
    while let Some(byte) = bytes.get(offset).filter(|_| offset < end) {
        offset += 1;
        match byte {
            b'{' => {
                levels.push(Level::Object(None));
                key_next = true;
            }
            b'[' => {
                levels.push(Level::Array(0));
                key_next = false;
            }
            b'}' | b']' => {
                levels.pop();
                key_next = false;
            }
            b',' => match levels.last_mut() {
                Some(Level::Array(index)) => *index += 1,
                Some(Level::Object(_)) => key_next = true,
                None => {}
            },
            b'"' => {
                let length = string_length(bytes.get(offset..).unwrap_or_default());
                if let Some(Level::Object(key)) = levels.last_mut().filter(|_| key_next) {
                    *key = text.get(offset..offset + length);
                    key_next = false;
                }
                offset += length + 1;
            }
            _ => {}
        }
    }
    levels
}

/// The length of a string up to its closing quote.
fn string_length(bytes: &[u8]) -> usize {
    let mut escaped = false;
    let end = bytes.iter().position(|byte| {
        let closing = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        closing
    });
    end.unwrap_or(bytes.len())
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Push {
        #[expect(dead_code, reason = "only its type matters here")]
        repository: Option<Repository>,
        #[expect(dead_code, reason = "only its type matters here")]
        changes: Option<Vec<Repository>>,
    }
    #[derive(Debug, Deserialize)]
    struct Repository {
        #[expect(dead_code, reason = "only its type matters here")]
        name: String,
    }

    fn path(text: &str) -> String {
        let error = serde_json::from_str::<Push>(text).unwrap_err();
        at(text, error.line(), error.column())
    }

    #[test]
    fn errors_are_placed_as_a_person_would_write_it() {
        for (text, expected) in [
            (r#"{"repository": {"name": 7}}"#, "repository.name"),
            (r#"{"repository": {"name": {"a": 1}}}"#, "repository.name"),
            (r#"{"x": "}\"{", "repository": "text"}"#, "repository"),
            ("{\"changes\": [{\"name\": \"a\"},\n\n {\"name\": null}]}", "changes[1].name"),
            (r#"{"changes": [{"name": "a"}, 5]}"#, "changes[1]"),
            (r#"{"changes": {}}"#, "changes"),
            (r#"{"repository": {"other": 1}}"#, "repository"),
            (r"[]", "."),
            (r#""x""#, "."),
        ] {
            assert_eq!(path(text), expected, "{text}");
        }
    }

    #[test]
    fn a_long_path_is_cut() {
        let text = format!(r#"{{"{}": 1}}"#, "ä".repeat(1000));
        assert_eq!(at(&text, 1, text.len()).chars().count(), 1, "the whole, once it is closed");
        assert_eq!(at(&text, 1, text.len() - 1).chars().count(), SHOWN);
    }

    proptest::proptest! {
        #[test]
        fn any_text_and_place_is_walked(text: String, line in 0usize..10, column in 0usize..200) {
            at(&text, line, column);
        }
    }
}

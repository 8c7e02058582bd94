//! What the fuzz targets do with one input: plain functions of bytes, which panic when something does not hold.
//!
//! libFuzzer calls them through `fuzz/fuzz_targets/`, and `tests/fuzz.rs` with every file of `fuzz/corpus/`, on stable
//! Rust. An input is text that a person can write: its first lines say what the rest is for.

#[path = "../../tests/sources/cases.rs"]
#[allow(dead_code, reason = "the contract of sources needs more of it")]
mod cases;
pub(crate) mod configuration;
pub(crate) mod deliveries;
pub(crate) mod images;
pub(crate) mod journal;
pub(crate) mod policies;
mod request;
pub(crate) mod signatures;
pub(crate) mod templates;
pub(crate) mod tokens;

/// The first line, without its end, and what follows it.
fn line(data: &[u8]) -> (&[u8], &[u8]) {
    match data.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&data[..end], &data[end + 1..]),
        None => (data, &[]),
    }
}

/// The same as text, in which bytes that are none are replaced.
fn text_line(data: &[u8]) -> (String, &[u8]) {
    let (first, rest) = line(data);
    (String::from_utf8_lossy(first).into_owned(), rest)
}

/// What a person is shown must neither steer a terminal nor flood it.
fn assert_printable(text: &str) {
    assert!(!text.chars().any(char::is_control), "{text:?}");
    assert!(text.len() <= 32_768, "{} bytes: {text:?}", text.len());
}

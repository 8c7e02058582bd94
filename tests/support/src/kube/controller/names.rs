//! Names as controllers make them, and their times.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// The letters and digits of generated names: no vowels, so that no words come out.
const LETTERS: [char; 27] = [
    'b', 'c', 'd', 'f', 'g', 'h', 'j', 'k', 'l', 'm', 'n', 'p', 'q', 'r', 's', 't', 'v', 'w', 'x', 'z', '2',
    '4', '5', '6', '7', '8', '9',
];

/// The hash of a pod template: the same template, the same hash.
pub fn hash(template: &Value) -> String {
    let mut hasher = DefaultHasher::new();
    template.hash(&mut hasher);
    let hash = hasher.finish() >> 32;
    hash.to_string().bytes().map(|digit| LETTERS[usize::from(digit) % LETTERS.len()]).collect()
}

/// The name of the revision that a workload's pod template asks for.
pub fn revision(object: &Value) -> String {
    format!("{}-{}", text(object, "/metadata/name"), hash(&object["spec"]["template"]))
}

/// Five letters for the name of a pod; another number, other letters.
pub fn suffix(number: u64) -> String {
    // Scattered over all there are, so that they look as chosen at random.
    let all = LETTERS.len().pow(5) as u64;
    let mut left = number.wrapping_mul(6_364_137) % all;
    let mut suffix = String::new();
    for _ in 0..5 {
        let letter = usize::try_from(left).unwrap() % LETTERS.len();
        suffix.push(LETTERS[letter]);
        left /= LETTERS.len() as u64;
    }
    suffix
}

/// Now, to the second, as the API shows times.
pub fn now() -> String {
    ago(0)
}

/// So many seconds ago.
pub fn ago(seconds: u64) -> String {
    let seconds = SignedDuration::from_secs(seconds.try_into().unwrap());
    let then = Timestamp::now() - seconds;
    Timestamp::from_second(then.as_second()).unwrap().to_string()
}

/// Whether this time, which the API shows, is at least so many seconds ago.
pub fn is_past(time: &Value, seconds: u64) -> bool {
    let time: Option<Timestamp> = time.as_str().and_then(|text| text.parse().ok());
    time.is_some_and(|time| time.to_string() <= ago(seconds))
}

/// A text in an object; empty where there is none.
pub fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    at(object, pointer).and_then(Value::as_str).unwrap_or_default()
}

/// A count in an object; zero where there is none.
pub fn number(object: &Value, pointer: &str) -> u64 {
    at(object, pointer).and_then(Value::as_u64).unwrap_or(0)
}

/// [`Value::pointer`] for names without `~`: controllers look at many objects, and this one copies nothing.
fn at<'a>(object: &'a Value, pointer: &str) -> Option<&'a Value> {
    pointer.split('/').skip(1).try_fold(object, |value, name| match value {
        Value::Array(items) => items.get(name.parse::<usize>().ok()?),
        other => other.get(name),
    })
}

//! No body makes a source panic, whatever is in it, or is missing from it, and however deep it is.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use boathook::source::Draft;
use proptest::prelude::*;
use serde_json::Value;

use crate::cases::{Case, cases};

static ALL: LazyLock<Vec<(Case, Vec<Draft>)>> = LazyLock::new(|| {
    let drafts = |case: &Case| case.samples().into_iter().map(|(_, draft)| draft).collect();
    cases().into_iter().map(|case| (drafts(&case), case)).map(|(drafts, case)| (case, drafts)).collect()
});

/// Any JSON, of the words that senders use and of others.
fn any_json() -> impl Strategy<Value = Value> {
    let words =
        ["", "push", "created", "refs/tags/v1", "sha256:", "a/b:c@d", "\u{0}", "success", "container"];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        proptest::sample::select(words.to_vec()).prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::hash_map("[a-z_]{1,8}", inner, 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// The JSON pointers of a tree's values.
pub(crate) fn pointers(tree: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match tree {
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, item)| pointers(item, &format!("{at}/{i}"), found));
        }
        Value::Object(fields) => {
            let escaped = |name: &str| name.replace('~', "~0").replace('/', "~1");
            fields
                .iter()
                .for_each(|(name, value)| pointers(value, &format!("{at}/{}", escaped(name)), found));
        }
        _ => {}
    }
}

/// What becomes of a value of a real body.
#[derive(Clone, Debug)]
enum Change {
    Other(Value),
    Gone,
    /// Within so many arrays and objects.
    Deep(usize),
    /// There so many times: as an array's items, or as fields with other names.
    Many(usize),
}

fn any_change() -> impl Strategy<Value = Change> {
    prop_oneof![
        3 => any_json().prop_map(Change::Other),
        2 => Just(Change::Gone),
        1 => (1..200_usize).prop_map(Change::Deep),
        1 => (2..20_usize).prop_map(Change::Many),
    ]
}

impl Change {
    fn apply(&self, tree: &mut Value, place: &str) {
        let (parent, name) = place.rsplit_once('/').unwrap_or_default();
        let name = name.replace("~1", "/").replace("~0", "~");
        match (self, tree.pointer_mut(parent).filter(|_| !place.is_empty())) {
            (Self::Gone, Some(Value::Object(fields))) => drop(fields.remove(&name)),
            (Self::Gone, Some(Value::Array(items))) => drop(items.remove(name.parse().unwrap())),
            _ => {
                let value = tree.pointer_mut(place).unwrap();
                let old = value.take();
                *value = match self {
                    Self::Gone => Value::Null,
                    Self::Other(other) => other.clone(),
                    Self::Deep(times) => (0..*times).fold(old, |inner, level| {
                        if level % 2 == 0 {
                            Value::Array(vec![inner])
                        } else {
                            serde_json::json!({"a": inner})
                        }
                    }),
                    Self::Many(times) if old.is_object() => {
                        (0..*times).map(|number| (number.to_string(), old.clone())).collect()
                    }
                    Self::Many(times) => vec![old; *times].into(),
                };
            }
        }
    }
}

/// As a form carries it.
fn form(body: &[u8]) -> Draft {
    let content_type = "application/x-www-form-urlencoded".to_owned();
    let encoded = form_urlencoded::byte_serialize(body).collect::<String>();
    Draft {
        headers: vec![("Content-Type".to_owned(), content_type)],
        body: format!("payload={encoded}").into_bytes(),
    }
}

/// Decodes a body under a sample's headers, and in a form; what is decoded says something.
fn decodes(case: &Case, draft: &Draft, body: Vec<u8>) -> Result<(), TestCaseError> {
    let mut in_form = form(&body);
    in_form.headers.extend(draft.headers.iter().filter(|(name, _)| name != "Content-Type").cloned());
    for draft in [Draft { headers: draft.headers.clone(), body }, in_form] {
        if let Ok(decoded) = case.decode(&draft) {
            prop_assert!(!decoded.events.is_empty(), "{}", case.name);
        }
    }
    Ok(())
}

/// Where a real body has JSON of its own within base64, and that JSON.
fn inner(body: &Value) -> Option<(&'static str, Value)> {
    let place = "/message/data";
    let data = STANDARD.decode(body.pointer(place)?.as_str()?).ok()?;
    Some((place, serde_json::from_slice(&data).ok()?))
}

proptest! {
    // Each case is one for every sample of every source.
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn arbitrary_json_never_panics(body in any_json(), bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        for (case, drafts) in &*ALL {
            for draft in drafts {
                for body in [body.to_string().into_bytes(), bytes.clone()] {
                    decodes(case, draft, body)?;
                }
            }
        }
    }

    #[test]
    fn a_real_body_with_odd_values_never_panics(
        odd in proptest::collection::vec((any::<prop::sample::Index>(), any_change()), 1..4),
    ) {
        let change = |tree: &mut Value| {
            for (place, change) in &odd {
                let mut places = Vec::new();
                pointers(tree, "", &mut places);
                change.apply(tree, &places[place.index(places.len())]);
            }
        };
        for (case, drafts) in &*ALL {
            for draft in drafts {
                let mut body: Value = serde_json::from_slice(&draft.body).unwrap();
                if let Some((place, mut data)) = inner(&body) {
                    change(&mut data);
                    let mut body = body.clone();
                    *body.pointer_mut(place).unwrap() = STANDARD.encode(data.to_string()).into();
                    decodes(case, draft, body.to_string().into_bytes())?;
                }
                change(&mut body);
                decodes(case, draft, body.to_string().into_bytes())?;
            }
        }
    }
}

#[test]
fn a_body_that_is_deeper_than_any_stack_is_refused() {
    let deep = [("[", "]"), ("{\"a\":", "}"), ("[{\"message\":", "}]")];
    for (case, drafts) in &*ALL {
        for (open, close) in deep {
            let body = [&open.repeat(20_000), "1", &close.repeat(20_000)].concat().into_bytes();
            assert!(
                case.decode(&Draft { headers: drafts[0].headers.clone(), body }).is_err(),
                "{}",
                case.name
            );
        }
    }
}

//! No body makes a source panic, whatever is in it.

use std::sync::LazyLock;

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
fn pointers(tree: &Value, at: &str, found: &mut Vec<String>) {
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

proptest! {
    #[test]
    fn arbitrary_json_never_panics(body in any_json(), bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        for (case, drafts) in &*ALL {
            for draft in drafts {
                for body in [body.to_string().into_bytes(), bytes.clone()] {
                    let _ = case.decode(&Draft { headers: draft.headers.clone(), body });
                }
            }
        }
    }

    #[test]
    fn a_real_body_with_odd_values_never_panics(
        odd in proptest::collection::vec((any::<prop::sample::Index>(), any_json()), 1..4),
    ) {
        for (case, drafts) in &*ALL {
            for draft in drafts {
                let mut body: Value = serde_json::from_slice(&draft.body).unwrap();
                for (place, value) in &odd {
                    let mut places = Vec::new();
                    pointers(&body, "", &mut places);
                    *body.pointer_mut(&places[place.index(places.len())]).unwrap() = value.clone();
                }
                let headers = draft.headers.clone();
                if let Ok(decoded) = case.decode(&Draft { headers, body: body.to_string().into_bytes() }) {
                    prop_assert!(!decoded.events.is_empty(), "{}", case.name);
                }
            }
        }
    }
}

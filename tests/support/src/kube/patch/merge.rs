//! JSON merge patch, RFC 7396: maps merge, everything else is replaced, null deletes.

use serde_json::{Map, Value};

/// Applies the patch.
pub fn apply(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    for (key, value) in patch {
        if value.is_null() {
            target.as_object_mut().unwrap().remove(key);
        } else {
            apply(&mut target[key], value);
        }
    }
}

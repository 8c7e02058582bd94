//! JSON patch, RFC 6902.

use serde_json::Value;

/// An operation that cannot be carried out (the API server tells nobody which).
#[derive(Debug, PartialEq)]
pub struct Failed;

/// Applies all operations, or none: on failure the target is left as it was.
pub fn apply(target: &mut Value, operations: &[Value]) -> Result<(), Failed> {
    let mut result = target.clone();
    for operation in operations {
        let text = |field: &str| operation[field].as_str().ok_or(Failed);
        let value = || operation.get("value").cloned().ok_or(Failed);
        let path = text("path")?;
        match text("op")? {
            "test" => {
                // A missing place equals null, as in the library that the API server uses.
                let found = result.pointer(path).cloned().unwrap_or_default();
                if found != operation.get("value").cloned().unwrap_or_default() {
                    return Err(Failed);
                }
            }
            "add" => add(&mut result, path, value()?)?,
            "replace" => *result.pointer_mut(path).ok_or(Failed)? = value()?,
            "remove" => {
                remove(&mut result, path)?;
            }
            "move" => {
                let value = remove(&mut result, text("from")?)?;
                add(&mut result, path, value)?;
            }
            "copy" => {
                let value = result.pointer(text("from")?).cloned().ok_or(Failed)?;
                add(&mut result, path, value)?;
            }
            _ => return Err(Failed),
        }
    }
    *target = result;
    Ok(())
}

fn add(target: &mut Value, path: &str, value: Value) -> Result<(), Failed> {
    if path.is_empty() {
        *target = value;
        return Ok(());
    }
    let (parent, key) = split(path)?;
    match target.pointer_mut(parent).ok_or(Failed)? {
        Value::Object(map) => {
            map.insert(key, value);
        }
        Value::Array(items) => {
            let index = if key == "-" { items.len() } else { index(&key)? };
            if index > items.len() {
                return Err(Failed);
            }
            items.insert(index, value);
        }
        _ => return Err(Failed),
    }
    Ok(())
}

fn remove(target: &mut Value, path: &str) -> Result<Value, Failed> {
    let (parent, key) = split(path)?;
    match target.pointer_mut(parent).ok_or(Failed)? {
        Value::Object(map) => map.remove(&key).ok_or(Failed),
        Value::Array(items) => {
            let index = index(&key)?;
            if index < items.len() { Ok(items.remove(index)) } else { Err(Failed) }
        }
        _ => Err(Failed),
    }
}

/// The parent's pointer and the last key, unescaped (RFC 6901).
fn split(path: &str) -> Result<(&str, String), Failed> {
    let (parent, key) = path.rsplit_once('/').ok_or(Failed)?;
    Ok((parent, key.replace("~1", "/").replace("~0", "~")))
}

fn index(key: &str) -> Result<usize, Failed> {
    if key.len() > 1 && key.starts_with('0') {
        return Err(Failed);
    }
    key.parse().map_err(|_| Failed)
}

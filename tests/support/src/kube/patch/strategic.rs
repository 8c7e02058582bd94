//! Strategic merge patch: as a merge patch, but the lists that Kubernetes' types mark with a merge key are merged
//! item by item, and `$patch`, `$retainKeys`, `$deleteFromPrimitiveList/…` and `$setElementOrder/…` steer it.
//! Facts: <https://kubernetes.io/docs/tasks/manage-kubernetes-objects/update-api-object-kubectl-patch/> and the
//! patchMergeKey of each field in the API reference.

use serde_json::{Map, Value};

/// The merge key of a list, by the name of its field and of the field that holds it.
pub fn merge_key(parent: &str, field: &str) -> Option<&'static str> {
    Some(match field {
        "containers"
        | "initContainers"
        | "ephemeralContainers"
        | "env"
        | "volumes"
        | "imagePullSecrets"
        | "resourceClaims"
        | "schedulingGates" => "name",
        // Of a Service it is "port"; everywhere else ports are a container's.
        "ports" if parent == "spec" => "port",
        "ports" => "containerPort",
        "volumeMounts" => "mountPath",
        "volumeDevices" => "devicePath",
        "hostAliases" => "ip",
        "topologySpreadConstraints" => "topologyKey",
        "conditions" => "type",
        "ownerReferences" => "uid",
        _ => return None,
    })
}

/// Lists of plain values that are merged as sets.
fn is_set(field: &str) -> bool {
    field == "finalizers"
}

/// Applies the patch; the error is the API server's text for an item without its merge key.
pub fn apply(target: &mut Value, patch: &Value) -> Result<(), String> {
    let Some(patch) = patch.as_object() else {
        *target = patch.clone();
        return Ok(());
    };
    merge_map(target, patch, "")
}

fn merge_map(target: &mut Value, patch: &Map<String, Value>, own: &str) -> Result<(), String> {
    match patch.get("$patch").and_then(Value::as_str) {
        Some("delete") => {
            *target = Value::Object(Map::new());
            return Ok(());
        }
        Some("replace") => {
            let fields = patch.iter().filter(|(key, _)| key.as_str() != "$patch");
            *target = fields.map(|(key, value)| (key.clone(), value.clone())).collect();
            return Ok(());
        }
        _ => {}
    }
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let map = target.as_object_mut().unwrap();
    if let Some(kept) = patch.get("$retainKeys").and_then(Value::as_array) {
        map.retain(|key, _| kept.iter().any(|name| name == key));
    }
    for (key, value) in patch {
        if let Some(field) = key.strip_prefix("$deleteFromPrimitiveList/")
            && let (Some(items), Some(gone)) =
                (map.get_mut(field).and_then(Value::as_array_mut), value.as_array())
        {
            items.retain(|item| !gone.contains(item));
        }
    }
    for (key, value) in patch.iter().filter(|(key, _)| !key.starts_with('$')) {
        match value {
            Value::Null => {
                map.remove(key);
            }
            Value::Object(fields) => {
                if fields.get("$patch").is_some_and(|directive| directive == "delete") {
                    map.remove(key);
                } else {
                    merge_map(map.entry(key.clone()).or_insert(Value::Null), fields, key)?;
                }
            }
            Value::Array(items) => {
                let live = map.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
                let order = patch.get(&format!("$setElementOrder/{key}")).and_then(Value::as_array);
                map.insert(key.clone(), Value::Array(merge_list(live, items, own, key, order)?));
            }
            plain => {
                map.insert(key.clone(), plain.clone());
            }
        }
    }
    Ok(())
}

fn merge_list(
    live: Vec<Value>,
    patch: &[Value],
    parent: &str,
    field: &str,
    order: Option<&Vec<Value>>,
) -> Result<Vec<Value>, String> {
    if is_set(field) {
        let mut merged = live;
        for item in patch {
            if !merged.contains(item) {
                merged.push(item.clone());
            }
        }
        return Ok(merged);
    }
    let Some(key) = merge_key(parent, field).filter(|_| patch.iter().all(Value::is_object)) else {
        return Ok(patch.to_vec());
    };
    if patch.iter().any(|item| item["$patch"] == "replace") {
        return Ok(patch.iter().filter(|item| item["$patch"] != "replace").cloned().collect());
    }
    let mut merged = live.clone();
    let mut patched = Vec::new();
    for item in patch {
        let id = item.get(key).ok_or_else(|| {
            format!(
                "map: {} does not contain declared merge key: {key}",
                super::super::status::go_format(item)
            )
        })?;
        let place = merged.iter().position(|own| own.get(key) == Some(id));
        if item["$patch"] == "delete" {
            if let Some(place) = place {
                merged.remove(place);
            }
            continue;
        }
        patched.push(id.clone());
        let place = place.unwrap_or_else(|| {
            merged.push(Value::Null);
            merged.len() - 1
        });
        merge_map(&mut merged[place], item.as_object().unwrap(), field)?;
    }
    let wanted: Vec<Value> =
        order.map_or(patched, |order| order.iter().filter_map(|item| item.get(key).cloned()).collect());
    Ok(arrange(merged, &live, &wanted, key))
}

/// The order of the result: the patch's items in the patch's order, the others in their own; one of the others goes
/// before an item of the patch only if it stood before it already. So a new item comes first.
fn arrange(merged: Vec<Value>, live: &[Value], wanted: &[Value], key: &str) -> Vec<Value> {
    let id = |item: &Value| item.get(key).cloned().unwrap_or_default();
    let place = |wanted: &Value| live.iter().position(|item| item.get(key) == Some(wanted));
    let (named, mut others): (Vec<Value>, Vec<Value>) =
        merged.into_iter().partition(|item| wanted.contains(&id(item)));
    let mut result = Vec::new();
    for name in wanted {
        let Some(item) = named.iter().find(|item| id(item) == *name) else { continue };
        while let Some(other) = others.first() {
            match (place(&id(other)), place(name)) {
                (Some(before), Some(here)) if before < here => result.push(others.remove(0)),
                _ => break,
            }
        }
        result.push(item.clone());
    }
    result.append(&mut others);
    result
}

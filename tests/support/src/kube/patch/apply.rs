//! Server-side apply and who owns which field: enough for maps, and for lists with a merge key.

use super::strategic::merge_key;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// A field's way from the root: map keys, and list items by their merge key.
pub type Path = Vec<Segment>;

/// One step of a [`Path`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Segment {
    Field(String),
    /// The merge key's name and its value as JSON.
    Item(String, String),
}

/// Who wrote a field last, and how.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Manager {
    pub name: String,
    /// By server-side apply, not by another write.
    pub apply: bool,
}

/// The owner of every leaf that somebody wrote, and when each of them wrote last, in seconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Owners {
    of: BTreeMap<Path, Manager>,
    times: BTreeMap<Manager, String>,
}

/// What an apply would take from others: (sentence, field) of each, as the API server words it.
pub type Conflicts = Vec<(String, String)>;

impl Owners {
    /// Notes what a write changed.
    pub fn wrote(&mut self, before: &Value, after: &Value, manager: &str, apply: bool) {
        let (before, after) = (leaves(before), leaves(after));
        for (path, value) in &after {
            if before.get(path) != Some(value) {
                let manager = Manager { name: manager.to_owned(), apply };
                self.of.insert(path.clone(), manager.clone());
                self.times.insert(manager, now());
            }
        }
        self.of.retain(|path, _| after.contains_key(path));
    }

    /// The names of those who wrote something.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.of.values().map(|manager| manager.name.clone()).collect();
        names.sort();
        names.dedup();
        names
    }

    /// metadata.managedFields.
    pub fn managed_fields(&self, api_version: &str) -> Value {
        let mut sets: BTreeMap<&Manager, Value> = BTreeMap::new();
        for (path, manager) in &self.of {
            let mut place = sets.entry(manager).or_insert_with(|| json!({}));
            for segment in path {
                let key = match segment {
                    Segment::Field(name) => format!("f:{name}"),
                    Segment::Item(key, value) => format!("k:{{\"{key}\":{value}}}"),
                };
                if place.is_null() {
                    *place = json!({});
                }
                place = &mut place[key];
            }
            if place.is_null() {
                *place = json!({});
            }
        }
        let entry = |(manager, fields): (&Manager, Value)| {
            json!({
                "manager": manager.name, "operation": if manager.apply { "Apply" } else { "Update" },
                "apiVersion": api_version, "time": self.times.get(manager), "fieldsType": "FieldsV1", "fieldsV1": fields
            })
        };
        Value::Array(sets.into_iter().map(entry).collect())
    }

    /// Applies a configuration in this manager's name. Fields it applied before and no longer does go away.
    pub fn apply(
        &mut self,
        live: &Value,
        applied: &Value,
        manager: &str,
        force: bool,
    ) -> Result<Value, Conflicts> {
        let own = Manager { name: manager.to_owned(), apply: true };
        let current = leaves(live);
        let wanted = leaves(applied);
        let conflicts: Conflicts = wanted
            .iter()
            .filter(|(path, value)| current.get(*path).is_some_and(|present| present != *value))
            .filter_map(|(path, _)| {
                self.of.get(path).filter(|owner| **owner != own).map(|owner| (path, owner))
            })
            .map(|(path, owner)| (sentence(owner, live), display(path)))
            .collect();
        if !conflicts.is_empty() && !force {
            return Err(conflicts);
        }
        let mut result = live.clone();
        let owned = self.of.clone();
        let given_up: Vec<Path> = self
            .of
            .iter()
            .filter(|(path, owner)| **owner == own && !wanted.contains_key(*path))
            .map(|(path, _)| path.clone())
            .collect();
        for path in given_up {
            remove(&mut result, &path);
            self.of.remove(&path);
        }
        merge(&mut result, applied, "");
        for (path, value) in wanted {
            // A field that somebody else set to the same value is theirs as well; the first owner is kept here.
            if current.get(&path) != Some(&value) || !self.of.contains_key(&path) {
                self.of.insert(path, own.clone());
            }
        }
        if result != *live || self.of != owned {
            self.times.insert(own, now());
        }
        Ok(result)
    }
}

fn now() -> String {
    format!("{:.0}", jiff::Timestamp::now())
}

fn sentence(owner: &Manager, live: &Value) -> String {
    if owner.apply {
        format!("conflict with \"{}\"", owner.name)
    } else {
        format!("conflict with \"{}\" using {}", owner.name, live["apiVersion"].as_str().unwrap_or_default())
    }
}

/// `.data.color`, `.spec.containers[name="web"].image`.
fn display(path: &Path) -> String {
    path.iter()
        .map(|segment| match segment {
            Segment::Field(name) => format!(".{name}"),
            Segment::Item(key, value) => format!("[{key}={value}]"),
        })
        .collect()
}

/// Every leaf of an object that can be owned. Identity and what the server sets cannot.
fn leaves(object: &Value) -> BTreeMap<Path, Value> {
    let mut found = BTreeMap::new();
    for (key, value) in object.as_object().into_iter().flatten() {
        match key.as_str() {
            "apiVersion" | "kind" | "status" => {}
            "metadata" => {
                for part in ["labels", "annotations"] {
                    let path = vec![Segment::Field("metadata".to_owned()), Segment::Field(part.to_owned())];
                    collect(&value[part], path, part, "metadata", &mut found);
                }
            }
            _ => collect(value, vec![Segment::Field(key.clone())], key, "", &mut found),
        }
    }
    found
}

fn collect(value: &Value, path: Path, field: &str, parent: &str, found: &mut BTreeMap<Path, Value>) {
    match (value, merge_key(parent, field)) {
        (Value::Null, _) => {}
        (Value::Object(map), _) if !map.is_empty() => {
            for (key, value) in map {
                let path = [path.clone(), vec![Segment::Field(key.clone())]].concat();
                collect(value, path, key, field, found);
            }
        }
        (Value::Array(items), Some(key)) => {
            for item in items {
                let segment = Segment::Item(key.to_owned(), identity(item, key));
                collect(item, [path.clone(), vec![segment]].concat(), "", field, found);
            }
        }
        (leaf, _) => {
            found.insert(path, leaf.clone());
        }
    }
}

fn merge(target: &mut Value, applied: &Value, parent: &str) {
    let Some(fields) = applied.as_object() else {
        *target = applied.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    for (key, value) in fields {
        let place = &mut target[key];
        match (value, merge_key(parent, key)) {
            (Value::Object(_), _) => merge(place, value, key),
            (Value::Array(items), Some(id)) => {
                if !place.is_array() {
                    *place = json!([]);
                }
                let list = place.as_array_mut().unwrap();
                for item in items {
                    match list.iter_mut().find(|own| own[id] == item[id]) {
                        Some(own) => merge(own, item, key),
                        None => list.push(item.clone()),
                    }
                }
            }
            _ => *place = value.clone(),
        }
    }
}

/// What tells a list's item from the others.
fn identity(item: &Value, key: &str) -> String {
    item[key].to_string()
}

fn remove(object: &mut Value, path: &[Segment]) {
    let Some((segment, rest)) = path.split_first() else { return };
    match segment {
        Segment::Field(name) if rest.is_empty() => {
            if let Some(map) = object.as_object_mut() {
                map.remove(name);
            }
        }
        Segment::Field(name) => {
            if let Some(child) = object.get_mut(name) {
                remove(child, rest);
            }
        }
        Segment::Item(key, value) => {
            let items = object.as_array_mut().into_iter().flatten();
            if let Some(item) = items.into_iter().find(|item| identity(item, key) == *value) {
                remove(item, rest);
            }
        }
    }
}

//! The objects, their resourceVersion and generation.

use super::defaults;
use super::kinds::Kind;
use super::patch::apply::Owners;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// group, plural, namespace, name. Ordered as lists are.
pub type Key = (String, String, String, String);

/// One object and who wrote it.
#[derive(Clone, Debug)]
pub struct Stored {
    /// Without managedFields; apiVersion is the one it was written with.
    pub object: Value,
    pub owners: Owners,
}

/// All objects.
#[derive(Debug, Default)]
pub struct Store {
    objects: BTreeMap<Key, Stored>,
    version: u64,
    created: u64,
}

impl Store {
    /// The current resourceVersion of lists.
    pub fn version(&self) -> u64 {
        self.version
    }

    pub fn get(&self, key: &Key) -> Option<&Stored> {
        self.objects.get(key)
    }

    pub fn remove(&mut self, key: &Key) -> Option<Stored> {
        self.version += 1;
        self.objects.remove(key)
    }

    /// The objects of a resource, in one namespace or all, ordered by namespace and name.
    pub fn list<'a>(
        &'a self,
        group: &'a str,
        plural: &'a str,
        namespace: Option<&'a str>,
    ) -> impl Iterator<Item = &'a Stored> {
        self.beginning(group, plural, namespace.unwrap_or_default(), "").map(|(_, stored)| stored)
    }

    /// The objects of a resource whose names begin like this, with their keys. Of all namespaces where none is named.
    pub fn beginning<'a>(
        &'a self,
        group: &'a str,
        plural: &'a str,
        namespace: &'a str,
        prefix: &str,
    ) -> impl Iterator<Item = (&'a Key, &'a Stored)> + use<'a> {
        let start = (group.to_owned(), plural.to_owned(), namespace.to_owned(), prefix.to_owned());
        self.objects.range(start.clone()..).take_while(move |(key, _)| {
            (key.0.as_str(), key.1.as_str()) == (group, plural)
                && (namespace.is_empty() || key.2 == namespace && key.3.starts_with(&start.3))
        })
    }

    /// The keys of a resource's objects in all namespaces.
    pub fn keys(&self, group: &str, plural: &str) -> Vec<Key> {
        self.beginning(group, plural, "", "").map(|(key, _)| key.clone()).collect()
    }

    /// Puts an object there as the test gives it. What it does not say is filled in as the API server would.
    pub fn put(&mut self, kind: &Kind, mut object: Value) -> Value {
        let key = key(kind, &object);
        if let Some(present) = self.objects.get(&key).cloned() {
            for field in ["uid", "creationTimestamp"] {
                object["metadata"][field] = present.object["metadata"][field].clone();
            }
            return self.replace(kind, &key, &present, object, "test", false).object;
        }
        let given: Option<u64> =
            object["metadata"]["resourceVersion"].as_str().and_then(|text| text.parse().ok());
        let object = self.prepared(kind, object);
        if let Some(given) = given {
            self.version = self.version.max(given);
        }
        self.insert(key, object, given, "test", false)
    }

    /// Creates an object for a client: its own resourceVersion, generation 1.
    pub fn create(&mut self, kind: &Kind, mut object: Value, manager: &str, apply: bool) -> Value {
        for field in ["uid", "creationTimestamp", "resourceVersion", "generation"] {
            object["metadata"].as_object_mut().unwrap().remove(field);
        }
        let (key, asked) = (key(kind, &object), object.clone());
        let object = self.prepared(kind, object);
        let object = self.insert(key.clone(), object, None, manager, apply);
        if let Some(stored) = self.objects.get_mut(&key).filter(|_| apply) {
            // Who applies owns what was applied, not what was filled in.
            stored.owners = Owners::default();
            stored.owners.wrote(&json!({}), &asked, manager, apply);
        }
        object
    }

    /// What creating it would give, without doing it.
    pub fn prepared(&mut self, kind: &Kind, mut object: Value) -> Value {
        defaults::normalize(kind, &mut object);
        self.created += 1;
        let metadata = object["metadata"].as_object_mut().unwrap();
        metadata.remove("managedFields");
        let uid = format!("00000000-0000-4000-8000-{:012x}", self.created);
        metadata.entry("uid").or_insert_with(|| json!(uid));
        metadata.entry("creationTimestamp").or_insert_with(|| json!("2026-11-21T00:00:00Z"));
        if kind.has_generation() {
            metadata.entry("generation").or_insert_with(|| json!(1));
        }
        object
    }

    fn insert(
        &mut self,
        key: Key,
        mut object: Value,
        version: Option<u64>,
        manager: &str,
        apply: bool,
    ) -> Value {
        let version = version.unwrap_or_else(|| {
            self.version += 1;
            self.version
        });
        object["metadata"]["resourceVersion"] = json!(version.to_string());
        let mut owners = Owners::default();
        owners.wrote(&json!({}), &object, manager, apply);
        self.objects.insert(key, Stored { object: object.clone(), owners });
        object
    }

    /// Writes a changed object: nothing at all happens when nothing changed; the generation counts changes of what
    /// is asked for, the resourceVersion every change. A dry run keeps the resourceVersion and stores nothing.
    pub fn replace(
        &mut self,
        kind: &Kind,
        key: &Key,
        before: &Stored,
        mut object: Value,
        manager: &str,
        dry_run: bool,
    ) -> Stored {
        defaults::normalize(kind, &mut object);
        let old = &before.object["metadata"];
        for field in ["resourceVersion", "generation", "uid", "creationTimestamp"] {
            object["metadata"][field] = old[field].clone();
        }
        let metadata = object["metadata"].as_object_mut().unwrap();
        metadata.retain(|_, value| !value.is_null());
        metadata.remove("managedFields");
        if kind.has_generation() && asked(&before.object) != asked(&object) {
            let generation = old["generation"].as_u64().unwrap_or(0) + 1;
            object["metadata"]["generation"] = json!(generation);
            defaults::count_template(kind, &before.object, &mut object);
        }
        let mut stored = Stored { object, owners: before.owners.clone() };
        if stored.object == before.object {
            return stored;
        }
        stored.owners.wrote(&before.object, &stored.object, manager, false);
        self.save(key, stored, dry_run)
    }

    /// Stores what [`Self::replace`] or an apply has made, with a new resourceVersion.
    pub fn save(&mut self, key: &Key, mut stored: Stored, dry_run: bool) -> Stored {
        if !dry_run {
            self.version += 1;
            stored.object["metadata"]["resourceVersion"] = json!(self.version.to_string());
            self.objects.insert(key.clone(), stored.clone());
        }
        stored
    }

    /// Puts an object there that a controller has made, complete as it is.
    pub fn produce(&mut self, key: Key, mut object: Value) {
        self.created += 1;
        self.version += 1;
        object["metadata"]["uid"] = json!(format!("00000000-0000-4000-8000-{:012x}", self.created));
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        self.objects.insert(key, Stored { object, owners: Owners::default() });
    }

    /// Changes an object as a controller does: no generation, no owners, a new resourceVersion.
    pub fn touch(&mut self, key: &Key, change: impl FnOnce(&mut Value)) {
        if let Some(stored) = self.objects.get_mut(key) {
            change(&mut stored.object);
            self.version += 1;
            stored.object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        }
    }
}

/// An object's key.
pub fn key(kind: &Kind, object: &Value) -> Key {
    let metadata = |field: &str| object["metadata"][field].as_str().unwrap_or_default().to_owned();
    let namespace = if kind.namespaced { metadata("namespace") } else { String::new() };
    (kind.group.clone(), kind.plural.clone(), namespace, metadata("name"))
}

/// What a person asks for: everything but metadata and status.
fn asked(object: &Value) -> Map<String, Value> {
    let fields = object.as_object().into_iter().flatten();
    fields
        .filter(|(key, _)| !matches!(key.as_str(), "metadata" | "status"))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

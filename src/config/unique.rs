//! What may stand in a configuration only once: an endpoint's name, and a key, which names a path. It is looked
//! after while endpoints are read, so that a mistake elsewhere in an endpoint hides nothing.

use std::collections::HashMap;

use super::fields::Fields;
use crate::key::PathDigest;

/// The names and paths so far, each with the endpoint that has it.
#[derive(Debug, Default)]
pub(super) struct Unique {
    names: HashMap<String, usize>,
    paths: HashMap<PathDigest, (usize, String)>,
}

impl Unique {
    /// The names so far.
    pub(super) fn names(&self) -> Vec<&str> {
        self.names.keys().map(String::as_str).collect()
    }

    /// Takes an endpoint's name; one that is there already is a mistake.
    pub(super) fn name(&mut self, fields: &Fields<'_>, index: usize, name: &str) {
        if let Some(first) = self.names.insert(name.to_owned(), index) {
            fields.mistake("name", format!("endpoints[{first}] has this name already: names are unique"));
        }
    }

    /// Takes the paths of an endpoint's keys, which come from this field; one that is there already is a mistake.
    pub(super) fn paths(
        &mut self,
        fields: &Fields<'_>,
        index: usize,
        name: Option<&str>,
        digests: &[PathDigest],
        key_field: &str,
    ) {
        let owner = name.map_or_else(|| format!("endpoints[{index}]"), str::to_owned);
        for digest in digests {
            let text = match self.paths.insert(*digest, (index, owner.clone())) {
                None => continue,
                Some((other, _)) if other == index => "the same key stands here twice".to_owned(),
                Some((_, other)) => format!(
                    "{other} has this key already, so both would have one path: give each its own (boathook keygen)"
                ),
            };
            fields.mistake(key_field, text);
        }
    }
}

//! Finds the line of a field: YAML values carry no positions, but the deserializer's errors do, so the text is
//! walked once more along the path and an error raised at its end.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::report::{FieldPath, Segment};

/// A line and column of the configuration file, both counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// From 1.
    pub line: usize,
    /// From 1.
    pub column: usize,
}

impl Place {
    /// Where a YAML error says that it is.
    pub fn of(error: &serde_yaml::Error) -> Option<Self> {
        error.location().map(|at| Self { line: at.line(), column: at.column() })
    }
}

/// The place of the value at `path`; that of the closest value around it when there is none.
pub(super) fn locate(text: &str, path: &FieldPath) -> Option<Place> {
    let seek = Seek(&path.0).deserialize(serde_yaml::Deserializer::from_str(text));
    seek.err().as_ref().and_then(Place::of)
}

/// Walks down a path and fails on purpose at its end, or where it leads no further.
struct Seek<'a>(&'a [Segment]);

impl<'de> DeserializeSeed<'de> for Seek<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seek<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the value that is looked for")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Some((Segment::Field(wanted), rest)) = self.0.split_first() else {
            return Err(A::Error::custom("here"));
        };
        while let Some(key) = map.next_key::<serde_yaml::Value>()? {
            if key.as_str() == Some(wanted) {
                return map.next_value_seed(Seek(rest));
            }
            map.next_value::<IgnoredAny>()?;
        }
        Err(A::Error::custom("here"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Some((Segment::Index(wanted), rest)) = self.0.split_first() else {
            return Err(A::Error::custom("here"));
        };
        for _ in 0..*wanted {
            if items.next_element::<IgnoredAny>()?.is_none() {
                return Err(A::Error::custom("here"));
            }
        }
        items.next_element_seed(Seek(rest))?;
        Err(A::Error::custom("here"))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Err(E::custom("here"))
    }
    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Err(E::custom("here"))
    }
    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Err(E::custom("here"))
    }
    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Err(E::custom("here"))
    }
    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Err(E::custom("here"))
    }
    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Err(E::custom("here"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "version: 1\nendpoints:\n- name: a\n  rules:\n  - when: {tag: latest}\n    do:\n    - x\n- name: b\n  keyPath: b.key\n";

    fn line(path: &FieldPath) -> usize {
        locate(TEXT, path).map_or(0, |place| place.line)
    }

    #[test]
    fn fields_items_and_what_is_missing_are_found() {
        let endpoints = FieldPath::default().field("endpoints");
        assert_eq!(line(&FieldPath::default().field("version")), 1);
        assert_eq!(line(&endpoints.index(0).field("name")), 3);
        let rule = endpoints.index(0).field("rules").index(0);
        assert_eq!(line(&rule.field("when").field("tag")), 5);
        assert_eq!(line(&rule.field("do").index(0)), 7);
        assert_eq!(line(&endpoints.index(1).field("keyPath")), 9);
        assert_eq!(line(&endpoints.index(1).field("source")), 8, "the mapping that should have it");
        assert_eq!(line(&endpoints.index(7)), 3, "the list that should have it");
    }
}

//! A whole JSON body in memory, for senders whose fields may stand anywhere. A tree takes up to a hundred times the
//! memory of its text, so that the number of its values is bounded.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// The most values of a tree: some 10 MiB if all are objects.
const MOST: usize = 16 * 1024;

/// For `deserialize_with`: any value, unless it holds too many.
pub(super) fn tree<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
    Tree(&Cell::new(MOST)).deserialize(deserializer)
}

/// Reads a value, of which there may be so many more.
struct Tree<'a>(&'a Cell<usize>);

impl<'de> DeserializeSeed<'de> for Tree<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let left = self.0.get().checked_sub(1);
        self.0.set(left.ok_or_else(|| D::Error::custom(format!("more than {MOST} values")))?);
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Tree<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        while let Some(item) = items.next_element_seed(Tree(self.0))? {
            all.push(item);
        }
        Ok(all.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut all = Map::new();
        while let Some(name) = fields.next_key()? {
            all.insert(name, fields.next_value_seed(Tree(self.0))?);
        }
        Ok(all.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> serde_json::Result<Value> {
        tree(&mut serde_json::Deserializer::from_str(text))
    }

    #[test]
    fn a_tree_is_what_was_written() {
        for text in ["null", "[]", r#"{"a":[true,-1,18446744073709551615,1.5,"\u0000b",{}],"b":null}"#] {
            assert_eq!(read(text).unwrap(), serde_json::from_str::<Value>(text).unwrap());
        }
    }

    #[test]
    fn it_holds_no_more_than_so_many_values() {
        let many = |count: usize| format!("[{}]", vec![r#"{"a":0}"#; count].join(","));
        assert!(read(&many(MOST / 2 - 1)).is_ok());
        let told = read(&many(MOST / 2)).unwrap_err().to_string();
        assert!(told.starts_with("more than 16384 values"), "{told}");
    }
}

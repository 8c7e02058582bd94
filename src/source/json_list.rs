//! Lists in JSON bodies, which are bounded: what a sender does not fill in takes two bytes and becomes hundreds.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};

/// The most items of a list; more than a sender has events.
const MOST: usize = 4096;

/// For `deserialize_with`, beside `default`: a list, `None` for `null`.
pub(super) fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Vec<T>>, D::Error> {
    deserializer.deserialize_any(List(PhantomData))
}

/// One item more in a list that is read, unless it has too many; `what` is what its items are called.
pub(super) fn push<T, E: Error>(list: &mut Vec<T>, item: T, what: &str) -> Result<(), E> {
    if list.len() == MOST {
        return Err(E::custom(format!("more than {MOST} {what}")));
    }
    list.push(item);
    Ok(())
}

struct List<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for List<T> {
    type Value = Option<Vec<T>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sequence")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut all = Vec::new();
        while let Some(item) = items.next_element()? {
            push(&mut all, item, "items")?;
        }
        Ok(Some(all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_no_more_than_so_many_items() {
        let read = |text: &str| list::<_, u8>(&mut serde_json::Deserializer::from_str(text));
        assert_eq!(read("null").unwrap(), None);
        assert_eq!(read("[1, 2]").unwrap(), Some(vec![1, 2]));
        assert!(read("{}").unwrap_err().to_string().contains("expected a sequence"));
        let many = |count: usize| format!("[{}]", vec!["0"; count].join(","));
        assert!(read(&many(MOST)).is_ok());
        assert!(read(&many(MOST + 1)).unwrap_err().to_string().starts_with("more than 4096 items"));
    }
}

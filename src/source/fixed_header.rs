//! Senders that prove themselves by a header whose value somebody has typed into them: Harbor,
//! `AzureContainerRegistry`, Distribution. Nothing of the request is signed.

use hyper::header::HeaderName;

use super::signature::{is_key, present};
use super::{Delivery, Draft, Refusal};
use crate::config::fields::Fields;
use crate::key::Key;

/// The header that must carry the key, alone or after `Bearer `.
#[derive(Clone, Debug)]
pub struct FixedHeader {
    name: String,
}

impl FixedHeader {
    /// Reads `header: NAME`; without it the header is `Authorization`.
    pub fn configure(fields: &mut Fields<'_>) -> Self {
        let name = fields.string("header").unwrap_or_else(|| "Authorization".to_owned());
        if HeaderName::try_from(name.as_str()).is_err() {
            fields.mistake("header", format!("\"{}\" is not the name of a header", name.escape_debug()));
        }
        Self { name }
    }

    /// How deliveries prove themselves.
    pub fn proof(&self) -> String {
        format!("{}, the key itself, alone or after Bearer", self.name)
    }

    /// Checks the header.
    pub fn verify(&self, keys: &[Key], delivery: &Delivery<'_>) -> Result<(), Refusal> {
        let text = present(delivery.header(&self.name))?;
        let after_scheme = match text.split_once(' ') {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("bearer") => Some(rest.trim_start()),
            _ => None,
        };
        let matches =
            [Some(text), after_scheme].into_iter().flatten().any(|text| is_key(keys, text.as_bytes()));
        if matches { Ok(()) } else { Err(Refusal::Invalid) }
    }

    /// Adds the header.
    pub fn sign(&self, key: &Key, draft: &mut Draft) -> Result<(), String> {
        draft.default_header(&self.name, header_value(key)?);
        Ok(())
    }
}

/// The key as a header's value; fails if it holds what no header can carry.
pub fn header_value(key: &Key) -> Result<String, String> {
    let text = std::str::from_utf8(key.expose()).ok();
    let text = text.filter(|text| text.trim() == *text && text.bytes().all(|b| (b' '..=b'~').contains(&b)));
    text.map(str::to_owned).ok_or_else(|| {
        "the key cannot stand in a header: it holds something other than visible ASCII characters, or a space \
         or line break at its end"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verify(name: &str, key: &str, pairs: &[(&str, &str)]) -> Result<(), Refusal> {
        let pairs: Vec<_> = pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let headers = super::super::headers(&pairs).unwrap();
        let keys = [Key::new(*b"an older key"), Key::new(key.as_bytes())];
        FixedHeader { name: name.into() }.verify(&keys, &Delivery { headers: &headers, body: b"" })
    }

    #[test]
    fn the_key_stands_alone_or_after_bearer() {
        for value in ["a key of mine", "Bearer a key of mine", "bearer  a key of mine", "an older key"] {
            assert_eq!(
                verify("Authorization", "a key of mine", &[("authorization", value)]),
                Ok(()),
                "{value}"
            );
        }
        for value in ["", "Bearer", "Bearer ", "a key of min", "A key of mine", "Basic a key of mine", "key"]
        {
            let told = verify("Authorization", "a key of mine", &[("Authorization", value)]);
            assert_eq!(told, Err(Refusal::Invalid), "{value}");
        }
        assert_eq!(verify("Authorization", "Bearer abc", &[("Authorization", "Bearer abc")]), Ok(()));
    }

    #[test]
    fn missing_repeated_and_empty_prove_nothing() {
        let proof = ("X-Token", "a key of mine");
        assert_eq!(verify("X-Token", "a key of mine", &[proof]), Ok(()));
        assert_eq!(verify("X-Token", "a key of mine", &[]), Err(Refusal::Missing));
        let elsewhere = [("Authorization", "a key of mine")];
        assert_eq!(verify("X-Token", "a key of mine", &elsewhere), Err(Refusal::Missing));
        assert_eq!(verify("X-Token", "a key of mine", &[proof, proof]), Err(Refusal::Invalid));
        assert_eq!(verify("X-Token", "", &[("X-Token", "")]), Err(Refusal::Invalid), "an empty key");
        assert_eq!(verify("X-Token", "", &[("X-Token", "Bearer ")]), Err(Refusal::Invalid), "an empty key");
    }

    #[test]
    fn a_key_that_no_header_can_carry_is_told() {
        assert_eq!(header_value(&Key::new(*b"abc def")).unwrap(), "abc def");
        for bad in [&b"abc\n"[..], b" abc", "schl\u{fc}ssel".as_bytes(), b"a\0", b"\xff"] {
            assert!(header_value(&Key::new(bad)).is_err(), "{bad:?}");
        }
    }
}

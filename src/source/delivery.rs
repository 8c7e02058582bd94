//! One HTTP request as it arrived, before anybody has looked into its body.

use std::borrow::Cow;

use hyper::HeaderMap;

/// A request's headers and body.
#[derive(Debug)]
pub struct Delivery<'a> {
    /// As received; a name may stand several times.
    pub headers: &'a HeaderMap,
    /// The bytes as received: signatures are over these.
    pub body: &'a [u8],
}

/// What a request says under one header name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Header<'a> {
    /// Nothing.
    Absent,
    /// Exactly one value, of visible ASCII text, trimmed.
    Text(&'a str),
    /// Several values, or bytes that are no text: never a proof.
    Unusable,
}

impl<'a> Delivery<'a> {
    /// Looks a header up. A proof that stands twice is ambiguous, so it is [`Header::Unusable`].
    pub fn header(&self, name: &str) -> Header<'a> {
        let mut values = self.headers.get_all(name).iter();
        let (first, second) = (values.next(), values.next());
        match (first, second) {
            (None, _) => Header::Absent,
            (Some(value), None) => value.to_str().map_or(Header::Unusable, |text| Header::Text(text.trim())),
            _ => Header::Unusable,
        }
    }

    /// The header's text when it is there once and is text.
    pub fn text(&self, name: &str) -> Option<&'a str> {
        match self.header(name) {
            Header::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether the content type is this one, parameters aside.
    pub fn is_content_type(&self, wanted: &str) -> bool {
        let content_type = self.text("content-type").unwrap_or_default();
        let essence = content_type.split(';').next().unwrap_or_default();
        essence.trim().eq_ignore_ascii_case(wanted)
    }

    /// Whether the body is a form (`application/x-www-form-urlencoded`).
    pub fn is_form(&self) -> bool {
        self.is_content_type("application/x-www-form-urlencoded")
    }

    /// The JSON that the request carries: its body, or the form's field `payload`. `None` for a form without it.
    pub fn payload(&self) -> Option<Cow<'a, [u8]>> {
        if self.is_form() {
            self.form_field("payload").map(Cow::Owned)
        } else {
            Some(Cow::Borrowed(self.body))
        }
    }

    /// The value of one field of the form body, decoded; `None` if it is missing or there twice.
    pub fn form_field(&self, name: &str) -> Option<Vec<u8>> {
        // A hook's form has one field; a body of a million is not read to its end.
        let mut found = form_urlencoded::parse(self.body).take(16).filter(|(field, _)| field == name);
        match (found.next(), found.next()) {
            (Some((_, value)), None) => Some(value.into_owned().into_bytes()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let pairs: Vec<_> = pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        crate::source::headers(&pairs).unwrap()
    }

    #[test]
    fn a_header_that_stands_twice_is_unusable() {
        let headers = headers(&[("X-A", "1"), ("x-b", "1"), ("X-B", "2")]);
        let delivery = Delivery { headers: &headers, body: b"" };
        assert_eq!(delivery.header("x-a"), Header::Text("1"));
        assert_eq!(delivery.header("x-b"), Header::Unusable);
        assert_eq!(delivery.header("x-c"), Header::Absent);
    }

    #[test]
    fn a_form_field_is_taken_once() {
        let headers = headers(&[("content-type", "application/x-www-form-urlencoded; charset=utf-8")]);
        let field = |body: &[u8]| Delivery { headers: &headers, body }.form_field("payload");
        assert!(Delivery { headers: &headers, body: b"" }.is_form());
        assert_eq!(field(b"payload=%7B%22a%22%3A+1%7D").unwrap(), b"{\"a\": 1}");
        assert_eq!(field(b"payload=1&payload=2"), None);
        assert_eq!(field(b"other=1"), None);
    }
}

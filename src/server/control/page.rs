//! What is asked of the control socket.

use std::time::Duration;

use hyper::{Method, Request};

use crate::server::prefer;

/// What a request says besides its method.
#[derive(Debug)]
pub(in crate::server) struct Asked {
    segments: Vec<String>,
    query: Vec<(String, String)>,
    /// `Prefer: wait=N`
    pub(super) wait: Option<Duration>,
}

/// What there is.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::server) enum Page<'a> {
    Deliveries,
    Delivery { id: &'a str },
    Redeliver { id: &'a str },
    Holds,
    Hold { workload: String },
}

impl Asked {
    pub(in crate::server) fn of<B>(request: &Request<B>) -> Self {
        let uri = request.uri();
        let query = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
        let path = uri.path().strip_prefix('/').unwrap_or_default();
        // One that is not valid is no page.
        let segments = path.split('/').map(decoded).collect::<Option<_>>().unwrap_or_default();
        Self { segments, query, wait: prefer::wait(request.headers()) }
    }

    pub(in crate::server) fn segments(&self) -> Vec<&str> {
        self.segments.iter().map(String::as_str).collect()
    }

    /// A parameter of the query; one that is empty counts as left out.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }
}

impl<'a> Page<'a> {
    pub(in crate::server) fn of(segments: &[&'a str]) -> Option<Self> {
        Some(match *segments {
            ["deliveries"] => Self::Deliveries,
            ["deliveries", id] if !id.is_empty() => Self::Delivery { id },
            ["deliveries", id, "redeliver"] if !id.is_empty() => Self::Redeliver { id },
            ["holds"] => Self::Holds,
            ["holds", namespace, kind, name] => Self::Hold { workload: format!("{namespace}/{kind}/{name}") },
            _ => return None,
        })
    }

    pub(super) fn method(&self) -> Method {
        match self {
            Self::Deliveries | Self::Delivery { .. } | Self::Holds => Method::GET,
            Self::Redeliver { .. } => Method::POST,
            Self::Hold { .. } => Method::DELETE,
        }
    }

    /// Whether asking for it changes something.
    pub(super) fn changes(&self) -> bool {
        self.method() != Method::GET
    }
}

/// A path's segment without its percent signs: a sender's id may have any visible character.
fn decoded(segment: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let (byte, tail) = match first {
            b'%' => {
                let (digits, tail) = tail.split_at_checked(2)?;
                (*hex::decode(digits).ok()?.first()?, tail)
            }
            byte => (*byte, tail),
        };
        bytes.push(byte);
        rest = tail;
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(uri: &str) -> Asked {
        Asked::of(&Request::get(uri).body(()).unwrap())
    }

    #[test]
    fn every_page_has_its_path() {
        for (uri, page) in [
            ("/deliveries", Page::Deliveries),
            ("/deliveries?limit=3", Page::Deliveries),
            ("/deliveries/a%2Fb%25+c", Page::Delivery { id: "a/b%+c" }),
            ("/deliveries/1/redeliver", Page::Redeliver { id: "1" }),
            ("/holds", Page::Holds),
            ("/holds/default/sts/db", Page::Hold { workload: "default/sts/db".into() }),
        ] {
            assert_eq!(Page::of(&asked(uri).segments()), Some(page), "{uri}");
        }
        for uri in
            ["/", "/deliveries/", "/deliveries/%2", "/deliveries/%ff", "/holds/web", "//holds", "/hook/1"]
        {
            assert_eq!(Page::of(&asked(uri).segments()), None, "{uri}");
        }
    }

    #[test]
    fn parameters_are_decoded() {
        let asked = asked("/deliveries?limit=&endpoint=a%26b&endpoint=c");
        assert_eq!((asked.parameter("limit"), asked.parameter("endpoint")), (None, Some("a&b")));
        assert_eq!(asked.parameter("other"), None);
    }
}

//! Requests, answers, and what else may happen to a request.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// One request, read to its end.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    pub path_and_query: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Whether the client showed a certificate that the server's CA signed (https only).
    pub client_certificate: bool,
}

impl Request {
    /// The first value of a header, its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// An answer with its body.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    /// An answer of this content type.
    pub fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: vec![("Content-Type".to_owned(), content_type.to_owned())],
            body: body.into(),
        }
    }

    /// A JSON answer.
    pub fn json(status: u16, body: &serde_json::Value) -> Self {
        Self::new(status, "application/json", body.to_string())
    }

    /// A plain-text answer, as Go's `http.Error` writes it.
    pub fn text(status: u16, body: &str) -> Self {
        Self::new(status, "text/plain; charset=utf-8", body)
    }

    /// Adds a header.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// What to do with a request.
#[derive(Debug)]
pub enum Reply {
    Answer(Answer),
    /// Close the connection without a byte.
    Drop,
    /// Send the head and half of the body, then close.
    Half(Answer),
}

/// Answers requests; called on the server's own thread.
pub type Handler = Arc<dyn Fn(Request) -> Pin<Box<dyn Future<Output = Reply> + Send>> + Send + Sync>;

/// Makes a handler of a plain function.
pub fn handler(answer: impl Fn(Request) -> Reply + Send + Sync + 'static) -> Handler {
    Arc::new(move |request| {
        let reply = answer(request);
        Box::pin(async move { reply })
    })
}

//! Everything that the listener can answer.

use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{
    ALLOW, CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE,
};
use hyper::{Response, StatusCode};
use serde::Serialize;

/// How long a sender is asked to wait when it is the relay that cannot, in seconds.
const RETRY_LATER: HeaderValue = HeaderValue::from_static("10");

/// A response, not yet in hyper's form.
#[derive(Debug)]
pub(super) struct Answer {
    status: StatusCode,
    content_type: &'static str,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Vec<u8>,
}

impl Answer {
    pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Self {
        // Our own types always serialize; an empty body would only lose the text.
        let body = serde_json::to_vec(body).unwrap_or_default();
        Self { status, content_type: "application/json", headers: Vec::new(), body }
    }

    pub(super) fn text(status: StatusCode, body: &str) -> Self {
        Self { status, content_type: "text/plain; charset=utf-8", headers: Vec::new(), body: body.into() }
    }

    /// Says that the caller's wish to wait was heeded.
    pub(super) fn preference_applied(mut self, wait: Duration) -> Self {
        let name = HeaderName::from_static("preference-applied");
        if let Ok(value) = HeaderValue::try_from(format!("wait={}", wait.as_secs())) {
            self.headers.push((name, value));
        }
        self
    }

    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    pub(super) fn into_response(self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(Bytes::from(self.body)));
        *response.status_mut() = self.status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        response.headers_mut().extend(self.headers);
        response
    }
}

/// An error answer, as `application/problem+json` (RFC 9457).
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// No such path, or no such hook: the two must not be told apart.
    NotFound,
    MethodNotAllowed,
    /// What is wrong is not said: it would help to guess.
    Unauthorized,
    Malformed(String),
    TooLarge,
    TooSlow,
    /// The connection broke, or the chunks are no chunks.
    BrokenBody,
    /// All bodies together have used up their memory.
    NoMemory,
    /// Too many runs are pending.
    TooMuchPending,
    JournalFailed,
    /// The key set that tokens are checked against has not been fetched yet.
    NoKeySet,
    Closing,
}

impl From<Problem> for Answer {
    fn from(problem: Problem) -> Self {
        let retry = || vec![(RETRY_AFTER, RETRY_LATER)];
        // The rest of the body is not read.
        let close = || vec![(CONNECTION, HeaderValue::from_static("close"))];
        let unavailable = StatusCode::SERVICE_UNAVAILABLE;
        let (status, detail, headers) = match problem {
            Problem::NotFound => (StatusCode::NOT_FOUND, "there is nothing here".into(), vec![]),
            Problem::MethodNotAllowed => {
                let allow = vec![(ALLOW, HeaderValue::from_static("POST"))];
                (StatusCode::METHOD_NOT_ALLOWED, "a hook takes POST".into(), allow)
            }
            Problem::Unauthorized => {
                let challenge = HeaderValue::from_static("Signature realm=\"hook\"");
                let text = "the delivery does not prove that it comes from the sender".into();
                (StatusCode::UNAUTHORIZED, text, vec![(WWW_AUTHENTICATE, challenge)])
            }
            Problem::Malformed(place) => (StatusCode::BAD_REQUEST, place, vec![]),
            Problem::TooLarge => {
                (StatusCode::PAYLOAD_TOO_LARGE, "the body is larger than this hook takes".into(), close())
            }
            Problem::TooSlow => (StatusCode::REQUEST_TIMEOUT, "the body came too slowly".into(), close()),
            Problem::BrokenBody => (StatusCode::BAD_REQUEST, "the body could not be read".into(), close()),
            Problem::NoMemory => {
                let mut headers = retry();
                headers.extend(close());
                (unavailable, "too many bodies are being read".into(), headers)
            }
            Problem::TooMuchPending => (unavailable, "too many runs are pending".into(), retry()),
            Problem::JournalFailed => (unavailable, "the journal cannot be written".into(), retry()),
            Problem::NoKeySet => {
                (unavailable, "the sender's key set has not been fetched yet".into(), retry())
            }
            Problem::Closing => (unavailable, "the relay is stopping".into(), retry()),
        };
        let title = status.canonical_reason().unwrap_or("Error");
        let body = serde_json::json!({"title": title, "status": status.as_u16(), "detail": detail});
        Self {
            status,
            content_type: "application/problem+json",
            headers,
            body: body.to_string().into_bytes(),
        }
    }
}

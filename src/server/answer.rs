//! Everything that the listener can answer.

use std::fmt;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{
    ACCEPT_ENCODING, ALLOW, CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE,
};
use hyper::{Method, Response, StatusCode};
use serde::Serialize;

use crate::run::report::RunReport;
use crate::text::{Escaped, escape_json};

/// How long a sender is asked to wait when it is the relay that cannot, in seconds.
const RETRY_LATER: HeaderValue = HeaderValue::from_static("10");

/// A response, not yet in hyper's form.
#[derive(Debug)]
pub(super) struct Answer {
    status: StatusCode,
    content_type: &'static str,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Vec<u8>,
    /// What the log says of it besides the status.
    note: String,
}

impl Answer {
    pub(super) fn told(status: StatusCode, told: &Told<'_>) -> Self {
        let note = told.to_string();
        Self { status, content_type: "application/json", headers: Vec::new(), body: json(told), note }
    }

    /// It is authentic, and nothing comes of it.
    pub(super) fn ignored(reason: &str) -> Self {
        Self::told(StatusCode::OK, &Told { status: "ignored", reason: Some(reason), ..Told::default() })
    }

    /// Something of ours as JSON.
    pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Self {
        Self {
            status,
            content_type: "application/json",
            headers: Vec::new(),
            body: json(body),
            note: String::new(),
        }
    }

    /// The path takes another method.
    pub(super) fn method_not_allowed(allowed: &Method) -> Self {
        let why = format!("this takes {allowed}");
        let mut answer = Self::from(Problem::Refused(StatusCode::METHOD_NOT_ALLOWED, why));
        answer.headers.extend(HeaderValue::try_from(allowed.as_str()).map(|allowed| (ALLOW, allowed)));
        answer
    }

    pub(super) fn text(status: StatusCode, body: &str) -> Self {
        Self {
            status,
            content_type: "text/plain; charset=utf-8",
            headers: Vec::new(),
            body: body.into(),
            note: String::new(),
        }
    }

    /// A page of this media type.
    pub(super) fn page(content_type: &'static str, body: String) -> Self {
        Self { content_type, body: body.into_bytes(), ..Self::text(StatusCode::OK, "") }
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

    /// Whether the sender was too slow.
    pub(super) fn is_too_late(&self) -> bool {
        self.status == StatusCode::REQUEST_TIMEOUT
    }

    /// For the log: empty, or ` key=value` pairs.
    pub(super) fn note(&self) -> &str {
        &self.note
    }

    pub(super) fn into_response(self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(Bytes::from(self.body)));
        *response.status_mut() = self.status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        response.headers_mut().extend(self.headers);
        response
    }
}

/// What became of a delivery, field by field in the order of the answer.
#[derive(Debug, Default, Serialize)]
pub(super) struct Told<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) delivery: Option<&'a str>,
    /// Of a deploy request, or of the one that it confirms or repeats.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) deployment_id: Option<&'a str>,
    /// `accepted`, `pong`, `ignored`, `duplicate`, `confirmed`, or an outcome.
    pub(super) status: &'a str,
    /// The delivery that this one repeats or confirms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) of: Option<&'a str>,
    /// One sentence for a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) runs: Option<Runs<'a>>,
}

/// The runs of an answer.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Runs<'a> {
    Accepted(Vec<AcceptedRun<'a>>),
    Ended(&'a [RunReport]),
}

/// A run that has just been accepted.
#[derive(Debug, Serialize)]
pub(super) struct AcceptedRun<'a> {
    id: &'a str,
    rule: usize,
    steps: Vec<AcceptedStep<'a>>,
}

#[derive(Debug, Serialize)]
struct AcceptedStep<'a> {
    action: &'a str,
    /// What it waits for, if that is a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'a str>,
    /// `None`: found when the step starts.
    targets: Option<Vec<&'a str>>,
}

impl<'a> AcceptedRun<'a> {
    pub(super) fn of(run: &'a RunReport) -> Self {
        let steps = run.steps.iter().map(|step| {
            let targets = step.targets.as_ref();
            let names = targets.map(|targets| targets.iter().map(|t| t.target.as_str()).collect());
            AcceptedStep { action: &step.action, state: step.state.as_deref(), targets: names }
        });
        Self { id: &run.id, rule: run.rule, steps: steps.collect() }
    }
}

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in [
            ("delivery", self.delivery),
            ("status", Some(self.status)),
            ("of", self.of),
            ("reason", self.reason),
        ] {
            if let Some(value) = value {
                write!(f, " {name}={}", Escaped(value))?;
            }
        }
        Ok(())
    }
}

/// The members of a problem that are used here, in the order of RFC 9457.
#[derive(Serialize)]
struct Details<'a> {
    title: &'a str,
    status: u16,
    detail: &'a str,
}

/// Our own types always serialize; an empty body would only lose the text. Who asks may do so from a terminal.
fn json(body: &impl Serialize) -> Vec<u8> {
    escape_json(serde_json::to_string(body).unwrap_or_default()).into_bytes()
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
    /// So many requests are in hand.
    TooBusy,
    /// The client was refused so often that it is told this instead; it may ask again after so many seconds.
    RefusedTooOften(u64),
    /// The endpoint's rate is used up; it takes deliveries again after so many seconds.
    RateExceeded(u64),
    /// The body is compressed.
    Encoded,
    /// Too many runs are pending.
    TooMuchPending,
    JournalFailed,
    /// The key set that tokens are checked against has not been fetched yet.
    NoKeySet,
    Closing,
    /// Anything else, with its reason for a person.
    Refused(StatusCode, String),
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
            Problem::TooBusy => {
                let mut headers = retry();
                headers.extend(close());
                (unavailable, "too many requests are being read".into(), headers)
            }
            Problem::RefusedTooOften(seconds) => {
                let mut headers = vec![(RETRY_AFTER, HeaderValue::from(seconds))];
                headers.extend(close());
                (StatusCode::TOO_MANY_REQUESTS, "too many requests were refused".into(), headers)
            }
            Problem::RateExceeded(seconds) => {
                let retry = vec![(RETRY_AFTER, HeaderValue::from(seconds))];
                (StatusCode::TOO_MANY_REQUESTS, "this hook takes no more for now".into(), retry)
            }
            Problem::Encoded => {
                let accepted = vec![(ACCEPT_ENCODING, HeaderValue::from_static("identity"))];
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "a hook takes no compressed body".into(), accepted)
            }
            Problem::TooMuchPending => (unavailable, "too many runs are pending".into(), retry()),
            Problem::JournalFailed => (unavailable, "the journal cannot be written".into(), retry()),
            Problem::NoKeySet => {
                (unavailable, "the sender's key set has not been fetched yet".into(), retry())
            }
            Problem::Closing => (unavailable, "the relay is stopping".into(), retry()),
            Problem::Refused(status, why) => (status, why, vec![]),
        };
        let title = status.canonical_reason().unwrap_or("Error");
        let body = json(&Details { title, status: status.as_u16(), detail: &detail });
        Self { status, content_type: "application/problem+json", headers, body, note: String::new() }
    }
}

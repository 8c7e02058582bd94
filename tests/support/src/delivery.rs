//! A delivery that is put together: path, headers, body.

use super::http::{self, Response};
use super::relay::Relay;
use super::sign;
use std::sync::atomic::{AtomicU64, Ordering};

/// One request to a hook.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Delivery {
    /// A JSON delivery to the hook of this key.
    pub fn json(key: &str, body: impl Into<Vec<u8>>) -> Self {
        let delivery = Self { path: sign::hook_path(key.as_bytes()), headers: Vec::new(), body: body.into() };
        delivery.header("Content-Type", "application/json")
    }

    /// Sets a header, in the place of the one of this name.
    #[must_use]
    pub fn header(self, name: &str, value: &str) -> Self {
        let mut delivery = self.without(name);
        delivery.headers.push((name.to_owned(), value.to_owned()));
        delivery
    }

    /// Takes a header away.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
        self
    }

    /// Asks for the answer to be held for so many seconds.
    #[must_use]
    pub fn wait(self, seconds: u64) -> Self {
        self.header("Prefer", &format!("wait={seconds}"))
    }

    /// The value of a header that was set.
    pub fn value(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value)
    }

    /// Sends it over a connection of its own.
    pub fn send(&self, relay: &Relay) -> Response {
        http::send("POST", relay.address(), &self.path, &self.pairs(), &self.body)
    }

    /// As [`Self::send`]; fails the test unless it is accepted. Returns the ids of the runs.
    pub fn accepted(&self, relay: &Relay) -> Vec<String> {
        let answer = self.send(relay);
        assert_eq!(answer.status, 202, "{}", answer.text());
        let answer = answer.json();
        let runs = answer["runs"].as_array().unwrap();
        runs.iter().map(|run| run["id"].as_str().unwrap().to_owned()).collect()
    }

    /// The bytes of the request, for a test that sends them piece by piece.
    pub fn bytes(&self) -> Vec<u8> {
        http::request_bytes("POST", &self.path, &self.pairs(), &self.body)
    }

    /// The headers as the HTTP client takes them.
    pub fn pairs(&self) -> Vec<(&str, &str)> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }
}

/// A number that no other delivery of this process has.
pub fn fresh() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

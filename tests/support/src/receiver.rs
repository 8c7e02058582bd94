//! A notification target: records what it is sent and answers as it is told to.

use super::serve::{Answer, Bind, Handler, Reply, Request, Server, handler};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// How requests to a path are answered.
#[derive(Clone, Debug, Default)]
pub enum Behavior {
    /// 204, as many targets do.
    #[default]
    Accept,
    /// This status, with these headers and a short text.
    Status(u16, Vec<(String, String)>),
    /// Close the connection without an answer.
    Close,
}

impl Behavior {
    /// A status without further headers.
    pub fn status(status: u16) -> Self {
        Self::Status(status, Vec::new())
    }
}

/// One notice as it was sent.
#[derive(Clone, Debug)]
pub struct Told {
    request: Request,
    pub body: Value,
}

impl Told {
    /// The header's value; empty when it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.request.header(name).unwrap_or_default()
    }

    /// Whether it is signed with this key (`whsec_…`), by the rules of Standard Webhooks.
    pub fn is_signed_with(&self, key: &str) -> bool {
        let key = STANDARD.decode(key.strip_prefix("whsec_").unwrap()).unwrap();
        let head = format!("{}.{}.", self.header("webhook-id"), self.header("webhook-timestamp"));
        let message = [head.as_bytes(), &self.request.body].concat();
        let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
        let tags = self.header("webhook-signature").split(' ').filter_map(|text| text.strip_prefix("v1,"));
        tags.filter_map(|tag| STANDARD.decode(tag).ok()).any(|tag| hmac::verify(&key, &message, &tag).is_ok())
    }
}

/// A running target: one server, with a path for each of a test's targets.
pub struct Receiver {
    server: Server,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    told: Mutex<Vec<Told>>,
    behaviors: Mutex<HashMap<String, Behavior>>,
    grown: Condvar,
}

impl Receiver {
    /// Starts it on a free port.
    pub fn start() -> Self {
        let state = Arc::new(State::default());
        let server = Server::start(Bind::Tcp, receive(Arc::clone(&state)));
        Self { server, state }
    }

    /// The URL of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.server.address())
    }

    /// How to answer at a path from now on. What is answered with an error is recorded all the same.
    pub fn behave(&self, path: &str, behavior: Behavior) {
        self.state.behaviors.lock().unwrap().insert(path.to_owned(), behavior);
    }

    /// Goes away (connection refused), on the same port.
    pub fn stop(&self) {
        self.server.stop();
    }

    /// Comes back.
    pub fn restart_listener(&self) {
        self.server.restart();
    }

    /// What was sent to a path so far.
    pub fn told(&self, path: &str) -> Vec<Told> {
        at(&self.state.told.lock().unwrap(), path)
    }

    /// Waits until there are this many at a path and returns them; fails the test naming what there was instead.
    pub fn wait_for(&self, path: &str, number: usize) -> Vec<Told> {
        let deadline = Instant::now() + Duration::from_secs(30);
        let mut told = self.state.told.lock().unwrap();
        while at(&told, path).len() < number {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "waited for {number} notices at {path}, there are {told:#?}");
            told = self.state.grown.wait_timeout(told, left).unwrap().0;
        }
        at(&told, path)
    }
}

fn at(told: &[Told], path: &str) -> Vec<Told> {
    told.iter().filter(|told| told.request.path_and_query == path).cloned().collect()
}

fn receive(state: Arc<State>) -> Handler {
    handler(move |request| {
        let Ok(body) = serde_json::from_slice(&request.body) else {
            return Reply::Answer(Answer::text(400, "the body is not JSON\n"));
        };
        // Before it is recorded: whoever waits for the record may change it then.
        let behavior =
            state.behaviors.lock().unwrap().get(&request.path_and_query).cloned().unwrap_or_default();
        state.told.lock().unwrap().push(Told { request, body });
        state.grown.notify_all();
        match behavior {
            Behavior::Accept => Reply::Answer(Answer::text(204, "")),
            Behavior::Status(status, headers) => {
                let answer = Answer::text(status, "not now, on purpose\n");
                Reply::Answer(headers.iter().fold(answer, |answer, (name, value)| answer.with(name, value)))
            }
            Behavior::Close => Reply::Drop,
        }
    })
}

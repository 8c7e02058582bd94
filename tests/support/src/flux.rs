//! A Flux v1 API double: records every notification.

use super::serve::{Answer, Bind, Handler, Reply, Server, handler};
use serde_json::Value;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// How the double answers.
#[derive(Clone, Copy, Debug, Default)]
pub enum Behavior {
    /// 200 with an empty body, as fluxd.
    #[default]
    Accept,
    /// This status with a short text.
    Status(u16),
    /// Close the connection without an answer.
    Close,
}

/// One recorded request.
#[derive(Clone, Debug, PartialEq)]
pub struct Notification {
    pub path: String,
    pub body: Value,
    /// The body as it was sent.
    pub text: String,
}

/// A running double.
pub struct Double {
    server: Server,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    notifications: Mutex<Vec<Notification>>,
    behavior: Mutex<Behavior>,
    grown: Condvar,
}

impl Double {
    /// Starts it on a free port.
    pub fn start() -> Self {
        let state = Arc::new(State::default());
        let server = Server::start(Bind::Tcp, notify(Arc::clone(&state)));
        Self { server, state }
    }

    /// The base for `flux.api`: `http://127.0.0.1:PORT/api/flux`.
    pub fn api(&self) -> String {
        format!("http://{}/api/flux", self.server.address())
    }

    /// How to answer from now on. What is answered with an error is recorded all the same.
    pub fn behave(&self, behavior: Behavior) {
        *self.state.behavior.lock().unwrap() = behavior;
    }

    /// Goes away (connection refused), on the same port.
    pub fn stop(&self) {
        self.server.stop();
    }

    /// Comes back.
    pub fn restart_listener(&self) {
        self.server.restart();
    }

    /// What was sent so far.
    pub fn notifications(&self) -> Vec<Notification> {
        self.state.notifications.lock().unwrap().clone()
    }

    /// Waits until there are this many and returns them all; fails the test naming what there was instead.
    pub fn wait_for(&self, number: usize) -> Vec<Notification> {
        let deadline = Instant::now() + Duration::from_secs(30);
        let mut notifications = self.state.notifications.lock().unwrap();
        while notifications.len() < number {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "waited for {number} notifications, there are {notifications:#?}");
            notifications = self.state.grown.wait_timeout(notifications, left).unwrap().0;
        }
        notifications.clone()
    }
}

fn notify(state: Arc<State>) -> Handler {
    handler(move |request| {
        let path = request.path_and_query.clone();
        if request.method != "POST" || path != "/api/flux/v11/notify" {
            return Reply::Answer(Answer::text(404, "404 page not found\n"));
        }
        let Ok(body) = serde_json::from_slice(&request.body) else {
            return Reply::Answer(Answer::text(400, "the body is not JSON\n"));
        };
        let text = String::from_utf8_lossy(&request.body).into_owned();
        // Before it is recorded: whoever waits for the record may change it then.
        let behavior = *state.behavior.lock().unwrap();
        state.notifications.lock().unwrap().push(Notification { path, body, text });
        state.grown.notify_all();
        match behavior {
            Behavior::Accept => Reply::Answer(Answer::text(200, "")),
            Behavior::Status(status) => Reply::Answer(Answer::text(status, "refused on purpose\n")),
            Behavior::Close => Reply::Drop,
        }
    })
}

//! A web site that is probed: answers as it is told to, and counts.

use super::serve::{Answer, Bind, Handler, Reply, Request, Server};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// How a path answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// This status with this text.
    Says(u16, &'static str),
    /// 302 to this path.
    MovedTo(&'static str),
    /// Not before it is told otherwise.
    Hangs,
}

/// 200.
pub const WELL: Health = Health::Says(200, "all is well\n");

/// 503.
pub const ILL: Health = Health::Says(503, "not now, on purpose\n");

/// A running site.
pub struct Site {
    server: Server,
    state: Arc<State>,
}

struct State {
    asked: Mutex<Vec<String>>,
    grown: Condvar,
    /// The answers to come, the last one for ever.
    health: watch::Sender<HashMap<String, VecDeque<Health>>>,
}

impl Site {
    /// Starts it on a free port; every path is well.
    pub fn start() -> Self {
        let state = Arc::new(State {
            asked: Mutex::default(),
            grown: Condvar::new(),
            health: watch::Sender::new(HashMap::new()),
        });
        let shared = Arc::clone(&state);
        let answer: Handler = Arc::new(move |request| Box::pin(answer(Arc::clone(&shared), request)));
        Self { server: Server::start(Bind::Tcp, answer), state }
    }

    /// `127.0.0.1:PORT`
    pub fn address(&self) -> &str {
        self.server.address()
    }

    /// The URL of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address())
    }

    /// How a path answers from now on: one after the other, the last for ever.
    pub fn behave(&self, path: &str, health: &[Health]) {
        let health = health.iter().cloned().collect();
        self.state.health.send_modify(|paths| drop(paths.insert(path.to_owned(), health)));
    }

    /// How often a path was asked.
    pub fn asked(&self, path: &str) -> usize {
        count(&self.state.asked.lock().unwrap(), path)
    }

    /// Waits until a path was asked so often.
    pub fn wait_for(&self, path: &str, times: usize) {
        let deadline = Instant::now() + Duration::from_secs(30);
        let mut asked = self.state.asked.lock().unwrap();
        while count(&asked, path) < times {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "waited for {times} requests of {path}, there are {asked:#?}");
            asked = self.state.grown.wait_timeout(asked, left).unwrap().0;
        }
    }
}

fn count(asked: &[String], path: &str) -> usize {
    asked.iter().filter(|asked| *asked == path).count()
}

async fn answer(state: Arc<State>, request: Request) -> Reply {
    let path = request.path_and_query;
    state.asked.lock().unwrap().push(path.clone());
    state.grown.notify_all();
    let mut changes = state.health.subscribe();
    loop {
        changes.borrow_and_update();
        let mut health = WELL;
        state.health.send_if_modified(|paths| {
            if let Some(answers) = paths.get_mut(&path) {
                health = answers.front().cloned().unwrap_or(WELL);
                if answers.len() > 1 {
                    answers.pop_front();
                }
            }
            false
        });
        match health {
            Health::Says(status, text) => return Reply::Answer(Answer::text(status, text)),
            Health::MovedTo(path) => return Reply::Answer(Answer::text(302, "").with("Location", path)),
            Health::Hangs => {
                let _ = changes.changed().await;
            }
        }
    }
}

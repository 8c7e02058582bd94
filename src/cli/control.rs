//! The client of the control socket, which `deliveries`, `redeliver` and `hold` share.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::args::env;
use super::{Exit, block_on, complain};
use crate::config::state;
use crate::outside;

/// How long the relay may take to answer, besides what it is asked to wait.
const PATIENCE: Duration = Duration::from_secs(30);

/// The largest answer that is read, in bytes.
const LARGEST: usize = 64 * 1024 * 1024;

/// The relay that runs.
pub(super) struct Relay {
    socket: PathBuf,
    http: reqwest::Client,
}

/// What a problem says.
#[derive(Deserialize)]
struct Problem {
    detail: String,
}

/// Talks to the relay with this state directory, or this configuration, and ends as the talk does.
pub(super) fn talk(
    state: Option<String>,
    config: Option<String>,
    talk: impl AsyncFnOnce(&Relay) -> Result<Exit, String>,
) -> Exit {
    let socket = match find(state, config) {
        Ok(socket) => socket,
        Err((exit, why)) => {
            complain(&why);
            return exit;
        }
    };
    let talked = block_on(async {
        let http = outside::builder(PATIENCE)?.unix_socket(socket.clone()).build();
        talk(&Relay { socket, http: http.map_err(outside::told)? }).await
    });
    talked.unwrap_or_else(|why| {
        complain(&why);
        Exit::Failed
    })
}

/// The socket: options come first, then the environment.
fn find(state: Option<String>, config: Option<String>) -> Result<PathBuf, (Exit, String)> {
    let (state, config) = match (state, config) {
        (None, None) => (env("BOATHOOK_STATE"), env("BOATHOOK_CONFIG")),
        given => given,
    };
    let directory = match (state, config) {
        (Some(state), _) => PathBuf::from(state),
        (None, Some(file)) => match state::named_in(Path::new(&file)) {
            Ok(Some(directory)) => directory,
            Ok(None) => {
                let why = format!(
                    "{file} has no `state`, so its relay keeps work in memory only and has no control socket: add \
                     `state: /var/lib/boathook` (a directory that it may write; flux-recv's format has none) and start \
                     it again"
                );
                return Err((Exit::Failed, why));
            }
            Err(why) => return Err((Exit::Usage, format!("{file}: {why}"))),
        },
        (None, None) => {
            let why = "no relay: give --state DIR or BOATHOOK_STATE (the relay's state directory), or --config FILE or \
                       BOATHOOK_CONFIG (its configuration, which names it)";
            return Err((Exit::Usage, why.to_owned()));
        }
    };
    let told = |why| (Exit::Usage, format!("the state directory {} is {why}", directory.display()));
    state::socket(&directory).map_err(told)
}

impl Relay {
    /// Asks; a problem that the relay tells is an error.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        wait: Duration,
    ) -> Result<T, String> {
        let mut request =
            self.http.request(method, format!("http://localhost{path}")).timeout(PATIENCE + wait);
        if !wait.is_zero() {
            request = request.header("Prefer", format!("wait={}", wait.as_secs()));
        }
        let mut response = request.send().await.map_err(|error| self.unreachable(error))?;
        let content_type = response.headers().get(CONTENT_TYPE).cloned();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.unreachable(error))? {
            if body.len() + chunk.len() > LARGEST {
                return Err(format!("the answer is larger than {LARGEST} bytes: ask for fewer with --limit"));
            }
            body.extend_from_slice(&chunk);
        }
        if content_type.is_some_and(|kind| kind.as_bytes() == b"application/problem+json") {
            let problem = serde_json::from_slice::<Problem>(&body);
            return Err(problem.map_or_else(|_| response.status().to_string(), |problem| problem.detail));
        }
        serde_json::from_slice(&body).map_err(|error| {
            format!(
                "the relay's answer is not understood ({error}): does another version of boathook run at {}?",
                self.socket.display()
            )
        })
    }

    /// Why the relay could not be asked, and the way out.
    fn unreachable(&self, error: reqwest::Error) -> String {
        let socket = self.socket.display();
        match io_error(&error).map(io::Error::kind) {
            Some(ErrorKind::NotFound) => format!(
                "no relay runs with this state directory: there is no {socket}. Start it with `boathook serve`; in a \
                 cluster, ask in its pod: `kubectl exec deployment/boathook -c boathook -- boathook …`"
            ),
            Some(ErrorKind::ConnectionRefused) => format!(
                "no relay answers at {socket}: the one that made it was killed. Start it again with `boathook serve`"
            ),
            Some(ErrorKind::PermissionDenied) => format!(
                "{socket}: permission denied. Only the user that the relay runs as may ask it: be that user, or root"
            ),
            _ => format!("the relay at {socket} cannot be asked: {}", outside::told(error)),
        }
    }
}

fn io_error(error: &reqwest::Error) -> Option<&io::Error> {
    let mut cause: Option<&(dyn Error + 'static)> = error.source();
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<io::Error>() {
            return Some(io);
        }
        cause = error.source();
    }
    None
}

/// Text as a part of a URL's path or query.
pub(super) fn quoted(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// `?NAME=VALUE`, or nothing.
pub(super) fn query(name: &str, value: Option<&str>) -> String {
    value.map(|value| format!("?{name}={}", quoted(value))).unwrap_or_default()
}

//! The control socket: how `boathook deliveries`, `redeliver` and `hold` talk to the relay that runs. It is a unix
//! socket in the state directory that only the relay's own user can open; nothing of it is on the hook listener.
//!
//! | request | answer |
//! |---|---|
//! | `GET /deliveries?limit=N` | the newest deliveries, those under way included |
//! | `GET /deliveries/ID?endpoint=NAME` | the deliveries of this id, or of the one id that begins so |
//! | `POST /deliveries/ID/redeliver?endpoint=NAME` | as a hook's 202, or as `Prefer: wait=N` has it; 409 if it cannot be |
//! | `GET /holds` | the versions that are held |
//! | `DELETE /holds/NAMESPACE/TYPE/NAME?version=VERSION` | the holds that were lifted; 404 if there was none |
//!
//! Errors are `application/problem+json`. Each request has a connection of its own.

mod deliveries;
mod holds;
mod page;
mod redeliver;
mod socket;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;

pub use self::deliveries::{Deliveries, Listed};
pub use self::holds::{Held, Holds};
use self::page::{Asked, Page};
pub use self::socket::{Socket, open};
use super::answer::{Answer, Problem};
use super::{ACCEPT_PAUSE, App};
use crate::run::journal::JournalError;
use crate::text::Escaped;

/// Connections at once; each that waits for the end of a redelivery is one.
const CONNECTIONS: usize = 16;

/// How long a request's head may take: it comes from this machine.
const HEAD_TIME: Duration = Duration::from_secs(2);

/// How long a connection may last: the longest wait that is granted, and some time to read the answer.
const LIFETIME: Duration = Duration::from_secs(360);

/// Serves the socket's connections, for ever.
pub async fn serve(listener: UnixListener, app: Arc<App>) {
    let permits = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        // The semaphore is never closed.
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let app = Arc::clone(&app);
                tokio::spawn(async move {
                    let lasted = tokio::time::timeout(LIFETIME, connection(stream, app)).await;
                    if lasted.is_err() {
                        log::debug!("a connection to the control socket took too long");
                    }
                    drop(permit);
                });
            }
            Err(error) => {
                log::warn!("a connection to the control socket could not be accepted: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn connection(stream: UnixStream, app: Arc<App>) {
    let limits = app.config().limits;
    let user = stream.peer_cred().map_or_else(|_| "?".to_owned(), |peer| peer.uid().to_string());
    let service = service_fn(move |request| {
        let (app, user) = (Arc::clone(&app), user.clone());
        async move { Ok::<_, Infallible>(route(&app, &request, &user).await.into_response()) }
    });
    let ended = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(limits.header_bytes)
        .max_headers(limits.headers)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = ended {
        log::debug!("a connection to the control socket ended: {error}");
    }
}

async fn route(app: &Arc<App>, request: &Request<Incoming>, user: &str) -> Answer {
    let asked = Asked::of(request);
    let Some(page) = Page::of(&asked.segments()) else { return Problem::NotFound.into() };
    if request.method() != page.method() {
        return Answer::method_not_allowed(&page.method());
    }
    let answer = answer(app, &page, &asked).await.unwrap_or_else(Answer::from);
    if page.changes() {
        log::info!(
            "control {} {} user={user} answer={}{}",
            request.method(),
            Escaped(request.uri().path()),
            answer.status().as_u16(),
            answer.note(),
        );
    }
    answer
}

/// Answers a page. A listener that only lets look asks [`Page::changes`] first.
async fn answer(app: &Arc<App>, page: &Page<'_>, asked: &Asked) -> Result<Answer, Problem> {
    match page {
        Page::Deliveries => deliveries::newest(&app.engine, asked).await,
        Page::Delivery { id } => deliveries::one(&app.engine, id, asked).await,
        Page::Redeliver { id } => redeliver::redeliver(app, id, asked).await,
        Page::Holds => Ok(holds::all(&app.engine)),
        Page::Hold { workload } => holds::lift(&app.engine, workload, asked).await,
    }
}

impl From<JournalError> for Problem {
    fn from(error: JournalError) -> Self {
        Self::Refused(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
    }
}

impl Problem {
    fn unknown(why: impl Into<String>) -> Self {
        Self::Refused(StatusCode::NOT_FOUND, why.into())
    }

    fn conflict(why: impl Into<String>) -> Self {
        Self::Refused(StatusCode::CONFLICT, why.into())
    }
}

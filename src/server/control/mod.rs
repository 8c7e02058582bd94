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

use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::{Request, StatusCode};
use tokio::net::UnixListener;

pub use self::deliveries::{Deliveries, Listed};
pub use self::holds::{Held, Holds};
pub(super) use self::page::{Asked, Page};
pub use self::socket::{Socket, open};
use super::App;
use super::answer::{Answer, Problem};
use super::aside::{self, Bounds};
use crate::run::journal::JournalError;
use crate::text::Escaped;

/// Each connection that waits for the end of a redelivery is one of them. Heads come from this machine. A connection may
/// last as long as the longest wait that is granted, and some time to read the answer.
const BOUNDS: Bounds = Bounds {
    name: "control socket",
    connections: 16,
    head_time: Duration::from_secs(2),
    lifetime: Duration::from_secs(360),
};

/// Serves the socket's connections, for ever.
pub async fn serve(listener: UnixListener, app: Arc<App>) {
    aside::serve(listener, BOUNDS, move |request, user| {
        let app = Arc::clone(&app);
        async move { route(&app, &request, &user).await }
    })
    .await;
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
pub(super) async fn answer(app: &Arc<App>, page: &Page<'_>, asked: &Asked) -> Result<Answer, Problem> {
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

//! The admin listener: what monitoring and people may see, and nothing that changes anything. Nobody is asked who they
//! are, so it listens on this machine alone unless the configuration says otherwise.
//!
//! | request | answer |
//! |---|---|
//! | `GET /metrics` | every metric: [`catalogue`](crate::metrics::catalogue) |
//! | `GET /deliveries?limit=N`, `GET /deliveries/ID?endpoint=NAME` | as on the control socket |
//! | `GET /info` | the configured workloads: images, rollouts, holds |
//! | `GET /health`, `GET /ready` | as on the hook listener |
//! | anything on a loopback address, asked by a name | 421: see `host` |

mod host;
mod info;
mod metrics;

use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::ACCEPT;
use hyper::{Method, Request, StatusCode};
use tokio::net::TcpListener;

use self::host::Hosts;
use self::info::Info;
use super::answer::{Answer, Problem};
use super::aside::{self, Bounds};
use super::control::{self, Asked, Page};
use super::{App, ready};
use crate::metrics::Format;

/// Reading all workloads takes at most half of the lifetime.
const BOUNDS: Bounds = Bounds {
    name: "admin listener",
    connections: 32,
    head_time: Duration::from_secs(5),
    lifetime: Duration::from_secs(20),
};

/// Serves the listener's connections, for ever.
pub async fn serve(listener: TcpListener, app: Arc<App>) {
    let info = Arc::new(Info::default());
    let hosts = listener.local_addr().map_or(Hosts::Local, Hosts::of);
    aside::serve(listener, BOUNDS, move |request, _| {
        let (app, info) = (Arc::clone(&app), Arc::clone(&info));
        async move {
            let answer = match hosts.admit(&request) {
                Ok(()) => answer(&app, &info, &request).await,
                Err(refused) => Err(refused),
            };
            answer.unwrap_or_else(Answer::from)
        }
    })
    .await;
}

async fn answer(app: &Arc<App>, info: &Arc<Info>, request: &Request<Incoming>) -> Result<Answer, Problem> {
    let asked = Asked::of(request);
    let segments = asked.segments();
    let is_there =
        matches!(*segments, ["metrics" | "info" | "health" | "ready" | "deliveries"] | ["deliveries", _]);
    if is_there && !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Ok(Answer::method_not_allowed(&Method::GET));
    }
    match *segments {
        ["metrics"] => {
            let accept = request.headers().get(ACCEPT).and_then(|accept| accept.to_str().ok());
            Ok(metrics::answer(app, Format::wanted(accept)))
        }
        ["info"] => Ok(Answer::json(StatusCode::OK, &*info.told(app).await?)),
        ["health"] => Ok(Answer::text(StatusCode::OK, "OK\n")),
        ["ready"] => Ok(ready(app)),
        _ => match Page::of(&segments) {
            Some(page @ (Page::Deliveries | Page::Delivery { .. })) => {
                control::answer(app, &page, &asked).await
            }
            _ => Err(Problem::NotFound),
        },
    }
}

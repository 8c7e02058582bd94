//! The hook listener: connections, limits, routes.
//!
//! | request | answer |
//! |---|---|
//! | `POST /hook/<digest>` | see `hook` |
//! | `GET /health` | 200 while the process lives |
//! | `GET /ready` | 200 once deliveries can be accepted, else 503 with the reason's name |
//! | anything else | 404 |

mod answer;
mod body;
pub mod control;
mod hook;
mod limits;
mod prefer;
mod throttle;
mod waiting;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

use self::answer::{Answer, Problem};
pub use self::limits::Limits;
use crate::config::Config;
use crate::run::engine::Engine;

/// How long a failed accept (no file descriptors, say) is waited out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What the routes share.
#[derive(Debug)]
pub struct App {
    config: RwLock<Arc<Config>>,
    /// Where deliveries go.
    pub engine: Arc<Engine>,
    limits: Limits,
    /// Which refused deliveries are logged.
    refusals: throttle::Throttle,
    /// Bytes of bodies that may still be taken into memory.
    body_bytes: Arc<Semaphore>,
}

impl App {
    /// An application that serves this configuration.
    pub fn new(config: Arc<Config>, engine: Arc<Engine>, limits: Limits) -> Self {
        let body_bytes = Arc::new(Semaphore::new(limits.body_bytes));
        Self {
            config: RwLock::new(config),
            engine,
            limits,
            refusals: throttle::Throttle::default(),
            body_bytes,
        }
    }

    /// The configuration that is served now.
    pub fn config(&self) -> Arc<Config> {
        Arc::clone(&self.config.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// From the next request on this configuration is served.
    pub fn set_config(&self, config: Arc<Config>) {
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = config;
    }
}

/// Serves connections until `stop` becomes true; then answers the requests that are under way, for as long as
/// `grace`, and returns.
pub async fn serve(listener: TcpListener, app: Arc<App>, mut stop: watch::Receiver<bool>, grace: Duration) {
    let permits = Arc::new(Semaphore::new(app.limits.connections));
    let most = u32::try_from(app.limits.connections).unwrap_or(u32::MAX);
    while !*stop.borrow() {
        let permit = tokio::select! {
            permit = Arc::clone(&permits).acquire_owned() => permit,
            _ = stop.changed() => break,
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.changed() => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                let (app, stop) = (Arc::clone(&app), stop.clone());
                tokio::spawn(async move {
                    connection(stream, peer, app, stop).await;
                    drop(permit);
                });
            }
            Err(error) => {
                log::warn!("a connection could not be accepted: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    // Every permit is back when every connection has ended.
    if tokio::time::timeout(grace, permits.acquire_many(most)).await.is_err() {
        log::warn!("connections were still open at the end");
    }
}

async fn connection(stream: TcpStream, peer: SocketAddr, app: Arc<App>, mut stop: watch::Receiver<bool>) {
    // A connection that has sent nothing costs a socket and this small task, not hyper's buffers and states.
    // Looking for a byte, because tokio may call a new socket readable that is not.
    let mut byte = [0];
    let first = tokio::select! {
        // What has been sent before the end is still read.
        biased;
        first = tokio::time::timeout(app.limits.idle, stream.peek(&mut byte)) => first,
        _ = stop.changed() => return,
    };
    if matches!(first, Ok(Ok(1))) {
        boxed(stream, peer, app, stop).await;
    }
}

/// The large part of a connection, on the heap once it is needed. A function of its own: inside of an async
/// function the unboxed future would take its room from the beginning.
fn boxed(
    stream: TcpStream,
    peer: SocketAddr,
    app: Arc<App>,
    stop: watch::Receiver<bool>,
) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(requests(stream, peer, app, stop))
}

/// Serves the requests of one connection, one after the other.
async fn requests(stream: TcpStream, peer: SocketAddr, app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let limits = app.limits;
    let service = service_fn(move |request| {
        let app = Arc::clone(&app);
        async move { Ok::<_, Infallible>(route(&app, request, peer).await.into_response()) }
    });
    let mut connection = std::pin::pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.header_time)
            .max_buf_size(limits.header_bytes)
            .max_headers(limits.header_count)
            .serve_connection(TokioIo::new(stream), service)
    );
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        _ = stop.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        log::debug!("connection from {peer} ended: {error}");
    }
}

async fn route(app: &Arc<App>, mut request: Request<Incoming>, peer: SocketAddr) -> Answer {
    let answer = answer(app, &mut request, peer).await;
    // A sender that was too slow once is not waited for again.
    if answer.status() != StatusCode::REQUEST_TIMEOUT {
        body::pass_over(request.into_body());
    }
    answer
}

async fn answer(app: &Arc<App>, request: &mut Request<Incoming>, peer: SocketAddr) -> Answer {
    let get = matches!(*request.method(), Method::GET | Method::HEAD);
    match request.uri().path() {
        "/health" if get => Answer::text(StatusCode::OK, "OK\n"),
        "/ready" if get => ready(app),
        path => match path.strip_prefix("/hook/") {
            Some(segment) => {
                let segment = segment.to_owned();
                hook::receive(app, &segment, request, peer).await.unwrap_or_else(Answer::from)
            }
            None => Problem::NotFound.into(),
        },
    }
}

fn ready(app: &App) -> Answer {
    if app.engine.is_closing() {
        return Answer::text(StatusCode::SERVICE_UNAVAILABLE, "closing\n");
    }
    if app.engine.trouble().is_some() {
        return Answer::text(StatusCode::SERVICE_UNAVAILABLE, "journal\n");
    }
    Answer::text(StatusCode::OK, "ready\n")
}

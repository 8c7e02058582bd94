//! The hook listener: connections, limits, routes.
//!
//! | request | answer |
//! |---|---|
//! | `POST /hook/<digest>` | see `hook` |
//! | `GET /health` | 200 while the process lives |
//! | `GET /ready` | 200 once deliveries can be accepted, else 503 with the reason's name |
//! | anything else | 404 |

pub mod admin;
mod answer;
mod aside;
mod body;
mod budget;
mod client;
mod connection;
pub mod control;
mod door;
mod hook;
mod limits;
mod offer;
mod prefer;
mod refusals;
mod seat;
mod throttle;
mod timed;
mod waiting;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use hyper::body::Incoming;
use hyper::{Method, Request, StatusCode};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use self::answer::{Answer, Problem};
use self::budget::Budget;
use self::client::Client;
pub use self::client::Proxies;
use self::door::{Admitted, Door, Entry, Most};
pub use self::limits::Limits;
use crate::cidr::{client_network, is_private};
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
    /// Which refused deliveries are logged.
    throttle: throttle::Throttle,
    /// How often each client was refused.
    refusals: refusals::Refusals,
    /// Bytes of bodies in memory.
    bodies: Arc<Budget>,
    /// Requests that are being read and accepted.
    requests: Arc<Budget>,
    /// Callers that wait for the end of their runs.
    waiting: Arc<Budget>,
}

impl App {
    /// An application that serves this configuration.
    pub fn new(config: Arc<Config>, engine: Arc<Engine>) -> Self {
        engine.set_pending_limit(config.limits.pending_runs);
        Self {
            config: RwLock::new(config),
            engine,
            throttle: throttle::Throttle::default(),
            refusals: refusals::Refusals::default(),
            bodies: Arc::default(),
            requests: Arc::default(),
            waiting: Arc::default(),
        }
    }

    /// The configuration that is served now.
    pub fn config(&self) -> Arc<Config> {
        Arc::clone(&self.config.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// From the next request on this configuration is served.
    pub fn set_config(&self, config: Arc<Config>) {
        self.engine.set_pending_limit(config.limits.pending_runs);
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = config;
    }

    /// Charges the client for a refusal. Fails, with what it is told instead, when it had too many.
    fn charge(&self, config: &Config, client: Client) -> Result<(), Problem> {
        let charged = self.refusals.charge(client, config.limits.refusals, Instant::now());
        charged.map_err(|wait| Problem::RefusedTooOften(client::retry_after(wait)))
    }

    /// How many connections there may be, in all and from this peer.
    fn most(&self, peer: IpAddr) -> Most {
        let config = self.config();
        let limits = &config.limits;
        let of_client = limits.of_client(is_private(peer)).filter(|_| !config.proxies.trusts(peer));
        let of_client = of_client.map(|most| (client_network(peer), most));
        Most { all: limits.connections, of_client }
    }
}

/// Serves connections until `stop` becomes true; then answers the requests that are under way, for as long as
/// `grace`, and returns.
pub async fn serve(listener: TcpListener, app: Arc<App>, mut stop: watch::Receiver<bool>, grace: Duration) {
    let door = Arc::new(Door::default());
    while !*stop.borrow() {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.changed() => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                // While all have a request in hand, the others wait in the listener's queue.
                let admitted = tokio::select! {
                    admitted = admit(&door, &app, peer.ip()) => admitted,
                    _ = stop.changed() => break,
                };
                if let Some(admitted) = admitted {
                    begin(&door, admitted, (stream, peer), &app, &stop);
                }
            }
            Err(error) if is_lack_of_files(&error) && door.make_room(Instant::now(), &error) => {
                // The task that was ended drops its socket.
                tokio::task::yield_now().await;
            }
            Err(error) => {
                log::warn!("a connection could not be accepted: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    if tokio::time::timeout(grace, door.empty()).await.is_err() {
        log::warn!("connections were still open at the end");
    }
}

/// Whether the process, or the system, may have no more files open (`ulimit -n`).
fn is_lack_of_files(error: &io::Error) -> bool {
    const ENFILE: i32 = 23;
    const EMFILE: i32 = 24;
    matches!(error.raw_os_error(), Some(ENFILE | EMFILE))
}

/// Waits for a place; `None` if the client has as many as it may have.
async fn admit(door: &Arc<Door>, app: &App, peer: IpAddr) -> Option<Admitted> {
    loop {
        let change = door.change();
        match door.enter(app.most(peer), Instant::now()) {
            Entry::In(admitted) => return Some(admitted),
            Entry::TooMany => return None,
            Entry::Full => change.await,
        }
    }
}

/// Serves a connection on a task of its own.
fn begin(
    door: &Door,
    admitted: Admitted,
    (stream, peer): (TcpStream, SocketAddr),
    app: &Arc<App>,
    stop: &watch::Receiver<bool>,
) {
    let (place, seat) = (admitted.place, Arc::clone(&admitted.seat));
    let task = tokio::spawn(connection::serve(stream, peer.ip(), admitted, Arc::clone(app), stop.clone()));
    door.served_by(place, &seat, task.abort_handle());
}

async fn route(app: &Arc<App>, request: &mut Request<Incoming>, peer: IpAddr) -> Answer {
    let get = matches!(*request.method(), Method::GET | Method::HEAD);
    match request.uri().path() {
        "/health" if get => Answer::text(StatusCode::OK, "OK\n"),
        "/ready" if get => ready(app),
        path => {
            let config = app.config();
            let client = config.proxies.client(peer, request.headers());
            match path.strip_prefix("/hook/") {
                Some(segment) => {
                    let segment = segment.to_owned();
                    hook::receive(app, &config, &segment, request, client).await
                }
                None => app.charge(&config, client).err().unwrap_or(Problem::NotFound).into(),
            }
        }
    }
}

fn ready(app: &App) -> Answer {
    if app.engine.is_closing() {
        return Answer::text(StatusCode::SERVICE_UNAVAILABLE, "closing\n");
    }
    if app.engine.trouble().is_some() {
        return Answer::text(StatusCode::SERVICE_UNAVAILABLE, "journal\n");
    }
    if app.engine.api().kubernetes.is_exposed() {
        return Answer::text(StatusCode::SERVICE_UNAVAILABLE, "exposed-api\n");
    }
    Answer::text(StatusCode::OK, "ready\n")
}

//! A Kubernetes API double: one process-local API server that answers as kube-apiserver 1.36 does behind kubectl
//! proxy (`tests/double.rs` replays recorded exchanges against it). It runs on a thread of its own and ends when it
//! goes out of scope.
//!
//! Workloads roll out as real ones do, with `ReplicaSets`, revisions and pods ([`Pace`] says when, at once by default;
//! with [`Pace::Off`] a status stays as the test puts it). Images can be broken ([`How`]), the API server can be away
//! ([`Away`]), requests can fail as planned ([`Fault`]) or at random ([`Chaos`]). Every write and event is remembered.
//! A double outlives the relays that talk to it, and threads may share it.
//!
//! ```ignore
//! let kube = kube::Double::start();
//! kube.apply(json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {…}, "spec": {…}}));
//! // … have something patch http://… = kube.url() …
//! kube.wait_for(|requests| requests.iter().any(|request| request.method == "PATCH")).await;
//! assert_eq!(kube.object("deployments", "default", "web")["metadata"]["generation"], 2);
//! assert_eq!(kube.history("deployments", "default", "web"), ["ghcr.io/acme/web:1", "ghcr.io/acme/web:2"]);
//! ```

mod api;
mod away;
mod chaos;
mod control;
mod controller;
mod defaults;
mod delete;
mod discovery;
mod events;
mod fault;
mod kinds;
mod list;
mod objects;
mod observe;
pub mod patch;
mod play;
mod proxy;
mod rbac;
pub mod route;
mod schema;
pub mod selector;
mod shared;
mod status;
mod store;
mod tls;
mod world;
mod write;
mod writes;

pub use away::Away;
pub use chaos::Chaos;
pub use controller::Pace;
pub use controller::how::How;
pub use events::Event;
pub use fault::Fault;
pub use kinds::Kind;
pub use proxy::Proxy;
pub use rbac::Rule;
pub use tls::TlsOptions;
pub use world::Recorded;
pub use writes::Write;

use super::serve::{Bind, Server};
use controller::clock::Clock;
use shared::Shared;
use std::path::Path;
use std::sync::{Arc, MutexGuard, OnceLock};
use world::World;

/// A running double.
pub struct Double {
    server: Server,
    shared: Arc<Shared>,
    /// Started when something is to happen by time.
    clock: OnceLock<Clock>,
    scheme: &'static str,
    tls: Option<tls::Certificates>,
}

impl Double {
    /// Plain HTTP on a free port of 127.0.0.1.
    pub fn start() -> Self {
        Self::listen(Bind::Tcp, "http", None, World::default())
    }

    /// On a unix socket.
    pub fn start_unix(path: impl AsRef<Path>) -> Self {
        Self::listen(Bind::Unix(path.as_ref().to_owned()), "unix", None, World::default())
    }

    /// https with certificates made for this double.
    pub fn start_tls(options: TlsOptions) -> Self {
        let certificates = tls::Certificates::new();
        let bind = Bind::Tls(certificates.acceptor());
        let world = World { certificate: options.client_certificate, ..World::default() };
        Self::listen(bind, "https", Some(certificates), world)
    }

    fn listen(bind: Bind, scheme: &'static str, tls: Option<tls::Certificates>, world: World) -> Self {
        let world = World { kinds: Kind::all(), ..world };
        let shared = Arc::new(Shared::new(world));
        let server = Server::start(bind, shared::handler(Arc::clone(&shared)));
        Self { server, shared, clock: OnceLock::new(), scheme, tls }
    }

    /// What goes into `kubernetes.api`: `http://127.0.0.1:PORT`, `unix:///path`, `https://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.server.address())
    }

    /// `127.0.0.1:PORT`, or the socket's path.
    pub fn address(&self) -> &str {
        self.server.address()
    }

    /// The CA of [`Self::start_tls`], PEM.
    pub fn ca_pem(&self) -> &str {
        &self.certificates().ca
    }

    /// A client certificate that this double accepts, PEM: certificate and key.
    pub fn client_pem(&self) -> (&str, &str) {
        let certificates = self.certificates();
        (&certificates.client_certificate, &certificates.client_key)
    }

    fn certificates(&self) -> &tls::Certificates {
        self.tls.as_ref().expect("only a double started with start_tls has certificates")
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.shared.world()
    }

    fn change<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        self.shared.change(change)
    }
}

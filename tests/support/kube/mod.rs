//! A Kubernetes API double: one process-local API server that answers as kube-apiserver 1.36 does behind kubectl
//! proxy (`tests/double.rs` replays recorded exchanges against it). It runs on a thread of its own and ends when it
//! goes out of scope.
//!
//! ```ignore
//! let kube = kube::Double::start();
//! kube.apply(json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {…}, "spec": {…}}));
//! // … have something patch http://… = kube.url() …
//! kube.wait_for(|requests| requests.iter().any(|request| request.method == "PATCH")).await;
//! assert_eq!(kube.object("deployments", "default", "web")["metadata"]["generation"], 2);
//! ```

mod api;
mod controller;
mod defaults;
mod discovery;
mod fault;
mod kinds;
mod list;
mod patch;
mod proxy;
mod rbac;
mod route;
mod schema;
mod selector;
mod status;
mod store;
mod tls;
mod world;
mod write;

pub use controller::Pace;
pub use fault::Fault;
pub use kinds::Kind;
pub use proxy::Proxy;
pub use rbac::Rule;
pub use tls::TlsOptions;
pub use world::Recorded;

use super::serve::{Bind, Handler, Reply, Request, Server};
use serde_json::Value;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use world::World;

/// Nothing a test waits for takes this long, however busy the machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running double.
pub struct Double {
    server: Server,
    shared: Arc<Shared>,
    scheme: &'static str,
    tls: Option<tls::Certificates>,
}

/// The world and the news that it has changed.
struct Shared {
    world: Mutex<World>,
    news: watch::Sender<u64>,
    changed: Condvar,
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
    pub fn start_tls(options: &TlsOptions) -> Self {
        let certificates = tls::Certificates::new();
        let bind = Bind::Tls(certificates.acceptor());
        let world = World { certificate: options.client_certificate, ..World::default() };
        Self::listen(bind, "https", Some(certificates), world)
    }

    fn listen(bind: Bind, scheme: &'static str, tls: Option<tls::Certificates>, world: World) -> Self {
        let world = World { kinds: Kind::all(), ..world };
        let shared = Arc::new(Shared {
            world: Mutex::new(world),
            news: watch::Sender::new(0),
            changed: Condvar::new(),
        });
        let server = Server::start(bind, handler(Arc::clone(&shared)));
        Self { server, shared, scheme, tls }
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

    // === objects ===

    /// Puts an object there, new or in place of the one of that name. Defaults, uid, resourceVersion and generation
    /// are filled in as the API server would.
    pub fn apply(&self, object: Value) -> Value {
        self.change(|world| {
            let kind = world.kind_of(&object).unwrap_or_else(|| {
                panic!("the double does not serve {} {}", object["apiVersion"], object["kind"])
            });
            world.store.put(&kind, object)
        })
    }

    /// The object as it is now; fails the test when there is none. The resource may be given as plural, short name
    /// or plural.group (`deployments`, `ksvc`, `services.serving.knative.dev`).
    pub fn object(&self, resource: &str, namespace: &str, name: &str) -> Value {
        self.find(resource, namespace, name).unwrap_or_else(|| panic!("no {resource} {namespace}/{name}"))
    }

    /// The object as it is now, if it is there.
    pub fn find(&self, resource: &str, namespace: &str, name: &str) -> Option<Value> {
        let world = self.world();
        let key = key_named(&world, resource, namespace, name);
        world.store.get(&key).map(|stored| stored.object.clone())
    }

    /// The names of those who wrote something into the object (`fieldManager`, or the User-Agent's first word;
    /// `test` for the test itself).
    pub fn field_managers(&self, resource: &str, namespace: &str, name: &str) -> Vec<String> {
        let world = self.world();
        let key = key_named(&world, resource, namespace, name);
        world.store.get(&key).map(|stored| stored.owners.names()).unwrap_or_default()
    }

    /// Removes an object.
    pub fn remove(&self, resource: &str, namespace: &str, name: &str) {
        self.change(|world| {
            let key = key_named(world, resource, namespace, name);
            world.store.remove(&key).unwrap_or_else(|| panic!("no {resource} {namespace}/{name}"));
        });
    }

    /// Changes an object's status as a controller does.
    pub fn set_status(&self, resource: &str, namespace: &str, name: &str, status: Value) {
        self.change(|world| {
            let key = key_named(world, resource, namespace, name);
            world.store.touch(&key, |object| object["status"] = status);
        });
    }

    /// Serves one more kind.
    pub fn install(&self, kind: Kind) {
        self.change(|world| world.kinds.push(kind));
    }

    /// The CRDs of this group are not installed: its paths are 404.
    pub fn uninstall(&self, group: &str) {
        self.change(|world| world.kinds.retain(|kind| kind.group != group));
    }

    // === requests ===

    /// Every request that arrived, in order.
    pub fn requests(&self) -> Vec<Recorded> {
        self.world().requests.clone()
    }

    /// The requests that would change something: all but GET and HEAD, and reviews of what is allowed.
    pub fn mutations(&self) -> Vec<Recorded> {
        let requests = self.requests().into_iter();
        requests
            .filter(|request| !matches!(request.method.as_str(), "GET" | "HEAD"))
            .filter(|request| !request.path_and_query.starts_with("/apis/authorization.k8s.io/"))
            .collect()
    }

    /// The `PATCHes`.
    pub fn patches(&self) -> Vec<Recorded> {
        self.requests().into_iter().filter(|request| request.method == "PATCH").collect()
    }

    /// Forgets the requests so far.
    pub fn forget_requests(&self) {
        self.change(|world| world.requests.clear());
    }

    /// Waits until the requests fulfil this; fails the test naming them when they never do. Not for a test whose
    /// clock is paused.
    pub async fn wait_for(&self, condition: impl Fn(&[Recorded]) -> bool) {
        let mut news = self.shared.news.subscribe();
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while !condition(&self.world().requests) {
            if tokio::time::timeout_at(deadline, news.changed()).await.is_err() {
                self.give_up();
            }
        }
    }

    /// [`Self::wait_for`] for a test without a runtime.
    pub fn wait_for_blocking(&self, condition: impl Fn(&[Recorded]) -> bool) {
        self.wait(|world| condition(&world.requests));
    }

    /// Waits until there are this many answered `PATCHes`, and returns all of them.
    pub fn wait_for_patches(&self, number: usize) -> Vec<Recorded> {
        let answered = |request: &&Recorded| request.method == "PATCH" && request.status != 0;
        self.wait(|world| world.requests.iter().filter(answered).count() >= number);
        self.patches()
    }

    /// Waits until an object fulfils this, and returns it.
    pub fn wait_for_object(
        &self,
        resource: &str,
        namespace: &str,
        name: &str,
        condition: impl Fn(&Value) -> bool,
    ) -> Value {
        self.wait(|world| {
            let key = key_named(world, resource, namespace, name);
            world.store.get(&key).is_some_and(|stored| condition(&stored.object))
        });
        self.object(resource, namespace, name)
    }

    fn wait(&self, condition: impl Fn(&World) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        let mut world = self.world();
        while !condition(&world) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                drop(world);
                self.give_up();
            }
            world = self.shared.changed.wait_timeout(world, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn give_up(&self) -> ! {
        let seen: Vec<String> = self
            .requests()
            .iter()
            .map(|request| {
                format!("{} {} {} {}", request.status, request.method, request.path_and_query, request.body)
            })
            .collect();
        panic!(
            "the double waited for {PATIENCE:?} in vain; it has seen these requests:\n{}",
            seen.join("\n")
        );
    }

    // === access ===

    /// The user that refusals name.
    pub fn user(&self, name: &str) {
        self.change(|world| name.clone_into(&mut world.access.user));
    }

    /// Only what these rules say is allowed (besides discovery and reviews).
    pub fn allow_only(&self, rules: &[Rule]) {
        self.change(|world| world.access.allowed = Some(rules.to_vec()));
    }

    /// Refuses a verb (or `*`) on a resource (plural, or plural.group), for one name or all.
    pub fn forbid(&self, verb: &str, resource: &str, name: Option<&str>) {
        self.change(|world| {
            world.access.forbidden.push((verb.to_owned(), resource.to_owned(), name.map(str::to_owned)));
        });
    }

    /// Everything is allowed again.
    pub fn allow_all(&self) {
        self.change(|world| {
            world.access.allowed = None;
            world.access.forbidden.clear();
        });
    }

    /// Asks for this bearer token; 401 without it.
    pub fn require_token(&self, token: Option<&str>) {
        self.change(|world| world.token = token.map(str::to_owned));
    }

    /// Answers as if kubectl proxy stood in front.
    pub fn behind_proxy(&self, proxy: Proxy) {
        self.change(|world| world.proxy = Some(proxy));
    }

    // === faults ===

    /// Fails every request this way until [`Self::clear_faults`].
    pub fn fail(&self, fault: Fault) {
        self.fail_for(fault, "", "", None);
    }

    /// Fails the next requests this way, so many.
    pub fn fail_times(&self, fault: Fault, times: usize) {
        self.fail_for(fault, "", "", Some(times));
    }

    /// Fails requests of this method (empty: any) whose path and query contain this part.
    pub fn fail_for(&self, fault: Fault, method: &str, path_part: &str, times: Option<usize>) {
        self.change(|world| world.faults.plan(fault, method, path_part, times));
    }

    /// No faults any more; requests that hang are served now.
    pub fn clear_faults(&self) {
        self.change(|world| world.faults.clear());
    }

    /// The API server is away: connections are cut and refused, the address stays reserved.
    pub fn stop(&self) {
        self.server.stop();
    }

    /// The API server is back on the same address, with everything it knew.
    pub fn restart_listener(&self) {
        self.server.restart();
    }

    // === controllers ===

    /// After a change of a pod template, Deployments, `StatefulSets` and `DaemonSets` roll out at this pace.
    pub fn auto_rollout(&self, pace: Pace) {
        self.change(|world| world.pace = pace);
    }

    /// Pods with this image never become ready: a rollout to it ends in `ProgressDeadlineExceeded`.
    pub fn break_image(&self, image: &str) {
        self.change(|world| world.broken_images.push(image.to_owned()));
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.shared.world()
    }

    fn change<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        self.shared.change(change)
    }
}

fn key_named(world: &World, resource: &str, namespace: &str, name: &str) -> store::Key {
    let kind = world.kind_named(resource).unwrap_or_else(|| panic!("the double does not serve {resource}"));
    let namespace = if kind.namespaced { namespace } else { "" };
    (kind.group, kind.plural, namespace.to_owned(), name.to_owned())
}

impl Shared {
    fn world(&self) -> MutexGuard<'_, World> {
        // A test that failed while it held the lock has already said why.
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        let result = change(&mut self.world());
        self.news.send_modify(|count| *count += 1);
        self.changed.notify_all();
        result
    }
}

fn handler(shared: Arc<Shared>) -> Handler {
    Arc::new(move |request| {
        let shared = Arc::clone(&shared);
        Box::pin(async move { handle(&shared, request).await })
    })
}

async fn handle(shared: &Arc<Shared>, request: Request) -> Reply {
    let mut news = shared.news.subscribe();
    let (arrival, mut fault) = shared.change(|world| {
        let recorded = Recorded::new(&request);
        let arrival = recorded.at;
        world.requests.push(recorded);
        (arrival, world.faults.take(&request))
    });
    while fault == Some(Fault::Hang) {
        // The world holds the sender for as long as this server runs.
        let _ = news.changed().await;
        fault = shared.world().faults.take(&request);
    }
    let refused = shared.world().proxy.as_ref().and_then(|proxy| proxy.refuse(&request));
    let failed = fault.as_ref().and_then(|fault| fault.answer(&request));
    if fault == Some(Fault::Close) {
        return Reply::Drop;
    }
    let (answer, started) = shared.change(|world| {
        let before = world.store.version();
        let answer = refused.or(failed).unwrap_or_else(|| api::answer(world, &request));
        let lost = matches!(fault, Some(Fault::LoseAnswer | Fault::CloseMidResponse));
        if let Some(recorded) = world.requests.iter_mut().find(|recorded| recorded.at == arrival) {
            recorded.status = if lost { 0 } else { answer.status };
        }
        controller::after(world, &request);
        (answer, world.store.version() != before)
    });
    if started {
        controller::start(shared);
    }
    match fault {
        Some(Fault::LoseAnswer) => Reply::Drop,
        Some(Fault::CloseMidResponse) => Reply::Half(answer),
        _ => Reply::Answer(answer),
    }
}

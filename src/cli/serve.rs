//! `boathook serve`: the relay itself.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use argh::FromArgs;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{oneshot, watch};

use super::args::or_env;
use super::{Exit, block_on, check, complain, log_format};
use crate::action::Api;
use crate::config::fields::parse_duration;
use crate::config::reload::{INTERVAL, Watch};
use crate::config::{self, Admin, Config, Overrides};
use crate::kubernetes::Workload;
use crate::kubernetes::discovery::Kinds;
use crate::run::engine::Engine;
use crate::run::journal::Journal;
use crate::run::lookout::Lookout;
use crate::run::queue::Restored;
use crate::server::{self, App, admin, control};
use crate::source::fetch;

/// Where hooks are listened for when nothing else is said.
const DEFAULT_LISTEN: &str = "0.0.0.0:8080";

/// Where the admin listener is when nothing else is said: only this machine (in a cluster, this pod) reaches it.
const DEFAULT_ADMIN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8081);

/// How long requests that are under way may take after SIGTERM.
const REQUESTS_GRACE: Duration = Duration::from_secs(5);

/// How long everything may take after SIGTERM: Kubernetes kills after 30 seconds.
const GRACE: Duration = Duration::from_secs(24);

/// Serve the hooks of a configuration: the relay itself.
#[derive(FromArgs)]
#[argh(
    subcommand,
    name = "serve",
    usage = "--config FILE [--listen ADDRESS:PORT] [options]",
    note = "Every option can be given in the environment as well: BOATHOOK_CONFIG,\nBOATHOOK_LISTEN, BOATHOOK_ADMIN, BOATHOOK_KUBE_API, BOATHOOK_FLUX_API,\nBOATHOOK_SETTLE.\nOptions without a command mean serve.\n",
    note = "BOATHOOK_SELF=NAMESPACE/deployment/NAME is the relay's own workload, which is\nchanged last. RUST_LOG=warn (or debug) chooses what is logged.\n",
    note = "The configuration and its keys are read again when they change, or on SIGHUP.\nSIGTERM finishes what was accepted, then ends."
)]
pub(super) struct Serve {
    /// the configuration file
    #[argh(option)]
    config: Option<String>,
    /// the address to listen on (default 0.0.0.0:8080)
    #[argh(option)]
    listen: Option<String>,
    /// the address for metrics and looking, or none, in the place of admin (default 127.0.0.1:8081)
    #[argh(option)]
    admin: Option<String>,
    /// the Kubernetes API, in the place of kubernetes.api: http://localhost:8001 (kubectl proxy),
    /// unix:///run/proxy/kube.sock, in-cluster or https://HOST:6443
    #[argh(option)]
    kube_api: Option<String>,
    /// the Flux v1 API, in the place of flux.api: http://localhost:3030/api/flux
    #[argh(option)]
    flux_api: Option<String>,
    /// how long to wait for more events of the same kind, in the place of settle: 10s, 500ms, 0
    #[argh(option)]
    settle: Option<String>,
}

impl Serve {
    pub(super) fn run(self) -> Exit {
        let (file, addresses, overrides, own_workload) = match self.options() {
            Ok(options) => options,
            Err(why) => {
                complain(&why);
                return Exit::Usage;
            }
        };
        log_format::start();
        let loaded = Config::load(&file, &overrides);
        let Some(config) = loaded.config else {
            check::report(&loaded);
            return Exit::Usage;
        };
        for warning in &loaded.findings.warnings {
            log::warn!("{warning}");
        }
        let watch = Watch::new(&file, &overrides, loaded.findings.files);
        match block_on(serve(config, watch, addresses, own_workload)) {
            Ok(()) => Exit::Done,
            Err(why) => {
                complain(&why);
                Exit::Failed
            }
        }
    }

    fn options(self) -> Result<(PathBuf, Addresses, Overrides, Option<String>), String> {
        let file = or_env(self.config, "BOATHOOK_CONFIG")
            .ok_or("no configuration: give --config FILE or BOATHOOK_CONFIG")?;
        let listen = or_env(self.listen, "BOATHOOK_LISTEN").unwrap_or_else(|| DEFAULT_LISTEN.to_owned());
        let hooks = config::address(&listen).ok_or_else(|| {
            let listen = listen.escape_debug();
            format!(
                "--listen {listen}: must be ADDRESS:PORT in digits, such as 0.0.0.0:8080, [::]:8080 or :8080"
            )
        })?;
        let admin = or_env(self.admin, "BOATHOOK_ADMIN")
            .map(|text| Admin::parse(&text).map_err(|why| format!("--admin {}: {why}", text.escape_debug())));
        let addresses = Addresses { hooks, admin: admin.transpose()? };
        let settle = match or_env(self.settle, "BOATHOOK_SETTLE") {
            Some(text) => Some(parse_duration(&text).ok_or_else(|| {
                format!("--settle {}: must be a duration such as 0, 500ms or 10s", text.escape_debug())
            })?),
            None => None,
        };
        let kube_api = or_env(self.kube_api, "BOATHOOK_KUBE_API");
        let flux_api = or_env(self.flux_api, "BOATHOOK_FLUX_API");
        let own_workload = or_env(None, "BOATHOOK_SELF").map(|text| own_workload(&text)).transpose()?;
        Ok((PathBuf::from(file), addresses, Overrides { kube_api, flux_api, settle }, own_workload))
    }
}

/// Where to listen.
#[derive(Clone, Copy)]
struct Addresses {
    hooks: SocketAddr,
    /// In the place of what the configuration says.
    admin: Option<Admin>,
}

/// Listens for who wants to look. Where nobody said where, hooks are served also without it: another relay on the same
/// machine may have the port.
async fn bind_admin(said: Option<Admin>) -> Result<Option<TcpListener>, String> {
    let address = match said {
        Some(Admin::Off) => return Ok(None),
        Some(Admin::At(address)) => address,
        None => DEFAULT_ADMIN,
    };
    match TcpListener::bind(address).await {
        Ok(listener) => {
            let address = listener.local_addr().unwrap_or(address);
            log::info!("metrics at http://{address}/metrics");
            Ok(Some(listener))
        }
        Err(error) if said.is_none() => {
            log::warn!(
                "no metrics, since {address} cannot be listened on: {error}; --admin says where else, or none"
            );
            Ok(None)
        }
        Err(error) => Err(format!("cannot listen on {address} (admin): {error}")),
    }
}

/// Reads `BOATHOOK_SELF` and gives it the form of a target's full name, with the kind's own word.
fn own_workload(text: &str) -> Result<String, String> {
    let workload = Workload::parse(text).map_err(|why| {
        format!(
            "BOATHOOK_SELF {}: must be NAMESPACE/KIND/NAME, such as default/deployment/boathook: {why}",
            text.escape_debug()
        )
    })?;
    Ok(workload.full_name())
}

async fn serve(
    config: Config,
    watch: Watch,
    addresses: Addresses,
    own_workload: Option<String>,
) -> Result<(), String> {
    let mut signals = Signals::new().map_err(|error| format!("signals cannot be handled: {error}"))?;
    let api = Api::new(&config.kubernetes, &config.flux)?;
    let address = addresses.hooks;
    let listener =
        TcpListener::bind(address).await.map_err(|error| format!("cannot listen on {address}: {error}"))?;
    let admin = bind_admin(addresses.admin.or(config.admin)).await?;
    // Connections wait in the listener's queue meanwhile: a predecessor may still hold the journal.
    let (journal, restored) = match config.state.clone() {
        Some(directory) => {
            let opened = tokio::task::spawn_blocking(move || open_journal(&directory));
            tokio::select! {
                opened = opened => opened.map_err(|error| format!("opening the journal failed: {error}"))??,
                _ = signals.terminate.recv() => return Ok(()),
                _ = signals.interrupt.recv() => return Ok(()),
            }
        }
        None => (Journal::in_memory(), Restored::default()),
    };
    let journal = Arc::new(journal);
    let engine =
        Arc::new(Engine::new(api, own_workload, Arc::clone(&config.notify), Arc::clone(&journal), restored));
    let address = listener.local_addr().map_err(|error| format!("cannot listen on {address}: {error}"))?;
    let config = Arc::new(config);
    let app = Arc::new(App::new(Arc::clone(&config), Arc::clone(&engine)));
    if config.state.is_none() {
        log::warn!(
            "no state directory: accepted work is kept in memory only, and lost if the process is killed"
        );
    }
    if engine.pending() > 0 {
        log::info!("{} runs of the last process go on", engine.pending());
    }
    let control = match &config.state {
        Some(directory) => control::open(directory).await?,
        None => None,
    };
    log::info!(
        "listening on {address}: {} endpoints, Kubernetes API {}",
        config.endpoints.len(),
        config.kubernetes
    );
    let background = Background {
        fetching: fetch::keep_fetched(&config),
        lookout: Lookout::begin(engine.api(), config.rights(&Kinds::new())),
    };
    drop(config);
    if let Some(listener) = admin {
        tokio::spawn(admin::serve(listener, Arc::clone(&app)));
    }
    let socket = control.map(|(listener, socket)| {
        tokio::spawn(control::serve(listener, Arc::clone(&app)));
        socket
    });
    let (stop, stopped) = watch::channel(false);
    let working = tokio::spawn(Arc::clone(&engine).work());
    let (ended, told) = oneshot::channel::<()>();
    let telling = tokio::spawn(Arc::clone(&engine).tell_others(async {
        // Whatever comes of it, nothing more ends.
        let _ = told.await;
    }));
    let serving = tokio::spawn(server::serve(listener, Arc::clone(&app), stopped, REQUESTS_GRACE));
    let ended_by = until_told(&app, &engine, watch, background, &mut signals).await;
    log::info!("{ended_by}: finishing {} pending runs", engine.pending());
    engine.close();
    stop.send_replace(true);
    let finished = tokio::time::timeout(GRACE, async {
        // A task's failure is a defect that its own log line tells of.
        let _ = serving.await;
        engine.seal();
        let _ = working.await;
        drop(ended);
        let _ = telling.await;
    });
    let in_time = finished.await.is_ok();
    // A successor that gets the journal makes its own.
    drop(socket);
    journal.close().await;
    engine.name_what_is_left();
    if !in_time && !engine.is_durable() {
        return Err(format!("{} runs were not finished in time", engine.pending()));
    }
    match engine.unsent() {
        0 => {
            log::info!("ended");
            Ok(())
        }
        unsent => Err(format!("{unsent} changes were not sent: the log names them")),
    }
}

/// The journal in the state directory, and what the last process left in it.
fn open_journal(directory: &Path) -> Result<(Journal, Restored), String> {
    let mut restored = Restored::default();
    let take = |table, key, bytes: &[u8]| restored.take(table, key, bytes);
    let journal = Journal::open(directory, take).map_err(|error| error.to_string())?;
    Ok((journal, restored))
}

/// What goes on by timer, for the configuration that is served.
struct Background {
    fetching: fetch::Fetching,
    lookout: Lookout,
}

/// Reloads when the configuration changes, until a signal ends the process.
async fn until_told(
    app: &App,
    engine: &Engine,
    mut watch: Watch,
    mut background: Background,
    signals: &mut Signals,
) -> &'static str {
    let mut look = tokio::time::interval(INTERVAL);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let forced = tokio::select! {
            _ = signals.terminate.recv() => return "SIGTERM",
            _ = signals.interrupt.recv() => return "SIGINT",
            _ = signals.hangup.recv() => true,
            _ = look.tick() => false,
        };
        if !forced && !watch.sees_change().await {
            continue;
        }
        let read = tokio::select! {
            read = watch.read_again() => read,
            _ = signals.terminate.recv() => return "SIGTERM",
            _ = signals.interrupt.recv() => return "SIGINT",
        };
        let loaded = match read {
            Ok(loaded) => loaded,
            Err(why) => {
                engine.metrics.refused_reloads.count();
                log::error!("the new configuration is refused and the old one stays: {why}");
                continue;
            }
        };
        for warning in &loaded.findings.warnings {
            log::warn!("{warning}");
        }
        let made = loaded.config.map(|config| (Api::new(&config.kubernetes, &config.flux), config));
        match made {
            Some((Ok(api), config)) => {
                log::info!("configuration read again: {} endpoints", config.endpoints.len());
                engine.metrics.reloads.count();
                engine.metrics.endpoints.keep(config.endpoints.iter().map(|endpoint| endpoint.name.as_str()));
                engine.set_api(api);
                engine.set_notify_targets(Arc::clone(&config.notify));
                fetch::inherit(&config, &app.config());
                background.fetching = fetch::keep_fetched(&config);
                background.lookout.renew(engine.api(), &config.kubernetes, config.rights(&Kinds::new()));
                app.set_config(Arc::new(config));
            }
            Some((Err(why), _)) => {
                engine.metrics.refused_reloads.count();
                log::error!("the new configuration is refused and the old one stays: {why}");
            }
            None => {
                engine.metrics.refused_reloads.count();
                for mistake in &loaded.findings.mistakes {
                    log::error!("{mistake}");
                }
                log::error!("the new configuration is refused and the old one stays");
            }
        }
    }
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::own_workload;

    #[test]
    fn the_own_workload_is_named_as_targets_are() {
        for text in ["ops/deployment/boathook", "ops/deploy/boathook", "ops/Deployments.apps/boathook"] {
            assert_eq!(own_workload(text), Ok("ops/deployment/boathook".to_owned()), "{text}");
        }
        for bad in
            ["", "boathook", "deployment/boathook", "ops/pod/boathook", "Ops/deploy/boathook", "a/sts/b/c"]
        {
            let why = own_workload(bad).unwrap_err();
            assert!(
                why.contains("must be NAMESPACE/KIND/NAME, such as default/deployment/boathook"),
                "{why}"
            );
        }
    }
}

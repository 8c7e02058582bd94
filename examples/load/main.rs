//! Drives the release binary with signed deliveries and reports what that costs:
//!
//! ```text
//! cargo run --release --example load -- [--deliveries 50000] [--connections 64] [--idle 1000] [--state /dev/shm]
//!     [--binary target/x86_64-unknown-linux-gnu/release/boathook]
//! ```
//!
//! The relay runs as its own process against the API double; its CPU time and memory are read from /proc. All
//! traffic stays on loopback, and everything ends by itself. Last comes a table of all figures that have a budget.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a measurement that cannot go on shall end with its line"
)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "figures for a report"
)]
#![allow(clippy::disallowed_methods, reason = "the measuring thread belongs to no runtime while it sleeps")]
#![allow(unreachable_pub, reason = "a program has no outside that its items could be reached from")]

mod client;
mod process;
mod table;

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use argh::FromArgs;

use self::client::{Kind, Result};
use self::process::Process;
use self::table::{Cost, Measured};
use support::kube::{self, Pace};
use support::relay::Relay;

/// The key of the GitHub endpoint.
const KEY: &str = "5a1f0c2e9b7d4386f0e1d2c3b4a59687";

/// The body that GitHub's limit for one hook and the relay's default allow, in bytes.
const LARGEST_BODY: usize = 1024 * 1024;

/// Measure what deliveries cost the relay.
#[derive(FromArgs)]
struct Options {
    /// deliveries in each scenario (default 50000)
    #[argh(option, default = "50_000")]
    deliveries: usize,
    /// keep-alive connections (default 64)
    #[argh(option, default = "64")]
    connections: usize,
    /// where the journal is, a directory in memory by default; none: without a journal
    #[argh(option, default = "String::from(\"/dev/shm\")")]
    state: String,
    /// connections that send nothing, to see what they hold (default 1000)
    #[argh(option, default = "1000")]
    idle: usize,
    /// the relay that is measured, in the place of this package's own release binary, which is built first
    #[argh(option)]
    binary: Option<PathBuf>,
}

fn main() {
    let options: Options = argh::from_env();
    let binary = options.binary.clone().unwrap_or_else(build);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    println!("{}", process::machine());
    let size = std::fs::metadata(&binary).unwrap().len();
    println!("binary {size} bytes\n");

    let kube = kube::Double::start();
    // What is measured is the relay, not the cluster.
    kube.auto_rollout(Pace::Off);
    let state = State::new(&options.state);
    println!("journal                  {state}");
    let start = |binary: &PathBuf, kube: &str| start(binary, kube, &state);
    let started: Vec<_> = (0..5).map(|_| start(&binary, &kube.url()).1).collect();
    let listening = *started.iter().min().unwrap();
    println!("listening after          {listening:?} (the best of 5)");
    let (relay, _) = start(&binary, &kube.url());
    let process = Process::new(relay.pid());
    process.wait_until_idle();
    let idle = process.memory();
    println!("idle                     {idle}");

    let address = relay.address().to_owned();
    let during = runtime.block_on(client::idle(&address, options.idle, || process.memory()));
    println!("{:<6} idle connections  {during}", options.idle);
    let connection = during.rss.saturating_sub(idle.rss) as f64 / options.idle.max(1) as f64;

    let burst = runtime.block_on(client::burst(&address, KEY, 64, LARGEST_BODY, || process.memory()));
    process.wait_until_idle();
    let after_burst = process.memory();
    println!("burst of 64 × 1 MiB      held {burst}\n                         after {after_burst}\n");

    let run = |kind| {
        runtime.block_on(client::deliver(&address, KEY, kind, options.deliveries, options.connections))
    };
    let accepted = scenario("accepted 8 KB push", &process, || run(Kind::Signed));
    let refused = scenario("refused 8 KB push", &process, || run(Kind::WronglySigned));
    scenario("unknown hook", &process, || run(Kind::UnknownHook));
    drop(relay);

    kube.stop();
    let (relay, _) = start(&binary, &kube.url());
    let process = Process::new(relay.pid());
    let address = relay.address().to_owned();
    println!("with the API server away:");
    let without_api = scenario("accepted 8 KB push", &process, || {
        runtime.block_on(client::deliver(
            &address,
            KEY,
            Kind::Signed,
            options.deliveries,
            options.connections,
        ))
    });
    let binary = size;
    Measured { listening, idle, burst, after_burst, connection, accepted, without_api, refused, binary }
        .print();
}

/// Runs one scenario and prints its line.
fn scenario(name: &str, process: &Process, run: impl FnOnce() -> Result) -> Cost {
    let before = process.cpu();
    let result = run();
    let cpu = process.cpu().saturating_sub(before);
    let deliveries = u32::try_from(result.times.len()).unwrap();
    let cost = Cost {
        cpu: cpu / deliveries.max(1),
        p99: result.percentile(0.99),
        per_second: f64::from(deliveries) / result.took.as_secs_f64(),
    };
    println!(
        "{name:<24} {:>6.0}/s  p50 {:>5}us  p99 {:>6}us  CPU {:>5.1}us each  {}  answers {}",
        cost.per_second,
        result.percentile(0.50).as_micros(),
        cost.p99.as_micros(),
        cost.cpu.as_secs_f64() * 1e6,
        process.memory(),
        result.answers(),
    );
    cost
}

/// Builds the release binary (a matter of a moment when nothing has changed) and returns where it is.
fn build() -> PathBuf {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let built = Command::new(cargo).args(["build", "--release", "--bin", "boathook", "--quiet"]).status();
    assert!(built.is_ok_and(|status| status.success()), "the release binary could not be built");
    // target/release/examples/load → target/release/boathook
    let example = std::env::current_exe().unwrap();
    example.ancestors().nth(2).unwrap().join("boathook")
}

/// Where each relay's journal is; none: in memory.
struct State(Option<PathBuf>);

impl State {
    fn new(parent: &str) -> Self {
        let own = format!("boathook-load-{}", std::process::id());
        Self((parent != "none").then(|| PathBuf::from(parent).join(own)))
    }

    /// A line of configuration with a directory that is not there yet.
    fn fresh(&self) -> String {
        let Some(own) = &self.0 else { return String::new() };
        let _ = std::fs::remove_dir_all(own);
        format!("state: {}\n", own.display())
    }
}

impl Drop for State {
    fn drop(&mut self) {
        if let Some(own) = &self.0 {
            let _ = std::fs::remove_dir_all(own);
        }
    }
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Some(own) => own.display().fmt(f),
            None => f.write_str("none"),
        }
    }
}

/// Starts a relay; also says how long it took until it listened.
fn start(binary: &PathBuf, kube: &str, state: &State) -> (Relay, Duration) {
    let state = state.fresh();
    let config = format!(
        "version: 1\n{state}kubernetes: {{api: \"{kube}\"}}\nendpoints:\n- name: github\n  source: GitHub\n  keyPath: \
         github.key\n  rules:\n  - when: {{repository: acme/web, branch: \"**\"}}\n    do:\n    - restart: \
         {{namespace: default, workloads: [deployment/web], rollout: none}}\n"
    );
    let setup = Relay::with(binary, &config).file("github.key", KEY).argument("--settle=250ms");
    let before = Instant::now();
    let relay = setup.start();
    (relay, before.elapsed())
}

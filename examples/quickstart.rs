//! The whole thing on one machine: a relay, a Kubernetes API double, four deliveries and what comes of them.
//!
//! ```text
//! cargo run --release --example quickstart
//! cargo run --release --example quickstart -- --kube http://localhost:8001 --namespace default \
//!     --workload deployment/web --image ghcr.io/acme/web
//! ```
//!
//! The second form does the same to a real cluster behind `kubectl proxy`: it restarts that workload.

use std::error::Error;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use argh::FromArgs;
use boathook::config::{Config, Overrides};
use boathook::image::{Digest, Repository};
use boathook::outside;
use boathook::source::draft::SampleEvent;
use boathook::source::{Draft, Sample};
use jiff::Timestamp;
use serde_json::{Value, json};

use support::kube;
use support::relay::Relay;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// How long the relay may take to send what it accepted.
const PATIENCE: Duration = Duration::from_secs(15);

/// Watch signed webhooks become a change of a Deployment.
#[derive(FromArgs, Clone)]
#[allow(rustdoc::bare_urls, clippy::doc_markdown, reason = "the comments of options are what --help prints")]
struct Options {
    /// a real Kubernetes API, such as a kubectl proxy at http://localhost:8001; a double without it
    #[argh(option)]
    kube: Option<String>,
    /// the namespace of the workload (default default)
    #[argh(option, default = "\"default\".into()")]
    namespace: String,
    /// the workload to restart (default deployment/web)
    #[argh(option, default = "\"deployment/web\".into()")]
    workload: String,
    /// the image whose push restarts it (default ghcr.io/acme/web)
    #[argh(option, default = "\"ghcr.io/acme/web\".into()")]
    image: String,
}

fn main() -> ExitCode {
    // The relay runs as a process of its own: this same program, told to serve.
    if std::env::args().nth(1).as_deref() == Some("serve") {
        return boathook::cli::run(std::env::args_os());
    }
    let options: Options = argh::from_env();
    match show(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("quickstart: {error}");
            ExitCode::FAILURE
        }
    }
}

fn show(options: &Options) -> Result<()> {
    let double = options.kube.is_none().then(double);
    let api = options.kube.clone().or(double.as_ref().map(kube::Double::url)).unwrap_or_default();
    let (github, quay) = (new_key()?, new_key()?);
    let relay = Relay::with(std::env::current_exe()?, &configuration(options, &api))
        .file("github.key", &github)
        .file("quay.key", &quay)
        .start();
    let loaded = Config::load(&relay.directory().join("boathook.yaml"), &Overrides::default());
    let config = loaded.config.ok_or("the configuration cannot be read")?;
    println!("relay           http://{}", relay.address());
    println!("Kubernetes API  {api}{}\n", if double.is_some() { " (a double in this process)" } else { "" });

    println!(
        "before  {} in {}\n{}\n",
        options.workload,
        options.namespace,
        indent(&template(options, &api)?)
    );

    let stage = Stage { relay: &relay, config: &config };
    let repository = Repository::parse(&options.image)?;
    // An image for two platforms is three manifests, and so three deliveries: each with its own digest.
    let push = |image: &Repository, tag: &str| -> Result<Sample> {
        Ok(Sample {
            event: SampleEvent::Image,
            image: image.clone(),
            tag: tag.into(),
            digest: made_up_digest()?,
            repository: "acme/web".into(),
            branch: "main".into(),
            commit: "5b2c7d1e9f3a4866b0c1d2e3f4a5968778695a4b".into(),
        })
    };
    let latest = || push(&repository, "latest");
    stage.send("github", &format!("GitHub  package published  {repository}:latest"), &latest()?, |_| {})?;
    stage.send("github", "GitHub  another one right behind it", &latest()?, |_| {})?;
    stage.send("github", "GitHub  a third, signed with another key", &latest()?, |draft| {
        let signature = ("X-Hub-Signature-256".to_owned(), format!("sha256={}", "0".repeat(64)));
        draft.headers.push(signature);
    })?;
    let queue = Repository::parse("quay.io/acme/queue")?;
    let queue = push(&queue, "1.3.0")?;
    stage.send("quay", "Quay    repository push  quay.io/acme/queue:1.3.0", &queue, |_| {})?;

    println!("what the relay sent to Kubernetes once things had settled (2 s):");
    settled(&relay, double.as_ref())?;

    println!(
        "\nafter   {} in {}\n{}",
        options.workload,
        options.namespace,
        indent(&template(options, &api)?)
    );
    Ok(())
}

/// A cluster with what the four deliveries are about.
fn double() -> kube::Double {
    let kube = kube::Double::start();
    for (name, image) in [("web", "ghcr.io/acme/web:latest"), ("queue", "quay.io/acme/queue:1.2.0")] {
        kube.apply(json!({
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name, "namespace": "default"},
            "spec": {
                "replicas": 2,
                "selector": {"matchLabels": {"app": name}},
                "template": {
                    "metadata": {"labels": {"app": name}},
                    "spec": {"containers": [{"name": name, "image": image}]},
                },
            },
        }));
    }
    kube
}

fn configuration(options: &Options, api: &str) -> String {
    format!(
        r#"version: 1
kubernetes: {{api: "{api}"}}
settle: 2s
endpoints:
- name: github
  source: GitHub
  keyPath: github.key
  rules:
  - when: {{image: "{}", tag: latest}}
    do:
    - restart: {{namespace: "{}", workloads: ["{}"]}}
- name: quay
  source: Quay
  keyPath: quay.key
  rules:
  - when: {{image: quay.io/acme/queue, tag: {{semver: ">=1.2, <2"}}}}
    do:
    - setImage: {{namespace: "{}", runningImage: true}}
"#,
        options.image, options.namespace, options.workload, options.namespace
    )
}

/// Where deliveries are sent from.
struct Stage<'a> {
    relay: &'a Relay,
    config: &'a Config,
}

impl Stage<'_> {
    /// Makes a delivery as its sender would, sends it, and shows it with its answer.
    fn send(
        &self,
        endpoint: &str,
        title: &str,
        sample: &Sample,
        change: impl FnOnce(&mut Draft),
    ) -> Result<()> {
        let endpoint = self.config.endpoint(endpoint).ok_or("no such endpoint")?;
        let now = Timestamp::now();
        let mut draft = endpoint.receiver.sample(sample, now).ok_or("no such sample")?;
        change(&mut draft);
        let key = endpoint.keys.first().ok_or("no key")?;
        if endpoint.receiver.proof().is_some() {
            endpoint.receiver.sign(key, &mut draft, now)?;
        }
        let path = endpoint.digests.first().ok_or("no path")?.expose_path();
        println!("{title}");
        println!("  POST {}…  {} bytes", path.get(..14).unwrap_or(&path), draft.body.len());
        for (name, value) in draft.headers.iter().filter(|(name, _)| name.starts_with("X-")) {
            println!("  {name}: {value}");
        }
        let url = format!("http://{}{path}", self.relay.address());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (status, body) = runtime.block_on(outside::post(&url, draft.headers, draft.body, PATIENCE))?;
        println!("  → {status} {body}\n");
        Ok(())
    }
}

/// Waits until the relay has done what it accepted, and shows the changes.
#[allow(clippy::disallowed_methods, reason = "this thread belongs to no runtime")]
fn settled(relay: &Relay, double: Option<&kube::Double>) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    let ended = |endpoint: &str| {
        let of = format!(" endpoint={endpoint} ");
        relay.log().lines().any(|l| l.contains(" run=") && l.contains(&of) && l.contains(" outcome="))
    };
    while !(ended("github") && ended("quay")) {
        if Instant::now() > deadline {
            return Err(format!("nothing happened; the relay's log says:\n{}", relay.log()).into());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    match double {
        Some(kube) => {
            for patch in kube.patches() {
                println!("  {} {}\n  {}", patch.method, patch.path_and_query, patch.body);
            }
        }
        None => {
            for line in relay.log().lines().filter(|line| line.contains(" action=")) {
                println!("  {line}");
            }
        }
    }
    Ok(())
}

/// The workload's pod template, as the API says it is now.
fn template(options: &Options, api: &str) -> Result<Value> {
    let (kind, name) = options.workload.split_once('/').ok_or("--workload must be TYPE/NAME")?;
    let plural = if kind.ends_with('s') { kind.to_owned() } else { format!("{kind}s") };
    let url = format!("{api}/apis/apps/v1/namespaces/{}/{plural}/{name}", options.namespace);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let object = runtime.block_on(outside::get(&url, PATIENCE)).map_err(|why| format!("{url}: {why}"))?;
    let object: Value = serde_json::from_slice(&object)?;
    Ok(object.pointer("/spec/template").cloned().unwrap_or_default())
}

fn indent(value: &Value) -> String {
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

fn made_up_digest() -> Result<Digest> {
    Digest::parse(&format!("sha256:{}", new_key()?)).ok_or_else(|| "no digest".into())
}

fn new_key() -> Result<String> {
    let mut bytes = [0; 32];
    ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut bytes)
        .map_err(|_| "no randomness")?;
    Ok(hex::encode(bytes))
}

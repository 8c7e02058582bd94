//! The ready configurations: each is loaded and driven from the sender's delivery to the change in the cluster.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code: a broken assumption ends the test with its line"
)]

mod ci;
mod flux_recv;
mod flux_v1;
mod flux_v2;
mod load;
mod manifests;
mod notify;
mod registries;
mod rights;

use serde_json::Value;
use support::command::{Bench, Ended};
use support::kube;
use support::relay::Relay;

const BINARY: &str = env!("CARGO_BIN_EXE_boathook");

/// A ready configuration's text.
fn ready(name: &str) -> String {
    let file = format!("{}/config/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file}: {error}"));
    // The directory beside it, which is not copied.
    let beside = format!("manifests: {}/config/manifests\n", env!("CARGO_MANIFEST_DIR"));
    text.replace("manifests: manifests\n", &beside)
}

/// Makes its key files and the files that hold a URL, each as the configuration's comment says; their names.
fn secrets(bench: &Bench, config: &str) -> Vec<String> {
    let word = |line: &str, field| line.trim().strip_prefix(field).map(str::to_owned);
    let mut names = Vec::new();
    for line in config.lines() {
        if let Some(name) = word(line, "keyPath: ") {
            let made_by = config.lines().find(|line| line.contains(&format!("--out {name} ")));
            let webhook = made_by.is_some_and(|line| line.contains("keygen --webhook"));
            let arguments: &[&str] =
                if webhook { &["keygen", "--webhook", "--out"] } else { &["keygen", "--out"] };
            bench.run(&[arguments, &[&name]].concat()).expect(0);
            names.push(name);
        } else if let Some(name) = word(line, "urlPath: ") {
            bench.write(&name, "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXX\n");
            names.push(name);
        }
    }
    names
}

/// A ready configuration served, with fresh keys, before this cluster (and Flux), and a bench for its senders.
struct Stage {
    relay: Relay,
    bench: Bench,
}

impl Stage {
    fn new(name: &str, apis: &[&str]) -> Self {
        Self::of(&ready(name), apis)
    }

    /// Of a configuration with what a test has to change in it.
    fn of(config: &str, apis: &[&str]) -> Self {
        let bench = Bench::new(BINARY);
        bench.write("boathook.yaml", config);
        let mut setup = Relay::with(BINARY, config).argument("--settle=0");
        for name in secrets(&bench, config) {
            setup = setup.file(&name, std::fs::read(bench.directory().join(&name)).unwrap());
        }
        for api in apis {
            setup = setup.argument(api);
        }
        Self { relay: setup.start(), bench }
    }

    /// Before this cluster.
    fn before(name: &str, kube: &kube::Double) -> Self {
        Self::new(name, &[&format!("--kube-api={}", kube.url())])
    }

    /// A sample of this endpoint's sender, with these arguments; waits for the end.
    fn send(&self, endpoint: &str, sample: &[&str]) -> Ended {
        let to = format!("http://{}", self.relay.address());
        let base = ["send", "--config=boathook.yaml", "--endpoint", endpoint, "--to", &to, "--wait=20"];
        self.bench.run(&[&base, sample].concat())
    }

    /// A body of its own, signed as this endpoint's sender signs; waits for the end.
    fn send_body(&self, endpoint: &str, body: &str) -> Ended {
        let to = format!("http://{}", self.relay.address());
        let base = ["send", "--config=boathook.yaml", "--endpoint", endpoint, "--to", &to, "--wait=20"];
        self.bench.run_with(&base, body.as_bytes())
    }

    /// The outcome of a delivery that is accepted: `succeeded`, `unchanged`, …
    fn outcome(&self, endpoint: &str, sample: &[&str]) -> String {
        let answer = answer(&self.send(endpoint, sample).expect(0));
        answer["status"].as_str().unwrap().to_owned()
    }

    /// The reason for which a delivery leads to nothing.
    fn ignored(&self, endpoint: &str, sample: &[&str]) -> String {
        let answer = answer(&self.send(endpoint, sample).expect(0));
        assert_eq!(answer["status"], "ignored", "{answer}");
        answer["reason"].as_str().unwrap().to_owned()
    }
}

/// The body of the answer that `send` printed.
fn answer(ended: &Ended) -> Value {
    let (_, body) = ended.stdout.split_once('\n').unwrap();
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {}", ended.stdout))
}

/// When the pod template of this workload was restarted; null if never.
fn restarted(kube: &kube::Double, resource: &str, namespace: &str, name: &str) -> Value {
    let object = kube.object(resource, namespace, name);
    object["spec"]["template"]["metadata"]["annotations"]["kubectl.kubernetes.io/restartedAt"].clone()
}

/// The image of the container that is named as its workload.
fn image(kube: &kube::Double, resource: &str, namespace: &str, name: &str) -> String {
    let object = kube.object(resource, namespace, name);
    support::objects::container(&object, name)["image"].as_str().unwrap().to_owned()
}

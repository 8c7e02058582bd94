//! What the cluster lacks for a rollout, played by the test: the nodes, or the controllers too.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::api::Cluster;
use support::objects::container;

/// How long a node or a controller takes to see what is new.
const PACE: Duration = Duration::from_millis(50);

/// Plays until it goes out of scope.
pub(super) struct Hands {
    /// Nothing to do any more.
    idle: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// What is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Pods that are there become ready.
    Node,
    /// Deployments say that they are complete; there are no pods.
    Controllers,
}

/// What is played, and for whom.
struct Script {
    cluster: Cluster,
    names: Vec<String>,
    /// The image that never becomes ready.
    bad: Option<String>,
    part: Part,
}

impl Hands {
    /// Waits until these Deployments, which were just made, are complete: by themselves, or with a hand from here.
    pub(super) fn lend(cluster: &Cluster, names: &[&str], bad: Option<&str>) -> Self {
        let idle = Arc::new(AtomicBool::new(false));
        let started = Instant::now();
        while started.elapsed() < cluster.patience && !all_complete(cluster, names) {
            pause();
        }
        let thread = if all_complete(cluster, names) {
            eprintln!("{}: rolls out by itself", cluster.url);
            None
        } else {
            let part = part(cluster, names);
            let script = Script {
                cluster: cluster.clone(),
                names: names.iter().map(|name| (*name).to_owned()).collect(),
                bad: bad.map(str::to_owned),
                part,
            };
            let idle = Arc::clone(&idle);
            Some(std::thread::spawn(move || script.play(&idle)))
        };
        let hands = Self { idle, thread };
        let deadline = Instant::now() + Duration::from_secs(60);
        while !all_complete(cluster, names) {
            assert!(Instant::now() < deadline, "{names:?} do not get complete");
            pause();
        }
        hands
    }
}

impl Drop for Hands {
    fn drop(&mut self) {
        self.idle.store(true, Ordering::Relaxed);
        let failed = self.thread.take().is_some_and(|thread| thread.join().is_err());
        assert!(!failed || std::thread::panicking(), "what was played failed");
    }
}

fn part(cluster: &Cluster, names: &[&str]) -> Part {
    let observed = |name: &&str| cluster.get("deployments", name)["status"]["observedGeneration"].is_u64();
    if names.iter().any(observed) {
        eprintln!("{}: no pod gets ready by itself: this test plays the node", cluster.url);
        Part::Node
    } else {
        eprintln!("{}: no controller sees a Deployment: this test plays the controllers", cluster.url);
        Part::Controllers
    }
}

impl Script {
    fn play(&self, idle: &AtomicBool) {
        while !idle.load(Ordering::Relaxed) {
            match self.part {
                Part::Node => self.start_pods(),
                Part::Controllers => self.observe(),
            }
            pause();
        }
    }

    fn is_bad(&self, image: &Value) -> bool {
        self.bad.as_deref().is_some_and(|bad| image == bad)
    }

    fn start_pods(&self) {
        for pod in self.cluster.pods(&self.names) {
            let is_ending = !pod["metadata"]["deletionTimestamp"].is_null();
            if is_ending || is_ready(&pod) || self.is_bad(&pod["spec"]["containers"][0]["image"]) {
                continue;
            }
            let ready = json!({"type": "Ready", "status": "True", "lastTransitionTime": Timestamp::now()});
            let status = json!({"phase": "Running", "conditions": [ready]});
            self.cluster.report("pods", pod["metadata"]["name"].as_str().unwrap(), &status);
        }
    }

    fn observe(&self) {
        for name in &self.names {
            let deployment = self.cluster.get("deployments", name);
            let generation = &deployment["metadata"]["generation"];
            if deployment["status"]["observedGeneration"] == *generation {
                continue;
            }
            let wanted = replicas(&deployment);
            let mut status = json!({
                "observedGeneration": generation, "replicas": wanted, "updatedReplicas": wanted,
                "readyReplicas": wanted, "availableReplicas": wanted, "unavailableReplicas": null
            });
            if self.is_bad(&container(&deployment, name)["image"]) {
                status["replicas"] = json!(wanted + 1);
                status["updatedReplicas"] = json!(1);
                status["unavailableReplicas"] = json!(1);
            }
            self.cluster.report("deployments", name, &status);
        }
    }
}

fn all_complete(cluster: &Cluster, names: &[&str]) -> bool {
    names.iter().all(|name| is_complete(&cluster.get("deployments", name)))
}

/// Whether every replica of a Deployment is new and available.
pub(super) fn is_complete(deployment: &Value) -> bool {
    let status = |field: &str| deployment["status"][field].as_u64().unwrap_or(0);
    let wanted = replicas(deployment);
    status("observedGeneration") == deployment["metadata"]["generation"].as_u64().unwrap()
        && [status("replicas"), status("updatedReplicas"), status("availableReplicas")] == [wanted; 3]
}

fn replicas(deployment: &Value) -> u64 {
    deployment["spec"]["replicas"].as_u64().unwrap()
}

fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array();
    conditions.into_iter().flatten().any(|one| one["type"] == "Ready" && one["status"] == "True")
}

#[expect(clippy::disallowed_methods, reason = "a node is not there at once")]
fn pause() {
    std::thread::sleep(PACE);
}

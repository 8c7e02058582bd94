//! What can be wrong with an image, and what a pod that runs it then looks like.

use super::names::{now, text};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How an image is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum How {
    /// The registry does not have it: `ErrImagePull`, then `ImagePullBackOff`.
    ImagePullBackOff,
    /// Its program ends with exit code 1 as often as it is started.
    CrashLoopBackOff,
    /// No node has room for the pod.
    Unschedulable,
    /// The container runs and never gets ready.
    NeverReady,
    /// The container waits for this reason, with this message: `CreateContainerConfigError`, …
    Waiting(&'static str, &'static str),
}

/// The broken images.
#[derive(Clone, Debug, Default)]
pub struct Images {
    broken: BTreeMap<String, How>,
    /// What is wrong with every other one.
    others: Option<How>,
}

/// The container of a pod that is to blame.
struct Blame<'a> {
    list: &'static str,
    container: &'a str,
    image: &'a str,
    how: &'a How,
}

impl Images {
    pub fn break_one(&mut self, image: &str, how: How) {
        self.broken.insert(image.to_owned(), how);
    }

    pub fn break_all(&mut self, how: How) {
        self.others = Some(how);
    }

    pub fn mend(&mut self, image: &str) {
        self.broken.remove(image);
    }

    /// What is wrong with a pod (template) of this `spec`: image and how.
    pub fn wrong<'a>(&'a self, spec: &'a Value) -> Option<(&'a str, &'a How)> {
        self.blame(spec).map(|blame| (blame.image, blame.how))
    }

    /// The status that a pod comes to next.
    pub fn status(&self, pod: &Value) -> Value {
        let blame = self.blame(&pod["spec"]);
        if blame.as_ref().is_some_and(|blame| *blame.how == How::Unschedulable) {
            return unschedulable();
        }
        let first = blame.as_ref().is_some_and(|blame| blame.list == "initContainers");
        let statuses = |list: &str| -> Vec<Value> {
            let containers = pod["spec"][list].as_array().into_iter().flatten();
            let status = |container: &Value| {
                let own = blame.as_ref().filter(|own| own.list == list && container["name"] == own.container);
                match own {
                    Some(own) => own.status(pod),
                    None if first && list == "containers" => waiting(container, "PodInitializing", ""),
                    None => running(container, list),
                }
            };
            containers.map(status).collect()
        };
        let containers = statuses("containers");
        let unready: Vec<&str> =
            containers.iter().filter(|one| one["ready"] != true).map(|one| text(one, "/name")).collect();
        let started =
            containers.iter().all(|one| one["state"].get("running").is_some() || one["restartCount"] != 0);
        let init = pod["spec"]["initContainers"].is_array().then(|| statuses("initContainers"));
        let mut status = json!({
            "phase": if started { "Running" } else { "Pending" }, "conditions": conditions(&unready, !first),
            "hostIP": "192.0.2.10", "podIP": "198.51.100.10", "startTime": now(), "qosClass": "BestEffort",
            "containerStatuses": containers
        });
        if let Some(init) = init {
            status["initContainerStatuses"] = json!(init);
        }
        status
    }

    fn blame<'a>(&'a self, spec: &'a Value) -> Option<Blame<'a>> {
        ["initContainers", "containers"].into_iter().find_map(|list| {
            spec[list].as_array().into_iter().flatten().find_map(|container| {
                let image = text(container, "/image");
                let how = self.broken.get(image).or(self.others.as_ref())?;
                Some(Blame { list, container: text(container, "/name"), image, how })
            })
        })
    }
}

impl Blame<'_> {
    fn status(&self, pod: &Value) -> Value {
        let container = json!({"name": self.container, "image": self.image});
        let image = self.image;
        match self.how {
            How::ImagePullBackOff => {
                let cause = format!(
                    "rpc error: code = NotFound desc = failed to pull and unpack image {image:?}: failed to resolve \
                     reference {image:?}: {image}: not found"
                );
                // The kubelet tries once before it backs off.
                if pod["status"].get("containerStatuses").is_none() {
                    waiting(&container, "ErrImagePull", &cause)
                } else {
                    let message = format!("Back-off pulling image {image:?}: ErrImagePull: {cause}");
                    waiting(&container, "ImagePullBackOff", &message)
                }
            }
            How::CrashLoopBackOff => {
                let metadata = |field: &str| text(&pod["metadata"], field);
                let (pod, namespace, uid) = (metadata("/name"), metadata("/namespace"), metadata("/uid"));
                let message = format!(
                    "back-off 5m0s restarting failed container={} pod={pod}_{namespace}({uid})",
                    self.container
                );
                let mut status = waiting(&container, "CrashLoopBackOff", &message);
                status["restartCount"] = json!(5);
                status["lastState"] = json!({"terminated": {"exitCode": 1, "reason": "Error"}});
                status
            }
            How::NeverReady | How::Unschedulable => {
                let mut status = running(&container, "containers");
                status["ready"] = json!(false);
                status
            }
            How::Waiting(reason, message) => waiting(&container, reason, message),
        }
    }
}

/// The status of a pod that is there and that nobody has looked at yet.
pub fn pending() -> Value {
    json!({"phase": "Pending", "qosClass": "BestEffort"})
}

fn unschedulable() -> Value {
    let message = "0/3 nodes are available: 3 Insufficient cpu. preemption: 0/3 nodes are available: 3 No preemption \
                   victims found for incoming pod.";
    json!({"phase": "Pending", "qosClass": "BestEffort", "conditions": [{
        "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message,
        "lastProbeTime": null, "lastTransitionTime": now()
    }]})
}

fn waiting(container: &Value, reason: &str, message: &str) -> Value {
    let mut state = json!({"reason": reason});
    if !message.is_empty() {
        state["message"] = json!(message);
    }
    json!({
        "name": container["name"], "image": container["image"], "imageID": "", "ready": false, "started": false,
        "restartCount": 0, "state": {"waiting": state}, "lastState": {}
    })
}

/// An init container has done its work, the others run.
fn running(container: &Value, list: &str) -> Value {
    let state = if list == "containers" {
        json!({"running": {"startedAt": now()}})
    } else {
        json!({"terminated": {"exitCode": 0, "reason": "Completed"}})
    };
    json!({
        "name": container["name"], "image": container["image"], "imageID": container["image"], "ready": true,
        "started": true, "restartCount": 0, "state": state, "lastState": {}
    })
}

fn conditions(unready: &[&str], initialized: bool) -> Value {
    let condition = |kind: &str, wrong: Option<(&str, String)>| {
        let mut condition = json!({
            "type": kind, "status": if wrong.is_none() { "True" } else { "False" }, "lastProbeTime": null,
            "lastTransitionTime": now()
        });
        if let Some((reason, message)) = wrong {
            condition["reason"] = json!(reason);
            condition["message"] = json!(message);
        }
        condition
    };
    let not_ready = || {
        let message = format!("containers with unready status: [{}]", unready.join(" "));
        (!unready.is_empty()).then_some(("ContainersNotReady", message))
    };
    let not_initialized = ("ContainersNotInitialized", "containers with incomplete status".to_owned());
    json!([
        condition("PodReadyToStartContainers", None),
        condition("Initialized", (!initialized).then_some(not_initialized)),
        condition("Ready", not_ready()),
        condition("ContainersReady", not_ready()),
        condition("PodScheduled", None)
    ])
}

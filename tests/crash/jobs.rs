//! What is asked of the relay: one client for each workload, so that the order of what is accepted is known.

use super::dice::Dice;
use jiff::Timestamp;
use serde_json::json;
use support::delivery::{Delivery, fresh};
use support::kube::{Double, How};
use support::sign::hmac_sha256;
use support::{github, objects};

/// The key of the endpoint for CI jobs.
pub(super) const CI_KEY: &str = "the key of the CI endpoint";

/// How many bad versions each risky workload has.
const BAD: u64 = 3;

/// What a client has done, over and over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Job {
    /// The image is set to whatever tag was pushed.
    Tags,
    /// The image is set to the highest version.
    Versions,
    /// The workload, of this kind, is restarted.
    Restart(&'static str),
    /// The image is set, then `deployment/after-NAME` is restarted.
    Steps,
    /// The image is set, and put back if it is a bad one.
    Risky,
    /// The same, in three workloads at once.
    Fan,
}

/// All clients: names of workloads, and what is done to them.
pub(super) const CLIENTS: [(&str, Job); 13] = [
    ("tags-0", Job::Tags),
    ("tags-1", Job::Tags),
    ("tags-2", Job::Tags),
    ("versions-0", Job::Versions),
    ("versions-1", Job::Versions),
    ("restart-0", Job::Restart("Deployment")),
    ("restart-1", Job::Restart("StatefulSet")),
    ("restart-2", Job::Restart("DaemonSet")),
    ("steps-0", Job::Steps),
    ("steps-1", Job::Steps),
    ("risky-0", Job::Risky),
    ("risky-1", Job::Risky),
    ("fan-0", Job::Fan),
];

/// The endpoints and rules for all of them.
pub(super) fn config(kube: &Double) -> String {
    let mut rules = vec![
        "{when: {image: ghcr.io/acme/tags-*}, do: [setImage: {namespace: default, runningImage: true}]}"
            .to_owned(),
        "{when: {image: ghcr.io/acme/versions-*, tag: {semver: \">=1\"}}, \
         do: [setImage: {namespace: default, runningImage: true}]}"
            .to_owned(),
    ];
    for (name, job) in CLIENTS {
        match job {
            Job::Restart(_) => rules.push(format!(
                "{{when: {{image: ghcr.io/acme/{name}}}, do: [restart: {{namespace: default, workloads: [{}/{name}]}}]}}",
                job.resource().trim_end_matches('s')
            )),
            Job::Steps => rules.push(format!(
                "{{when: {{image: ghcr.io/acme/{name}}}, do: [\
                 {{setImage: {{namespace: default, workloads: [deployment/{name}]}}}}, \
                 {{restart: {{namespace: default, workloads: [deployment/after-{name}]}}}}]}}"
            )),
            Job::Tags | Job::Versions | Job::Risky | Job::Fan => {}
        }
    }
    format!(
        "version: 1\nkubernetes: {{api: \"{}\"}}\nsettle: 50ms\nmaxWait: 300ms\nendpoints:\n\
         - name: ghcr\n  source: GitHub\n  keyPath: github.key\n  rules:\n  - {}\n\
         - name: ci\n  source: Generic\n  keyPath: ci.key\n  rules:\n  \
         - {{when: {{image: ghcr.io/acme/*}}, do: [setImage: {{namespace: default, runningImage: true, \
         rollout: {{within: 5m, onFailure: rollback}}}}]}}\n",
        kube.url(),
        rules.join("\n  - ")
    )
}

/// The workloads of all of them.
pub(super) fn populate(kube: &Double) {
    for (name, job) in CLIENTS {
        let image = image(name, "1.0.0");
        kube.apply(match job {
            Job::Restart("StatefulSet") => objects::stateful_set("default", name, &image),
            Job::Restart("DaemonSet") => objects::daemon_set("default", name, &image),
            _ => objects::deployment("default", name, &image),
        });
        for other in job.others(name) {
            kube.apply(objects::deployment("default", &other, &image));
        }
        if job.may_be_bad() {
            for number in 0..BAD {
                kube.break_image(&self::image(name, &bad(number)), How::ImagePullBackOff);
            }
        }
    }
}

/// An image of a workload's own.
pub(super) fn image(name: &str, tag: &str) -> String {
    format!("ghcr.io/acme/{name}:{tag}")
}

fn bad(number: u64) -> String {
    format!("bad-{number}")
}

/// Whether no pod ever comes up with this tag.
pub(super) fn is_bad(tag: &str) -> bool {
    tag.starts_with("bad-")
}

impl Job {
    /// The plural of the workload's kind.
    pub(super) fn resource(self) -> &'static str {
        match self {
            Self::Restart("StatefulSet") => "statefulsets",
            Self::Restart("DaemonSet") => "daemonsets",
            _ => "deployments",
        }
    }

    /// The workloads besides the one of this name.
    pub(super) fn others(self, name: &str) -> Vec<String> {
        match self {
            Self::Steps => vec![format!("after-{name}")],
            Self::Fan => vec![format!("{name}-b"), format!("{name}-c")],
            _ => Vec::new(),
        }
    }

    /// Whether some versions are bad.
    pub(super) fn may_be_bad(self) -> bool {
        matches!(self, Self::Risky | Self::Fan)
    }

    /// The next delivery: its id, its tag, and the request.
    pub(super) fn delivery(self, name: &str, dice: &mut Dice) -> (String, String, Delivery) {
        let number = fresh();
        let tag = match self {
            Self::Versions => format!("1.{}.{number}", dice.below(50)),
            _ if self.may_be_bad() && dice.one_in(4) => bad(dice.below(BAD)),
            _ => format!("build-{number}"),
        };
        if self.may_be_bad() {
            let id = format!("ci-{number:06}");
            let delivery = deploy(name, &id, &tag);
            return (id, tag, delivery);
        }
        let delivery = github::image(&format!("ghcr.io/acme/{name}"), &tag);
        (delivery.value("X-GitHub-Delivery").to_owned(), tag, delivery)
    }
}

/// A CI job asks for this tag.
fn deploy(name: &str, id: &str, tag: &str) -> Delivery {
    let body = json!({
        "environment": "production", "image": image(name, tag), "namespace": "default", "service_name": name,
        "deployment_id": id, "triggered_by": "octavia", "timestamp": Timestamp::now().to_string()
    });
    let body = body.to_string();
    let signature = format!("sha256={}", hmac_sha256(CI_KEY.as_bytes(), body.as_bytes()));
    Delivery::json(CI_KEY, body).header("X-Signature-SHA256", &signature)
}

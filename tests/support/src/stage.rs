//! A relay with the rules of one test, workloads for it to change, deliveries to it, and what came of them.

use super::http::{self, Response};
use super::kube;
use super::relay::{Relay, Setup};
use super::sign::hook_path;
use serde_json::{Value, json};

const QUAY_KEY: &str = "quay-0123456789abcdef";
const GITLAB_KEY: &str = "gitlab-0123456789abcdef";

/// What the relay is started with.
pub struct Stage {
    kubernetes: String,
    flux: String,
    general: String,
    image_rules: String,
    git_rules: String,
}

impl Stage {
    /// A relay that reaches the Kubernetes API as the section `kubernetes:` says, written in braces or as an address.
    pub fn new(kubernetes: &str) -> Self {
        let kubernetes = if kubernetes.starts_with('{') {
            kubernetes.to_owned()
        } else {
            format!("{{api: \"{kubernetes}\"}}")
        };
        Self {
            kubernetes,
            flux: "http://127.0.0.1:9/api/flux".to_owned(),
            general: "settle: 0s\nretryFor: 1h\n".to_owned(),
            image_rules: "[]".to_owned(),
            git_rules: "[]".to_owned(),
        }
    }

    /// Another Flux v1 API than one that is never there.
    pub fn flux(mut self, api: &str) -> Self {
        api.clone_into(&mut self.flux);
        self
    }

    /// Other lines than `settle: 0s` and `retryFor: 1h`.
    pub fn general(mut self, lines: &str) -> Self {
        lines.clone_into(&mut self.general);
        self
    }

    /// The rules for pushed images: a YAML list in one line.
    pub fn images(mut self, rules: &str) -> Self {
        rules.clone_into(&mut self.image_rules);
        self
    }

    /// What is done for every pushed image: one action in one line.
    pub fn on_image(self, action: &str) -> Self {
        let rules = format!("[{{do: [{action}]}}]");
        self.images(&rules)
    }

    /// What is done for every push to a git repository: one action in one line.
    pub fn on_git(mut self, action: &str) -> Self {
        self.git_rules = format!("[{{do: [{action}]}}]");
        self
    }

    /// The configuration.
    pub fn config(&self) -> String {
        let Self { kubernetes, flux, general, image_rules, git_rules } = self;
        format!(
            "version: 1\nkubernetes: {kubernetes}\nflux: {{api: \"{flux}\"}}\n{general}endpoints:\n\
             - {{name: quay, source: Quay, keyPath: quay.key, rules: {image_rules}}}\n\
             - {{name: gitlab, source: GitLab, keyPath: gitlab.key, rules: {git_rules}}}\n"
        )
    }

    /// Everything but the start.
    pub fn setup(&self, binary: &str) -> Setup {
        Relay::with(binary, &self.config()).file("quay.key", QUAY_KEY).file("gitlab.key", GITLAB_KEY)
    }

    /// Starts the relay.
    pub fn start(&self, binary: &str) -> Relay {
        self.setup(binary).start()
    }
}

/// Quay's delivery of a push to `quay.io/REPOSITORY`.
pub fn quay_body(repository: &str, tag: &str) -> String {
    let (namespace, name) = repository.split_once('/').unwrap();
    json!({
        "name": name, "repository": repository, "namespace": namespace,
        "docker_url": format!("quay.io/{repository}"),
        "homepage": format!("https://quay.io/repository/{repository}"), "updated_tags": [tag],
    })
    .to_string()
}

/// GitLab's delivery of a push to `main` of `acme/fleet`.
pub fn gitlab_body() -> String {
    json!({
        "object_kind": "push", "event_name": "push", "ref": "refs/heads/main",
        "before": "9c1e".repeat(10), "after": "5b2c".repeat(10), "checkout_sha": "5b2c".repeat(10),
        "project": {
            "path_with_namespace": "acme/fleet", "git_ssh_url": "git@gitlab.com:acme/fleet.git",
            "git_http_url": "https://gitlab.com/acme/fleet.git", "default_branch": "main",
        },
    })
    .to_string()
}

/// Sends a push to `quay.io/REPOSITORY` and waits until what comes of it has ended.
pub fn push_image(relay: &Relay, repository: &str, tag: &str) -> Ended {
    Ended(image(relay, repository, tag, &[("Prefer", "wait=60")]))
}

/// Sends a push to `quay.io/REPOSITORY`; the answer is that it is accepted.
pub fn push_image_only(relay: &Relay, repository: &str, tag: &str) {
    let response = image(relay, repository, tag, &[]);
    assert_eq!(response.status, 202, "{}", response.text());
}

fn image(relay: &Relay, repository: &str, tag: &str, headers: &[(&str, &str)]) -> Response {
    let body = quay_body(repository, tag);
    http::send("POST", relay.address(), &hook_path(QUAY_KEY.as_bytes()), headers, body.as_bytes())
}

/// Sends a push to the git repository and waits until what comes of it has ended.
pub fn push_git(relay: &Relay) -> Ended {
    Ended(git(relay, &[("Prefer", "wait=60")]))
}

/// Sends a push to the git repository; the answer is that it is accepted.
pub fn push_git_only(relay: &Relay) {
    let response = git(relay, &[]);
    assert_eq!(response.status, 202, "{}", response.text());
}

fn git(relay: &Relay, more: &[(&str, &str)]) -> Response {
    let headers = [&[("X-Gitlab-Token", GITLAB_KEY), ("X-Gitlab-Event", "Push Hook")], more].concat();
    let path = hook_path(GITLAB_KEY.as_bytes());
    http::send("POST", relay.address(), &path, &headers, gitlab_body().as_bytes())
}

/// The answer to who waited for the end.
pub struct Ended(Response);

impl From<Response> for Ended {
    fn from(response: Response) -> Self {
        Self(response)
    }
}

impl Ended {
    /// 200, 409, 424.
    pub fn status(&self) -> u16 {
        self.0.status
    }

    /// The outcome of the first run.
    pub fn outcome(&self) -> String {
        text(&self.0.json()["runs"][0]["outcome"])
    }

    /// The reason of the first run.
    pub fn reason(&self) -> String {
        text(&self.0.json()["runs"][0]["reason"])
    }

    /// Every target of the first run's steps, with its namespace, outcome and reason.
    pub fn targets(&self) -> Vec<[String; 3]> {
        let answer = self.0.json();
        let steps = answer["runs"][0]["steps"].as_array().cloned().unwrap_or_default();
        let targets = steps.iter().flat_map(|step| step["targets"].as_array().cloned().unwrap_or_default());
        let target = |target: Value| {
            let name = format!("{}/{}", text(&target["namespace"]), text(&target["target"]));
            [name, text(&target["outcome"]), text(&target["reason"])]
        };
        targets.map(target).collect()
    }

    /// Fails the test unless the first run ended this way for a reason with this text.
    #[track_caller]
    pub fn is(&self, outcome: &str, reason: &str) {
        let fits = self.outcome() == outcome && self.reason().contains(reason);
        assert!(fits, "expected {outcome}: …{reason}…\n{}", self.0.text());
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// A workload with one container that runs this image and has an environment and a port; its label `app` is its name.
pub fn workload(kind: &str, namespace: &str, name: &str, image: &str) -> Value {
    let container = json!({
        "name": name, "image": image, "env": [{"name": "MODE", "value": "prod"}], "ports": [{"containerPort": 8080}],
    });
    let template = json!({"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}});
    let (api_version, kind, spec) = match kind {
        "CronJob" => {
            let job = json!({"schedule": "0 3 * * *", "jobTemplate": {"spec": {"template": template}}});
            ("batch/v1", kind, job)
        }
        "ksvc" => ("serving.knative.dev/v1", "Service", json!({"template": template})),
        "Rollout" => {
            let spec = json!({"selector": {"matchLabels": {"app": name}}, "template": template});
            ("argoproj.io/v1alpha1", kind, spec)
        }
        _ => {
            let selector = json!({"matchLabels": {"app": name}});
            let spec = json!({"selector": selector, "template": template});
            ("apps/v1", kind, spec)
        }
    };
    json!({
        "apiVersion": api_version, "kind": kind, "spec": spec,
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": name}},
    })
}

/// The image of a workload's first container.
pub fn image_of(kube: &kube::Double, resource: &str, namespace: &str, name: &str) -> String {
    let object = kube.object(resource, namespace, name);
    let pointer = match resource {
        "cronjobs" => "/spec/jobTemplate/spec/template/spec/containers/0/image",
        _ => "/spec/template/spec/containers/0/image",
    };
    text(object.pointer(pointer).unwrap())
}

//! The relay against whatever real API server is there:
//!
//! ```text
//! kubectl proxy --port 8001 &
//! BOATHOOK_TEST_KUBE=http://127.0.0.1:8001 cargo test --test cluster -- --ignored
//! ```
//!
//! It makes and changes objects in the namespace `boathook-test` (another one with `BOATHOOK_TEST_NAMESPACE`),
//! and takes its workloads away at the end. The same scenario runs against the API double in every test run, so
//! that it stays true.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a broken assumption ends the test with its line"
)]

mod support;

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use self::support::http::{Response, send};
use self::support::kube;
use self::support::objects;
use self::support::relay::Relay;
use self::support::sign::{hmac_sha256, hook_path};

const KEY: &str = "6b1f3c9a27de40518f6a2b7c0d9e8f13";
const WEB: &str = "ghcr.io/boathook-test/web";

#[test]
fn the_scenario_holds_against_the_double() {
    let kube = kube::Double::start();
    scenario(&kube.url(), "boathook-test");
}

#[test]
#[ignore = "needs a real API server behind BOATHOOK_TEST_KUBE"]
fn the_scenario_holds_against_a_real_api_server() {
    let url = std::env::var("BOATHOOK_TEST_KUBE")
        .expect("BOATHOOK_TEST_KUBE must name the API server, such as http://127.0.0.1:8001");
    let namespace = std::env::var("BOATHOOK_TEST_NAMESPACE").unwrap_or_else(|_| "boathook-test".into());
    scenario(url.trim_end_matches('/'), &namespace);
}

/// Restart and setImage of what a cluster has, by name and by what it runs; what is missing says so.
fn scenario(url: &str, namespace: &str) {
    let cluster = Cluster { url, namespace };
    cluster.apply_namespace();
    let workloads = [
        ("deployments", objects::deployment(namespace, "web", &format!("{WEB}:1.0.0"))),
        ("statefulsets", objects::stateful_set(namespace, "db", &format!("{WEB}:1.0.0"))),
        ("daemonsets", objects::daemon_set(namespace, "agent", &format!("{WEB}:1.0.0"))),
    ];
    for (plural, object) in &workloads {
        cluster.apply(plural, object);
    }
    let relay = Relay::with(env!("CARGO_BIN_EXE_boathook"), &configuration(url, namespace))
        .file("github.key", KEY)
        .argument("--settle=0")
        .start();

    // By name: one PATCH makes a new generation with a restartedAt of now.
    let before = cluster.get("deployments", "web");
    let answer = push(&relay, "latest", "1");
    assert_eq!(answer.status, 200, "{}", answer.text());
    let after = cluster.get("deployments", "web");
    assert!(generation(&after) > generation(&before), "{answer:?}");
    assert!(
        after["spec"]["template"]["metadata"]["annotations"]["kubectl.kubernetes.io/restartedAt"].is_string()
    );
    assert!(
        after["metadata"]["annotations"]["kubernetes.io/change-cause"]
            .as_str()
            .is_some_and(|cause| cause.starts_with(&format!("boathook: {WEB}:latest, GitHub delivery"))),
        "{after}"
    );

    // By what runs: every kind, and not backwards.
    let answer = push(&relay, "1.1.0", "2");
    assert_eq!(answer.status, 200, "{}", answer.text());
    for (plural, object) in &workloads {
        let name = object["metadata"]["name"].as_str().unwrap();
        assert_eq!(image(&cluster.get(plural, name)), format!("{WEB}:1.1.0"), "{plural}/{name}");
    }
    let answer = push(&relay, "1.0.5", "3");
    assert_eq!(answer.json()["status"], "unchanged", "{}", answer.text());
    assert_eq!(image(&cluster.get("deployments", "web")), format!("{WEB}:1.1.0"));

    // What is not there is a failure that names it.
    let answer = push(&relay, "gone", "4");
    assert_eq!(answer.status, 424, "{}", answer.text());
    assert!(answer.text().contains("deployments nope"), "{}", answer.text());

    for (plural, object) in &workloads {
        cluster.delete(plural, object["metadata"]["name"].as_str().unwrap());
    }
}

fn configuration(url: &str, namespace: &str) -> String {
    format!(
        r#"version: 1
kubernetes: {{api: "{url}"}}
endpoints:
- name: ghcr
  source: GitHub
  keyPath: github.key
  rules:
  - when: {{image: {WEB}, tag: latest}}
    do: [{{restart: {{namespace: {namespace}, workloads: [deployment/web], rollout: none}}}}]
  - when: {{image: {WEB}, tag: {{semver: ">=1.0, <2"}}}}
    do: [{{setImage: {{namespace: {namespace}, runningImage: true, rollout: none}}}}]
  - when: {{image: {WEB}, tag: gone}}
    do: [{{restart: {{namespace: {namespace}, workloads: [deployment/nope], rollout: none}}}}]
"#
    )
}

/// A package that was published, signed, waited for.
fn push(relay: &Relay, tag: &str, delivery: &str) -> Response {
    let body = json!({
        "action": "published",
        "package": {
            "name": "web",
            "owner": {"login": "boathook-test"},
            "package_type": "CONTAINER",
            "package_version": {
                "package_url": format!("{WEB}:{tag}"),
                "container_metadata": {"tag": {"name": tag}},
            },
        },
    })
    .to_string();
    let signature = format!("sha256={}", hmac_sha256(KEY.as_bytes(), body.as_bytes()));
    let headers = [
        ("X-GitHub-Event", "package"),
        ("X-GitHub-Delivery", delivery),
        ("X-Hub-Signature-256", signature.as_str()),
        ("Content-Type", "application/json"),
        ("Prefer", "wait=50"),
    ];
    send("POST", relay.address(), &hook_path(KEY.as_bytes()), &headers, body.as_bytes())
}

/// The cluster, seen without the relay.
struct Cluster<'a> {
    url: &'a str,
    namespace: &'a str,
}

impl Cluster<'_> {
    fn apply_namespace(&self) {
        let namespace =
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}});
        let path = format!("/api/v1/namespaces/{}?fieldManager=boathook-test", self.namespace);
        self.server_side_apply(&path, &namespace);
    }

    fn apply(&self, plural: &str, object: &Value) {
        let mut object = object.clone();
        if let Some(object) = object.as_object_mut() {
            // A controller's, not ours to apply.
            object.remove("status");
        }
        let name = object["metadata"]["name"].as_str().unwrap().to_owned();
        let path = format!("{}?fieldManager=boathook-test&force=true", self.path(plural, &name));
        self.server_side_apply(&path, &object);
    }

    fn server_side_apply(&self, path: &str, object: &Value) {
        let headers = [("Content-Type", "application/apply-patch+yaml")];
        let answer = send("PATCH", self.url, path, &headers, object.to_string().as_bytes());
        assert!(answer.status < 300, "{path}: {} {}", answer.status, answer.text());
    }

    fn get(&self, plural: &str, name: &str) -> Value {
        let answer = send("GET", self.url, &self.path(plural, name), &[], b"");
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    /// Takes a workload away and waits until it is gone.
    fn delete(&self, plural: &str, name: &str) {
        let path = self.path(plural, name);
        let answer = send("DELETE", self.url, &path, &[], b"");
        assert!(answer.status < 300, "{path}: {} {}", answer.status, answer.text());
        let deadline = Instant::now() + Duration::from_secs(60);
        while send("GET", self.url, &path, &[], b"").status != 404 {
            assert!(Instant::now() < deadline, "{path} does not go away");
            std::thread::yield_now();
        }
    }

    fn path(&self, plural: &str, name: &str) -> String {
        format!("/apis/apps/v1/namespaces/{}/{plural}/{name}", self.namespace)
    }
}

fn generation(object: &Value) -> u64 {
    object["metadata"]["generation"].as_u64().unwrap_or(0)
}

fn image(object: &Value) -> String {
    object["spec"]["template"]["spec"]["containers"][0]["image"].as_str().unwrap_or_default().to_owned()
}

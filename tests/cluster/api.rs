//! The cluster, seen and changed without the relay.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use support::http::{Response, send, try_send};
use support::kube::Double;
use support::objects;

/// How long a real cluster has to roll out by itself, before the test lends a hand.
const BY_ITSELF: Duration = Duration::from_secs(15);

/// An API server, and the namespace that the test works in.
#[derive(Clone)]
pub(super) struct Cluster {
    pub(super) url: String,
    pub(super) namespace: String,
    /// For how long is waited for it to roll out by itself.
    pub(super) patience: Duration,
    /// Whether it is a real one, where things take time.
    pub(super) real: bool,
}

impl Cluster {
    /// The one that the environment names.
    pub(super) fn real() -> Self {
        let url = std::env::var("BOATHOOK_TEST_KUBE")
            .expect("BOATHOOK_TEST_KUBE must name the API server, such as http://127.0.0.1:8001");
        let namespace = std::env::var("BOATHOOK_TEST_NAMESPACE").unwrap_or_else(|_| "boathook-test".into());
        Self::new(url.trim_end_matches('/').to_owned(), namespace, BY_ITSELF, true)
    }

    /// A double that has so much time to roll out by itself.
    pub(super) fn of(kube: &Double, patience: Duration) -> Self {
        Self::new(kube.url(), "boathook-test".to_owned(), patience, false)
    }

    fn new(url: String, namespace: String, patience: Duration, real: bool) -> Self {
        let cluster = Self { url, namespace, patience, real };
        let namespace =
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": cluster.namespace}});
        let path = format!("/api/v1/namespaces/{}?fieldManager=boathook-test", cluster.namespace);
        let answer = cluster.server_side_apply(&path, &namespace);
        // Another test may make it at the same moment.
        assert!(answer.status < 300 || answer.status == 409, "{path}: {}", answer.text());
        cluster
    }

    /// Makes a Deployment of two replicas whose pods no scheduler takes: nobody but the test starts them, so no image
    /// has to exist.
    pub(super) fn deploy(&self, name: &str, image: &str) {
        let mut deployment = objects::deployment(&self.namespace, name, image);
        deployment["spec"]["template"]["spec"]["schedulerName"] = json!("boathook-test");
        self.apply("deployments", &deployment);
    }

    /// Makes a workload, or makes it anew what it was.
    pub(super) fn apply(&self, plural: &str, object: &Value) {
        let mut object = object.clone();
        if let Some(object) = object.as_object_mut() {
            // A controller's, not ours to apply.
            object.remove("status");
        }
        let name = object["metadata"]["name"].as_str().unwrap().to_owned();
        let path = format!("{}?fieldManager=boathook-test&force=true", self.path(plural, &name));
        let answer = self.server_side_apply(&path, &object);
        assert!(answer.status < 300, "{path}: {} {}", answer.status, answer.text());
    }

    fn server_side_apply(&self, path: &str, object: &Value) -> Response {
        let headers = [("Content-Type", "application/apply-patch+yaml")];
        send("PATCH", &self.url, path, &headers, object.to_string().as_bytes())
    }

    pub(super) fn get(&self, plural: &str, name: &str) -> Value {
        let answer = send("GET", &self.url, &self.path(plural, name), &[], b"");
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    /// How often the specification of a Deployment was changed.
    pub(super) fn generation(&self, name: &str) -> u64 {
        self.get("deployments", name)["metadata"]["generation"].as_u64().unwrap()
    }

    /// The image that a workload is to run.
    pub(super) fn image(&self, plural: &str, name: &str) -> String {
        let object = self.get(plural, name);
        objects::container(&object, name)["image"].as_str().unwrap().to_owned()
    }

    /// The pods of these Deployments.
    pub(super) fn pods(&self, names: &[String]) -> Vec<Value> {
        let selector = format!("labelSelector=app%20in%20({})", names.join(","));
        let path = format!("/api/v1/namespaces/{}/pods?{selector}", self.namespace);
        let answer = send("GET", &self.url, &path, &[], b"");
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["items"].as_array().cloned().unwrap_or_default()
    }

    /// Says how a Deployment or a pod is. It may have gone meanwhile, or changed: then nothing happens.
    pub(super) fn report(&self, plural: &str, name: &str, status: &Value) {
        let path = match plural {
            "pods" => format!("/api/v1/namespaces/{}/pods/{name}", self.namespace),
            _ => self.path(plural, name),
        };
        let path = format!("{path}/status?fieldManager=boathook-test");
        let headers = [("Content-Type", "application/strategic-merge-patch+json")];
        let body = json!({"status": status}).to_string();
        let answer = send("PATCH", &self.url, &path, &headers, body.as_bytes());
        assert!(matches!(answer.status, 200 | 404 | 409), "{path}: {} {}", answer.status, answer.text());
    }

    /// Takes a workload away and waits until it is gone.
    pub(super) fn delete(&self, plural: &str, name: &str) {
        let path = self.path(plural, name);
        let answer = send("DELETE", &self.url, &path, &[], b"");
        assert!(answer.status < 300, "{path}: {} {}", answer.status, answer.text());
        let deadline = Instant::now() + Duration::from_secs(60);
        while self.ask(&path).is_none_or(|answer| answer.status != 404) {
            assert!(Instant::now() < deadline, "{path} does not go away");
            std::thread::yield_now();
        }
    }

    fn ask(&self, path: &str) -> Option<Response> {
        try_send("GET", &self.url, path, &[], b"").ok()
    }

    fn path(&self, plural: &str, name: &str) -> String {
        format!("/apis/apps/v1/namespaces/{}/{plural}/{name}", self.namespace)
    }
}

//! Rollouts as the Kubernetes client sees them: how they stand, what the pods say, and what blocks a way back.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

#[path = "kubernetes_rollouts/blocked.rs"]
mod blocked;
#[path = "kubernetes_rollouts/follow.rs"]
mod follow;
#[path = "kubernetes_rollouts/reasons.rs"]
mod reasons;

use boathook::kubernetes::error::Asked;
use boathook::kubernetes::rollout::{Standing, judge_since};
use boathook::kubernetes::{Access, Client, Kind, Object, PatchRequest, Patched, Workload};
use serde_json::json;
use support::kube::Double;

const GOOD: &str = "ghcr.io/acme/web:1";
const BAD: &str = "ghcr.io/acme/web:2";

/// A double, a client of it and a workload there.
struct Stage {
    kube: Double,
    client: Client,
    workload: Workload,
}

impl Stage {
    fn new(kind: Kind, object: serde_json::Value) -> Self {
        let kube = Double::start();
        let name = object["metadata"]["name"].as_str().unwrap().to_owned();
        kube.apply(object);
        let mut access = Access::default();
        access.set_api(&kube.url()).unwrap();
        let client = Client::new(&access).unwrap();
        Self { workload: Workload::new("shop", kind, &name).unwrap(), kube, client }
    }

    async fn get(&self) -> Object {
        self.client.get(&self.workload).await.unwrap()
    }

    /// Sets the image of the first container.
    async fn set_image(&self, image: &str) -> Patched {
        let kind = self.workload.kind;
        // The only patch that every kind takes.
        let pointer = "/spec/template/spec/containers/0/image";
        let patch = PatchRequest {
            path: format!("{}?fieldManager=boathook", self.workload.path()),
            content_type: "application/json-patch+json",
            body: json!([{"op": "replace", "path": pointer, "value": image}]),
            asked: Asked {
                verb: "patch",
                group: kind.group().into(),
                resource: kind.plural().into(),
                namespace: "shop".into(),
                name: Some(self.workload.name.clone()),
            },
        };
        self.client.patch(&patch).await.unwrap()
    }

    /// How the rollout stands at every look, until it ends or nothing moves any more.
    async fn follow(&self, patched: &Patched) -> Vec<Standing> {
        let mut standings: Vec<Standing> = Vec::new();
        let mut version = String::new();
        loop {
            let object = self.get().await;
            let standing = judge_since(self.workload.kind, &object, patched);
            let moved = object.metadata.resource_version != version;
            version = object.metadata.resource_version;
            let waits = matches!(standing, Standing::Waiting(_));
            standings.push(standing);
            if !waits || !moved {
                return standings;
            }
        }
    }

    async fn reasons(&self) -> String {
        boathook::kubernetes::reasons::reasons(&self.client, &self.workload, &self.get().await).await
    }
}

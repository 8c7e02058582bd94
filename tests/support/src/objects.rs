//! Objects for tests: as a cluster has them, rolled out and healthy.

use serde_json::{Value, json};

/// A Deployment with two replicas; one container, named as the Deployment, with this image.
pub fn deployment(namespace: &str, name: &str, image: &str) -> Value {
    let mut object = workload("Deployment", namespace, name, image);
    object["metadata"]["annotations"] = json!({"deployment.kubernetes.io/revision": "1"});
    object["spec"]["replicas"] = json!(2);
    object["status"] = json!({
        "observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2,
        "terminatingReplicas": 0,
        "conditions": [
            {"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable",
             "message": "Deployment has minimum availability."},
            {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable",
             "message": format!("ReplicaSet \"{name}-6dd86dcc86\" has successfully progressed.")}
        ]
    });
    object
}

/// A `StatefulSet` with two replicas.
pub fn stateful_set(namespace: &str, name: &str, image: &str) -> Value {
    let mut object = workload("StatefulSet", namespace, name, image);
    let revision = format!("{name}-6865d5647f");
    object["spec"]["replicas"] = json!(2);
    object["spec"]["serviceName"] = json!(name);
    object["status"] = json!({
        "observedGeneration": 1, "replicas": 2, "readyReplicas": 2, "currentReplicas": 2, "updatedReplicas": 2,
        "currentRevision": revision, "updateRevision": revision, "collisionCount": 0, "availableReplicas": 2
    });
    object
}

/// A `DaemonSet` on two nodes.
pub fn daemon_set(namespace: &str, name: &str, image: &str) -> Value {
    let mut object = workload("DaemonSet", namespace, name, image);
    object["status"] = json!({
        "observedGeneration": 1, "desiredNumberScheduled": 2, "currentNumberScheduled": 2, "numberMisscheduled": 0,
        "numberReady": 2, "numberAvailable": 2, "updatedNumberScheduled": 2
    });
    object
}

/// A `CronJob` at three in the morning.
pub fn cron_job(namespace: &str, name: &str, image: &str) -> Value {
    json!({
        "apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": name, "namespace": namespace},
        "spec": {"schedule": "0 3 * * *", "jobTemplate": {"spec": {"template": {"spec": {
            "restartPolicy": "Never", "containers": [{"name": name, "image": image}]
        }}}}}
    })
}

/// A Knative service; its container has an environment and a port, which a careless patch would lose.
pub fn knative_service(namespace: &str, name: &str, image: &str) -> Value {
    json!({
        "apiVersion": "serving.knative.dev/v1", "kind": "Service", "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "template": {"spec": {"containers": [{
                "name": "user-container", "image": image, "env": [{"name": "MODE", "value": "prod"}],
                "ports": [{"containerPort": 8080}]
            }]}},
            "traffic": [{"latestRevision": true, "percent": 100}]
        }
    })
}

/// A Flux `GitRepository`.
pub fn git_repository(namespace: &str, name: &str, url: &str) -> Value {
    json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
        "metadata": {"name": name, "namespace": namespace}, "spec": {"interval": "1m", "url": url}
    })
}

/// The container of this name in a workload's pod template; fails the test when there is none.
pub fn container<'a>(workload: &'a Value, name: &str) -> &'a Value {
    let spec = &workload["spec"];
    let template = if spec["jobTemplate"].is_null() { spec } else { &spec["jobTemplate"]["spec"] };
    let pod = &template["template"]["spec"];
    let containers =
        ["containers", "initContainers"].into_iter().filter_map(|list| pod[list].as_array()).flatten();
    containers
        .into_iter()
        .find(|container| container["name"] == name)
        .unwrap_or_else(|| panic!("no container {name} in {pod}"))
}

fn workload(kind: &str, namespace: &str, name: &str, image: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": kind,
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": name}},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{
                    "name": name, "image": image, "env": [{"name": "MODE", "value": "prod"}],
                    "ports": [{"containerPort": 8080}]
                }]}
            }
        }
    })
}

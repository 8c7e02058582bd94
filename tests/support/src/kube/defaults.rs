//! What the API server fills in for built-in kinds, and what it leaves out.

use super::events;
use super::kinds::Kind;
use serde_json::{Value, json};

/// Fills in the defaults and drops what Go's `omitempty` drops.
pub fn normalize(kind: &Kind, object: &mut Value) {
    if !object["metadata"].is_object() {
        object["metadata"] = json!({});
    }
    prune(&mut object["metadata"]);
    if !kind.built_in {
        return;
    }
    if let Some(spec) = object.get_mut("spec").filter(|spec| spec.is_object()) {
        fill(spec, &spec_defaults(&kind.kind));
        if kind.kind == "CronJob" {
            fill(&mut spec["jobTemplate"], &json!({"metadata": {}, "spec": {}}));
        }
    }
    if let Some(template) = kind.template().and_then(|pointer| object.pointer_mut(pointer)) {
        if !template["metadata"].is_object() {
            template["metadata"] = json!({});
        }
        prune(&mut template["metadata"]);
        pod(&mut template["spec"]);
    }
    if kind.kind == "Pod" {
        pod(&mut object["spec"]);
    }
    if kind.has_generation() && object.get("status").is_none() {
        object["status"] = json!({});
    }
    if kind.kind == "DaemonSet" {
        let annotations = &mut object["metadata"]["annotations"];
        if annotations[TEMPLATE_GENERATION].is_null() {
            annotations[TEMPLATE_GENERATION] = json!("1");
        }
    }
    events::fill(kind, object);
}

const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";

/// A `DaemonSet` counts changes of its pod template in an annotation.
pub fn count_template(kind: &Kind, before: &Value, after: &mut Value) {
    if kind.kind == "DaemonSet" && before["spec"]["template"] != after["spec"]["template"] {
        let count = before["metadata"]["annotations"][TEMPLATE_GENERATION].as_str();
        let count: u64 = count.and_then(|text| text.parse().ok()).unwrap_or(0);
        after["metadata"]["annotations"][TEMPLATE_GENERATION] = json!((count + 1).to_string());
    }
}

fn spec_defaults(kind: &str) -> Value {
    match kind {
        "Deployment" => json!({
            "replicas": 1, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"}}
        }),
        "StatefulSet" => json!({
            "replicas": 1, "revisionHistoryLimit": 10, "podManagementPolicy": "OrderedReady",
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
            "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"}
        }),
        "DaemonSet" => json!({
            "revisionHistoryLimit": 10,
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}}
        }),
        "ReplicaSet" => json!({"replicas": 1}),
        "CronJob" => json!({
            "concurrencyPolicy": "Allow", "suspend": false, "successfulJobsHistoryLimit": 3,
            "failedJobsHistoryLimit": 1
        }),
        _ => json!({}),
    }
}

fn pod(spec: &mut Value) {
    if !spec.is_object() {
        return;
    }
    let defaults = json!({
        "restartPolicy": "Always", "terminationGracePeriodSeconds": 30, "dnsPolicy": "ClusterFirst",
        "securityContext": {}, "schedulerName": "default-scheduler"
    });
    fill(spec, &defaults);
    for list in ["containers", "initContainers"] {
        for container in spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            let policy = pull_policy(container["image"].as_str().unwrap_or_default());
            let defaults = json!({
                "resources": {}, "terminationMessagePath": "/dev/termination-log",
                "terminationMessagePolicy": "File", "imagePullPolicy": policy
            });
            fill(container, &defaults);
            for port in container.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
                fill(port, &json!({"protocol": "TCP"}));
            }
        }
    }
}

/// `Always` for `:latest` and for no tag at all.
fn pull_policy(image: &str) -> &'static str {
    let last = image.rsplit('/').next().unwrap_or_default();
    let pinned = image.contains('@') || last.split_once(':').is_some_and(|(_, tag)| tag != "latest");
    if pinned { "IfNotPresent" } else { "Always" }
}

/// Sets the fields that are missing.
fn fill(object: &mut Value, defaults: &Value) {
    if !object.is_object() {
        *object = json!({});
    }
    for (key, value) in defaults.as_object().unwrap() {
        if object[key].is_null() {
            object[key] = value.clone();
        }
    }
}

/// Empty labels and annotations and nulls are not kept.
fn prune(metadata: &mut Value) {
    let empty = |value: &Value| value.is_null() || value.as_object().is_some_and(serde_json::Map::is_empty);
    metadata.as_object_mut().unwrap().retain(|_, value| !empty(value));
}

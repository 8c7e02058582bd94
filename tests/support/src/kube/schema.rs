//! The fields that built-in workloads have, as far as a patch of a workload reaches them, so that a misspelt one is
//! dropped or refused as the API server does. Source: the API reference of `apps/v1`, `batch/v1` and `core/v1`.

use super::kinds::Kind;
use serde_json::Value;

const OBJECT: &str = "apiVersion kind metadata spec status";
const METADATA: &str = "annotations creationTimestamp deletionGracePeriodSeconds deletionTimestamp finalizers \
    generateName generation labels managedFields name namespace ownerReferences resourceVersion selfLink uid";
const DEPLOYMENT: &str = "minReadySeconds paused progressDeadlineSeconds replicas revisionHistoryLimit selector \
    strategy template";
const STATEFUL_SET: &str = "minReadySeconds ordinals persistentVolumeClaimRetentionPolicy podManagementPolicy replicas \
    revisionHistoryLimit selector serviceName template updateStrategy volumeClaimTemplates";
const DAEMON_SET: &str = "minReadySeconds revisionHistoryLimit selector template updateStrategy";
const CRON_JOB: &str = "concurrencyPolicy failedJobsHistoryLimit jobTemplate schedule startingDeadlineSeconds \
    successfulJobsHistoryLimit suspend timeZone";
const JOB: &str = "activeDeadlineSeconds backoffLimit backoffLimitPerIndex completionMode completions managedBy \
    manualSelector maxFailedIndexes parallelism podFailurePolicy podReplacementPolicy selector successPolicy suspend \
    template ttlSecondsAfterFinished";
const POD: &str = "activeDeadlineSeconds affinity automountServiceAccountToken containers dnsConfig dnsPolicy \
    enableServiceLinks ephemeralContainers hostAliases hostIPC hostNetwork hostPID hostUsers hostname \
    hostnameOverride imagePullSecrets initContainers nodeName nodeSelector os overhead preemptionPolicy priority \
    priorityClassName readinessGates resourceClaims resources restartPolicy runtimeClassName schedulerName \
    schedulingGates securityContext serviceAccount serviceAccountName setHostnameAsFQDN shareProcessNamespace \
    subdomain terminationGracePeriodSeconds tolerations topologySpreadConstraints volumes workloadRef";
const CONTAINER: &str = "args command env envFrom image imagePullPolicy lifecycle livenessProbe name ports \
    readinessProbe resizePolicy resources restartPolicy restartPolicyRules securityContext startupProbe stdin \
    stdinOnce terminationMessagePath terminationMessagePolicy tty volumeDevices volumeMounts workingDir";

/// Drops the fields that the kind does not have and returns their paths (`spec.templat`).
pub fn prune(kind: &Kind, object: &mut Value) -> Vec<String> {
    let mut unknown = Vec::new();
    let spec = match kind.kind.as_str() {
        "Deployment" => DEPLOYMENT,
        "StatefulSet" => STATEFUL_SET,
        "DaemonSet" => DAEMON_SET,
        "CronJob" => CRON_JOB,
        "Job" => JOB,
        _ => return unknown,
    };
    check(object, "", OBJECT, &mut unknown);
    check(&mut object["metadata"], "metadata", METADATA, &mut unknown);
    check(&mut object["spec"], "spec", spec, &mut unknown);
    let mut at = "spec".to_owned();
    let mut place = &mut object["spec"];
    if kind.kind == "CronJob" {
        check(&mut place["jobTemplate"], "spec.jobTemplate", "metadata spec", &mut unknown);
        check(&mut place["jobTemplate"]["spec"], "spec.jobTemplate.spec", JOB, &mut unknown);
        place = &mut place["jobTemplate"]["spec"];
        at.push_str(".jobTemplate.spec");
    }
    let template = &mut place["template"];
    check(template, &format!("{at}.template"), "metadata spec", &mut unknown);
    check(&mut template["metadata"], &format!("{at}.template.metadata"), METADATA, &mut unknown);
    check(&mut template["spec"], &format!("{at}.template.spec"), POD, &mut unknown);
    for list in ["initContainers", "containers"] {
        let containers = template["spec"].get_mut(list).and_then(Value::as_array_mut).into_iter().flatten();
        for (index, container) in containers.enumerate() {
            check(container, &format!("{at}.template.spec.{list}[{index}]"), CONTAINER, &mut unknown);
        }
    }
    unknown
}

fn check(object: &mut Value, at: &str, fields: &str, unknown: &mut Vec<String>) {
    let Some(map) = object.as_object_mut() else { return };
    map.retain(|key, _| {
        let known = fields.split_ascii_whitespace().any(|field| field == key);
        if !known {
            unknown.push(if at.is_empty() { key.clone() } else { format!("{at}.{key}") });
        }
        known
    });
}

/// The first value of the wrong type, in Go's words.
pub fn wrong_type(kind: &Kind, object: &Value) -> Option<String> {
    let template = kind.template().and_then(|pointer| object.pointer(pointer)).unwrap_or(&Value::Null);
    let maps = [&object["metadata"], &template["metadata"]]
        .into_iter()
        .flat_map(|metadata| [&metadata["annotations"], &metadata["labels"]]);
    let containers = ["initContainers", "containers"]
        .into_iter()
        .filter_map(|list| template["spec"][list].as_array())
        .flatten()
        .flat_map(|container| [&container["image"], &container["name"]]);
    let values = maps.filter_map(Value::as_object).flat_map(|map| map.values()).chain(containers);
    values
        .filter(|value| !value.is_string() && !value.is_null())
        .map(|value| format!("cannot convert {} to string", go_type(value)))
        .next()
}

fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "nil",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

/// The first container without an image or without a name: its field.
pub fn missing_value(kind: &Kind, object: &Value) -> Option<String> {
    let pointer = kind.template()?;
    let template = object.pointer(pointer)?;
    let at = pointer.trim_start_matches('/').replace('/', ".");
    for list in ["initContainers", "containers"] {
        for (index, container) in template["spec"][list].as_array().into_iter().flatten().enumerate() {
            for field in ["name", "image"] {
                if container[field].as_str().unwrap_or_default().is_empty() {
                    return Some(format!("{at}.spec.{list}[{index}].{field}"));
                }
            }
        }
    }
    None
}

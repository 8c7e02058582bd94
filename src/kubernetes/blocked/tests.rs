use serde_json::{Value, json};

use super::*;

fn db(spec: &Value, status: &Value) -> Object {
    let mut value = json!({"metadata": {"name": "db", "uid": "u", "generation": 3}, "spec": {"replicas": 3,
        "selector": {"matchLabels": {"app": "db"}}, "updateStrategy": {"type": "RollingUpdate"}},
        "status": {"observedGeneration": 3, "replicas": 3, "currentRevision": "db-a", "updateRevision": "db-a"}});
    for (part, fields) in [("spec", spec), ("status", status)] {
        value[part].as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    }
    serde_json::from_value(value).unwrap()
}

fn pod(name: &str, revision: &str, ready: bool) -> Value {
    let status = if ready { "True" } else { "False" };
    json!({"metadata": {"name": name, "labels": {"controller-revision-hash": revision},
            "ownerReferences": [{"kind": "StatefulSet", "name": "db", "uid": "u", "controller": true}]},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": status}]}})
}

fn blocking(object: &Object, pod: Value) -> bool {
    Blocking::of(object, serde_json::from_value(pod).unwrap()).is_some()
}

#[test]
fn only_where_the_controller_waits_and_has_seen_the_way_back_something_is_done() {
    let of =
        |spec: Value, status: Value| blockable(Kind::StatefulSet, &db(&spec, &status)).map(str::to_owned);
    assert_eq!(of(json!({}), json!({})).unwrap(), "db-a");
    assert_eq!(of(json!({"podManagementPolicy": "OrderedReady"}), json!({})).unwrap(), "db-a");
    assert_eq!(of(json!({"podManagementPolicy": "Parallel"}), json!({})), None);
    assert_eq!(of(json!({"updateStrategy": {"type": "OnDelete"}}), json!({})), None);
    // The wanted revision is still the broken one: the good pods would be deleted.
    assert_eq!(of(json!({}), json!({"observedGeneration": 2})), None);
    assert_eq!(of(json!({}), json!({"updateRevision": null})), None);
    assert_eq!(blockable(Kind::Deployment, &db(&json!({}), &json!({}))), None);
}

#[test]
fn only_a_pod_that_is_of_no_use_any_more_blocks() {
    let plain = db(&json!({}), &json!({}));
    assert!(blocking(&plain, pod("db-2", "db-b", false)));
    assert!(!blocking(&plain, pod("db-2", "db-b", true)));
    assert!(!blocking(&plain, pod("db-2", "db-a", false)));
    let mut going = pod("db-2", "db-b", false);
    going["metadata"]["deletionTimestamp"] = json!("2026-11-21T01:00:00Z");
    assert!(!blocking(&plain, going));
    let mut other = pod("db-2", "db-b", false);
    other["metadata"]["ownerReferences"][0]["uid"] = json!("another");
    assert!(!blocking(&plain, other));
}

#[test]
fn below_the_partition_pods_of_the_current_revision_stay() {
    let partition = json!({"updateStrategy": {"rollingUpdate": {"partition": 2}}, "ordinals": {"start": 5}});
    let apart = db(&partition, &json!({"currentRevision": "db-0", "updateRevision": "db-a"}));
    assert!(!blocking(&apart, pod("db-6", "db-0", false)));
    assert!(blocking(&apart, pod("db-7", "db-0", false)));
    assert!(blocking(&apart, pod("db-6", "db-b", false)));
}

/// What is said where pods may not be listed.
fn told(spec: &Value, status: &Value) -> Option<String> {
    let workload = Workload::new("shop", Kind::StatefulSet, "db").unwrap();
    let asked = pods_asked("list", "shop", None);
    let error = ApiError { asked, trouble: Trouble::Forbidden("no".into()) };
    match by_status(&workload, &db(spec, status), &error) {
        Unblocked::ByHand(text) => Some(text),
        Unblocked::Nothing => None,
        Unblocked::Deleted(pod) => panic!("{pod} was deleted"),
    }
}

#[test]
fn the_status_alone_says_only_what_is_certain() {
    let rule = "boathook may do it with {apiGroups: [\"\"], resources: [pods], verbs: [list, delete]} in a Role of \
                namespace shop";
    let one = json!({"updatedReplicas": 2, "readyReplicas": 2});
    let by_name = |pod: &str| {
        format!(
            "pod {pod} of the failed version blocks the way back: kubectl delete pod {pod} -n shop; {rule}"
        )
    };
    assert_eq!(told(&json!({}), &one).unwrap(), by_name("db-2"));
    assert_eq!(told(&json!({"ordinals": {"start": 1}}), &one).unwrap(), by_name("db-3"));
    let two = told(&json!({}), &json!({"updatedReplicas": 1, "readyReplicas": 2})).unwrap();
    let expected = "a pod of the failed version may block the way back: delete the one of db-1 to db-2 that is not \
                    ready (kubectl get pods -n shop -l 'app=db'; kubectl delete pod NAME -n shop); ";
    assert_eq!(two, format!("{expected}{rule}"));
    let apart = json!({"updatedReplicas": 2, "readyReplicas": 2, "currentRevision": "db-0"});
    let unknown = told(&json!({}), &apart).unwrap();
    assert!(unknown.contains("delete the one that is not ready (kubectl get pods"), "{unknown}");
    // Nothing is in the way: all are ready, or all are of the wanted revision.
    assert_eq!(told(&json!({}), &json!({"updatedReplicas": 2, "readyReplicas": 3})), None);
    assert_eq!(told(&json!({}), &json!({"updatedReplicas": 3, "readyReplicas": 2})), None);
}

#[test]
fn several_pods_are_named_at_once() {
    let error = ApiError {
        asked: pods_asked("delete", "shop", Some("db-2")),
        trouble: Trouble::Denied("policy".into()),
    };
    let text = by_hand("shop", &["db-2", "db-1"], &way_out(&error, "shop", &["delete"]));
    let expected = "pods db-2, db-1 of the failed version block the way back: kubectl delete pod db-2 db-1 -n shop; \
                    boathook could not: delete pods db-2 in namespace shop: refused (403): policy";
    assert_eq!(text, expected);
}

use serde_json::{Value, json};

use super::*;

fn selector(selector: &Value, more: &[&str]) -> Option<String> {
    let object = serde_json::from_value(json!({"spec": {"selector": selector}})).unwrap();
    let more: Vec<_> = more.iter().map(|text| (*text).to_owned()).collect();
    selector_of(&object, &more).map(|selector| selector.to_string())
}

#[test]
fn the_selector_of_a_workload_is_written_as_a_query() {
    let labels = json!({"matchLabels": {"app": "web", "tier": ""}, "matchExpressions": [
        {"key": "env", "operator": "In", "values": ["prod", "staging"]},
        {"key": "track", "operator": "NotIn", "values": ["canary"]},
        {"key": "acme.dev/team", "operator": "Exists"},
        {"key": "old", "operator": "DoesNotExist", "values": null},
    ]});
    let expected =
        "app=web,tier=,env in (prod,staging),track notin (canary),acme.dev/team,!old,pod-template-hash=a1";
    assert_eq!(selector(&labels, &["pod-template-hash=a1"]).unwrap(), expected);
}

#[test]
fn what_selects_nothing_never_finds_the_pods_of_others() {
    for nothing in [json!(null), json!({}), json!({"matchLabels": {}})] {
        assert_eq!(selector(&nothing, &["pod-template-hash=a1"]), None);
    }
}

#[test]
fn nothing_of_what_a_container_holds_or_wrote_is_kept() {
    let pod: Pod = serde_json::from_value(json!({
        "metadata": {"name": "web-1", "annotations": {"a": "secret"}, "labels": null, "ownerReferences": null},
        "spec": {"containers": [{"name": "web", "env": [{"name": "A", "value": "secret"}]}]},
        "status": {"phase": "Running", "conditions": null, "containerStatuses": [{"name": "web", "image": "web:1",
            "lastState": {"terminated": {"exitCode": 1, "message": "secret"}}, "state": null}]},
    }))
    .unwrap();
    assert!(!format!("{pod:?}").contains("secret"));
    assert!(!pod.is_ready() && !pod.is_deleting() && !pod.belongs_to(""));
}

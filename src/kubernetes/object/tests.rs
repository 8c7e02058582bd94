use serde_json::json;

use super::super::client::Page;
use super::super::patch::RESTARTED_AT;
use super::*;

#[test]
fn containers_are_found_wherever_the_template_is() {
    let pod = json!({"spec": {
        "containers": [{"name": "web", "image": "web:1", "env": [{"name": "A", "value": "secret"}]}, {"image": "x"}],
        "initContainers": [{"name": "migrate", "image": "web:1"}],
    }});
    for spec in [json!({"template": pod}), json!({"jobTemplate": {"spec": {"template": pod}}})] {
        let object: Object =
            serde_json::from_value(json!({"metadata": {"name": "a"}, "spec": spec})).unwrap();
        let found: Vec<_> =
            object.containers().map(|(list, i, c)| (list.field(), i, c.name.as_str())).collect();
        assert_eq!(
            found,
            [("containers", 0, "web"), ("containers", 1, ""), ("initContainers", 0, "migrate")]
        );
        assert!(!format!("{object:?}").contains("secret"));
    }
}

#[test]
fn of_labels_and_annotations_only_what_decides_something_is_kept() {
    let applied = "kubectl.kubernetes.io/last-applied-configuration";
    let object: Object = serde_json::from_value(json!({
        "metadata": {"annotations": {applied: "{\"env\": \"secret\"}"}, "labels": {"app": "secret"}},
        "spec": {"template": {"metadata": {"annotations": {applied: "secret", RESTARTED_AT: "then"}}}},
    }))
    .unwrap();
    assert!(object.metadata.has_annotations());
    assert_eq!(object.restarted_at(), Some("then"));
    assert!(!format!("{object:?}").contains("secret"));
    for none in [json!({}), json!({"annotations": null})] {
        let pod = json!({"template": {"metadata": none}});
        let object: Object = serde_json::from_value(json!({"metadata": none, "spec": pod})).unwrap();
        assert!(!object.metadata.has_annotations() && object.restarted_at().is_none());
    }
}

#[test]
fn nothing_may_be_written_as_null() {
    let nothing = json!({"metadata": {"name": "a", "annotations": null, "ownerReferences": null}, "spec": {
        "template": {"metadata": null, "spec": {"containers": null, "initContainers": null}}}});
    let page: Page<Object> = serde_json::from_value(json!({"items": [nothing, {"spec": null}]})).unwrap();
    assert!(page.items.iter().all(|object| object.containers().next().is_none()));
    let page: Page<Object> =
        serde_json::from_value(json!({"items": null, "metadata": {"continue": null}})).unwrap();
    assert!(page.items.is_empty() && page.metadata.next.is_none());
}

#[test]
fn what_controls_an_object_is_named() {
    let owner =
        json!([{"kind": "X", "name": "x"}, {"kind": "Revision", "name": "game-1", "controller": true}]);
    let object = json!({"metadata": {"name": "a", "ownerReferences": owner}});
    let object: Object = serde_json::from_value(object).unwrap();
    assert_eq!(object.controller().unwrap(), "Revision game-1");
}

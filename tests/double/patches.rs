//! The patch formats, one by one.

use serde_json::{Value, json};
use support::kube::patch::{json, merge, strategic};

// RFC 7396, appendix A (those that differ in kind).
#[test]
fn examples_of_the_rfc() {
    for (mut target, patch, result) in [
        (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
        (json!({"a": "b"}), json!({"b": "c"}), json!({"a": "b", "b": "c"})),
        (json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"})),
        (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
        (json!({"a": {"b": "c"}}), json!({"a": {"b": "d", "c": null}}), json!({"a": {"b": "d"}})),
        (json!({"a": [{"b": "c"}]}), json!({"a": [1]}), json!({"a": [1]})),
        (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
        (json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}})),
    ] {
        merge::apply(&mut target, &patch);
        assert_eq!(target, result, "{patch}");
    }
}

#[test]
fn every_operation() {
    let mut object = json!({"list": [1, 3], "map": {"a/b": 1}});
    let patch = json!([
        {"op": "test", "path": "/list/0", "value": 1},
        {"op": "add", "path": "/list/1", "value": 2},
        {"op": "add", "path": "/list/-", "value": 4},
        {"op": "replace", "path": "/map/a~1b", "value": 2},
        {"op": "copy", "from": "/list/0", "path": "/first"},
        {"op": "move", "from": "/first", "path": "/one"},
        {"op": "remove", "path": "/list/0"}
    ]);
    assert_eq!(json::apply(&mut object, patch.as_array().unwrap()), Ok(()));
    assert_eq!(object, json!({"list": [2, 3, 4], "map": {"a/b": 2}, "one": 1}));
}

#[test]
fn a_failed_operation_leaves_everything() {
    for last in [
        json!({"op": "test", "path": "/a", "value": 9}),
        json!({"op": "replace", "path": "/missing", "value": 1}),
        json!({"op": "remove", "path": "/list/7"}),
        json!({"op": "add", "path": "/missing/x", "value": 1}),
        json!({"op": "add", "path": "/list/02", "value": 1}),
        json!({"op": "swap", "path": "/a"}),
    ] {
        let mut object = json!({"a": 1, "list": [0]});
        let patch = [json!({"op": "replace", "path": "/a", "value": 2}), last];
        assert_eq!(json::apply(&mut object, &patch), Err(json::Failed), "{patch:?}");
        assert_eq!(object, json!({"a": 1, "list": [0]}));
    }
}

fn patched(mut target: Value, patch: &Value) -> Value {
    strategic::apply(&mut target, patch).unwrap();
    target
}

fn names(pod: &Value) -> Vec<&str> {
    pod["containers"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect()
}

#[test]
fn containers_merge_by_name_and_keep_their_place() {
    let pod = json!({"containers": [
        {"name": "a", "image": "1", "env": [{"name": "X", "value": "1"}], "ports": [{"containerPort": 80}]},
        {"name": "b", "image": "1"}, {"name": "c", "image": "1"}
    ]});
    let result = patched(
        pod,
        &json!({"containers": [
            {"name": "b", "image": "2"},
            {"name": "a", "env": [{"name": "Y", "value": "2"}], "ports": [{"containerPort": 80, "name": "web"}]}
        ]}),
    );
    assert_eq!(names(&result), ["b", "a", "c"]);
    assert_eq!(
        result["containers"][1]["env"],
        json!([{"name": "Y", "value": "2"}, {"name": "X", "value": "1"}])
    );
    assert_eq!(result["containers"][1]["ports"], json!([{"containerPort": 80, "name": "web"}]));
}

#[test]
fn a_container_that_does_not_exist_is_added_in_front() {
    let pod = json!({"containers": [{"name": "a", "image": "1"}]});
    let result = patched(pod, &json!({"containers": [{"name": "z", "image": "2"}]}));
    assert_eq!(names(&result), ["z", "a"]);
}

#[test]
fn directives() {
    let pod = json!({"containers": [{"name": "a"}, {"name": "b"}], "finalizers": ["x", "y"], "m": {"k": 1}});
    let result = patched(
        pod.clone(),
        &json!({
            "containers": [{"name": "a", "$patch": "delete"}],
            "finalizers": ["z"], "$deleteFromPrimitiveList/finalizers": ["x"], "m": null
        }),
    );
    assert_eq!(result, json!({"containers": [{"name": "b"}], "finalizers": ["y", "z"]}));
    let replaced = patched(pod.clone(), &json!({"containers": [{"name": "n"}, {"$patch": "replace"}]}));
    assert_eq!(replaced["containers"], json!([{"name": "n"}]));
    let map = patched(pod.clone(), &json!({"m": {"$patch": "replace", "n": 2}}));
    assert_eq!(map["m"], json!({"n": 2}));
    let kept = patched(json!({"s": {"a": 1, "b": 2}}), &json!({"s": {"$retainKeys": ["b", "c"], "c": 3}}));
    assert_eq!(kept["s"], json!({"b": 2, "c": 3}));
    let ordered = patched(
        pod,
        &json!({"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}], "containers": [{"name": "a", "i": 1}]}),
    );
    assert_eq!(names(&ordered), ["b", "a"]);
}

#[test]
fn an_item_without_its_key_is_refused() {
    let mut pod = json!({"containers": [{"name": "a"}]});
    let error = strategic::apply(&mut pod, &json!({"containers": [{"image": "x"}]})).unwrap_err();
    assert_eq!(error, "map: map[image:x] does not contain declared merge key: name");
}

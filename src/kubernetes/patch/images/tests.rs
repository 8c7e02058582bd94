use super::*;
use crate::kubernetes::Kind;

fn object(value: Value) -> Read {
    Read::of(&serde_json::from_value(value).unwrap())
}

fn change(name: &str, list: ContainerList) -> ImageChange {
    ImageChange {
        list,
        index: 0,
        name: name.into(),
        from: "ghcr.io/acme/web:1".into(),
        to: "ghcr.io/acme/web:2".into(),
        policy: None,
    }
}

#[test]
fn images_of_built_in_kinds_are_merged_by_name_at_the_version_that_was_read() {
    let job = Workload::new("rec", Kind::CronJob, "nightly").unwrap();
    let read = object(json!({"metadata": {"resourceVersion": "7"}}));
    let changes = [change("job", ContainerList::Containers), change("init", ContainerList::InitContainers)];
    let patch = set_image(&job, &read, &changes, "boathook: x", "boathook");
    assert_eq!(
        patch.body,
        json!({
            "metadata": {"resourceVersion": "7", "annotations": {"kubernetes.io/change-cause": "boathook: x"}},
            "spec": {"jobTemplate": {"spec": {"template": {"spec": {
                "containers": [{"name": "job", "image": "ghcr.io/acme/web:2"}],
                "initContainers": [{"name": "init", "image": "ghcr.io/acme/web:2"}],
            }}}}},
        })
    );
}

#[test]
fn images_of_custom_resources_are_tested_and_replaced_in_place() {
    let game = Workload::new("rec", Kind::Ksvc, "game").unwrap();
    let changes = [change("", ContainerList::Containers)];
    let image = "/spec/template/spec/containers/0/image";
    let read = object(json!({"metadata": {"resourceVersion": "7", "annotations": {}}}));
    let patch = set_image(&game, &read, &changes, "c", "boathook");
    assert_eq!(patch.content_type, "application/json-patch+json");
    assert_eq!(
        patch.body,
        json!([
            {"op": "test", "path": image, "value": "ghcr.io/acme/web:1"},
            {"op": "replace", "path": image, "value": "ghcr.io/acme/web:2"},
            {"op": "add", "path": "/metadata/annotations/kubernetes.io~1change-cause", "value": "c"},
        ])
    );
    let bare = object(json!({"metadata": {"resourceVersion": "7"}}));
    let patch = set_image(&game, &bare, &changes, "c", "boathook");
    assert_eq!(patch.body[0], json!({"op": "test", "path": "/metadata/resourceVersion", "value": "7"}));
    assert_eq!(patch.body[3]["value"], json!({"kubernetes.io/change-cause": "c"}));
}

fn with_policy(name: &str, from: Option<&str>, to: Option<&str>) -> ImageChange {
    let policy = Some(PolicyChange { from: from.map(Into::into), to: to.map(Into::into) });
    ImageChange { policy, ..change(name, ContainerList::Containers) }
}

#[test]
fn a_pull_policy_goes_with_its_image() {
    let web = Workload::new("rec", Kind::Deployment, "web").unwrap();
    let read = object(json!({"metadata": {"resourceVersion": "7", "annotations": {}}}));
    let changes =
        [with_policy("web", Some("IfNotPresent"), Some("Always")), change("b", ContainerList::Containers)];
    let patch = set_image(&web, &read, &changes, "c", "boathook");
    assert_eq!(
        patch.body["spec"]["template"]["spec"]["containers"],
        json!([
            {"name": "web", "image": "ghcr.io/acme/web:2", "imagePullPolicy": "Always"},
            {"name": "b", "image": "ghcr.io/acme/web:2"},
        ])
    );
}

#[test]
fn a_pull_policy_of_a_custom_resource_is_tested_where_there_is_one() {
    let game = Workload::new("rec", Kind::Ksvc, "game").unwrap();
    let read = object(json!({"metadata": {"resourceVersion": "7", "annotations": {}}}));
    let (image, policy) =
        ("/spec/template/spec/containers/0/image", "/spec/template/spec/containers/0/imagePullPolicy");
    let body = |change: ImageChange| set_image(&game, &read, &[change], "c", "boathook").body;
    let there = with_policy("", Some("Never"), Some("Always"));
    assert_eq!(
        body(there.clone()).as_array().unwrap()[..4],
        [
            json!({"op": "test", "path": image, "value": "ghcr.io/acme/web:1"}),
            json!({"op": "replace", "path": image, "value": "ghcr.io/acme/web:2"}),
            json!({"op": "test", "path": policy, "value": "Never"}),
            json!({"op": "add", "path": policy, "value": "Always"}),
        ]
    );
    // Where there was none, nobody must have set one meanwhile; the way back takes it away.
    let none = with_policy("", None, Some("Always"));
    let made = body(none.clone());
    assert_eq!(made[0], json!({"op": "test", "path": "/metadata/resourceVersion", "value": "7"}));
    assert_eq!(made[3], json!({"op": "add", "path": policy, "value": "Always"}));
    let back = body(none.reversed());
    assert_eq!(back[3], json!({"op": "remove", "path": policy}));
    assert_eq!(back[1], json!({"op": "replace", "path": image, "value": "ghcr.io/acme/web:1"}));
    // An image that stays is tested and not written.
    let alone = ImageChange { to: there.from.clone(), ..there };
    assert_eq!(body(alone).as_array().unwrap()[1]["path"], policy);
}

#[test]
fn a_journal_of_before_pull_policies_is_read() {
    let old = r#"{"list":"containers","index":0,"name":"web","from":"a:1","to":"a:2"}"#;
    let change: ImageChange = serde_json::from_str(old).unwrap();
    assert_eq!((change.policy.as_ref(), serde_json::to_string(&change).unwrap().as_str()), (None, old));
}

#[test]
fn a_change_after_one_that_nobody_saw_come_up_goes_back_before_both() {
    let first = with_policy("web", Some("Never"), Some("Always"));
    let from = |policy: &Option<PolicyChange>| policy.as_ref().unwrap().from.clone();
    let (back, to) = (Some("Never".to_owned()), "ghcr.io/acme/web:3".to_owned());
    let plain = ImageChange { from: first.to.clone(), to, ..change("web", ContainerList::Containers) };
    let after = plain.clone().after(&first);
    assert_eq!((after.from.as_str(), from(&after.policy)), ("ghcr.io/acme/web:1", back.clone()));
    let with = |from: &str| ImageChange {
        policy: with_policy("", Some(from), Some("IfNotPresent")).policy,
        ..plain.clone()
    };
    assert_eq!(from(&with("Always").after(&first).policy), back);
    let else_set = with("Other").after(&first);
    assert_eq!(from(&else_set.policy), Some("Other".to_owned()), "somebody else's was there");
}

//! The patch that says where a Knative Service's requests go, with images at the same moment.

use serde_json::{Value, json};

use super::images::{cause, json_images, test_version};
use super::{ImageChange, JSON_PATCH, PatchRequest, Read, request};
use crate::kubernetes::kind::Workload;
use crate::kubernetes::object::Traffic;

/// Sets the traffic of a service that was just read, and images in the same moment. It fails with 422 if the object has
/// changed since, its status included.
pub fn set_traffic(
    workload: &Workload,
    read: &Read,
    changes: &[ImageChange],
    traffic: &[Traffic],
    change_cause: &str,
    manager: &str,
) -> PatchRequest {
    let mut operations = vec![test_version(read)];
    operations.extend(json_images(workload, changes));
    let entries: Vec<_> = traffic.iter().map(entry).collect();
    // Add replaces what is there.
    operations.push(json!({"op": "add", "path": "/spec/traffic", "value": entries}));
    operations.push(cause(read, change_cause));
    request(workload, JSON_PATCH, operations.into(), manager)
}

fn entry(traffic: &Traffic) -> Value {
    let mut entry = match &traffic.revision_name {
        Some(revision) => json!({"revisionName": revision, "percent": traffic.percent}),
        None => json!({"latestRevision": true, "percent": traffic.percent}),
    };
    if let (Some(fields), Some(tag)) = (entry.as_object_mut(), &traffic.tag) {
        fields.insert("tag".to_owned(), json!(tag));
    }
    entry
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::Kind;
    use crate::kubernetes::object::ContainerList;

    #[test]
    fn image_and_traffic_are_set_in_one_moment() {
        let game = Workload::new("rec", Kind::Ksvc, "game").unwrap();
        let read = Read { resource_version: "7".into(), has_annotations: true, uid: String::new() };
        let change = ImageChange {
            list: ContainerList::Containers,
            index: 0,
            name: String::new(),
            from: "game:1".into(),
            to: "game:2".into(),
            policy: None,
        };
        let tagged = Traffic { tag: Some("next".into()), ..Traffic::to_latest(0) };
        let traffic = [tagged, Traffic::to("game-00001", 100)];
        let patch = set_traffic(&game, &read, &[change], &traffic, "c", "boathook");
        assert_eq!(
            patch.path,
            "/apis/serving.knative.dev/v1/namespaces/rec/services/game?fieldManager=boathook"
        );
        assert_eq!(patch.content_type, "application/json-patch+json");
        let image = "/spec/template/spec/containers/0/image";
        assert_eq!(
            patch.body,
            json!([
                {"op": "test", "path": "/metadata/resourceVersion", "value": "7"},
                {"op": "test", "path": image, "value": "game:1"},
                {"op": "replace", "path": image, "value": "game:2"},
                {"op": "add", "path": "/spec/traffic", "value": [
                    {"latestRevision": true, "percent": 0, "tag": "next"},
                    {"revisionName": "game-00001", "percent": 100},
                ]},
                {"op": "add", "path": "/metadata/annotations/kubernetes.io~1change-cause", "value": "c"},
            ])
        );
    }

    #[test]
    fn entries_are_those_that_a_real_api_server_took() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/exchanges/37-knative-traffic.json");
        let recorded: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let made = [Traffic::to("game-00001", 90), Traffic::to_latest(10)].map(|traffic| entry(&traffic));
        assert_eq!(json!(made), recorded["request"]["body"]["spec"]["traffic"]);
    }
}

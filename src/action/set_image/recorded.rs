//! The requests next to those that a real API server took.

use serde_json::{Value, json};

use super::super::testing::{context, exchange, parse, pushed, read};
use super::*;
use crate::kubernetes::PatchRequest;

/// The request for a recorded object, next to the recorded request.
fn compared(file: &str, before: &Value, kind: Kind, tag: &str) -> (Value, PatchRequest) {
    let recorded = exchange(file);
    let name = before["metadata"]["name"].as_str().unwrap();
    let workload = Workload::new("rec", kind, name).unwrap();
    let object = parse(before.clone());
    let image = object.containers().next().unwrap().2.image.clone();
    let event = pushed(image.rsplit_once(':').unwrap().0, tag);
    let context = context(&event, Some(tag), None);
    let Ok(Plan::Change(changes)) = action().plan(&workload, &object, &context) else {
        panic!("{file}: nothing would change");
    };
    let (read, cause) = (Read::of(&object), context.change_cause());
    let request = patch::set_image(&workload, &read, &changes, &cause, "boathook");
    (recorded["request"].clone(), request)
}

#[test]
fn patches_are_those_that_a_real_api_server_took() {
    // 16: a Deployment; ours also names the init container, the version that was read, and the cause.
    let before = exchange("08-get.json")["response"]["body"].clone();
    let (recorded, made) = compared("16-set-image.json", &before, Kind::Deployment, "1.1.0");
    assert_eq!(
        (&recorded["path"], &recorded["headers"]["Content-Type"]),
        (&json!(made.path), &json!(made.content_type))
    );
    let pod = &made.body["spec"]["template"]["spec"];
    assert_eq!(pod["containers"], recorded["body"]["spec"]["template"]["spec"]["containers"]);
    assert_eq!(pod["initContainers"], json!([{"name": "migrate", "image": "ghcr.io/acme/web:1.1.0"}]));
    assert_eq!(made.body["metadata"]["resourceVersion"], before["metadata"]["resourceVersion"]);

    // 33: a CronJob, whose template lies deeper.
    let mut before = exchange("33-cronjob-set-image.json")["response"]["body"].clone();
    before["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]["image"] =
        json!("ghcr.io/acme/job:1.0.0");
    let (recorded, made) = compared("33-cronjob-set-image.json", &before, Kind::CronJob, "1.1.0");
    assert_eq!(
        (&recorded["path"], &recorded["headers"]["Content-Type"]),
        (&json!(made.path), &json!(made.content_type))
    );
    assert_eq!(made.body["spec"], recorded["body"]["spec"]);

    // 36: a Knative Service, in place.
    let mut before = exchange("36-knative-json-patch.json")["response"]["body"].clone();
    before["spec"]["template"]["spec"]["containers"][0]["image"] = json!("ghcr.io/acme/game:1.0.0");
    let (recorded, made) = compared("36-knative-json-patch.json", &before, Kind::Ksvc, "1.1.0");
    assert_eq!(
        (&recorded["path"], &recorded["headers"]["Content-Type"]),
        (&json!(made.path), &json!(made.content_type))
    );
    assert_eq!(made.body[0]["op"], "test");
    assert_eq!(made.body[0]["value"], "ghcr.io/acme/game:1.0.0");
    assert_eq!(made.body[1], recorded["body"][1]);
}

fn action() -> SetImage {
    read("namespace: shop\nrunningImage: true\n", SetImage::read).0.unwrap()
}

//! Knative services of the double: revisions, conditions, traffic.

use serde_json::{Value, json};
use support::http;
use support::kube::{Double, How, Pace};
use support::objects::knative_service;

const GAME: &str = "/apis/serving.knative.dev/v1/namespaces/roll/services/game";

fn with_game() -> Double {
    let kube = Double::start();
    kube.apply(knative_service("roll", "game", "ghcr.io/acme/game:1"));
    kube
}

fn set_image(kube: &Double, tag: &str) {
    let operation = json!([{
        "op": "replace", "path": "/spec/template/spec/containers/0/image",
        "value": format!("ghcr.io/acme/game:{tag}")
    }]);
    let headers = [("Content-Type", "application/json-patch+json")];
    assert_eq!(
        http::send("PATCH", &kube.url(), GAME, &headers, operation.to_string().as_bytes()).status,
        200
    );
}

fn status(kube: &Double) -> Value {
    http::send("GET", &kube.url(), GAME, &[], b"").json()["status"].clone()
}

fn condition(status: &Value, kind: &str) -> [String; 2] {
    let conditions = status["conditions"].as_array().unwrap();
    let condition = conditions.iter().find(|condition| condition["type"] == kind).unwrap();
    ["status", "reason"].map(|field| condition[field].as_str().unwrap_or_default().to_owned())
}

#[test]
fn every_template_gives_a_revision() {
    let kube = with_game();
    set_image(&kube, "2");
    let status = status(&kube);
    assert_eq!(status["observedGeneration"], 2);
    assert_eq!(status["latestCreatedRevisionName"], "game-00002");
    assert_eq!(status["latestReadyRevisionName"], "game-00002");
    assert_eq!(
        status["traffic"],
        json!([{"latestRevision": true, "percent": 100, "revisionName": "game-00002"}])
    );
    for kind in ["ConfigurationsReady", "Ready", "RoutesReady"] {
        assert_eq!(condition(&status, kind), ["True", ""], "{kind}");
    }
    // Traffic is no part of the template.
    let traffic = json!({"spec": {"traffic": [
        {"percent": 90, "revisionName": "game-00001"}, {"latestRevision": true, "percent": 10}
    ]}});
    let headers = [("Content-Type", "application/merge-patch+json")];
    http::send("PATCH", &kube.url(), GAME, &headers, traffic.to_string().as_bytes());
    let status = self::status(&kube);
    assert_eq!(
        (&status["observedGeneration"], &status["latestCreatedRevisionName"]),
        (&json!(3), &json!("game-00002"))
    );
    assert_eq!(status["traffic"][0]["revisionName"], "game-00001");
}

#[test]
fn a_broken_revision_gets_no_traffic() {
    for how in [How::ImagePullBackOff, How::CrashLoopBackOff, How::NeverReady] {
        let kube = with_game();
        kube.break_image("ghcr.io/acme/game:2", how);
        set_image(&kube, "2");
        let broken = status(&kube);
        assert_eq!(condition(&broken, "Ready"), ["False", "RevisionFailed"]);
        assert_eq!(condition(&broken, "RoutesReady"), ["True", ""]);
        assert_eq!(broken["latestCreatedRevisionName"], "game-00002");
        assert_eq!(broken["latestReadyRevisionName"], "game-00001");
        assert_eq!(broken["traffic"][0]["revisionName"], "game-00001");
        let ready = &broken["conditions"][1];
        assert!(
            ready["message"].as_str().unwrap().starts_with("Revision \"game-00002\" failed with message: ")
        );
        // Back: the template is the old one, the revision is new.
        set_image(&kube, "1");
        let back = status(&kube);
        assert_eq!(condition(&back, "Ready"), ["True", ""]);
        assert_eq!(back["latestReadyRevisionName"], "game-00003");
    }
}

#[test]
fn traffic_goes_where_it_went_until_it_can_go_elsewhere() {
    let kube = with_game();
    kube.break_image("ghcr.io/acme/game:2", How::NeverReady);
    kube.progress_deadline(std::time::Duration::from_secs(3600));
    set_image(&kube, "2");
    for (revision, reason) in [("game-00002", "Unknown"), ("game-00009", "False")] {
        let traffic = json!({"spec": {"traffic": [{"revisionName": revision, "percent": 100}]}});
        let headers = [("Content-Type", "application/merge-patch+json")];
        http::send("PATCH", &kube.url(), GAME, &headers, traffic.to_string().as_bytes());
        let status = status(&kube);
        assert_eq!(condition(&status, "RoutesReady"), [reason, "RevisionMissing"], "{revision}");
        assert_eq!(status["traffic"][0]["revisionName"], "game-00001", "{revision}");
    }
}

#[test]
fn a_client_that_polls_sees_each_step() {
    let kube = Double::start();
    kube.auto_rollout(Pace::PerRead);
    kube.apply(knative_service("roll", "game", "ghcr.io/acme/game:1"));
    while status(&kube)["latestReadyRevisionName"] != "game-00001" {}
    set_image(&kube, "2");
    let seen = |status: &Value| (status["observedGeneration"].clone(), condition(status, "Ready")[0].clone());
    let steps: Vec<_> = (0..4).map(|_| seen(&status(&kube))).collect();
    let expected = [(1, "True"), (2, "Unknown"), (2, "True"), (2, "True")];
    assert_eq!(steps, expected.map(|(generation, ready)| (json!(generation), ready.to_owned())));
}

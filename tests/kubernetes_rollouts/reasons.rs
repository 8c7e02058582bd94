//! What the pods say when a rollout does not get on.

use boathook::kubernetes::Kind;
use boathook::kubernetes::rollout::Standing;
use serde_json::json;

use super::{BAD, GOOD, Stage};
use support::kube::{How, Pace, Rule};
use support::objects::{daemon_set, deployment, knative_service, stateful_set};

/// A Deployment whose new version is broken in this way.
async fn broken(how: How) -> Stage {
    let stage = Stage::new(Kind::Deployment, deployment("shop", "web", GOOD));
    stage.kube.break_image(BAD, how);
    let patched = stage.set_image(BAD).await;
    let standings = stage.follow(&patched).await;
    assert!(matches!(standings.last(), Some(Standing::Failed(_))), "{standings:?}");
    stage
}

#[tokio::test]
async fn a_broken_deployment_is_told_by_its_new_pods() {
    for (how, told) in [
        (How::ImagePullBackOff, "container web: ImagePullBackOff of ghcr.io/acme/web:2: "),
        (How::CrashLoopBackOff, "container web: CrashLoopBackOff, exit code 1"),
        (How::Unschedulable, "Unschedulable: 0/3 nodes are available: 3 Insufficient cpu"),
        (How::NeverReady, "container web: runs, but is not ready"),
        (
            How::Waiting("CreateContainerConfigError", "secret \"web\" not found"),
            "container web: CreateContainerConfigError: secret \"web\" not found",
        ),
    ] {
        let reasons = broken(how).await.reasons().await;
        assert!(reasons.starts_with("pod web-") && reasons.contains(told), "{reasons}");
    }
}

#[tokio::test]
async fn old_pods_say_nothing_of_a_new_revision() {
    let stage = broken(How::CrashLoopBackOff).await;
    let back = stage.set_image(GOOD).await;
    assert_eq!(stage.follow(&back).await.last(), Some(&Standing::Complete));
    // What a Deployment of the same labels has, is another's.
    let mut canary = deployment("shop", "canary", BAD);
    canary["spec"]["selector"] = json!({"matchLabels": {"app": "web"}});
    canary["spec"]["template"]["metadata"]["labels"] = json!({"app": "web"});
    canary["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = json!("9");
    canary["metadata"]["generation"] = json!(2);
    stage.kube.apply(canary);
    assert_eq!(stage.reasons().await, "");
}

#[tokio::test]
async fn the_right_that_is_missing_is_named() {
    let stage = broken(How::CrashLoopBackOff).await;
    let get = Rule::new(&["get"], "apps", &["deployments"], &[]);
    let missing = "what its pods say may not be read: allow it with {apiGroups: [apps, \"\"], resources: [replicasets, \
                   pods], verbs: [list]} in a Role of namespace shop";
    stage.kube.allow_only(std::slice::from_ref(&get));
    assert_eq!(stage.reasons().await, missing);
    stage.kube.allow_only(&[get.clone(), Rule::new(&["list"], "apps", &["replicasets"], &[])]);
    assert_eq!(stage.reasons().await, missing);
    let both =
        [get, Rule::new(&["list"], "apps", &["replicasets"], &[]), Rule::new(&["list"], "", &["pods"], &[])];
    stage.kube.allow_only(&both);
    assert!(stage.reasons().await.contains("CrashLoopBackOff"));
}

#[tokio::test]
async fn the_pods_of_a_set_say_why_it_does_not_get_on() {
    for (kind, object) in [
        (Kind::StatefulSet, stateful_set("shop", "web", GOOD)),
        (Kind::DaemonSet, daemon_set("shop", "web", GOOD)),
    ] {
        let stage = Stage::new(kind, object);
        stage.kube.break_image(BAD, How::CrashLoopBackOff);
        let patched = stage.set_image(BAD).await;
        let standings = stage.follow(&patched).await;
        assert!(matches!(standings.last(), Some(Standing::Waiting(_))), "{kind}: {standings:?}");
        let reasons = stage.reasons().await;
        let told = "container web: CrashLoopBackOff, exit code 1";
        assert!(reasons.starts_with("pod web-") && reasons.ends_with(told), "{kind}: {reasons}");
        stage.kube.forbid("list", "pods", None);
        let missing = "what its pods say may not be read: allow it with {apiGroups: [\"\"], resources: [pods], verbs: \
                       [list]} in a Role of namespace shop";
        assert_eq!(stage.reasons().await, missing, "{kind}");
    }
}

#[tokio::test]
async fn an_old_pod_that_holds_a_set_up_is_told_as_old() {
    let stage = Stage::new(Kind::StatefulSet, stateful_set("shop", "web", GOOD));
    stage.kube.break_image(BAD, How::CrashLoopBackOff);
    let bad = stage.set_image(BAD).await;
    stage.follow(&bad).await;
    let back = stage.set_image(GOOD).await;
    stage.follow(&back).await;
    let reasons = stage.reasons().await;
    assert_eq!(reasons, "of the old revision, pod web-1: container web: CrashLoopBackOff, exit code 1");
}

#[tokio::test]
async fn a_knative_service_is_told_by_its_conditions_and_its_pods() {
    let mut game = knative_service("shop", "game", BAD);
    let message = "Configuration \"game\" does not have any ready Revision.";
    game["status"] = json!({"observedGeneration": 1, "latestCreatedRevisionName": "game-00002", "conditions": [
        {"type": "Ready", "status": "False", "reason": "RevisionMissing", "message": message},
        {"type": "RoutesReady", "status": "False", "reason": "RevisionMissing", "message": message},
        {"type": "ConfigurationsReady", "status": "False", "reason": "RevisionFailed", "message": "Initial scale was \
            never achieved"}]});
    let stage = Stage::new(Kind::Ksvc, game);
    assert_eq!(stage.reasons().await, "Initial scale was never achieved");
    let labels = json!({"serving.knative.dev/revision": "game-00002"});
    stage.kube.apply(json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "game-00002-x", "namespace": "shop", "labels": labels},
        "spec": {"containers": [{"name": "user-container", "image": BAD}]},
        "status": {"phase": "Running", "containerStatuses": [{"name": "user-container", "image": BAD, "ready": false,
            "restartCount": 2, "state": {"waiting": {"reason": "CrashLoopBackOff"}},
            "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}]}}));
    let told = "Initial scale was never achieved; pod game-00002-x: container user-container: CrashLoopBackOff, exit \
                code 137 (OOMKilled)";
    assert_eq!(stage.reasons().await, told);
    stage.kube.forbid("list", "pods", None);
    assert_eq!(stage.reasons().await, "Initial scale was never achieved");
}

#[tokio::test]
async fn pods_of_argo_rollouts_are_found_by_the_hash_of_the_new_version() {
    let mut web = deployment("shop", "web", GOOD);
    web["apiVersion"] = json!("argoproj.io/v1alpha1");
    web["kind"] = json!("Rollout");
    let stage = Stage::new(Kind::Rollout, web);
    stage.kube.set_status("rollouts", "shop", "web", json!({"currentPodHash": "6f9c"}));
    for (name, hash, image) in [("web-5d-x", "5d", GOOD), ("web-6f9c-x", "6f9c", BAD)] {
        stage.kube.apply(json!({"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "namespace": "shop",
                "labels": {"app": "web", "rollouts-pod-template-hash": hash}},
            "spec": {"containers": [{"name": "web", "image": image}]},
            "status": {"phase": "Pending", "containerStatuses": [{"name": "web", "image": image,
                "state": {"waiting": {"reason": "ImagePullBackOff"}}}]}}));
    }
    let told = stage.reasons().await;
    assert_eq!(told, "pod web-6f9c-x: container web: ImagePullBackOff of ghcr.io/acme/web:2");
    stage.kube.forbid("list", "pods", None);
    let told = stage.reasons().await;
    assert!(told.contains("resources: [pods], verbs: [list]"), "{told}");
}

#[tokio::test]
async fn of_very_many_pods_only_the_first_are_read() {
    let stage = Stage::new(Kind::StatefulSet, stateful_set("shop", "web", GOOD));
    stage.kube.auto_rollout(Pace::Off);
    let owner = stage.get().await.metadata.uid;
    let owner = json!([{"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "web", "uid": owner, "controller": true}]);
    let waiting =
        json!({"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image \"x\""}});
    for ordinal in 2..300 {
        stage.kube.apply(json!({"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": format!("web-{ordinal}"), "namespace": "shop", "ownerReferences": owner,
                "labels": {"app": "web", "controller-revision-hash": "web-6865d5647f"}},
            "spec": {"containers": [{"name": "web", "image": BAD}]},
            "status": {"phase": "Pending", "containerStatuses": [{"name": "web", "image": BAD, "state": waiting}]}}));
    }
    let reasons = stage.reasons().await;
    assert!(reasons.contains(" more: container web: ImagePullBackOff of ghcr.io/acme/web:2"), "{reasons}");
    let lists = stage
        .kube
        .requests()
        .iter()
        .filter(|request| request.path_and_query.contains("/pods?limit=25&"))
        .count();
    assert_eq!(lists, 8);
}

#[tokio::test]
async fn an_api_that_is_away_is_told() {
    let stage = Stage::new(Kind::DaemonSet, daemon_set("shop", "web", GOOD));
    let object = stage.get().await;
    stage.kube.stop();
    let reasons = boathook::kubernetes::reasons::reasons(&stage.client, &stage.workload, &object).await;
    assert!(
        reasons.starts_with("what its pods say cannot be read: list pods in namespace shop: "),
        "{reasons}"
    );
}

//! A `StatefulSet` whose broken pod blocks the way back.

use boathook::kubernetes::blocked::{Unblocked, unblock};
use boathook::kubernetes::rollout::Standing;
use boathook::kubernetes::{ApiError, Kind, Patched};
use serde_json::json;

use super::{BAD, GOOD, Stage};
use support::kube::{Fault, How, Pace};
use support::objects::stateful_set;

/// Its newest pod is broken, and the image that was there is put back.
async fn stuck() -> (Stage, Patched) {
    let stage = Stage::new(Kind::StatefulSet, stateful_set("shop", "db", GOOD));
    stage.kube.break_image(BAD, How::CrashLoopBackOff);
    let bad = stage.set_image(BAD).await;
    stage.follow(&bad).await;
    let back = stage.set_image(GOOD).await;
    let standings = stage.follow(&back).await;
    let expected = Standing::Waiting("1 of 2 pods are new, 1 of 2 are ready".to_owned());
    assert_eq!(standings.last(), Some(&expected), "the controller waits for the broken pod");
    (stage, back)
}

async fn try_to(stage: &Stage) -> Result<Unblocked, ApiError> {
    unblock(&stage.client, &stage.workload, &stage.get().await).await
}

fn deleted(stage: &Stage) -> Vec<String> {
    let requests = stage.kube.requests();
    requests
        .iter()
        .filter(|request| request.method == "DELETE")
        .map(|request| request.path().to_owned())
        .collect()
}

#[tokio::test]
async fn the_pod_in_the_way_is_deleted_and_the_way_back_goes_on() {
    let (stage, back) = stuck().await;
    let uid = stage.kube.object("pods", "shop", "db-1")["metadata"]["uid"].clone();
    assert_eq!(try_to(&stage).await, Ok(Unblocked::Deleted("db-1".to_owned())));
    assert_eq!(deleted(&stage), ["/api/v1/namespaces/shop/pods/db-1"]);
    assert_eq!(
        stage.kube.requests().iter().find(|r| r.method == "DELETE").unwrap().body["preconditions"]["uid"],
        uid
    );
    assert_eq!(stage.follow(&back).await.last(), Some(&Standing::Complete));
    assert_eq!(try_to(&stage).await, Ok(Unblocked::Nothing));
    assert_eq!(deleted(&stage).len(), 1);
}

#[tokio::test]
async fn a_rollout_that_is_not_gone_back_from_loses_no_pod() {
    let stage = Stage::new(Kind::StatefulSet, stateful_set("shop", "db", GOOD));
    stage.kube.break_image(BAD, How::CrashLoopBackOff);
    let bad = stage.set_image(BAD).await;
    stage.follow(&bad).await;
    assert_eq!(try_to(&stage).await, Ok(Unblocked::Nothing));
    // The way back, not seen yet by the controller: the good pods are of another revision than its wanted one.
    stage.kube.auto_rollout(Pace::Off);
    stage.kube.break_image(GOOD, How::NeverReady);
    stage.set_image(GOOD).await;
    assert_eq!(try_to(&stage).await, Ok(Unblocked::Nothing));
    assert!(deleted(&stage).is_empty());
}

#[tokio::test]
async fn without_the_right_to_delete_the_pod_is_named() {
    let (stage, _) = stuck().await;
    stage.kube.forbid("delete", "pods", None);
    let expected = "pod db-1 of the failed version blocks the way back: kubectl delete pod db-1 -n shop; boathook may do \
                    it with {apiGroups: [\"\"], resources: [pods], verbs: [delete]} in a Role of namespace shop";
    assert_eq!(try_to(&stage).await, Ok(Unblocked::ByHand(expected.to_owned())));
    stage.kube.forbid("list", "pods", None);
    let expected = expected.replace("[delete]", "[list, delete]");
    assert_eq!(try_to(&stage).await, Ok(Unblocked::ByHand(expected)));
}

#[tokio::test]
async fn what_may_pass_is_an_error_to_try_again_and_what_has_changed_is_looked_at_again() {
    let (stage, _) = stuck().await;
    stage.kube.fail_for(Fault::Status(503), "GET", "/pods", Some(1));
    assert!(try_to(&stage).await.unwrap_err().retry().is_some());
    stage.kube.fail_for(Fault::Status(503), "DELETE", "/pods/", Some(1));
    assert!(try_to(&stage).await.unwrap_err().retry().is_some());
    stage.kube.fail_for(Fault::Status(409), "DELETE", "/pods/", Some(1));
    assert_eq!(try_to(&stage).await, Ok(Unblocked::Nothing));
    assert_eq!(try_to(&stage).await, Ok(Unblocked::Deleted("db-1".to_owned())));
}

#[tokio::test]
async fn what_is_managed_in_parallel_is_never_blocked() {
    let mut db = stateful_set("shop", "db", GOOD);
    db["spec"]["podManagementPolicy"] = json!("Parallel");
    let stage = Stage::new(Kind::StatefulSet, db);
    stage.kube.break_image(BAD, How::CrashLoopBackOff);
    let bad = stage.set_image(BAD).await;
    stage.follow(&bad).await;
    let back = stage.set_image(GOOD).await;
    assert_eq!(try_to(&stage).await, Ok(Unblocked::Nothing));
    assert_eq!(stage.follow(&back).await.last(), Some(&Standing::Complete));
    assert!(deleted(&stage).is_empty());
}

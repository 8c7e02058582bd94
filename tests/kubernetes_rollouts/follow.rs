//! Every look at a rollout, to its end.

use boathook::kubernetes::Kind;
use boathook::kubernetes::rollout::Standing;
use serde_json::json;

use super::{BAD, GOOD, Stage};
use support::kube::{How, Pace};
use support::objects::{daemon_set, deployment, knative_service, stateful_set};

#[tokio::test]
async fn every_kind_is_waited_for_until_it_is_complete() {
    for (kind, object) in [
        (Kind::Deployment, deployment("shop", "web", GOOD)),
        (Kind::StatefulSet, stateful_set("shop", "web", GOOD)),
        (Kind::DaemonSet, daemon_set("shop", "web", GOOD)),
        (Kind::Ksvc, knative_service("shop", "web", GOOD)),
    ] {
        let stage = Stage::new(kind, object);
        stage.kube.auto_rollout(Pace::PerRead);
        let patched = stage.set_image(BAD).await;
        let resource = format!("{}.{}", kind.plural(), kind.group());
        assert_eq!(patched.generation, 2, "{kind}");
        assert_eq!(patched.uid, stage.kube.object(&resource, "shop", "web")["metadata"]["uid"]);
        let standings = stage.follow(&patched).await;
        let (last, before) = standings.split_last().unwrap();
        assert_eq!(last, &Standing::Complete, "{kind}: {standings:?}");
        assert!(before.len() >= 2 && !before.contains(&Standing::Complete), "{kind}: {standings:?}");
        assert_eq!(stage.reasons().await, "", "{kind}");
    }
}

/// With one replica and with `Recreate`, the way back begins with the condition that the bad version left.
#[tokio::test]
async fn a_way_back_does_not_fail_by_the_deadline_of_the_bad_version() {
    for (replicas, strategy) in [(1, "RollingUpdate"), (1, "Recreate"), (3, "RollingUpdate")] {
        for quick in [false, true] {
            let mut web = deployment("shop", "web", GOOD);
            web["spec"]["replicas"] = json!(replicas);
            web["spec"]["strategy"] = json!({"type": strategy});
            for count in ["replicas", "updatedReplicas", "readyReplicas", "availableReplicas"] {
                web["status"][count] = json!(replicas);
            }
            let stage = Stage::new(Kind::Deployment, web);
            stage.kube.quick_replica_sets(quick);
            stage.kube.auto_rollout(Pace::PerRead);
            stage.kube.break_image(BAD, How::ImagePullBackOff);
            let patched = stage.set_image(BAD).await;
            assert_eq!(patched.deadline_passed, None);
            let standings = stage.follow(&patched).await;
            assert!(matches!(standings.last(), Some(Standing::Failed(_))), "{strategy}: {standings:?}");
            let patched = stage.set_image(GOOD).await;
            assert!(patched.deadline_passed.is_some());
            let standings = stage.follow(&patched).await;
            assert_eq!(standings.last(), Some(&Standing::Complete), "{strategy}: {standings:?}");
        }
    }
}

#[tokio::test]
async fn a_knative_revision_that_is_broken_fails_and_the_way_back_completes() {
    let stage = Stage::new(Kind::Ksvc, knative_service("shop", "web", GOOD));
    stage.kube.break_image(BAD, How::CrashLoopBackOff);
    stage.kube.auto_rollout(Pace::PerRead);
    let patched = stage.set_image(BAD).await;
    let standings = stage.follow(&patched).await;
    let Some(Standing::Failed(why)) = standings.last() else { panic!("{standings:?}") };
    assert!(why.starts_with("it is not ready: Revision") && why.contains("web-00002"), "{why}");
    let patched = stage.set_image(GOOD).await;
    assert_eq!(stage.follow(&patched).await.last(), Some(&Standing::Complete));
}

#[tokio::test]
async fn what_is_made_anew_is_not_taken_for_what_was_patched() {
    let stage = Stage::new(Kind::Deployment, deployment("shop", "web", GOOD));
    let patched = stage.set_image(BAD).await;
    stage.kube.remove("deployments", "shop", "web");
    stage.kube.apply(deployment("shop", "web", GOOD));
    let standings = stage.follow(&patched).await;
    let expected = Standing::Failed("it was deleted, and another one was made in its place".to_owned());
    assert_eq!(standings, [expected]);
}

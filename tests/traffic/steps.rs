//! The way to the new revision.

use super::*;
use support::kube::How;

#[test]
fn requests_go_over_step_by_step_and_then_follow_the_newest_again() {
    let kube = Arc::new(cluster());
    let probed = Probed::start(&kube, 0);
    let relay = started(&kube, &probed.field("30s"));
    let ended = push(&relay, "2");
    ended.is(
        "succeeded",
        "ksvc/game: game: ghcr.io/acme/game:1 → ghcr.io/acme/game:2; all traffic goes to game-00002",
    );
    assert_eq!((ended.status(), asked(&kube)), (200, WAY.map(str::to_owned).to_vec()));
    assert_eq!(probed.seen(), [10, 50, 100], "each step is checked before the next");
    let first = &kube.patches()[0];
    let image = "/spec/template/spec/containers/0/image";
    for operation in [
        json!({"op": "test", "path": image, "value": "ghcr.io/acme/game:1"}),
        json!({"op": "replace", "path": image, "value": "ghcr.io/acme/game:2"}),
    ] {
        assert!(first.body.as_array().unwrap().contains(&operation), "{}", first.body);
    }
    assert_eq!(first.body[0]["path"], "/metadata/resourceVersion");
    let object = game(&kube);
    assert_eq!(shown(&object), "game-00002=100");
    assert_eq!(container(&kube)["env"][0]["value"], "prod");
    let cause = object["metadata"]["annotations"]["kubernetes.io/change-cause"].as_str().unwrap();
    assert!(cause.starts_with("boathook: ghcr.io/acme/game:2, GitHub delivery "), "{cause}");

    kube.forget_requests();
    push(&relay, "2").is("unchanged", "ghcr.io/acme/game:2 runs already");
    assert_eq!(kube.mutations().len(), 0);
}

#[test]
fn nobody_meets_a_revision_that_is_not_ready() {
    let kube = cluster();
    kube.break_image("ghcr.io/acme/game:2", How::NeverReady);
    kube.progress_deadline(Duration::from_secs(3600));
    let relay = started(&kube, "");
    let delivery = pushed("2");
    delivery.accepted(&relay);
    kube.wait_for_patches(1);
    kube.forget_requests();
    kube.wait_for_blocking(|requests| requests.len() >= 3);
    assert_eq!((shown(&game(&kube)).as_str(), kube.mutations().len()), (PINNED, 0));
    kube.mend_image("ghcr.io/acme/game:2");
    ended(&relay, &delivery).is("succeeded", "all traffic goes to game-00002");
    assert_eq!(asked(&kube), WAY[1..]);
}

#[test]
fn tags_and_the_pull_policy_stay() {
    let mut tagged = workload("ksvc", "shop", "game", "GHCR.io/acme/game:1");
    tagged["spec"]["template"]["spec"]["containers"][0]["imagePullPolicy"] = json!("Always");
    let kube = with(tagged);
    patch(
        &kube,
        &json!([{"op": "add", "path": "/spec/traffic", "value": [
            {"latestRevision": true, "percent": 100, "tag": "current"},
            {"revisionName": "game-00001", "percent": 0, "tag": "first"},
        ]}]),
    );
    kube.wait_for_object("ksvc", "shop", "game", |object| shown(object).contains("#first"));
    kube.forget_requests();
    // Without `image` the container keeps its spelling.
    let rule = "{do: [traffic: {namespace: shop, service: ksvc/game, steps: [100], every: 0}]}";
    let relay = scene::relay(&kube, "settle: 0", &[rule]);
    push(&relay, "2").is("succeeded", "GHCR.io/acme/game:1 → GHCR.io/acme/game:2");
    let tags = "latest#current=0,game-00001#first=0";
    assert_eq!(
        asked(&kube),
        [
            format!("{tags},game-00001=100"),
            format!("{tags},game-00001=0,game-00002=100"),
            "latest#current=100,game-00001#first=0".to_owned(),
        ]
    );
    assert_eq!(container(&kube)["imagePullPolicy"], "Always");
}

#[test]
fn what_an_earlier_run_left_half_done_goes_on() {
    let kube = cluster();
    let relay = started(&kube, "");
    patch(
        &kube,
        &json!([
            {"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "ghcr.io/acme/game:2"},
            {"op": "add", "path": "/spec/traffic", "value": [{"revisionName": "game-00001", "percent": 100}]},
        ]),
    );
    let is_ready = |object: &Value| object["status"]["latestReadyRevisionName"] == "game-00002";
    kube.wait_for_object("ksvc", "shop", "game", is_ready);
    kube.forget_requests();
    push(&relay, "2").is("succeeded", "all traffic goes to game-00002");
    assert_eq!(asked(&kube).last().unwrap(), END);
    assert_eq!(shown(&game(&kube)), "game-00002=100");
}

#[test]
fn set_image_warns_of_traffic_that_is_pinned() {
    let kube = cluster();
    let pin = json!([{"op": "add", "path": "/spec/traffic", "value": [{"revisionName": "game-00001", "percent": 100}]}]);
    patch(&kube, &pin);
    let rule = "{do: [setImage: {namespace: shop, workloads: [ksvc/game]}]}";
    let relay = scene::relay(&kube, "settle: 0", &[rule]);
    push(&relay, "2").is(
        "succeeded",
        "its traffic is pinned (100 % for game-00001), so that the new revision gets none: use the action traffic, or \
         kn service update game -n shop --traffic @latest=100",
    );
}

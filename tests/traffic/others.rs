//! What somebody else does meanwhile.

use super::*;

/// Somebody changes the service while the check at 10 % is not well, which it is from then on.
fn changed_meanwhile(operations: &Value) -> (Arc<Double>, String) {
    let kube = Arc::new(cluster());
    let probed = Probed::start(&kube, 10);
    let relay = started(&kube, &probed.field("30s"));
    let delivery = pushed("2");
    delivery.accepted(&relay);
    kube.wait_for_object("ksvc", "shop", "game", |object| shown(object) == WAY[1]);
    patch(&kube, operations);
    kube.forget_requests();
    probed.mend();
    let ended = ended(&relay, &delivery);
    ended.is("failed", "");
    (kube, ended.reason())
}

#[test]
fn another_image_is_left_alone() {
    let image = "/spec/template/spec/containers/0/image";
    let (kube, reason) =
        changed_meanwhile(&json!([{"op": "replace", "path": image, "value": "ghcr.io/acme/game:hotfix"}]));
    assert!(
        reason.contains("somebody set ghcr.io/acme/game:hotfix in the place of ghcr.io/acme/game:2"),
        "{reason}"
    );
    assert_eq!(
        (container(&kube)["image"].as_str(), asked(&kube).len()),
        (Some("ghcr.io/acme/game:hotfix"), 0)
    );
}

#[test]
fn other_traffic_is_left_alone() {
    let theirs = json!([
        {"revisionName": "game-00001", "percent": 70}, {"revisionName": "game-00002", "percent": 30},
    ]);
    let (kube, reason) = changed_meanwhile(&json!([{"op": "add", "path": "/spec/traffic", "value": theirs}]));
    let told = "somebody changed its traffic: 70 % for game-00001, 30 % for game-00002";
    assert!(reason.contains(told), "{reason}");
    assert_eq!((game(&kube)["spec"]["traffic"].clone(), asked(&kube).len()), (theirs, 0));
}

#[test]
fn other_runs_wait_until_it_is_over() {
    let kube = Arc::new(cluster());
    let probed = Probed::start(&kube, 10);
    let shift = rule(&probed.field("30s")).replace("{do:", "{when: {tag: \"2\"}, do:");
    let set = "{when: {tag: hotfix}, do: [setImage: {namespace: shop, workloads: [ksvc/game]}]}";
    let relay = scene::relay(&kube, "settle: 0", &[&shift, set]);
    pushed("2").accepted(&relay);
    kube.wait_for_object("ksvc", "shop", "game", |object| shown(object) == WAY[1]);
    let hotfix = pushed("hotfix");
    hotfix.accepted(&relay);
    probed.mend();
    ended(&relay, &hotfix).is("succeeded", "ghcr.io/acme/game:2 → ghcr.io/acme/game:hotfix");
    assert_eq!(asked(&kube), WAY);
    let images = ["1", "2", "hotfix"].map(|tag| format!("ghcr.io/acme/game:{tag}"));
    assert_eq!(kube.history("ksvc", "shop", "game"), images);
}

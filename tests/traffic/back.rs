//! The way back.

use super::*;
use support::kube::How;

/// Why a push of this version changes nothing.
fn ignored(relay: &Relay, tag: &str) -> String {
    let answer = pushed(tag).send(relay);
    assert_eq!(answer.json()["status"], "ignored", "{}", answer.text());
    answer.json()["reason"].as_str().unwrap().to_owned()
}

#[test]
fn a_revision_that_fails_is_never_met_and_the_next_version_goes_through() {
    let kube = cluster();
    kube.break_image("ghcr.io/acme/game:2", How::ImagePullBackOff);
    let relay = started(&kube, "");
    let ended = push(&relay, "2");
    ended.is("rolledBack", "it is not ready: RevisionFailed: Revision \"game-00002\" failed");
    ended.is(
        "rolledBack",
        "put back: ghcr.io/acme/game:1; its traffic stays pinned to game-00001 until the next run of traffic",
    );
    assert_eq!((ended.status(), asked(&kube)), (424, vec![PINNED.to_owned(), PINNED.to_owned()]));
    assert_eq!(container(&kube)["image"], "ghcr.io/acme/game:1");
    assert!(ignored(&relay, "2").contains("is held for ksvc/game since"));

    kube.forget_requests();
    push(&relay, "3")
        .is("succeeded", "ghcr.io/acme/game:1 → ghcr.io/acme/game:3; all traffic goes to game-00004");
    let asked = asked(&kube);
    assert_eq!((asked[0].as_str(), asked[1].as_str()), (PINNED, "game-00001=90,game-00004=10"));
    assert_eq!(shown(&game(&kube)), "game-00004=100");
}

#[test]
fn a_check_that_fails_at_half_brings_everything_back_and_holds_the_version() {
    let kube = Arc::new(cluster());
    let probed = Probed::start(&kube, 50);
    let relay = started(&kube, &probed.field("100ms"));
    let ended = push(&relay, "2");
    ended.is("rolledBack", "; at 50 % of the traffic: http://127.0.0.1:");
    ended.is("rolledBack", "answered 503, where 200 is expected; put back: ghcr.io/acme/game:1");
    assert_eq!(asked(&kube), [WAY[0], WAY[1], WAY[2], PINNED]);
    let object = game(&kube);
    assert_eq!(
        (shown(&object).as_str(), &container(&kube)["image"]),
        (PINNED, &json!("ghcr.io/acme/game:1"))
    );
    assert!(ignored(&relay, "2").contains("; at 50 % of the traffic"));
}

#[test]
fn a_check_after_it_takes_all_of_it_back() {
    let kube = Arc::new(cluster());
    let probed = Probed::start(&kube, 100);
    let after = rule("").replace("}]}", &format!("}}, {{{}}}]}}", &probed.field("100ms")[2..]));
    let relay = started_with(&kube, &after.replace("within: 100ms", "within: 100ms, onFailure: rollback"));
    push(&relay, "2").is("rolledBack", "answered 503, where 200 is expected");
    assert_eq!(asked(&kube), [&WAY[..], &[PINNED]].concat());
    assert_eq!(container(&kube)["image"], "ghcr.io/acme/game:1");
    assert!(ignored(&relay, "2").contains("is held for ksvc/game since"));
}

#[test]
fn what_failed_is_kept_if_that_is_asked_for() {
    let kube = Arc::new(cluster());
    let probed = Probed::start(&kube, 10);
    let relay = started(&kube, &format!("{}, onFailure: keep", probed.field("100ms")));
    push(&relay, "2").is("failed", "; at 10 % of the traffic: http://127.0.0.1:");
    assert_eq!(asked(&kube), WAY[..2]);
    assert_eq!(container(&kube)["image"], "ghcr.io/acme/game:2");
    // It starts again from nothing.
    probed.mend();
    kube.forget_requests();
    push(&relay, "2").is("succeeded", "all traffic goes to game-00002");
    assert_eq!(asked(&kube), WAY);
}

#[test]
fn without_a_revision_that_serves_nothing_is_changed() {
    let kube = Double::start();
    kube.break_image("ghcr.io/acme/game:1", How::ImagePullBackOff);
    kube.apply(workload("ksvc", "shop", "game", "ghcr.io/acme/game:1"));
    let relay = started(&kube, "");
    push(&relay, "2").is("failed", "no revision of it is ready");
    assert_eq!(kube.mutations().len(), 0);
}

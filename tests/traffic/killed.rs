//! SIGKILL at each step: it ends the same way.

use super::*;
use support::kube::Fault;

#[test]
fn killed_after_any_patch_it_goes_on_at_the_right_percentage() {
    for patches in 1..=WAY.len() {
        let kube = cluster();
        let relay = setup(&kube, "").state().start();
        let delivery = pushed("2");
        delivery.accepted(&relay);
        kube.wait_for_patches(patches);
        let relay = relay.restart();
        let ended = ended(&relay, &delivery);
        assert_eq!(ended.outcome(), "succeeded", "killed after {patches}: {}", ended.reason());
        assert_eq!(asked(&kube), WAY, "killed after {patches}");
        assert_eq!(shown(&game(&kube)), "game-00002=100");
    }
}

#[test]
fn killed_before_it_knows_that_a_patch_was_taken_it_repeats_none() {
    for patches in 0..WAY.len() {
        let kube = cluster();
        let relay = setup(&kube, "").state().start();
        let delivery = pushed("2");
        delivery.accepted(&relay);
        if patches > 0 {
            kube.wait_for_patches(patches);
        }
        kube.fail_for(Fault::LoseAnswer, "PATCH", "/services/game", Some(1));
        kube.wait_for_blocking(|requests| {
            requests.iter().filter(|request| request.method == "PATCH").count() > patches
        });
        let relay = relay.restart();
        let ended = ended(&relay, &delivery);
        assert_eq!(ended.outcome(), "succeeded", "killed at {patches}: {}", ended.reason());
        assert_eq!(shown(&game(&kube)), "game-00002=100");
        let writes = kube.writes("ksvc", "shop", "game");
        assert_eq!(writes.len(), 1 + WAY.len(), "killed at {patches}: each once, and its creation");
    }
}

#[test]
fn killed_anywhere_a_version_that_is_not_well_is_brought_back() {
    for patches in 1..=4 {
        let kube = Arc::new(cluster());
        let probed = Probed::start(&kube, 50);
        let relay = setup(&kube, &probed.field("100ms")).state().start();
        let delivery = pushed("2");
        delivery.accepted(&relay);
        kube.wait_for_patches(patches);
        let relay = relay.restart();
        ended(&relay, &delivery).is("rolledBack", "; at 50 % of the traffic");
        assert_eq!(asked(&kube), [WAY[0], WAY[1], WAY[2], PINNED], "killed after {patches}");
        assert_eq!(container(&kube)["image"], "ghcr.io/acme/game:1");
    }
}

#[test]
fn a_relay_that_is_stopped_in_the_middle_of_a_step_goes_on_there() {
    let kube = Arc::new(cluster());
    let probed = Probed::start(&kube, 10);
    let mut relay = setup(&kube, &probed.field("60s")).state().start();
    let delivery = pushed("2");
    delivery.accepted(&relay);
    kube.wait_for_object("ksvc", "shop", "game", |object| shown(object) == WAY[1]);
    assert_eq!(relay.stop(), 0);
    assert_eq!(asked(&kube), WAY[..2]);
    probed.mend();
    let relay = relay.restart();
    ended(&relay, &delivery).is("succeeded", "all traffic goes to game-00002");
    assert_eq!(asked(&kube), WAY);
}

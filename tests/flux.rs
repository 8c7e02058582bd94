//! `fluxNotify`, through the real binary, against the Flux v1 double.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code: a broken assumption ends the test with its line"
)]

use support::flux::{Behavior, Double};
use support::stage::{Stage, push_git, push_git_only, push_image, push_image_only};

const BINARY: &str = env!("CARGO_BIN_EXE_boathook");
const NOTIFY: &str = "{fluxNotify: {}}";
const GIT: &str = r#"{"Kind":"git","Source":{"URL":"git@gitlab.com:acme/fleet.git","Branch":"main"}}"#;
const IMAGE: &str = r#"{"Kind":"image","Source":{"Name":{"Domain":"quay.io","Image":"acme/web"}}}"#;

fn stage(flux: &Double) -> Stage {
    // No Kubernetes API is needed for this.
    Stage::new("http://127.0.0.1:9").flux(&flux.api()).on_git(NOTIFY).on_image(NOTIFY)
}

#[test]
fn notifications_are_byte_for_byte_those_of_flux_recv() {
    let flux = Double::start();
    let relay = stage(&flux).start(BINARY);
    let ended = push_git(&relay);
    ended.is("succeeded", "flux: Flux was notified");
    assert_eq!(ended.status(), 200);
    push_image(&relay, "acme/web", "1.2.3").is("succeeded", "flux: Flux was notified");
    let sent: Vec<_> = flux.notifications().into_iter().map(|told| (told.path, told.text)).collect();
    let path = "/api/flux/v11/notify".to_owned();
    assert_eq!(sent, [(path.clone(), GIT.to_owned()), (path, IMAGE.to_owned())]);
}

#[test]
fn a_flux_that_is_away_is_waited_for() {
    let flux = Double::start();
    let relay = stage(&flux).start(BINARY);
    flux.stop();
    push_git_only(&relay);
    relay.wait_for_log("Flux cannot be reached: http://127.0.0.1:");
    flux.restart_listener();
    assert_eq!(flux.wait_for(1)[0].text, GIT);
    relay.wait_for_log("outcome=succeeded");
    assert_eq!(flux.notifications().len(), 1);
}

#[test]
fn what_passes_is_tried_again_and_what_is_refused_is_not() {
    let flux = Double::start();
    let relay = stage(&flux).start(BINARY);
    for behavior in [Behavior::Status(500), Behavior::Status(429), Behavior::Close] {
        let before = flux.notifications().len();
        flux.behave(behavior);
        // The same delivery again would be a duplicate while the first is pending.
        push_image_only(&relay, "acme/web", &format!("{before}"));
        flux.wait_for(before + 1);
        flux.behave(Behavior::Accept);
        flux.wait_for(before + 2);
    }
    relay.wait_for_log("Flux answers 500: refused on purpose");
    let before = flux.notifications().len();
    flux.behave(Behavior::Status(400));
    let ended = push_git(&relay);
    ended.is("failed", "flux: Flux answers 400: refused on purpose");
    assert_eq!((ended.status(), flux.notifications().len()), (424, before + 1));
}

#[test]
fn a_wrong_address_is_told_with_the_answer() {
    let flux = Double::start();
    let wrong = flux.api().replace("/api/flux", "/api");
    let relay = Stage::new("http://127.0.0.1:9").flux(&wrong).on_git(NOTIFY).start(BINARY);
    push_git(&relay).is("failed", "flux: Flux answers 404: 404 page not found");
}

#[test]
fn a_flux_recv_configuration_notifies_at_once_and_each_time() {
    let flux = Double::start();
    let config = format!(
        "fluxRecvVersion: 1\napi: {}\nendpoints:\n- source: Quay\n  keyPath: quay.key\n- source: GitLab\n  keyPath: gitlab.key\n",
        flux.api()
    );
    let stage = stage(&flux);
    let relay = stage.setup(BINARY).file("boathook.yaml", config).start();
    for _ in 0..2 {
        push_image(&relay, "acme/web", "1.2.3").is("succeeded", "Flux was notified");
        push_git(&relay).is("succeeded", "Flux was notified");
    }
    let sent: Vec<_> = flux.notifications().into_iter().map(|told| told.text).collect();
    assert_eq!(sent, [IMAGE, GIT, IMAGE, GIT]);
}

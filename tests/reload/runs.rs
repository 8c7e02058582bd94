//! Runs that were accepted before the configuration changed.

use super::{more_keys, restart, wait_for_endpoints, with_endpoints};
use support::github;
use support::scene::{cluster, prepared, restarted_at};

#[test]
fn a_run_keeps_the_actions_that_it_was_accepted_with() {
    let kube = cluster(&["web", "other"]);
    let relay = more_keys(prepared(&kube, "settle: 0s", &[&restart("web")]), 2).start();
    kube.stop();
    let delivery = github::image("ghcr.io/acme/web", "latest");
    delivery.accepted(&relay);
    relay.write("boathook.yaml", with_endpoints(&kube, "other", 2));
    wait_for_endpoints(&relay, 2);
    kube.restart_listener();
    kube.wait_for_object("deployments", "default", "web", |object| {
        object["spec"]["template"]["metadata"]["annotations"]["kubectl.kubernetes.io/restartedAt"].is_string()
    });
    assert!(restarted_at(&kube, "other").is_null());
    let again = delivery.wait(20).send(&relay).json();
    assert_eq!(again["status"], "succeeded", "it is remembered as well: {again}");
    assert_eq!(kube.patches().iter().filter(|patch| patch.status == 200).count(), 1);
}

#[test]
fn another_api_is_used_from_then_on_also_by_what_waits() {
    let (old, new) = (cluster(&["web"]), cluster(&["web"]));
    let relay = more_keys(prepared(&old, "settle: 0s", &[&restart("web")]), 2).start();
    old.stop();
    let waiting = github::image("ghcr.io/acme/web", "1");
    waiting.accepted(&relay);
    relay.write("boathook.yaml", with_endpoints(&new, "web", 2));
    wait_for_endpoints(&relay, 2);
    assert_eq!(waiting.wait(30).send(&relay).json()["status"], "succeeded");
    assert_eq!(new.wait_for_patches(1).len(), 1);
    old.restart_listener();
    assert_eq!(github::image("ghcr.io/acme/web", "2").wait(20).send(&relay).json()["status"], "succeeded");
    assert_eq!((old.patches().len(), new.patches().len()), (0, 2));
}

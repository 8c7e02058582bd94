//! Killed in the middle, it goes on where it was.

use super::{CONFIG_MAP, patched, prepared};
use support::kube::{Double, Fault};
use support::stage::push_git_only;

const SERVICE: &str = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80}]}\n";

#[test]
fn killed_in_the_middle_it_applies_the_rest() {
    let kube = Double::start();
    let relay = prepared(&kube, "", &[("a.yaml", CONFIG_MAP), ("b.yaml", SERVICE)]).state().start();
    kube.fail_for(Fault::Status(503), "PATCH", "/services/", None);
    push_git_only(&relay);
    relay.wait_for_log("target=service/web trying again");
    let mut relay = relay;
    relay.kill();
    kube.clear_faults();
    kube.forget_requests();
    let relay = relay.restart();
    relay.wait_for_log("outcome=succeeded");
    relay.wait_for_log("event=git");
    assert_eq!(patched(&kube), ["services/web"], "what was done is not done again");
    assert!(kube.find("services", "shop", "web").is_some());
}

#[test]
fn killed_before_the_answer_it_says_that_it_changed_something() {
    let kube = Double::start();
    let relay = prepared(&kube, "", &[("a.yaml", CONFIG_MAP)]).state().start();
    kube.fail_for(Fault::LoseAnswer, "PATCH", "", None);
    push_git_only(&relay);
    relay.wait_for_log("trying again");
    let mut relay = relay;
    relay.kill();
    kube.clear_faults();
    let relay = relay.restart();
    relay.wait_for_log("target=shop/configmap/settings outcome=succeeded");
}

#[test]
fn a_manifest_that_is_gone_after_a_restart_fails_its_target() {
    let kube = Double::start();
    let files = [("a.yaml", CONFIG_MAP), ("b.yaml", SERVICE)];
    for (content, told) in [
        (None, "b.yaml cannot be read: No such file"),
        (
            Some(SERVICE.replace("name: web", "name: other")),
            "its manifest is gone: it does not stand in b.yaml any more",
        ),
    ] {
        let relay = prepared(&kube, "", &files).state().start();
        kube.fail_for(Fault::Status(503), "PATCH", "/services/", None);
        push_git_only(&relay);
        relay.wait_for_log("target=service/web trying again");
        let mut relay = relay;
        relay.kill();
        match content {
            None => std::fs::remove_file(relay.directory().join("manifests/b.yaml")).unwrap(),
            Some(text) => relay.write("manifests/b.yaml", text),
        }
        kube.clear_faults();
        let relay = relay.restart();
        let line = relay.wait_for_log("target=shop/service/web outcome=failed");
        assert!(line.contains(told), "{line}");
    }
    assert!(kube.find("services", "shop", "web").is_none());
}

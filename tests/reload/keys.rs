//! Keys that change.

use super::{more_keys, restart, wait_for_endpoints, with_endpoints};
use support::delivery::Delivery;
use support::github;
use support::scene::{cluster, prepared};
use support::sign::hook_path;

const NEW: &str = "the new key of the GitHub endpoint";

/// A delivery that is signed with one key and goes to the path of another.
fn signed(key: &str, path: &str) -> Delivery {
    let body = github::package("ghcr.io/acme/web", "latest").to_string();
    Delivery { path: hook_path(path.as_bytes()), ..github::signed(key, "package", body.as_bytes()) }
}

#[test]
fn a_key_file_that_changes_alone() {
    let kube = cluster(&["web"]);
    let relay = prepared(&kube, "settle: 0s", &[&restart("web")]).start();
    assert_eq!(signed(NEW, NEW).send(&relay).status, 404);
    relay.write("github.key", NEW);
    wait_for_endpoints(&relay, 1);
    assert_eq!(signed(NEW, NEW).wait(20).send(&relay).status, 200);
    assert_eq!(signed(github::KEY, github::KEY).send(&relay).status, 404);
}

#[test]
fn two_keys_while_one_takes_the_place_of_the_other() {
    let kube = cluster(&["web"]);
    let both =
        |endpoints| with_endpoints(&kube, "web", endpoints).replace("github.key", "[github.key, new.key]");
    let setup = more_keys(prepared(&kube, "settle: 0s", &[&restart("web")]), 3).file("new.key", NEW);
    let relay = setup.start();
    relay.write("boathook.yaml", both(2));
    wait_for_endpoints(&relay, 2);
    for (key, path) in [(github::KEY, github::KEY), (NEW, NEW), (NEW, github::KEY), (github::KEY, NEW)] {
        let answer = signed(key, path).wait(20).send(&relay);
        assert_eq!(answer.status, 200, "any key on any path: {}", answer.text());
    }
    assert_eq!(signed("some other key than these two", NEW).send(&relay).status, 401);

    relay.write("boathook.yaml", both(3).replace("[github.key, new.key]", "new.key"));
    wait_for_endpoints(&relay, 3);
    assert_eq!(signed(NEW, NEW).wait(20).send(&relay).status, 200);
    assert_eq!(signed(github::KEY, NEW).send(&relay).status, 401);
    assert_eq!(signed(NEW, github::KEY).send(&relay).status, 404);
    for key in [github::KEY, NEW] {
        let path = hook_path(key.as_bytes());
        assert!(!relay.log().contains(path.trim_start_matches("/hook/")) && !relay.log().contains(key));
    }
}

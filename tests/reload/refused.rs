//! A new configuration that is not valid is refused, loudly, and the old one stays.

use super::{more_keys, restart, wait_for_endpoints, with_endpoints};
use support::github;
use support::scene::{cluster, prepared, restarted_at};

#[test]
fn mistakes_are_logged_and_the_old_configuration_serves_on() {
    let kube = cluster(&["web", "other"]);
    let relay = more_keys(prepared(&kube, "settle: 0s", &[&restart("web")]), 3).start();
    let good = with_endpoints(&kube, "other", 2);
    relay.write("boathook.yaml", good.replace("restart:", "restrat:").replace("settle: 0s", "setle: 0s"));
    relay.wait_for_log("the new configuration is refused and the old one stays");
    let directory = relay.directory().join("boathook.yaml").display().to_string();
    relay.wait_for_log(&format!("{directory}:3:8: setle: is not a field here; did you mean settle?"));
    let mistake = relay.wait_for_log("restrat: is not an action; did you mean restart?");
    assert!(mistake.contains(" ERROR "), "{mistake}");
    assert_eq!(github::image("ghcr.io/acme/web", "1").wait(20).send(&relay).status, 200);
    assert!(restarted_at(&kube, "web").is_string() && restarted_at(&kube, "other").is_null());

    relay.write("boathook.yaml", "endpoints: [");
    relay.wait_for_log("this is not valid YAML");
    assert_eq!(github::image("ghcr.io/acme/web", "2").wait(20).send(&relay).status, 200);

    relay.write("boathook.yaml", &good);
    wait_for_endpoints(&relay, 2);
    assert_eq!(github::image("ghcr.io/acme/web", "3").wait(20).send(&relay).status, 200);
    assert!(restarted_at(&kube, "other").is_string());
}

#[test]
fn a_file_that_goes_away_changes_nothing_until_it_is_back() {
    let kube = cluster(&["web"]);
    let relay = more_keys(prepared(&kube, "settle: 0s", &[&restart("web")]), 3).start();
    std::fs::remove_file(relay.directory().join("boathook.yaml")).unwrap();
    relay.wait_for_log("boathook.yaml: cannot be read: No such file");
    relay.write("boathook.yaml", with_endpoints(&kube, "web", 2));
    wait_for_endpoints(&relay, 2);

    std::fs::remove_file(relay.directory().join("github.key")).unwrap();
    relay.wait_for_log("make it with `boathook keygen");
    assert_eq!(github::image("ghcr.io/acme/web", "1").wait(20).send(&relay).status, 200);
    relay.write("boathook.yaml", with_endpoints(&kube, "web", 3));
    relay.write("github.key", github::KEY);
    wait_for_endpoints(&relay, 3);
}

/// A broken file may name no keys: the change that mends it can be one of a key alone.
#[test]
fn a_key_that_was_missing_is_waited_for() {
    let kube = cluster(&["web"]);
    let relay = prepared(&kube, "settle: 0s", &[&restart("web")]).start();
    relay.write("boathook.yaml", with_endpoints(&kube, "web", 2));
    relay.wait_for_log("more-1.key cannot be read");
    relay.write("more-1.key", "the key of one more endpoint");
    wait_for_endpoints(&relay, 2);
}

#[test]
fn an_api_that_cannot_be_used_is_refused_as_well() {
    let kube = cluster(&["web"]);
    let relay = prepared(&kube, "settle: 0s", &[&restart("web")]).start();
    let api = "kubernetes: {api: \"https://127.0.0.1:1\", caFile: ca.crt}";
    let old = format!("kubernetes: {{api: \"{}\"}}", kube.url());
    relay.write("ca.crt", "not a certificate");
    relay.write("boathook.yaml", with_endpoints(&kube, "web", 1).replace(&old, api));
    let refused = relay.wait_for_log("the new configuration is refused and the old one stays");
    assert!(refused.contains("ERROR"), "{refused}");
    assert!(relay.log().contains("kubernetes.caFile"), "{}", relay.log());
    assert_eq!(github::image("ghcr.io/acme/web", "1").wait(20).send(&relay).status, 200);
}

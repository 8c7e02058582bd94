//! Ways in which a file changes.

use std::fs;
use std::os::unix::fs::symlink;

use super::{more_keys, restart, wait_for_endpoints, with_endpoints};
use support::github;
use support::scene::{boathook, cluster, prepared, restarted_at};

#[test]
fn a_file_that_is_written_anew() {
    let kube = cluster(&["web", "other"]);
    let relay = more_keys(prepared(&kube, "settle: 0s", &[&restart("web")]), 2).start();
    relay.write("boathook.yaml", with_endpoints(&kube, "other", 2));
    wait_for_endpoints(&relay, 2);
    let answer = github::image("ghcr.io/acme/web", "latest").wait(20).send(&relay);
    assert_eq!(answer.json()["status"], "succeeded");
    assert!(restarted_at(&kube, "other").is_string() && restarted_at(&kube, "web").is_null());
}

#[test]
fn a_file_that_is_put_in_the_place_of_another() {
    let kube = cluster(&["web"]);
    let relay = more_keys(prepared(&kube, "settle: 0s", &[&restart("web")]), 2).start();
    relay.write("new.yaml", with_endpoints(&kube, "web", 2));
    fs::rename(relay.directory().join("new.yaml"), relay.directory().join("boathook.yaml")).unwrap();
    wait_for_endpoints(&relay, 2);
}

/// The kubelet makes a directory for each state of a mounted Secret and swaps a link.
#[test]
fn a_secret_whose_links_are_swapped() {
    let kube = cluster(&["web", "other"]);
    let setup = boathook("");
    let directory = setup.directory().to_owned();
    let state = |name: &str, config: &str, key: &str| {
        fs::create_dir(directory.join(name)).unwrap();
        fs::write(directory.join(name).join("boathook.yaml"), config).unwrap();
        fs::write(directory.join(name).join("github.key"), key).unwrap();
        fs::write(directory.join(name).join("more-1.key"), "the key of one more endpoint").unwrap();
    };
    let new_key = "the new key of the GitHub endpoint";
    state("..2026_05_04", &with_endpoints(&kube, "web", 1), github::KEY);
    state("..2026_05_05", &with_endpoints(&kube, "other", 2), new_key);
    symlink("..2026_05_04", directory.join("..data")).unwrap();
    fs::remove_file(directory.join("boathook.yaml")).unwrap();
    for name in ["boathook.yaml", "github.key", "more-1.key"] {
        symlink(format!("..data/{name}"), directory.join(name)).unwrap();
    }
    let relay = setup.start();
    assert_eq!(github::image("ghcr.io/acme/web", "1").wait(20).send(&relay).status, 200);
    assert!(restarted_at(&kube, "web").is_string());

    symlink("..2026_05_05", directory.join("..data_tmp")).unwrap();
    fs::rename(directory.join("..data_tmp"), directory.join("..data")).unwrap();
    fs::remove_dir_all(directory.join("..2026_05_04")).unwrap();
    wait_for_endpoints(&relay, 2);
    let body = github::package("ghcr.io/acme/web", "2").to_string();
    let answer = github::signed(new_key, "package", body.as_bytes()).wait(20).send(&relay);
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(restarted_at(&kube, "other").is_string());
    assert_eq!(github::image("ghcr.io/acme/web", "3").send(&relay).status, 404, "the old key is gone");
}

#[test]
fn sighup_reads_again_though_nothing_has_changed() {
    let kube = cluster(&["web"]);
    let relay = prepared(&kube, "settle: 0s", &[&restart("web")]).start();
    relay.signal("HUP");
    wait_for_endpoints(&relay, 1);
    assert_eq!(github::image("ghcr.io/acme/web", "1").wait(20).send(&relay).status, 200);
}

/// A change that comes while the file is read must not be taken for the one that was read.
#[test]
fn the_last_of_many_changes_is_taken_up() {
    let kube = cluster(&["web"]);
    let relay = more_keys(prepared(&kube, "settle: 0s", &[&restart("web")]), 40).start();
    for endpoints in (2..=40).rev().chain(2..=39) {
        relay.write("boathook.yaml", with_endpoints(&kube, "web", endpoints));
        relay.signal("HUP");
    }
    relay.write("boathook.yaml", with_endpoints(&kube, "web", 1));
    wait_for_endpoints(&relay, 1);
}

#[test]
fn limits_hold_from_the_next_request_on() {
    let kube = cluster(&["web"]);
    let of = |limits: &str, endpoints| {
        let text = with_endpoints(&kube, "web", endpoints);
        text.replace("settle: 0s", &format!("settle: 1h\nmaxWait: 1h\nlimits: {limits}"))
    };
    let relay = more_keys(boathook(&of("{pendingRuns: 1}", 1)).file("github.key", github::KEY), 2).start();
    github::image("ghcr.io/acme/web", "a").accepted(&relay);
    assert_eq!(github::image("ghcr.io/acme/other", "a").send(&relay).status, 503);
    relay.write("boathook.yaml", of("{pendingRuns: 2, headers: 16}", 2));
    wait_for_endpoints(&relay, 2);
    github::image("ghcr.io/acme/other", "a").accepted(&relay);
    let many = (0..16).fold(github::image("ghcr.io/acme/web", "b"), |push, number| {
        push.header(&format!("X-{number}"), "a")
    });
    assert_eq!(many.send(&relay).status, 431);
}

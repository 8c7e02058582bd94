//! What is counted, seen from outside.

use super::Watched;
use serde_json::json;
use std::time::Duration;
use support::github;
use support::http;
use support::kube::{How, Pace};
use support::scene::{RESTART_WEB, cluster, config, prepared};
use support::sign::hook_path;

const ROLL_BACK: &str =
    "{do: [setImage: {namespace: default, runningImage: true, rollout: {within: 1m, onFailure: rollback}}]}";

#[test]
fn deliveries_are_counted_by_endpoint_and_answer() {
    let kube = cluster(&["web"]);
    let watched = Watched::start(prepared(&kube, "settle: 0", &[RESTART_WEB]).state());
    let before = watched.scrape();
    assert_eq!(before.count("boathook_deliveries_total{endpoint=\"ghcr\",code=\"200\"}"), 0);
    assert_eq!(before.value("boathook_verification_failures_total{endpoint=\"ghcr\"}").to_string(), "0");
    assert_eq!(before.value("boathook_runs_total{action=\"restart\",outcome=\"failed\"}").to_string(), "0");

    let relay = &watched.relay;
    assert_eq!(github::image("ghcr.io/acme/web", "1.0.0").wait(50).send(relay).status, 200);
    let forged = github::signed("another key", "package", b"{}");
    let forged = support::delivery::Delivery { path: hook_path(github::KEY.as_bytes()), ..forged };
    for _ in 0..2 {
        assert_eq!(forged.send(relay).status, 401);
    }
    let unknown = github::event("package", &json!({"action": "published", "package": 1}));
    assert_eq!(unknown.send(relay).json()["status"], "ignored");
    assert_eq!(http::send("POST", relay.address(), &hook_path(b"nobody's"), &[], b"").status, 404);

    let after = watched.scrape();
    for (series, count) in [
        ("boathook_deliveries_total{endpoint=\"ghcr\",code=\"200\"}", 2),
        ("boathook_deliveries_total{endpoint=\"ghcr\",code=\"401\"}", 2),
        ("boathook_verification_failures_total{endpoint=\"ghcr\"}", 2),
        ("boathook_unknown_shapes_total{endpoint=\"ghcr\"}", 1),
        ("boathook_unknown_hooks_total", 1),
        ("boathook_runs_total{action=\"restart\",outcome=\"succeeded\"}", 1),
        ("boathook_targets_total{action=\"restart\",outcome=\"succeeded\"}", 1),
        ("boathook_change_delay_seconds_count", 1),
        ("boathook_run_duration_seconds_count", 1),
        ("boathook_pending_runs", 0),
        ("boathook_oldest_pending_run_seconds", 0),
        ("boathook_kubernetes_api_up", 1),
        ("boathook_journal_up", 1),
        ("boathook_journal_failures_total", 0),
    ] {
        assert_eq!(after.count(series), count, "{series}: {after:#?}");
    }
    assert!(after.count("boathook_journal_commit_seconds_count") > 0);
    assert!(after.value("boathook_since_last_delivery_seconds{endpoint=\"ghcr\"}") < 60.0);
    let (started, answered) = (
        after.value("process_start_time_seconds"),
        after.value("boathook_kubernetes_api_last_answer_timestamp_seconds"),
    );
    assert!(started > 1.6e9 && answered >= started, "{started} {answered}");
    assert!(after.value("process_resident_memory_bytes") > 1e6 && after.count("process_open_fds") > 5);
}

#[test]
fn who_proves_nothing_does_not_make_a_hook_look_alive() {
    let kube = cluster(&["web"]);
    let watched = Watched::new(&kube, "settle: 0", &[RESTART_WEB]);
    let since = |page: &super::Page| page.value("boathook_since_last_delivery_seconds{endpoint=\"ghcr\"}");
    // As long after the start as can be told from it.
    watched.wait_for(|page| since(page) > 0.2);
    let path = hook_path(github::KEY.as_bytes());
    assert_eq!(http::send("POST", watched.relay.address(), &path, &[], b"{}").status, 401);
    assert!(since(&watched.scrape()) > 0.2);
    github::image("ghcr.io/acme/none", "1").send(&watched.relay);
    // What it lacks to the time since the start is at least what was waited for above, however slow this is.
    let age = since(&watched.scrape());
    let start = watched.scrape().value("process_start_time_seconds");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
    assert!(age < now - start - 0.1, "{age} of {}", now - start);
}

#[test]
fn an_api_that_is_away_is_seen_with_what_waits_for_it() {
    let kube = cluster(&["web"]);
    let watched = Watched::new(&kube, "settle: 0", &[RESTART_WEB]);
    assert_eq!(github::image("ghcr.io/acme/web", "1.0.0").wait(50).send(&watched.relay).status, 200);
    kube.stop();
    github::image("ghcr.io/acme/web", "1.0.1").accepted(&watched.relay);
    let page = watched.wait_for(|page| page.count("boathook_retries_total") > 1);
    assert_eq!((page.count("boathook_kubernetes_api_up"), page.count("boathook_pending_runs")), (0, 1));
    assert!(page.value("boathook_oldest_pending_run_seconds") > 0.0);
    kube.restart_listener();
    let page = watched.wait_for(|page| page.count("boathook_pending_runs") == 0);
    assert_eq!(page.count("boathook_kubernetes_api_up"), 1);
    assert_eq!(page.count("boathook_runs_total{action=\"restart\",outcome=\"succeeded\"}"), 2);
}

#[test]
fn a_rollback_is_seen_with_its_hold() {
    let kube = cluster(&["web"]);
    kube.break_image("ghcr.io/acme/web:2.0.0", How::ImagePullBackOff);
    kube.auto_rollout(Pace::Every(Duration::from_millis(10)));
    let watched = Watched::new(&kube, "settle: 0", &[ROLL_BACK]);
    assert_eq!(github::image("ghcr.io/acme/web", "2.0.0").wait(50).send(&watched.relay).status, 424);
    let page = watched.scrape();
    for (series, count) in [
        ("boathook_runs_total{action=\"setImage\",outcome=\"rolledBack\"}", 1),
        ("boathook_targets_total{action=\"setImage\",outcome=\"rolledBack\"}", 1),
        ("boathook_runs_total{action=\"setImage\",outcome=\"failed\"}", 0),
        ("boathook_change_delay_seconds_count", 1),
        ("boathook_holds", 1),
    ] {
        assert_eq!(page.count(series), count, "{series}: {page:#?}");
    }
    assert!(!page.series.contains_key("boathook_journal_up"), "work is kept in memory only");
}

#[test]
fn reloads_are_counted_and_endpoints_come_and_go_with_them() {
    let kube = cluster(&["web"]);
    let watched = Watched::new(&kube, "settle: 0", &[RESTART_WEB]);
    github::image("ghcr.io/acme/web", "1.0.0").wait(50).send(&watched.relay);
    let other = config(&kube, "settle: 0", &[RESTART_WEB]).replace("name: ghcr", "name: other");
    watched.relay.write("boathook.yaml", "version: 1\nnothing: else\n");
    watched.relay.signal("HUP");
    let refused = "boathook_reloads_total{result=\"refused\"}";
    let page = watched.wait_for(|page| page.count(refused) > 0);
    assert_eq!(page.count("boathook_deliveries_total{endpoint=\"ghcr\",code=\"200\"}"), 1);
    watched.relay.write("boathook.yaml", other);
    watched.relay.signal("HUP");
    let page = watched.wait_for(|page| page.count("boathook_reloads_total{result=\"ok\"}") > 0);
    assert!(!page.series.keys().any(|series| series.contains("ghcr")), "{page:#?}");
    assert!(page.series.contains_key("boathook_since_last_delivery_seconds{endpoint=\"other\"}"));
    assert_eq!(page.count("boathook_kubernetes_api_up"), 1, "it is the same API as before");
}

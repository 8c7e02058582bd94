//! The dashboard and the rules in `examples/monitoring`: they name what there is, and they are what their tools take.

use super::Watched;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use support::github;
use support::http;
use support::scene::{RESTART_WEB, cluster, prepared};

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/monitoring")
}

fn text(name: &str) -> String {
    std::fs::read_to_string(directory().join(name)).unwrap()
}

/// The metrics that a text names.
fn named(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let is_metric = |word: &&str| word.starts_with("boathook_") || word.starts_with("process_");
    words.filter(is_metric).map(str::to_owned).collect()
}

/// Runs promtool with this input; false where there is none.
fn promtool(arguments: &[&str], input: &str) -> bool {
    let tool = std::env::var("PROMTOOL").unwrap_or_else(|_| "promtool".to_owned());
    let child = Command::new(&tool)
        .args(arguments)
        .current_dir(directory())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        println!("skipped: {tool} is not installed (Debian's package prometheus has it)");
        return false;
    };
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "promtool {arguments:?}: {output:?}\n{input}");
    true
}

#[test]
fn dashboard_and_rules_name_metrics_that_are_exported() {
    let kube = cluster(&["web"]);
    let watched = Watched::start(prepared(&kube, "settle: 0", &[RESTART_WEB]).state());
    let exported = watched.scrape().sample_names();
    for (file, most) in [("dashboard.json", 12), ("rules.yaml", 8), ("rules.test.yaml", 8)] {
        let named = named(&text(file));
        assert!(named.len() >= most, "{file} names {named:?}");
        for name in named {
            assert!(exported.contains(&name), "{file} names {name}, which is not exported: {exported:?}");
        }
    }
}

#[test]
fn the_dashboard_is_one() {
    let dashboard: Value = serde_json::from_str(&text("dashboard.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let mut ids: Vec<_> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), panels.len(), "every panel has an id of its own");
    for panel in panels {
        let place = &panel["gridPos"];
        assert!(place["x"].as_u64().unwrap() + place["w"].as_u64().unwrap() <= 24, "{panel}");
        assert!(panel["targets"].as_array().is_some_and(|targets| !targets.is_empty()), "{panel}");
    }
}

#[test]
fn every_alert_has_a_test_of_its_rule() {
    let (rules, tests) = (text("rules.yaml"), text("rules.test.yaml"));
    let alerts: Vec<_> = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(alerts.len() >= 6, "{alerts:?}");
    for alert in alerts {
        assert!(tests.contains(&format!("alertname: {alert}\n")), "rules.test.yaml does not test {alert}");
    }
    if promtool(&["check", "rules", "rules.yaml"], "") {
        promtool(&["test", "rules", "rules.test.yaml"], "");
    }
}

#[test]
fn prometheus_own_tool_takes_the_metrics() {
    let kube = cluster(&["web"]);
    let watched = Watched::start(prepared(&kube, "settle: 0", &[RESTART_WEB]).state());
    github::image("ghcr.io/acme/web", "1.0.0").wait(50).send(&watched.relay);
    let answer = http::send("GET", &watched.admin, "/metrics", &[("Accept", "text/plain")], b"");
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    promtool(&["check", "metrics"], &answer.text());
}

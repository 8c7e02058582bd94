//! The examples for CI systems: the step that stands in them, run as a job would. Needs curl and openssl, as it says.

use std::path::Path;
use std::process::{Command, Output};

use super::confirm::{live, rules};
use super::{KEY, prepared};
use support::relay::Relay;
use support::scene::cluster;
use support::sign::hook_path;
use support::temp::TempDir;

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The steps of the jobs that deploy and that confirm.
fn steps() -> Vec<(&'static str, String, String)> {
    let github: serde_yaml::Value = serde_yaml::from_str(&read("examples/ci/github-actions.yml")).unwrap();
    let gitlab: serde_yaml::Value = serde_yaml::from_str(&read("examples/ci/gitlab-ci.yml")).unwrap();
    let run = |job: &str| github["jobs"][job]["steps"][0]["run"].as_str().unwrap().to_owned();
    let of_both = gitlab[".boathook"]["script"][0].as_str().unwrap().to_owned();
    for job in ["deploy", "confirm"] {
        assert_eq!(gitlab[job]["extends"], ".boathook");
    }
    assert_eq!(gitlab["confirm"]["variables"]["CONFIRMATION"], "DEPLOY");
    assert_eq!(github["jobs"]["confirm"]["env"]["CONFIRMATION"], "DEPLOY");
    vec![("GitHub", run("deploy"), run("confirm")), ("GitLab", of_both.clone(), of_both)]
}

/// Runs a step; `None` where curl or openssl is missing.
fn run(relay: &Relay, step: &str, image: &str, id: &str, confirmation: Option<&str>) -> Option<Output> {
    for (tool, argument) in [("curl", "--version"), ("openssl", "version")] {
        if Command::new(tool).arg(argument).output().is_err() {
            eprintln!("passed over: {tool} is not installed");
            return None;
        }
    }
    let directory = TempDir::new();
    let mut shell = Command::new("sh");
    shell.args(["-e", "-c", step]).current_dir(directory.path());
    shell.envs([
        ("BOATHOOK_KEY", KEY),
        ("BOATHOOK_URL", &format!("http://{}{}", relay.address(), hook_path(KEY.as_bytes()))),
        ("ENVIRONMENT", "production"),
        ("IMAGE", image),
        ("NAMESPACE", "default"),
        ("WORKLOAD", "web"),
        ("STRATEGY", "blue-green"),
        ("DEPLOYMENT_ID", id),
        ("COMMIT", "8f3b1c2d4e5f60718293a4b5c6d7e8f901234567"),
        ("TRIGGERED_BY", "octavia"),
        ("no_proxy", "*"),
    ]);
    shell.envs(confirmation.map(|word| ("CONFIRMATION", word)));
    Some(shell.output().unwrap())
}

#[test]
fn there_is_one_script() {
    let steps = steps();
    let readme = read("README.md");
    for (name, deploy, confirm) in &steps {
        assert_eq!(deploy, &steps[0].1, "{name}");
        assert_eq!(deploy, confirm, "{name}");
        assert!(readme.contains(deploy), "the README has another one");
    }
}

#[test]
fn a_job_deploys_and_another_one_confirms() {
    for (name, deploy, confirm) in steps() {
        let kube = cluster(&["web", "live"]);
        let relay = prepared(&kube, "", &rules("{}")).start();
        // Nobody confirms meanwhile: the answer is held for as long as it says.
        let deploy = deploy.replace("wait=50", "wait=2");
        let Some(output) = run(&relay, &deploy, "ghcr.io/acme/web:2.0.0", "7-1", None) else { return };
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success() && told.contains("\"state\":\"awaitingConfirmation\""),
            "{name}: {output:?}"
        );
        assert_eq!(live(&kube), "ghcr.io/acme/live:1.0.0");
        let Some(output) = run(&relay, &confirm, "ghcr.io/acme/web:2.0.0", "7-1", Some("DEPLOY")) else {
            return;
        };
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && told.contains("\"status\":\"succeeded\""), "{name}: {output:?}");
        assert_eq!(live(&kube), "ghcr.io/acme/live:2.0.0");
    }
}

#[test]
fn a_job_fails_when_its_deployment_does() {
    for (name, deploy, confirm) in steps() {
        let kube = cluster(&["web"]);
        let relay = prepared(&kube, "", &rules("{}")).start();
        let Some(output) = run(&relay, &deploy, "ghcr.io/acme/other:2.0.0", "7-1", None) else { return };
        assert!(!output.status.success(), "{name}: no rule: {output:?}");
        // What is to be changed once it is confirmed is not there.
        let Some(output) = run(&relay, &confirm, "ghcr.io/acme/web:2.0.0", "7-2", Some("DEPLOY")) else {
            return;
        };
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(!output.status.success() && told.starts_with("424 "), "{name}: {output:?}");
        assert!(
            told.contains("\"deployment_id\":\"7-2\"") && told.contains("there is no such object"),
            "{told}"
        );
    }
}

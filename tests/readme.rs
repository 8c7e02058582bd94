//! What the README says is tried: its configurations are checked, its CI script deploys, its numbers, sources and
//! links are those of the repository.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code: a broken assumption ends the test with its line"
)]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::json;

use boathook::server::Limits;
use boathook::source::SOURCES;
use support::kube;
use support::relay::Relay;
use support::sign::hook_path;
use support::temp::TempDir;

const README: &str = include_str!("../README.md");
const CONTRIBUTING: &str = include_str!("../CONTRIBUTING.md");
const KEY: &str = "6f1d0c2e9b7d4386f0e1d2c3b4a59687";

/// The README's fenced blocks of one language, without the indentation that they have inside of lists.
fn blocks(language: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut lines = README.lines();
    while let Some(line) = lines.next() {
        let Some(indent) = line.find("```").filter(|at| line[..*at].trim().is_empty()) else { continue };
        let wanted = &line[indent + 3..] == language;
        let block: Vec<_> = lines.by_ref().take_while(|line| line.trim() != "```").collect();
        if wanted {
            found.push(block.iter().flat_map(|line| [line.get(indent..).unwrap_or(""), "\n"]).collect());
        }
    }
    found
}

fn is_configuration(block: &str) -> bool {
    block.starts_with("version: 1") || block.starts_with("fluxRecvVersion: 1")
}

/// Makes every key file that a configuration names, each with another key, and the files with a URL.
fn make_keys(directory: &TempDir, value: &serde_yaml::Value) {
    for endpoint in value["endpoints"].as_sequence().unwrap() {
        let paths = match &endpoint["keyPath"] {
            serde_yaml::Value::Sequence(paths) => paths.clone(),
            path => vec![path.clone()],
        };
        for path in &paths {
            let path = path.as_str().expect("keyPath is text");
            directory.write(path, format!("{path:-<32}"));
        }
    }
    for target in value["notify"].as_sequence().into_iter().flatten() {
        if let Some(path) = target["keyPath"].as_str() {
            directory.write(path, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        }
        if let Some(path) = target["urlPath"].as_str() {
            directory.write(path, "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXX");
        }
    }
}

#[test]
fn every_configuration_passes_check_without_a_mistake() {
    let configurations: Vec<_> = blocks("yaml").into_iter().filter(|block| is_configuration(block)).collect();
    assert!(configurations.len() >= 6, "the README has {} configurations", configurations.len());
    for configuration in configurations {
        let directory = TempDir::new();
        make_keys(&directory, &serde_yaml::from_str(&configuration).unwrap());
        let file = directory.write("boathook.yaml", &configuration);
        let checked = Command::new(env!("CARGO_BIN_EXE_boathook")).arg("check").arg(file).output().unwrap();
        let told = String::from_utf8_lossy(&checked.stderr);
        assert_eq!(checked.status.code(), Some(0), "{told}\n{configuration}");
    }
}

#[test]
fn every_yaml_block_is_yaml() {
    for block in blocks("yaml") {
        let read = serde_yaml::from_str::<serde_yaml::Value>(&block);
        assert!(read.is_ok(), "{read:?}\n{block}");
    }
}

/// Runs the README's CI script as a job would; `None` where curl or openssl is missing.
fn run_script(relay: &Relay, id: &str, changes: &[(&str, &str)]) -> Option<Output> {
    let script = blocks("sh").into_iter().find(|block| block.starts_with("#!/bin/sh")).unwrap();
    let has = |tool| Command::new("sh").args(["-c", "command -v \"$0\" >/dev/null", tool]).status();
    if let Some(tool) = ["curl", "openssl"].into_iter().find(|tool| !has(tool).unwrap().success()) {
        println!("skipped: {tool} is not installed");
        return None;
    }
    let directory = TempDir::new();
    directory.write("deploy.sh", script);
    let variables = [
        ("BOATHOOK_KEY", KEY.to_owned()),
        ("BOATHOOK_URL", format!("http://{}{}", relay.address(), hook_path(KEY.as_bytes()))),
        ("ENVIRONMENT", "production".to_owned()),
        ("IMAGE", "ghcr.io/acme/web:1.3.0".to_owned()),
        ("NAMESPACE", "default".to_owned()),
        ("WORKLOAD", "web".to_owned()),
        ("DEPLOYMENT_ID", id.to_owned()),
        ("COMMIT", "8f3b1c2d4e5f60718293a4b5c6d7e8f901234567".to_owned()),
        ("TRIGGERED_BY", "octavia".to_owned()),
        ("no_proxy", "*".to_owned()),
    ];
    let mut command = Command::new("sh");
    command.arg("deploy.sh").current_dir(directory.path()).envs(variables);
    Some(command.envs(changes.iter().copied()).output().unwrap())
}

/// The README's configuration for CI, beside an API double that has the Deployment.
fn ci() -> (kube::Double, Relay) {
    ci_with("", "0")
}

/// The same with more settings, and this long to settle.
fn ci_with(settings: &str, settle: &str) -> (kube::Double, Relay) {
    let kube = kube::Double::start();
    kube.apply(json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "web", "image": "ghcr.io/acme/web:1.2.0"}]},
            },
        },
    }));
    let wanted = |block: &String| is_configuration(block) && block.contains("workload: web");
    let config = blocks("yaml").into_iter().find(wanted).unwrap() + settings;
    let relay = Relay::with(env!("CARGO_BIN_EXE_boathook"), &config)
        .file("deploy.key", KEY)
        .environment("BOATHOOK_KUBE_API", &kube.url())
        .environment("BOATHOOK_SETTLE", settle)
        .start();
    (kube, relay)
}

fn image(kube: &kube::Double) -> String {
    let object = kube.object("deployments", "default", "web");
    object["spec"]["template"]["spec"]["containers"][0]["image"].as_str().unwrap().to_owned()
}

#[test]
fn the_ci_script_deploys_and_asks_again_without_a_second_change() {
    let (kube, relay) = ci();
    for _ in 0..2 {
        let Some(output) = run_script(&relay, "1001", &[]) else { return };
        assert!(output.status.success(), "{output:?}\n{}", relay.log());
        assert!(String::from_utf8_lossy(&output.stdout).starts_with("200 "), "{output:?}");
    }
    assert_eq!(image(&kube), "ghcr.io/acme/web:1.3.0");
    assert_eq!(kube.patches().len(), 1);
}

#[test]
fn the_ci_script_fails_when_nothing_was_deployed() {
    let (kube, relay) = ci();
    for (id, change, status) in [
        ("1", ("BOATHOOK_KEY", "another key of thirty-two bytes!"), "401 "),
        ("2", ("IMAGE", "ghcr.io/acme/other:1.3.0"), "200 "),
        ("3", ("IMAGE", "ghcr.io/acme/web"), "400 "),
        ("4", ("WORKLOAD", "other"), "200 "),
    ] {
        let Some(output) = run_script(&relay, id, &[change]) else { return };
        assert!(!output.status.success(), "{change:?}: {output:?}");
        assert!(String::from_utf8_lossy(&output.stdout).starts_with(status), "{change:?}: {output:?}");
    }
    kube.remove("deployments", "default", "web");
    let Some(output) = run_script(&relay, "5", &[]) else { return };
    assert!(!output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("424 "), "{output:?}");
    assert_eq!(kube.patches().len(), 0);
}

#[test]
fn the_ci_script_pauses_where_nobody_may_wait() {
    let (_kube, relay) = ci_with("limits: {waiting: 0}\n", "1s");
    let tools = TempDir::new();
    let sleep = "#!/bin/sh\necho \"$1\" >>\"$0.log\"\nPATH=/usr/bin:/bin exec sleep \"$1\"\n";
    let sleep = tools.write("sleep", sleep);
    std::fs::set_permissions(&sleep, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", tools.path().display(), std::env::var("PATH").unwrap());
    let Some(output) = run_script(&relay, "1", &[("PATH", &path)]) else { return };
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}\n{}", relay.log());
    let asked_again = told.lines().filter(|line| line.starts_with("202 ")).count();
    let pauses = std::fs::read_to_string(sleep.with_extension("log")).unwrap_or_default();
    assert!(asked_again > 0 && pauses == "1\n".repeat(asked_again), "{pauses:?}\n{told}");
}

#[test]
fn every_source_has_its_line() {
    for source in SOURCES {
        let line = format!("| `{}`", source.name);
        assert!(README.lines().any(|l| l.starts_with(&line)), "the README has no line for {}", source.name);
    }
}

#[test]
fn the_limits_are_those_of_the_code() {
    for (name, default) in Limits::default().rows() {
        let line = format!("| `{name}` | `{default}` | ");
        assert!(README.lines().any(|l| l.starts_with(&line)), "the README does not say: {line}");
    }
}

#[test]
fn links_and_paths_lead_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (name, text) in [("README.md", README), ("CONTRIBUTING.md", CONTRIBUTING)] {
        let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for target in targets.filter(|target| !target.contains("://")) {
            match target.strip_prefix('#') {
                Some(anchor) => assert!(anchors(text).any(|a| a == anchor), "{name}: {target}"),
                None => assert!(root.join(target).exists(), "{name}: {target}"),
            }
        }
    }
    // The map: code spans that are paths of the repository.
    let spans = CONTRIBUTING.split('`').skip(1).step_by(2);
    for path in spans.filter(|span| span.starts_with("src/") || span.starts_with("tests/")) {
        let is_path = !path.contains(|c: char| c.is_ascii_uppercase() || " {*".contains(c));
        assert!(!is_path || root.join(path).exists(), "CONTRIBUTING.md: {path} is not there");
    }
}

/// The headings of a text as links name them.
fn anchors(text: &str) -> impl Iterator<Item = String> {
    text.lines().filter(|line| line.starts_with('#')).map(|line| {
        let title = line.trim_start_matches('#').trim().to_lowercase();
        let kept = title.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    })
}

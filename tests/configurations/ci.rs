//! GitLab CI: a job's own request, and the hook of a pipeline.

use std::process::Command;

use serde_json::json;

use super::{Stage, ready, restarted};
use support::{kube, objects};

fn cluster() -> kube::Double {
    let kube = kube::Double::start();
    kube.apply(objects::deployment("default", "web", "registry.gitlab.com/acme/web:latest"));
    kube.apply(objects::stateful_set("default", "queue", "registry.gitlab.com/acme/web:latest"));
    kube
}

fn both_restarted(kube: &kube::Double) -> bool {
    let workloads = [("deployments", "web"), ("statefulsets", "queue")];
    workloads.iter().all(|(resource, name)| restarted(kube, resource, "default", name).is_string())
}

#[test]
fn gitlab_ci() {
    let kube = cluster();
    let stage = Stage::before("gitlab-ci.yaml", &kube);
    let other = ["--sample=deploy", "--image=registry.gitlab.com/acme/shop"];
    assert!(stage.ignored("gitlab-ci", &other).contains("registry.gitlab.com/acme/shop"));
    assert_eq!(kube.patches().len(), 0);
    assert_eq!(
        stage.outcome("gitlab-ci", &["--sample=deploy", "--image=registry.gitlab.com/acme/web"]),
        "succeeded"
    );
    assert!(both_restarted(&kube) && kube.patches().len() == 2);
}

/// The script that stands in the configuration, run as GitLab's runner would. Needs curl and openssl, as it says.
#[test]
fn gitlab_ci_script() {
    let installed =
        |tool| Command::new(tool).arg(if tool == "curl" { "--version" } else { "version" }).output().is_ok();
    if !(installed("curl") && installed("openssl")) {
        eprintln!("passed over: curl and openssl are not installed");
        return;
    }
    let kube = cluster();
    let stage = Stage::before("gitlab-ci.yaml", &kube);
    let config = ready("gitlab-ci.yaml");
    let lines = config.lines().skip_while(|line| !line.contains("body=$(")).take_while(|line| *line != "#");
    let lines: Vec<_> = lines.map(|line| line.strip_prefix("#  ").unwrap()).collect();
    let script = lines.join("\n");
    assert!(script.contains("openssl dgst") && script.contains("curl "), "{script}");
    let base = format!("--base=http://{}", stage.relay.address());
    let url = stage.bench.run(&["url", "--key=deploy.key", &base]).expect(0).stdout;
    let run = |key: &str| {
        let mut shell = Command::new("sh");
        shell.args(["-ec", &script]).env("BOATHOOK_KEY", key).env("BOATHOOK_URL", url.trim());
        shell.env("CI_REGISTRY_IMAGE", "registry.gitlab.com/acme/web").env("CI_JOB_ID", "4711");
        shell.env("CI_COMMIT_SHA", "8f3b".repeat(10)).env("GITLAB_USER_LOGIN", "octavia");
        shell.output().unwrap()
    };
    let refused = run("0123456789abcdef0123456789abcdef");
    assert!(!refused.status.success() && kube.patches().is_empty(), "{refused:?}");
    let key = std::fs::read_to_string(stage.bench.directory().join("deploy.key")).unwrap();
    let done = run(&key);
    let answer: serde_json::Value =
        serde_json::from_slice(&done.stdout).unwrap_or_else(|_| panic!("{done:?}"));
    assert!(done.status.success() && answer["status"] == json!("succeeded"), "{done:?}");
    assert!(both_restarted(&kube));
}

#[test]
fn gitlab_pipeline() {
    let kube = cluster();
    let stage = Stage::before("gitlab-pipeline.yaml", &kube);
    let run = |repository: &str, branch: &str| {
        ["--sample=pipeline".to_owned(), format!("--repository={repository}"), format!("--branch={branch}")]
    };
    for (repository, branch, told) in [("acme/web", "next", "next"), ("acme/shop", "main", "acme/shop")] {
        let run = run(repository, branch);
        assert!(stage.ignored("gitlab", &run.each_ref().map(String::as_str)).contains(told));
    }
    assert!(stage.ignored("gitlab", &["--sample=git"]).contains("pipeline"), "a push comes before the image");
    assert_eq!(kube.patches().len(), 0);
    let main = run("acme/web", "main");
    assert_eq!(stage.outcome("gitlab", &main.each_ref().map(String::as_str)), "succeeded");
    assert!(both_restarted(&kube) && kube.patches().len() == 2);
}

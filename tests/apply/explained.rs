//! `explain` shows each request and nothing of what is in a Secret.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::{BINARY, CONFIG_MAP, SECRET, prepared, secret};
use support::kube::Double;
use support::relay::Setup;
use support::stage::gitlab_body;

fn explain(setup: &Setup, arguments: &[&str]) -> String {
    let mut command = Command::new(BINARY);
    command.args(["explain", "--config", "boathook.yaml", "--endpoint", "gitlab"]).args(arguments);
    command.args(["--header", "X-Gitlab-Event: Push Hook"]);
    command.current_dir(setup.directory()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(gitlab_body().as_bytes()).unwrap();
    let shown = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    assert!(!shown.contains(SECRET), "{shown}");
    shown
}

const POLICY: &str =
    "apiVersion: example.com/v1\nkind: Policy\nmetadata: {name: one}\nspec: {branch: \"${branch}\"}\n";

#[test]
fn offline_and_live_it_shows_each_request() {
    let kube = Double::start();
    let login = secret();
    let setup = prepared(&kube, "", &[("a.yaml", POLICY), ("b.yaml", CONFIG_MAP), ("c.yaml", &login)]);
    let offline: Value = serde_json::from_str(&explain(&setup, &["--json"])).unwrap();
    let requests = offline["requests"].as_array().unwrap();
    let url = |path: &str| json!(format!("{}/{path}?fieldManager=boathook", kube.url()));
    assert_eq!(requests[0]["url"], url("api/v1/namespaces/shop/configmaps/settings"));
    assert_eq!(requests[0]["contentType"], "application/apply-patch+yaml");
    assert_eq!(requests[0]["body"]["data"]["commit"], json!("5b2c".repeat(10)));
    assert_eq!(requests[1]["body"]["stringData"], json!({"password": "(not shown)"}));
    assert_eq!((&requests[2]["url"], &requests[2]["needs"]), (&Value::Null, &json!("live")));
    assert_eq!(requests[2]["body"]["spec"]["branch"], "main");
    let text = explain(&setup, &[]);
    assert!(
        text.contains("apply: PATCH of a kind that must be looked up") && text.contains("(use --live"),
        "{text}"
    );
    assert_eq!(kube.requests().len(), 0);

    let live: Value = serde_json::from_str(&explain(&setup, &["--json", "--live"])).unwrap();
    let why = live["notes"][0]["why"].as_str().unwrap();
    assert!(why.contains("a.yaml:1: Policy one is of a kind that the cluster does not serve"), "{why}");
    kube.install(support::kube::Kind::custom("example.com", "v1", "Policy", "policies"));
    let live: Value = serde_json::from_str(&explain(&setup, &["--json", "--live"])).unwrap();
    assert_eq!(live["requests"][2]["url"], url("apis/example.com/v1/namespaces/shop/policies/one"));
    assert_eq!((live["requests"].as_array().unwrap().len(), kube.mutations().len()), (3, 0));
}

//! `apply`, through the real binary, against the API double.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code: a broken assumption ends the test with its line"
)]

#[path = "apply/carried_out.rs"]
mod carried_out;
#[path = "apply/checked.rs"]
mod checked;
#[path = "apply/explained.rs"]
mod explained;
#[path = "apply/refused.rs"]
mod refused;
#[path = "apply/restarted.rs"]
mod restarted;

use support::http;
use support::kube::Double;
use support::relay::Setup;
use support::sign::hook_path;
use support::stage::{Stage, gitlab_body};

const BINARY: &str = env!("CARGO_BIN_EXE_boathook");

/// What must be seen nowhere but in the API.
const SECRET: &str = "hunter2-correct-horse";

const CONFIG_MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {color: blue, commit: \"${commit}\"}\n";

/// A relay that applies `manifests/` to `shop` for every push of a branch, with these files in it.
fn prepared(kube: &Double, more: &str, files: &[(&str, &str)]) -> Setup {
    let action = format!("{{apply: {{manifests: manifests, namespaces: [shop]{more}}}}}");
    with_action(kube, &action, files)
}

fn with_action(kube: &Double, action: &str, files: &[(&str, &str)]) -> Setup {
    let setup = Stage::new(&kube.url()).on_git(action).setup(BINARY);
    std::fs::create_dir(setup.directory().join("manifests")).unwrap();
    files.iter().fold(setup, |setup, (name, text)| setup.file(&format!("manifests/{name}"), text))
}

fn deployment(image: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web}}\nspec:\n  selector: {{matchLabels: {{app: web}}}}\n  \
         template:\n    metadata: {{labels: {{app: web}}}}\n    spec: {{containers: [{{name: web, image: \"{image}\"}}]}}\n"
    )
}

fn secret() -> String {
    format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: login}}\nstringData: {{password: {SECRET}}}\n")
}

/// The paths that were patched, without what stands before the kind: `configmaps/settings`.
fn patched(kube: &Double) -> Vec<String> {
    let short = |path: &str| {
        path.rsplitn(3, '/').take(2).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("/")
    };
    kube.patches().iter().map(|patch| short(patch.path())).collect()
}

/// Sends a push of this branch and waits for the end; the answer.
fn push_branch(relay: &support::relay::Relay, branch: &str) -> http::Response {
    let mut body: serde_json::Value = serde_json::from_str(&gitlab_body()).unwrap();
    body["ref"] = format!("refs/heads/{branch}").into();
    let headers = [
        ("X-Gitlab-Token", "gitlab-0123456789abcdef"),
        ("X-Gitlab-Event", "Push Hook"),
        ("Prefer", "wait=60"),
    ];
    let path = hook_path(b"gitlab-0123456789abcdef");
    http::send("POST", relay.address(), &path, &headers, body.to_string().as_bytes())
}

//! `explain`: the exact requests of every action, offline and with `--live`, and nothing changed.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code: a broken assumption ends the test with its line"
)]

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use support::kube::Double;
use support::relay::Setup;
use support::site::Site;
use support::stage::{Stage, gitlab_body, push_image, quay_body, workload};

const BINARY: &str = env!("CARGO_BIN_EXE_boathook");

/// Explains a delivery; exit code, standard output, standard error.
fn run(setup: &Setup, endpoint: &str, body: &str, arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(BINARY);
    command.args(["explain", "--config", "boathook.yaml", "--endpoint", endpoint]).args(arguments);
    command.env_remove("KUBERNETES_SERVICE_HOST").env_remove("KUBERNETES_SERVICE_PORT");
    command
        .current_dir(setup.directory())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(body.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

/// The JSON of a push of `quay.io/acme/web`.
fn image(stage: &Stage, tag: &str, arguments: &[&str]) -> Value {
    json_of(run(&stage.setup(BINARY), "quay", &quay_body("acme/web", tag), arguments))
}

/// The JSON of a push to the git repository.
fn git(stage: &Stage, arguments: &[&str]) -> Value {
    let headers =
        ["--header", "X-Gitlab-Event: Push Hook", "--header", "X-Gitlab-Token: gitlab-0123456789abcdef"];
    json_of(run(&stage.setup(BINARY), "gitlab", &gitlab_body(), &[&headers, arguments].concat()))
}

fn json_of((code, out, err): (i32, String, String)) -> Value {
    assert_eq!(code, 0, "{err}");
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"))
}

fn fields(value: &Value) -> Vec<&str> {
    let mut names: Vec<_> = value.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

const ACCESS: &str = "{api: \"http://kube.example:8001\", fieldManager: relay}";

#[test]
fn offline_a_named_restart_is_the_exact_request() {
    let action = "{restart: {namespaces: [a, b], workloads: [deployment/web, sts/db]}}";
    let explained = image(&Stage::new(ACCESS).on_image(action), "latest", &["--json"]);
    assert_eq!(fields(&explained), ["events", "requests", "rules", "verification"]);
    assert_eq!(explained["verification"], "path");
    assert_eq!(explained["rules"][0]["matched"], true);
    let requests = explained["requests"].as_array().unwrap();
    let urls: Vec<_> = requests.iter().map(|request| request["url"].as_str().unwrap()).collect();
    let url =
        |path: &str| format!("http://kube.example:8001/apis/apps/v1/namespaces/{path}?fieldManager=relay");
    assert_eq!(
        urls,
        ["a/deployments/web", "a/statefulsets/db", "b/deployments/web", "b/statefulsets/db"].map(url)
    );
    for request in requests {
        assert_eq!(fields(request), ["body", "contentType", "method", "url"]);
        assert_eq!(
            (&request["method"], &request["contentType"]),
            (&json!("PATCH"), &json!("application/strategic-merge-patch+json"))
        );
        let at = &request["body"]["spec"]["template"]["metadata"]["annotations"]["kubectl.kubernetes.io/restartedAt"];
        assert!(at.as_str().unwrap().ends_with('Z'));
        let cause =
            request["body"]["metadata"]["annotations"]["kubernetes.io/change-cause"].as_str().unwrap();
        assert!(cause.starts_with("boathook: quay.io/acme/web:latest, Quay delivery "), "{cause}");
    }
}

#[test]
fn offline_reconcile_and_flux_notify_are_the_exact_requests() {
    let actions = "{reconcile: {namespace: flux-system, kind: GitRepository, name: fleet}}, {fluxNotify: {}}";
    let stage = Stage::new("{api: in-cluster, fieldManager: relay}")
        .flux("http://fluxd.example/api/flux")
        .on_git(actions);
    let explained = git(&stage, &["--json"]);
    assert_eq!(explained["verification"], "valid");
    let requests = explained["requests"].as_array().unwrap();
    assert_eq!(
        requests[0]["url"],
        "https://kubernetes.default.svc/apis/source.toolkit.fluxcd.io/v1/namespaces/flux-system/gitrepositories/fleet?fieldManager=relay"
    );
    assert_eq!(requests[0]["contentType"], "application/merge-patch+json");
    assert!(requests[0]["body"]["metadata"]["annotations"]["reconcile.fluxcd.io/requestedAt"].is_string());
    assert_eq!(
        requests[1],
        json!({
            "method": "POST", "url": "http://fluxd.example/api/flux/v11/notify", "contentType": "application/json",
            "body": {"Kind": "git", "Source": {"URL": "git@gitlab.com:acme/fleet.git", "Branch": "main"}},
        })
    );
    assert_eq!(requests.len(), 2);
}

#[test]
fn offline_what_must_be_looked_up_needs_live() {
    for action in [
        "{setImage: {namespace: a, runningImage: true}}",
        "{restart: {namespace: a, selector: app=web}}",
        "{restart: {namespace: a, runningImage: true}}",
    ] {
        let explained = image(&Stage::new(ACCESS).on_image(action), "1", &["--json"]);
        assert_eq!(explained["requests"], json!([{"needs": "live"}]), "{action}");
    }
    // The target is known, and what is running decides the rest.
    let action = "{setImage: {namespace: a, workloads: [deployment/web, ksvc/game]}}";
    let explained = image(&Stage::new(ACCESS).on_image(action), "1", &["--json"]);
    let request = |path: &str| json!({"method": "PATCH", "url": format!("http://kube.example:8001/apis/{path}?fieldManager=relay"), "needs": "live"});
    let expected = [
        request("apps/v1/namespaces/a/deployments/web"),
        request("serving.knative.dev/v1/namespaces/a/services/game"),
    ];
    assert_eq!(explained["requests"], json!(expected));
    let (code, out, _) =
        run(&Stage::new(ACCESS).on_image(action).setup(BINARY), "quay", &quay_body("acme/web", "1"), &[]);
    assert!(code == 0 && out.contains("(use --live to look in the cluster)"), "{out}");
}

fn shop() -> Double {
    let kube = Double::start();
    for (kind, name) in
        [("Deployment", "web"), ("StatefulSet", "db"), ("CronJob", "nightly"), ("ksvc", "game")]
    {
        kube.apply(workload(kind, "shop", name, "quay.io/acme/web:1.0.0"));
    }
    kube
}

#[test]
fn live_shows_exactly_what_serve_sends_and_changes_nothing() {
    let kube = shop();
    let access = format!("{{api: \"{}\", fieldManager: relay}}", kube.url());
    let actions =
        "{setImage: {namespace: shop, runningImage: true}}, {setImage: {namespace: shop, selector: app=web}}";
    let stage = Stage::new(&access).on_image(actions);
    let explained = image(&stage, "1.1.0", &["--json", "--live"]);
    assert_eq!(kube.mutations().len(), 0);
    assert!(!kube.requests().is_empty());
    assert_eq!(fields(&explained), ["events", "requests", "rules", "verification"]);
    let requests = explained["requests"].as_array().unwrap();
    assert_eq!(requests.len(), 5);

    let relay =
        Stage::new(&access).on_image("{setImage: {namespace: shop, runningImage: true}}").start(BINARY);
    push_image(&relay, "acme/web", "1.1.0").is("succeeded", "");
    for sent in kube.patches() {
        let url = format!("{}{}", kube.url(), sent.path_and_query);
        let shown = requests.iter().find(|request| request["url"] == url.as_str()).unwrap();
        assert_eq!(
            (&shown["method"], shown["contentType"].as_str()),
            (&json!(sent.method), sent.header("content-type"))
        );
        assert_eq!(without_cause(shown["body"].clone()), without_cause(sent.body));
    }
}

#[test]
fn live_shows_the_first_patch_of_a_way_that_has_several() {
    let kube = shop();
    let action = "{traffic: {namespace: shop, service: ksvc/game, steps: [10, 100]}}";
    let stage = Stage::new(&kube.url()).on_image(action);
    let explained = image(&stage, "1.1.0", &["--json", "--live"]);
    let operations = explained["requests"][0]["body"].as_array().unwrap();
    let value =
        |path: &str| &operations.iter().rfind(|operation| operation["path"] == path).unwrap()["value"];
    assert_eq!(value("/spec/template/spec/containers/0/image"), "quay.io/acme/web:1.1.0");
    assert_eq!(value("/spec/traffic"), &json!([{"revisionName": "game-00001", "percent": 100}]));
    assert_eq!(kube.mutations().len(), 0);
    let offline = image(&Stage::new(ACCESS).on_image(action), "1.1.0", &["--json"]);
    assert_eq!(offline["requests"][0]["needs"], "live");
}

/// The cause names the delivery, and Quay's have no id of their own.
fn without_cause(mut body: Value) -> Value {
    if let Some(operations) = body.as_array_mut() {
        operations.retain(|operation| !operation["path"].as_str().unwrap().contains("annotations"));
    } else {
        body["metadata"].as_object_mut().unwrap().remove("annotations");
    }
    body
}

#[test]
fn live_says_in_words_what_would_not_be_done_and_goes_on() {
    let kube = shop();
    let mut paused = workload("Deployment", "shop", "paused", "quay.io/acme/web:1.0.0");
    paused["spec"]["paused"] = json!(true);
    kube.apply(paused);
    kube.apply(workload("DaemonSet", "shop", "done", "quay.io/acme/web:1.1.0"));
    let workloads = "deployment/nope, deployment/paused, ds/done, ds/done, deployment/web";
    let actions = format!(
        "{{setImage: {{namespace: shop, workloads: [{workloads}]}}}}, {{restart: {{namespace: shop, workloads: [sts/nope, sts/db]}}}}"
    );
    let stage = Stage::new(&kube.url()).on_image(&actions);
    let explained = image(&stage, "1.1.0", &["--json", "--live"]);
    let requests = explained["requests"].as_array().unwrap();
    let urls: Vec<_> =
        requests.iter().map(|request| request["url"].as_str().unwrap().rsplit('/').next()).collect();
    assert_eq!(urls, [Some("web?fieldManager=boathook"), Some("db?fieldManager=boathook")]);
    let notes = explained["notes"].as_array().unwrap();
    let note = |i: usize| {
        [&notes[i]["action"], &notes[i]["target"], &notes[i]["outcome"]].map(|v| v.as_str().unwrap())
    };
    assert_eq!(note(0), ["setImage", "shop/deployment/nope", "failed"]);
    assert_eq!(notes[0]["why"], "get deployments nope in namespace shop: there is no such object");
    assert_eq!(note(1), ["setImage", "shop/deployment/paused", "failed"]);
    assert_eq!(note(2), ["setImage", "shop/daemonset/done", "unchanged"]);
    assert_eq!(notes[2]["why"], "quay.io/acme/web:1.1.0 runs already");
    assert_eq!(note(3), ["restart", "shop/statefulset/nope", "failed"]);
    assert_eq!((notes.len(), kube.mutations().len()), (4, 0));

    let (code, out, _) = run(&stage.setup(BINARY), "quay", &quay_body("acme/web", "1.1.0"), &["--live"]);
    assert_eq!(code, 0);
    assert!(
        out.contains("note          restart shop/statefulset/nope: failed: get statefulsets nope in namespace shop: there is no such object"),
        "{out}"
    );
}

#[test]
fn live_says_when_nothing_is_found_or_may_be_seen() {
    let kube = shop();
    kube.allow_only(&[]);
    let stage = Stage::new(&kube.url()).on_image("{setImage: {namespace: shop, runningImage: true}}");
    let explained = image(&stage, "1", &["--json", "--live"]);
    assert_eq!(explained["requests"], json!([]));
    let why = explained["notes"][0]["why"].as_str().unwrap();
    assert!(
        explained["notes"].as_array().unwrap().len() == 1 && why.contains("nothing could be listed"),
        "{explained}"
    );
    kube.allow_all();
    let stage = Stage::new(&kube.url()).on_image("{setImage: {namespace: empty, runningImage: true}}");
    let explained = image(&stage, "1", &["--json", "--live"]);
    assert_eq!(explained["notes"][0]["why"], "no workload runs quay.io/acme/web");
    assert_eq!(explained["notes"][0]["outcome"], "skipped");
}

#[test]
fn live_against_an_api_that_is_away_is_told() {
    let kube = shop();
    kube.stop();
    let action = "{restart: {namespace: shop, workloads: [deployment/web]}}, {fluxNotify: {}}";
    let explained = image(&Stage::new(&kube.url()).on_image(action), "1", &["--json", "--live"]);
    let why = explained["notes"][0]["why"].as_str().unwrap();
    assert!(why.contains("the API cannot be reached: http://127.0.0.1:"), "{why}");
    assert_eq!(explained["requests"].as_array().unwrap().len(), 1, "the notification needs no look-up");
}

#[test]
fn an_event_that_lacks_what_a_name_needs_is_told_offline() {
    let action = "{restart: {namespace: \"${branch}\", workloads: [deployment/web]}}";
    let explained = image(&Stage::new(ACCESS).on_image(action), "1", &["--json"]);
    assert_eq!(explained["requests"], json!([]));
    assert_eq!(explained["notes"][0]["why"], "an image event has no ${branch}");
}

#[test]
fn a_check_is_shown_and_not_made() {
    let site = Site::start();
    let action = |url: &str, fields: &str| format!("{{check: {{url: '{url}', {fields}}}}}");
    let stage = Stage::new(ACCESS).on_image(&action(&site.url("/${tag}?key=secret"), "allowLocal: true"));
    for arguments in [&["--json"][..], &["--json", "--live"]] {
        let explained = image(&stage, "v1", arguments);
        assert_eq!(explained["requests"], json!([{"method": "GET", "url": site.url("/v1")}]));
    }
    assert_eq!(site.asked("/v1"), 0);
    let stage = Stage::new(ACCESS).on_image(&action("https://${tag}.example.com/", ""));
    let note = &image(&stage, "v1.2", &["--json"])["notes"][0];
    assert_eq!((&note["action"], &note["outcome"]), (&json!("check"), &json!("failed")));
    assert!(note["why"].as_str().unwrap().contains("has ${tag} in its host, which is \"v1.2\""), "{note}");
}

//! Every way to the Kubernetes API, through the real binary.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code: a broken assumption ends the test with its line"
)]

use std::path::Path;
use std::process::{Command, Stdio};

use support::kube::{Double, Fault, Proxy, TlsOptions};
use support::relay::Relay;
use support::stage::{Stage, push_image, push_image_only, workload};
use support::temp::TempDir;

const BINARY: &str = env!("CARGO_BIN_EXE_boathook");
const RESTART: &str = "{restart: {namespace: shop, workloads: [deployment/web]}}";

fn with_web(kube: Double) -> Double {
    kube.apply(workload("Deployment", "shop", "web", "quay.io/acme/web:latest"));
    kube
}

fn stage(access: &str) -> Stage {
    Stage::new(access).on_image(RESTART)
}

fn restarts(relay: &Relay) {
    push_image(relay, "acme/web", "latest").is("succeeded", "deployment/web: restarted at ");
}

#[test]
fn a_proxy_on_tcp() {
    let kube = with_web(Double::start());
    kube.behind_proxy(Proxy::default());
    let relay = stage(&kube.url()).start(BINARY);
    assert!(relay.log().contains(&format!("Kubernetes API {}", kube.url())), "{}", relay.log());
    restarts(&relay);
    assert!(kube.requests().iter().all(|request| request.header("authorization").is_none()));
}

#[test]
fn localhost_needs_no_resolver_and_no_thread() {
    let kube = with_web(Double::start());
    kube.behind_proxy(Proxy::default());
    let relay = stage(&kube.url().replace("127.0.0.1", "localhost")).start(BINARY);
    restarts(&relay);
    let tasks = format!("/proc/{}/task", relay.pid());
    if Path::new(&tasks).exists() {
        assert_eq!(std::fs::read_dir(tasks).unwrap().count(), 1, "a thread was started");
    }
}

#[test]
fn a_proxy_on_a_unix_socket() {
    let directory = TempDir::new();
    let kube = with_web(Double::start_unix(directory.path().join("kube.sock")));
    // It accepts no other Host than localhost, on a socket neither.
    kube.behind_proxy(Proxy::default());
    let relay = stage(&kube.url()).start(BINARY);
    restarts(&relay);
    assert!(kube.requests().iter().all(|request| request.header("host") == Some("localhost")));
}

#[test]
fn a_socket_that_appears_later() {
    let directory = TempDir::new();
    let socket = directory.path().join("kube.sock");
    let relay = stage(&format!("unix://{}", socket.display())).start(BINARY);
    push_image_only(&relay, "acme/web", "latest");
    relay.wait_for_log(&format!("the API cannot be reached: unix://{}: No such file", socket.display()));
    let kube = with_web(Double::start_unix(directory.path().join("soon.sock")));
    std::fs::rename(directory.path().join("soon.sock"), &socket).unwrap();
    kube.wait_for_patches(1);
    relay.wait_for_log("outcome=succeeded");
}

#[test]
fn https_with_a_token_that_rotates() {
    let kube = with_web(Double::start_tls(TlsOptions::default()));
    kube.require_token(Some("first"));
    let access = format!("{{api: \"{}\", tokenFile: token, caFile: ca.crt}}", kube.url());
    let relay = stage(&access).setup(BINARY).file("token", "first\n").file("ca.crt", kube.ca_pem()).start();
    restarts(&relay);

    // The file has changed before the next request.
    relay.write("token", "second\n");
    kube.require_token(Some("second"));
    restarts(&relay);

    // The file changes while a request is under way that carries the old token.
    kube.forget_requests();
    kube.fail_for(Fault::Hang, "GET", "", None);
    push_image_only(&relay, "acme/web", "latest");
    // Not an Event of the run before.
    kube.wait_for_blocking(|requests| requests.iter().any(|request| request.method == "GET"));
    relay.write("token", "third\n");
    kube.require_token(Some("third"));
    kube.clear_faults();
    kube.wait_for_patches(1);
    let requests = kube.requests();
    let without_events = requests.iter().filter(|request| request.method != "POST");
    let statuses: Vec<_> = without_events.map(|request| request.status).take(3).collect();
    assert_eq!(statuses, [401, 200, 200], "read again at once, without a failure");

    // No other token comes: the outcome says so.
    kube.require_token(Some("fourth"));
    push_image(&relay, "acme/web", "another").is("failed", "the API does not accept the credentials (401)");
}

#[test]
fn a_wrong_authority_is_told_and_replaced() {
    let kube = with_web(Double::start_tls(TlsOptions::default()));
    let other = Double::start_tls(TlsOptions::default());
    let access = format!("{{api: \"{}\", caFile: ca.crt}}", kube.url());
    let relay = stage(&access).setup(BINARY).file("ca.crt", other.ca_pem()).start();
    push_image_only(&relay, "acme/web", "latest");
    let line = relay.wait_for_log("the API cannot be reached: https://127.0.0.1:");
    assert!(line.contains("invalid peer certificate") && line.contains("ca.crt (caFile)"), "{line}");
    assert_eq!(kube.requests().len(), 0);
    relay.write("ca.crt", kube.ca_pem());
    kube.wait_for_patches(1);
    relay.wait_for_log("outcome=succeeded");
}

#[test]
fn client_certificates_are_shown_and_read_again() {
    let kube = with_web(Double::start_tls(TlsOptions { client_certificate: true }));
    let access = format!("{{api: \"{}\", caFile: ca.crt}}", kube.url());
    let relay = stage(&access).setup(BINARY).file("ca.crt", kube.ca_pem()).start();
    push_image(&relay, "acme/web", "latest").is("failed", "the API does not accept the credentials (401)");

    let files = "caFile: ca.crt, clientCertFile: tls.crt, clientKeyFile: tls.key";
    let access = format!("{{api: \"{}\", {files}}}", kube.url());
    let (certificate, key) = kube.client_pem();
    let setup = stage(&access).setup(BINARY).file("ca.crt", kube.ca_pem());
    let relay = setup.file("tls.crt", certificate).file("tls.key", key).start();
    restarts(&relay);

    // One of another authority is not accepted, and the good one is again once it is back.
    let other = Double::start_tls(TlsOptions::default());
    let (bad_certificate, bad_key) = other.client_pem();
    relay.write("tls.crt", bad_certificate);
    relay.write("tls.key", bad_key);
    push_image_only(&relay, "acme/web", "latest");
    relay.wait_for_log("trying again");
    kube.forget_requests();
    relay.write("tls.crt", certificate);
    relay.write("tls.key", key);
    kube.wait_for_patches(1);
}

#[test]
fn inside_of_a_cluster() {
    let kube = with_web(Double::start_tls(TlsOptions::default()));
    kube.require_token(Some("pod"));
    let port = kube.address().rsplit(':').next().unwrap();
    // The ServiceAccount's files are where Kubernetes puts them, unless the configuration says otherwise.
    let stage = stage("{api: in-cluster, tokenFile: token, caFile: ca.crt}");
    let setup = stage.setup(BINARY).file("token", "pod").file("ca.crt", kube.ca_pem());
    let setup = setup.environment("KUBERNETES_SERVICE_HOST", "127.0.0.1");
    let relay = setup.environment("KUBERNETES_SERVICE_PORT", port).start();
    assert!(relay.log().contains("Kubernetes API in-cluster"), "{}", relay.log());
    restarts(&relay);
    assert_eq!(kube.patches()[0].header("authorization"), Some("Bearer pod"));
}

/// Runs a command that ends by itself: exit code, standard output and standard error.
fn run(directory: &Path, arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(BINARY);
    command.args(arguments).current_dir(directory).stdin(Stdio::null());
    for name in ["KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT", "BOATHOOK_KUBE_API"] {
        command.env_remove(name);
    }
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

#[test]
fn an_in_cluster_configuration_is_checked_anywhere_and_served_only_there() {
    let stage = stage("{api: in-cluster}");
    let setup = stage.setup(BINARY);
    let (code, out, err) = run(setup.directory(), &["check", "boathook.yaml"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.starts_with("Kubernetes API  in-cluster\n"), "{out}");
    let (code, _, err) =
        run(setup.directory(), &["serve", "--config", "boathook.yaml", "--listen", "127.0.0.1:0"]);
    assert_eq!(code, 1);
    assert!(
        err.contains("in-cluster: the environment has no KUBERNETES_SERVICE_HOST: is this a pod?"),
        "{err}"
    );
}

#[test]
fn another_address_on_the_command_line_does_not_get_the_token() {
    let kube = with_web(Double::start());
    let stage = stage("{api: \"https://10.0.0.1:6443\", tokenFile: token, caFile: ca.crt}");
    let setup = stage.setup(BINARY).file("token", "secret").file("ca.crt", "");
    let relay = setup.argument("--kube-api").argument(&kube.url()).start();
    restarts(&relay);
    assert!(kube.requests().iter().all(|request| request.header("authorization").is_none()));

    let stage = Stage::new("http://127.0.0.1:8001").on_image(RESTART);
    let setup = stage.setup(BINARY);
    let arguments = ["serve", "--config", "boathook.yaml", "--kube-api=https://10.0.0.1:6443"];
    let (code, _, err) = run(setup.directory(), &arguments);
    assert_eq!(code, 2);
    assert!(err.contains("--kube-api on the command line or in the environment: caFile is missing"), "{err}");
}

#[test]
fn certificates_that_cannot_be_used_are_told_at_start() {
    let kube = Double::start_tls(TlsOptions::default());
    let (certificate, key) = kube.client_pem();
    for (ca, certificate, key, told) in [
        ("", certificate, key, "ca.crt has no certificate"),
        (kube.ca_pem(), "", key, "tls.crt"),
        (kube.ca_pem(), certificate, "nonsense", "tls.key"),
    ] {
        let files = "caFile: ca.crt, clientCertFile: tls.crt, clientKeyFile: tls.key";
        let stage = stage(&format!("{{api: \"{}\", {files}}}", kube.url()));
        let setup = stage.setup(BINARY).file("ca.crt", ca).file("tls.crt", certificate).file("tls.key", key);
        let (code, _, err) =
            run(setup.directory(), &["serve", "--config", "boathook.yaml", "--listen", "127.0.0.1:0"]);
        assert!(code == 2 && err.contains(told), "{code} {err}");
    }
}

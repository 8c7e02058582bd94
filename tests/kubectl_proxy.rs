//! A real `kubectl proxy` between the relay and the API double, over TCP and over a unix socket. Skipped, with a
//! line that says so, where kubectl is not installed.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code: a broken assumption ends the test with its line"
)]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use support::kube::Double;
use support::stage::{Stage, push_image, push_image_only, workload};
use support::temp::TempDir;

const BINARY: &str = env!("CARGO_BIN_EXE_boathook");
const RESTART: &str = "{restart: {namespace: shop, workloads: [deployment/web]}}";
/// As narrow as the configuration needs it.
const PATHS: &str = "^/apis/apps/v1/namespaces/shop/deployments/web$";

/// A running proxy, ended when it goes out of scope.
struct KubectlProxy(Child);

impl KubectlProxy {
    /// Starts it and returns what it says that it serves on; none where there is no kubectl.
    fn start(kube: &Double, arguments: &[&str]) -> Option<(Self, String)> {
        let mut command = Command::new("kubectl");
        command.arg("proxy").arg(format!("--server={}", kube.url())).args(arguments);
        // The cluster of whoever runs the tests is none of their business.
        command
            .env("KUBECONFIG", "/dev/null")
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .stdout(Stdio::piped());
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                eprintln!("skipped: kubectl is not installed");
                return None;
            }
            Err(error) => panic!("starting kubectl proxy: {error}"),
        };
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        // `Starting to serve on 127.0.0.1:40123`
        let address = line.trim().rsplit(' ').next().unwrap_or_default().to_owned();
        assert!(line.starts_with("Starting to serve on"), "kubectl proxy says: {line:?}");
        Some((Self(child), address))
    }
}

impl Drop for KubectlProxy {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn shop() -> Double {
    let kube = Double::start();
    for name in ["web", "other"] {
        kube.apply(workload("Deployment", "shop", name, "quay.io/acme/web:latest"));
    }
    kube
}

#[test]
fn over_a_unix_socket_with_narrow_paths() {
    let directory = TempDir::new();
    let socket = directory.path().join("kube.sock");
    let kube = shop();
    let socket_flag = format!("--unix-socket={}", socket.display());
    let paths = format!("--accept-paths={PATHS}");
    let flags = [socket_flag.as_str(), paths.as_str(), "--reject-methods=^(POST|PUT|DELETE)$"];
    let Some((_proxy, _)) = KubectlProxy::start(&kube, &flags) else { return };
    let api = format!("unix://{}", socket.display());
    let relay = Stage::new(&api).on_image(RESTART).start(BINARY);
    push_image(&relay, "acme/web", "latest").is("succeeded", "deployment/web: restarted at ");
    assert_eq!(kube.patches().len(), 1);

    let other = "{restart: {namespace: shop, workloads: [deployment/other]}}";
    let relay = Stage::new(&api).on_image(other).start(BINARY);
    push_image(&relay, "acme/web", "latest").is("failed", "kubectl proxy does not let it through");
    assert_eq!(kube.patches().len(), 1);
}

#[test]
fn over_tcp_while_the_api_server_is_away_for_a_while() {
    let kube = shop();
    let Some((_proxy, address)) = KubectlProxy::start(&kube, &["--port=0"]) else { return };
    let relay = Stage::new(&format!("http://{address}")).on_image(RESTART).start(BINARY);
    push_image(&relay, "acme/web", "latest").is("succeeded", "restarted at");
    kube.stop();
    push_image_only(&relay, "acme/web", "latest");
    relay.wait_for_log("trying again");
    kube.restart_listener();
    kube.wait_for_patches(2);
}

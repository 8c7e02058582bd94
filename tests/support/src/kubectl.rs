//! A real `kubectl proxy` in front of a double, where kubectl is installed.

use super::temp::TempDir;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

/// A running `kubectl proxy`; killed when it goes out of scope.
pub struct Proxy {
    child: Child,
    url: String,
    // Its kubeconfig and socket live here.
    _directory: TempDir,
}

/// What the proxy listens on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listen {
    /// A free port of 127.0.0.1.
    Tcp,
    /// A unix socket.
    Unix,
}

impl Proxy {
    /// Starts it in front of `server` (the double's URL) with more flags, and waits until it serves. None, with a line
    /// that says so, when kubectl is not installed.
    pub fn start(server: &str, listen: Listen, flags: &[&str]) -> Option<Self> {
        let directory = TempDir::new();
        // Without a file of its own it would look for the user's cluster.
        let kubeconfig = directory.write("kubeconfig", "apiVersion: v1\nkind: Config\n");
        let socket = directory.path().join("kube.sock");
        let listening = match listen {
            Listen::Tcp => "--port=0".to_owned(),
            Listen::Unix => format!("--unix-socket={}", socket.display()),
        };
        let spawned = Command::new("kubectl")
            .args(["proxy", "--server", server, "--kubeconfig"])
            .arg(&kubeconfig)
            .arg(listening)
            .args(flags)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut child = match spawned {
            Ok(child) => child,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                println!("skipped: kubectl is not installed");
                return None;
            }
            Err(error) => panic!("starting kubectl proxy: {error}"),
        };
        // "Starting to serve on 127.0.0.1:PORT", or the socket's path.
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let address = line.trim_end().strip_prefix("Starting to serve on ");
        let address = address.unwrap_or_else(|| panic!("kubectl proxy said {line:?}"));
        let scheme = if listen == Listen::Tcp { "http" } else { "unix" };
        Some(Self { url: format!("{scheme}://{address}"), child, _directory: directory })
    }

    /// What goes into `kubernetes.api`.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

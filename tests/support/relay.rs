//! Runs the real binary: writes its configuration and keys, learns its address from its log, ends it.

use super::temp::TempDir;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// Nothing a test waits for takes this long on a working relay, however busy the machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// What to start; see [`Relay::with`].
pub struct Setup {
    binary: PathBuf,
    directory: TempDir,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
}

/// A running relay. It is killed and its directory removed when it goes out of scope.
pub struct Relay {
    setup: Setup,
    child: Child,
    log: Arc<Log>,
    address: String,
}

#[derive(Default)]
struct Log {
    lines: Mutex<(Vec<String>, bool)>,
    grown: Condvar,
}

impl Relay {
    /// A set-up with this binary (`env!("CARGO_BIN_EXE_boathook")` in tests) and this configuration.
    pub fn with(binary: impl AsRef<Path>, config: &str) -> Setup {
        let directory = TempDir::new();
        directory.write("boathook.yaml", config);
        Setup {
            binary: binary.as_ref().to_owned(),
            directory,
            arguments: Vec::new(),
            environment: Vec::new(),
        }
    }

    /// The hook listener, `127.0.0.1:PORT`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Where the configuration, the keys and whatever the relay writes are.
    pub fn directory(&self) -> &Path {
        self.setup.directory.path()
    }

    /// Replaces a file next to the configuration (`boathook.yaml` is the configuration itself).
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        self.setup.directory.write(name, content);
    }

    /// Everything it has logged so far.
    pub fn log(&self) -> String {
        self.log.lines.lock().unwrap().0.join("\n")
    }

    /// Waits until a log line contains this text and returns that line.
    pub fn wait_for_log(&self, text: &str) -> String {
        self.log
            .find(|line| line.contains(text))
            .unwrap_or_else(|| panic!("the relay never logged {text:?}; it logged:\n{}", self.log()))
    }

    /// Waits until so many log lines contain this text.
    pub fn wait_for_logs(&self, text: &str, times: usize) {
        let deadline = Instant::now() + PATIENCE;
        let mut lines = self.log.lines.lock().unwrap();
        while lines.0.iter().filter(|line| line.contains(text)).count() < times {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!lines.1 && !left.is_zero(), "not {times} times {text:?} in:\n{}", lines.0.join("\n"));
            lines = self.log.grown.wait_timeout(lines, left).unwrap().0;
        }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by its name (`TERM`, `HUP`, `KILL`, …).
    pub fn signal(&self, name: &str) {
        let status = Command::new("sh")
            .args(["-c", "kill -s \"$0\" \"$1\"", name, &self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(status.success(), "sending SIG{name} to the relay");
    }

    /// SIGTERM; returns the exit code once it has ended.
    pub fn stop(&mut self) -> i32 {
        self.signal("TERM");
        self.wait()
    }

    /// Waits for its end and returns the exit code (-1: ended by a signal).
    pub fn wait(&mut self) -> i32 {
        let deadline = Instant::now() + PATIENCE;
        // The log's end is the process's end; only then is there something to wait for.
        self.log.ended(deadline);
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code().unwrap_or(-1);
            }
            assert!(Instant::now() < deadline, "the relay does not end; it logged:\n{}", self.log());
            std::thread::yield_now();
        }
    }

    /// SIGKILL, as the kernel does when memory is short.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Ends this one if it still runs and starts it again in the same directory, on a new port.
    pub fn restart(mut self) -> Self {
        self.kill();
        let setup = std::mem::replace(
            &mut self.setup,
            Setup {
                binary: PathBuf::new(),
                directory: TempDir::new(),
                arguments: Vec::new(),
                environment: Vec::new(),
            },
        );
        setup.start()
    }
}

impl Setup {
    /// Adds a key file (or any other) next to the configuration.
    pub fn file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        self.directory.write(name, content);
        self
    }

    /// Adds an argument after `serve --config … --listen 127.0.0.1:0`.
    pub fn argument(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    /// Sets an environment variable of the relay. Those named `BOATHOOK_…` and `KUBERNETES_…` are not inherited.
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Where the files are.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Keeps a journal in the directory `state` next to the configuration.
    pub fn state(self) -> Self {
        let file = self.directory.path().join("boathook.yaml");
        let state = self.directory.path().join("state");
        let config = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, format!("{config}state: {}\n", state.display())).unwrap();
        self
    }

    /// Starts the relay and waits until it listens; fails the test with its log if it ends before.
    pub fn start(self) -> Relay {
        let mut child = self.spawn();
        let log = Arc::new(Log::default());
        let stderr = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn({
            let log = Arc::clone(&log);
            move || log.collect(stderr)
        });
        if let Some(line) = log.find(|line| listening(line).is_some()) {
            Relay { setup: self, child, log, address: listening(&line).unwrap_or_default() }
        } else {
            let _ = child.kill();
            let status = child.wait().unwrap();
            panic!(
                "the relay did not start ({status}); it logged:\n{}",
                log.lines.lock().unwrap().0.join("\n")
            )
        }
    }

    fn spawn(&self) -> Child {
        let mut command = Command::new(&self.binary);
        command
            .arg("serve")
            .arg("--config")
            .arg(self.directory.path().join("boathook.yaml"))
            .args(["--listen", "127.0.0.1:0"])
            .args(&self.arguments)
            .current_dir(self.directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        for (name, _) in std::env::vars() {
            if name.starts_with("BOATHOOK_") || name.starts_with("KUBERNETES_") {
                command.env_remove(name);
            }
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.spawn().unwrap_or_else(|error| panic!("starting {}: {error}", self.binary.display()))
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Log {
    fn collect(&self, mut stderr: impl std::io::BufRead) {
        let mut line = Vec::new();
        while stderr.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            self.lines.lock().unwrap().0.push(String::from_utf8_lossy(&line).trim_end().to_owned());
            self.grown.notify_all();
            line.clear();
        }
        self.lines.lock().unwrap().1 = true;
        self.grown.notify_all();
    }

    /// The first line that fits, now or later; none when the log ends or patience does.
    fn find(&self, fits: impl Fn(&str) -> bool) -> Option<String> {
        let deadline = Instant::now() + PATIENCE;
        let mut lines = self.lines.lock().unwrap();
        loop {
            if let Some(line) = lines.0.iter().find(|line| fits(line)) {
                return Some(line.clone());
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if lines.1 || left.is_zero() {
                return None;
            }
            lines = self.grown.wait_timeout(lines, left).unwrap().0;
        }
    }

    fn ended(&self, deadline: Instant) {
        let mut lines = self.lines.lock().unwrap();
        while !lines.1 && Instant::now() < deadline {
            let left = deadline.saturating_duration_since(Instant::now());
            lines = self.grown.wait_timeout(lines, left).unwrap().0;
        }
    }
}

/// The address in a line that says `listening on 127.0.0.1:PORT`.
fn listening(line: &str) -> Option<String> {
    let rest = line.split("listening on ").nth(1)?.trim_start_matches("http://");
    let address: String = rest.chars().take_while(|c| c.is_ascii_digit() || *c == '.' || *c == ':').collect();
    address.starts_with("127.0.0.1:").then(|| address.trim_end_matches(['.', ':']).to_owned())
}

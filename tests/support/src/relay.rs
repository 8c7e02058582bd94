//! Runs the real binary: writes its configuration and keys, learns its address from its log, ends it.

use super::process::Process;
use super::temp::TempDir;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What to start; see [`Relay::with`].
pub struct Setup {
    binary: PathBuf,
    directory: TempDir,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
}

/// A relay that was started, and may not listen yet.
pub struct Starting {
    setup: Setup,
    process: Process,
}

/// A running relay. It is killed and its directory removed when it goes out of scope.
pub struct Relay {
    setup: Setup,
    process: Process,
    address: String,
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
        self.setup.directory()
    }

    /// Replaces a file next to the configuration (`boathook.yaml` is the configuration itself).
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        self.setup.directory.write(name, content);
    }

    /// Everything it has logged so far.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// Waits until a log line contains this text and returns that line.
    pub fn wait_for_log(&self, text: &str) -> String {
        self.process.wait_for_log(text)
    }

    /// Waits until so many log lines contain this text.
    pub fn wait_for_logs(&self, text: &str, times: usize) {
        self.process.wait_for_logs(text, times);
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Sends a signal by its name (`TERM`, `HUP`, `KILL`, …).
    pub fn signal(&self, name: &str) {
        self.process.signal(name);
    }

    /// SIGTERM; returns the exit code once it has ended.
    pub fn stop(&mut self) -> i32 {
        self.signal("TERM");
        self.wait()
    }

    /// Waits for its end and returns the exit code (-1: ended by a signal).
    pub fn wait(&mut self) -> i32 {
        self.process.wait()
    }

    /// Whether it has ended by itself, or by a signal.
    pub fn has_ended(&mut self) -> bool {
        self.process.has_ended()
    }

    /// SIGKILL, as the kernel does when memory is short.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Ends this one if it still runs and starts it again in the same directory, on a new port.
    pub fn restart(self) -> Self {
        self.restart_slowly().listening()
    }

    /// As [`Self::restart`], and does not wait until it listens.
    pub fn restart_slowly(mut self) -> Starting {
        self.kill();
        self.setup.begin()
    }

    /// Starts it once more, in the same directory, and kills it at this moment. Returns what it logged.
    pub fn start_and_kill(&self, moment: impl FnOnce()) -> String {
        let mut process = Process::start(&mut self.setup.command());
        moment();
        process.kill();
        process.log()
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
        let state = self.directory.path().join("state");
        self.state_in(&state)
    }

    /// Keeps a journal in this directory.
    pub fn state_in(self, state: &Path) -> Self {
        let file = self.directory.path().join("boathook.yaml");
        let config = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, format!("{config}state: {}\n", state.display())).unwrap();
        self
    }

    /// Starts the relay and waits until it listens; fails the test with its log if it ends before.
    pub fn start(self) -> Relay {
        self.begin().listening()
    }

    /// Starts the relay.
    pub fn begin(self) -> Starting {
        let process = Process::start(&mut self.command());
        Starting { setup: self, process }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .arg("serve")
            .arg("--config")
            .arg(self.directory.path().join("boathook.yaml"))
            .args(["--listen", "127.0.0.1:0"])
            .args(&self.arguments)
            .current_dir(self.directory.path());
        for (name, _) in std::env::vars() {
            if name.starts_with("BOATHOOK_") || name.starts_with("KUBERNETES_") {
                command.env_remove(name);
            }
        }
        // Relays run side by side, and one port is enough for one of them.
        command.env("BOATHOOK_ADMIN", "none");
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }
}

impl Starting {
    /// Waits until it listens; fails the test with its log if it ends before.
    pub fn listening(mut self) -> Relay {
        if let Some(line) = self.process.find_in_log(|line| listening(line).is_some()) {
            let address = listening(&line).unwrap_or_default();
            return Relay { setup: self.setup, process: self.process, address };
        }
        let code = self.process.wait();
        panic!("the relay did not start (exit code {code}); it logged:\n{}", self.process.log())
    }

    /// Waits until a log line contains this text and returns that line.
    pub fn wait_for_log(&self, text: &str) -> String {
        self.process.wait_for_log(text)
    }

    /// Waits for its end, and returns the exit code, everything it has logged, and what to start it with again.
    pub fn ends(mut self) -> (i32, String, Setup) {
        let code = self.process.wait();
        (code, self.process.log(), self.setup)
    }
}

/// The address in a line that says `listening on 127.0.0.1:PORT`.
fn listening(line: &str) -> Option<String> {
    let rest = line.split("listening on ").nth(1)?.trim_start_matches("http://");
    let address: String = rest.chars().take_while(|c| c.is_ascii_digit() || *c == '.' || *c == ':').collect();
    address.starts_with("127.0.0.1:").then(|| address.trim_end_matches(['.', ':']).to_owned())
}

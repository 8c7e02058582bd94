//! Runs a command of the real binary to its end: `check`, `url`, `send`, …

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::temp::TempDir;

/// A directory of its own to run commands in, and the binary.
pub struct Bench {
    binary: PathBuf,
    directory: TempDir,
    environment: Vec<(String, String)>,
}

/// How a command ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// -1: by a signal.
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Bench {
    /// An empty directory and this binary (`env!("CARGO_BIN_EXE_boathook")` in tests).
    pub fn new(binary: impl AsRef<Path>) -> Self {
        Self { binary: binary.as_ref().to_owned(), directory: TempDir::new(), environment: Vec::new() }
    }

    /// Where commands run.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Adds a file, with directories if its name has them.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.directory().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        self.directory.write(name, content)
    }

    /// Sets a variable for the commands that follow. Those named `BOATHOOK_…` and `KUBERNETES_…` are not inherited.
    pub fn environment(&mut self, name: &str, value: &str) {
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// Runs a command without input.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        self.run_with(arguments, b"")
    }

    /// Runs a command with these bytes on standard input.
    pub fn run_with(&self, arguments: &[&str], input: &[u8]) -> Ended {
        let mut command = Command::new(&self.binary);
        command.args(arguments).current_dir(self.directory());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        for (name, _) in std::env::vars() {
            if name.starts_with("BOATHOOK_") || name.starts_with("KUBERNETES_") || name == "RUST_LOG" {
                command.env_remove(name);
            }
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_vec();
        // A command that reads no input may end before it is written.
        let writing = std::thread::spawn(move || drop(stdin.write_all(&input)));
        let output = child.wait_with_output().unwrap();
        writing.join().unwrap();
        Ended {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ended {
    /// Fails the test, with what was printed, unless the exit code is this one.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Fails the test unless standard error has this text.
    #[track_caller]
    pub fn tells(&self, text: &str) -> &Self {
        assert!(self.stderr.contains(text), "no {text:?} in:\n{}", self.stderr);
        self
    }

    /// Standard output as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }
}

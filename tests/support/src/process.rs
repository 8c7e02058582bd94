//! A process that the tests started: its log, signals, its end.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// Nothing a test waits for takes this long on a working relay, however busy the machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A process and what it writes to standard error. It is killed when it goes out of scope.
pub struct Process {
    child: Child,
    log: Arc<Log>,
}

#[derive(Default)]
struct Log {
    lines: Mutex<(Vec<String>, bool)>,
    grown: Condvar,
}

impl Process {
    /// Starts it.
    pub fn start(command: &mut Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("starting {command:?}: {error}"));
        let log = Arc::new(Log::default());
        let stderr = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn({
            let log = Arc::clone(&log);
            move || log.collect(stderr)
        });
        Self { child, log }
    }

    /// Everything it has logged so far.
    pub fn log(&self) -> String {
        self.log.lines.lock().unwrap().0.join("\n")
    }

    /// The first log line that fits, now or later; none when the log ends or patience does.
    pub fn find_in_log(&self, fits: impl Fn(&str) -> bool) -> Option<String> {
        self.log.find(fits)
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

    /// Waits until a log line contains this text and returns that line.
    pub fn wait_for_log(&self, text: &str) -> String {
        self.find_in_log(|line| line.contains(text))
            .unwrap_or_else(|| panic!("the relay never logged {text:?}; it logged:\n{}", self.log()))
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by its name (`TERM`, `HUP`, `KILL`, …).
    pub fn signal(&self, name: &str) {
        let status = Command::new("sh")
            .args(["-c", "kill -s \"$0\" \"$1\"", name, &self.id().to_string()])
            .status()
            .unwrap();
        assert!(status.success(), "sending SIG{name} to the relay");
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

    /// Whether it has ended by itself, or by a signal.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// SIGKILL, as the kernel does when memory is short.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Log {
    fn collect(&self, mut stderr: impl BufRead) {
        let mut line = Vec::new();
        while stderr.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            self.lines.lock().unwrap().0.push(String::from_utf8_lossy(&line).trim_end().to_owned());
            self.grown.notify_all();
            line.clear();
        }
        self.lines.lock().unwrap().1 = true;
        self.grown.notify_all();
    }

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

//! What the kernel says of a process: CPU time and memory.

use std::fmt;
use std::time::Duration;

/// A process on this machine.
pub struct Process {
    pid: u32,
}

/// Resident memory, in KiB: all of it, and what is its own and not a file's.
#[derive(Clone, Copy)]
pub struct Memory {
    pub rss: u64,
    pub anonymous: u64,
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mib = |kib: u64| kib as f64 / 1024.0;
        write!(f, "RssAnon {:.2} MiB, VmRSS {:.2} MiB", mib(self.anonymous), mib(self.rss))
    }
}

impl Process {
    /// The process with this id.
    pub fn new(pid: u32) -> Self {
        Self { pid }
    }

    /// CPU time used so far by all threads that are alive, from the scheduler's own nanoseconds.
    pub fn cpu(&self) -> Duration {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.pid)).unwrap();
        let nanoseconds = tasks.filter_map(|task| {
            let text = std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
            text.split(' ').next()?.parse::<u64>().ok()
        });
        Duration::from_nanos(nanoseconds.sum())
    }

    /// Memory now.
    pub fn memory(&self) -> Memory {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid)).unwrap();
        let field = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name)).unwrap_or_default();
            line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).unwrap_or(0)
        };
        Memory { rss: field("VmRSS:"), anonymous: field("RssAnon:") }
    }

    /// Waits until the process has used next to no CPU for a while.
    pub fn wait_until_idle(&self) {
        for _ in 0..100 {
            let before = self.cpu();
            std::thread::sleep(Duration::from_millis(200));
            if self.cpu() < before + Duration::from_millis(1) {
                return;
            }
        }
    }
}

/// The machine that the figures come from.
pub fn machine() -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(": unknown");
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{} × {}, Linux {}", cores, model.trim_start_matches([' ', '\t', ':']), kernel.trim())
}

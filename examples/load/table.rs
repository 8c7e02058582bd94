//! What was measured beside its budget, as a Markdown table for the README.

use std::time::Duration;

use crate::process::Memory;

/// One scenario's figures.
pub struct Cost {
    pub cpu: Duration,
    pub p99: Duration,
    pub per_second: f64,
}

/// Everything that has a budget.
pub struct Measured {
    pub listening: Duration,
    pub idle: Memory,
    pub burst: Memory,
    pub after_burst: Memory,
    /// How much one connection that sends nothing takes, in KiB.
    pub connection: f64,
    pub accepted: Cost,
    pub without_api: Cost,
    pub refused: Cost,
    /// Of the file that was measured.
    pub binary: u64,
}

impl Measured {
    pub fn print(&self) {
        let mib = |kib: u64| format!("{:.2} MiB", kib as f64 / 1024.0);
        let cpu = |cost: &Cost| format!("{:.0} µs", cost.cpu.as_secs_f64() * 1e6);
        let p99 = |cost: &Cost| format!("{:.0} ms", cost.p99.as_secs_f64() * 1e3);
        let rate = |cost: &Cost| format!("({:.0} a second)", cost.per_second);
        let rows = [
            ("listening after its start", format!("{:.1} ms", self.listening.as_secs_f64() * 1e3), "20 ms"),
            (
                "idle: RssAnon, VmRSS",
                format!("{}, {}", mib(self.idle.anonymous), mib(self.idle.rss)),
                "1 MiB, 5 MiB",
            ),
            (
                "64 bodies of 1 MiB at once: VmRSS held, after",
                format!("{}, {}", mib(self.burst.rss), mib(self.after_burst.rss)),
                "after: 8 MiB",
            ),
            ("a connection that sends nothing", format!("{:.1} KiB", self.connection), "6 KiB"),
            (
                "an accepted 8 KB GitHub push: CPU, p99",
                format!("{}, {} {}", cpu(&self.accepted), p99(&self.accepted), rate(&self.accepted)),
                "60 µs",
            ),
            (
                "the same with the API server away: CPU, p99",
                format!("{}, {}", cpu(&self.without_api), p99(&self.without_api)),
                "as alive; 10 ms",
            ),
            (
                "a refused 8 KB push (wrong signature): CPU",
                format!("{} {}", cpu(&self.refused), rate(&self.refused)),
                "20 µs",
            ),
            ("the binary that was measured", mib(self.binary / 1024), "static and stripped: 5 MiB"),
        ];
        println!("\n| what | measured | budget |\n|---|---|---|");
        for (what, measured, budget) in rows {
            println!("| {what} | {measured} | {budget} |");
        }
    }
}

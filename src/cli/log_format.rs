//! Log lines: RFC 3339 time, level, text.

use std::io::Write;

use jiff::Timestamp;

/// Sends the log to standard error. `RUST_LOG` chooses what is logged; `info` is the default.
pub(super) fn start() {
    let environment = env_logger::Env::default().default_filter_or("info");
    let built = env_logger::Builder::from_env(environment)
        .format(|line, record| {
            writeln!(line, "{:.3} {:<5} {}", Timestamp::now(), record.level(), record.args())
        })
        .try_init();
    // A second start, in tests, leaves the first logger in place.
    let _ = built;
}

//! Log lines: RFC 3339 time, level, text. Whatever is logged is one line of printable characters.

use std::io::Write;

use jiff::Timestamp;

use crate::text::printable;

/// Sends the log to standard error. `RUST_LOG` chooses what is logged; `info` is the default.
pub(super) fn start() {
    let environment = env_logger::Env::default().default_filter_or("info");
    let built = env_logger::Builder::from_env(environment)
        .format(|line, record| {
            let text = printable(&record.args().to_string(), usize::MAX);
            writeln!(line, "{:.3} {:<5} {text}", Timestamp::now(), record.level())
        })
        .try_init();
    // A second start, in tests, leaves the first logger in place.
    let _ = built;
}

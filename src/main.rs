//! boathook's command line: arguments, logging, exit codes; nothing else.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use boathook::cli;

fn main() -> ExitCode {
    cli::run(std::env::args_os())
}

//! The command line: one file per command.

mod account;
mod args;
mod check;
mod control;
mod deliveries;
mod explain;
mod hold;
mod keygen;
mod log_format;
mod rbac;
mod redeliver;
mod send;
mod serve;
mod table;
mod url;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use argh::FromArgs;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// 0
    Done,
    /// 1
    Failed,
    /// 2: the command line or the configuration cannot be used.
    Usage,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Done => Self::SUCCESS,
            Exit::Failed => Self::FAILURE,
            Exit::Usage => Self::from(2),
        }
    }
}

/// Turns signed webhooks of code hosts and registries into Kubernetes changes.
#[derive(FromArgs)]
#[argh(
    usage = "COMMAND [options]",
    note = "A first key, a first look and a first run:\n\n  boathook keygen --out github.key\n  boathook check config.yaml\n  boathook serve --config config.yaml\n\n`boathook COMMAND --help` tells more.",
    error_code(0, "done"),
    error_code(1, "it failed"),
    error_code(2, "the command line or the configuration cannot be used")
)]
struct Arguments {
    /// print the version
    #[argh(switch)]
    version: bool,
    #[argh(subcommand)]
    command: Option<Command>,
}

#[derive(FromArgs)]
#[argh(subcommand)]
enum Command {
    Serve(serve::Serve),
    Check(check::Check),
    Url(url::Url),
    Keygen(keygen::Keygen),
    Rbac(rbac::Rbac),
    Send(send::Send),
    Explain(explain::Explain),
    Deliveries(deliveries::Deliveries),
    Redeliver(redeliver::Redeliver),
    Hold(hold::Hold),
}

/// Runs the command that the arguments name; the first argument is the program.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match args::normalize(arguments) {
        Ok(arguments) => arguments,
        Err(why) => return usage(&why),
    };
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let arguments = match Arguments::from_args(&["boathook"], &words) {
        Ok(arguments) => arguments,
        Err(exit) if exit.status.is_ok() => {
            print(&exit.output);
            return Exit::Done.into();
        }
        Err(exit) => return usage(&refusal(&words, exit.output.trim_end())),
    };
    if arguments.version {
        print(concat!("boathook ", env!("CARGO_PKG_VERSION"), "\n"));
        return Exit::Done.into();
    }
    let exit = match arguments.command {
        None => return usage("no command: try `boathook --help`"),
        Some(Command::Serve(serve)) => serve.run(),
        Some(Command::Check(check)) => check.run(),
        Some(Command::Url(url)) => url.run(),
        Some(Command::Keygen(keygen)) => keygen.run(),
        Some(Command::Rbac(rbac)) => rbac.run(),
        Some(Command::Send(send)) => send.run(),
        Some(Command::Explain(explain)) => explain.run(),
        Some(Command::Deliveries(deliveries)) => deliveries.run(),
        Some(Command::Redeliver(redeliver)) => redeliver.run(),
        Some(Command::Hold(hold)) => hold.run(),
    };
    exit.into()
}

/// What is wrong with the arguments, and where the right ones are told.
fn refusal(words: &[&str], why: &str) -> String {
    let commands: Vec<_> =
        <Command as argh::SubCommands>::COMMANDS.iter().map(|command| command.name).collect();
    match words.first() {
        Some(word) if commands.contains(word) => format!("{why}\nSee `boathook {word} --help`."),
        Some(word) if !word.starts_with('-') => {
            let hint = crate::config::fields::suggest(word, &commands);
            format!("\"{}\" is not a command{hint}", word.escape_debug())
        }
        _ => format!("{why}\nSee `boathook --help`."),
    }
}

fn usage(why: &str) -> ExitCode {
    complain(why);
    Exit::Usage.into()
}

/// Runs a future to its end on a runtime of one thread.
fn block_on<T>(future: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("the runtime cannot be started: {error}"))?;
    let ended = runtime.block_on(future);
    // Whatever is still blocked (a name look-up) must not hold the process.
    runtime.shutdown_background();
    ended
}

/// Our own types as JSON for programs, which always works.
fn pretty(value: &impl serde::Serialize) -> String {
    crate::text::escape_json(serde_json::to_string_pretty(value).unwrap_or_default()) + "\n"
}

/// Writes to standard output; a reader that has gone away is no failure of ours.
fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Writes a line to standard error.
fn complain(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

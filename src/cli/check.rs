//! `boathook check`: what a configuration says, and what is wrong with it, without any network.

use std::fmt::Write as _;
use std::path::PathBuf;

use argh::FromArgs;

use super::{Exit, complain, print};
use crate::config::{Config, Endpoint, Loaded, NotifyTarget, Overrides};
use crate::run::outcome::Outcome;

/// Check a configuration, without network, and show what it does.
#[derive(FromArgs)]
#[argh(
    subcommand,
    name = "check",
    usage = "FILE",
    note = "Every mistake is told at once, with its line, its field and the way out, and\nwhat is legal but unwise as a warning. Without mistakes the endpoints are\nprinted: how each is verified, its path (a secret for senders that sign\nnothing), and what its rules do; then who is told how runs end."
)]
pub(super) struct Check {
    /// the configuration file
    #[argh(positional)]
    file: PathBuf,
}

impl Check {
    pub(super) fn run(self) -> Exit {
        let loaded = Config::load(&self.file, &Overrides::default());
        match report(&loaded) {
            Some(config) => {
                print(&table(config));
                Exit::Done
            }
            None => Exit::Usage,
        }
    }
}

/// Prints what was found to standard error; returns the configuration if it can be used.
pub(super) fn report(loaded: &Loaded) -> Option<&Config> {
    for warning in &loaded.findings.warnings {
        complain(&format!("warning: {warning}"));
    }
    for mistake in &loaded.findings.mistakes {
        complain(&format!("error: {mistake}"));
    }
    let count = loaded.findings.mistakes.len();
    if count > 0 {
        complain(&format!("{count} mistake{}", if count == 1 { "" } else { "s" }));
    }
    loaded.config.as_ref()
}

/// The endpoints, one block each.
fn table(config: &Config) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(text, "Kubernetes API  {}", config.kubernetes);
    if config
        .endpoints
        .iter()
        .any(|e| e.rules.iter().any(|r| r.actions.iter().any(|a| a.name() == "fluxNotify")))
    {
        let _ = writeln!(text, "Flux API        {}", config.flux);
    }
    for (name, value) in config.limits.changed() {
        let _ = writeln!(text, "limit           {name} {value}");
    }
    for endpoint in &config.endpoints {
        let _ = write!(text, "\n{}", block(endpoint));
    }
    for target in config.notify.iter() {
        let _ = write!(text, "\n{}", told(target));
    }
    text
}

/// Who is told how runs end. The URL's path may be a credential, so it is not shown.
fn told(target: &NotifyTarget) -> String {
    let mut text = format!("notify {}\n  to        {} ({})\n", target.name, target.url, target.format.word());
    let on: Vec<_> = target.on.iter().copied().map(Outcome::word).collect();
    let _ = writeln!(text, "  on        {}", on.join(", "));
    if !target.endpoints.is_empty() {
        let _ = writeln!(text, "  of        {}", target.endpoints.join(", "));
    }
    let signed = if target.keys.is_empty() { "no" } else { "webhook-signature, Standard Webhooks" };
    let _ = writeln!(text, "  signed    {signed}");
    text
}

fn block(endpoint: &Endpoint) -> String {
    let mut text = format!("{}\n  source    {}\n", endpoint.name, endpoint.source.name);
    let _ = writeln!(text, "  verified  {}", endpoint.proof());
    for digest in &endpoint.digests {
        let _ = writeln!(text, "  path      {}", digest.expose_path());
    }
    if let Some(ranges) = &endpoint.allow_from {
        let ranges: Vec<_> = ranges.iter().map(ToString::to_string).collect();
        let _ = writeln!(text, "  from      {}", ranges.join(", "));
    }
    if let Some(limited) = &endpoint.rate {
        let _ = writeln!(text, "  rate      {}", limited.rate);
    }
    for rule in &endpoint.rules {
        let _ = writeln!(text, "  rule {:<4} when {}", rule.number, rule.when.describe());
        for action in rule.actions.iter() {
            let _ = writeln!(text, "            do   {}", action.describe());
        }
    }
    text
}

//! `boathook deliveries`: what became of them, and why.

use std::time::Duration;

use argh::FromArgs;
use reqwest::Method;

use super::control::{query, quoted, talk};
use super::table::Table;
use super::{Exit, account, complain, pretty, print};
use crate::event::Event;
use crate::run::account::Account;
use crate::server::control::{Deliveries as Answer, Listed};

/// List the last deliveries and what became of them, or show everything about one.
#[derive(FromArgs)]
#[argh(
    subcommand,
    name = "deliveries",
    usage = "[ID] [--limit N] [options]",
    example = "{command_name}\n{command_name} 72d3162e",
    note = "Asks the relay that runs, over the socket in its state directory, as the user\nthat it runs as. In a cluster:\n\n  kubectl exec deployment/boathook -c boathook -- boathook deliveries\n",
    note = "Only deliveries that led to runs are listed; the log tells of the others. The\nbeginning of an ID will do. Times are UTC."
)]
pub(super) struct Deliveries {
    /// a delivery's id, as the sender shows it, or its beginning
    #[argh(positional)]
    id: Option<String>,
    /// how many to list (default 20, at most 1000)
    #[argh(option)]
    limit: Option<usize>,
    /// print JSON
    #[argh(switch)]
    json: bool,
    /// the relay's state directory, or BOATHOOK_STATE
    #[argh(option)]
    state: Option<String>,
    /// the relay's configuration, which names it, or BOATHOOK_CONFIG
    #[argh(option)]
    config: Option<String>,
}

impl Deliveries {
    pub(super) fn run(self) -> Exit {
        let path = match (&self.id, self.limit) {
            (Some(_), Some(_)) => {
                complain("--limit is for the list, not for one delivery\nSee `boathook deliveries --help`.");
                return Exit::Usage;
            }
            (Some(id), None) => format!("/deliveries/{}", quoted(id)),
            (None, limit) => {
                format!("/deliveries{}", query("limit", limit.map(|limit| limit.to_string()).as_deref()))
            }
        };
        talk(self.state, self.config, async |relay| {
            let answer: Answer = relay.ask(Method::GET, &path, Duration::ZERO).await?;
            if self.json {
                print(&pretty(&answer));
            } else if self.id.is_some() {
                let each: Vec<_> = answer.deliveries.iter().map(account::whole).collect();
                print(&each.join("\n"));
            } else if answer.deliveries.is_empty() {
                complain("no delivery has led to a run yet");
            } else {
                print(&table(&answer.deliveries).to_string());
            }
            Ok(Exit::Done)
        })
    }
}

fn table(deliveries: &[Listed]) -> Table {
    let width = account::id_width(deliveries.iter().map(|listed| listed.account.id.as_str()));
    let mut table = Table::new(["RECEIVED", "ID", "ENDPOINT", "EVENT", "OUTCOME", "REASON"]);
    for Listed { status, account } in deliveries {
        let id: String = account.id.chars().take(width).collect();
        let received = account::time(account.received);
        let (events, reason) = (events(account), account.reason());
        table.row([&received, &id, &account.endpoint, &events, status, &reason]);
    }
    table
}

/// The first event, without a digest, and how many more there are.
fn events(account: &Account) -> String {
    let first = account.events.first().cloned().map(|mut event| {
        match &mut event {
            Event::Image(image) => image.digest = None,
            Event::Deploy(deploy) if !deploy.tag.is_empty() => deploy.digest = None,
            _ => {}
        }
        account::event(&event)
    });
    match account.events.len() {
        0 | 1 => first.unwrap_or_default(),
        several => format!("{} and {} more", first.unwrap_or_default(), several - 1),
    }
}

#[cfg(test)]
mod tests;

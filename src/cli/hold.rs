//! `boathook hold`: versions that failed on a workload, and are not applied to it again.

use std::time::Duration;

use argh::FromArgs;
use reqwest::Method;

use super::control::{query, quoted, talk};
use super::table::Table;
use super::{Exit, account, complain, pretty, print};
use crate::kubernetes::Workload;
use crate::server::control::{Held, Holds};

/// How much of a digest is shown, in hex digits.
const DIGEST: usize = 12;

/// List or lift the versions that are held for a workload since they failed there.
#[derive(FromArgs)]
#[argh(
    subcommand,
    name = "hold",
    usage = "list | lift NAMESPACE/TYPE/NAME [options]",
    note = "A version that was rolled back (`onFailure: rollback`) is held: neither a\nredelivery nor a new delivery applies it to that workload, until another\nversion comes or it is lifted. Lifting changes nothing by itself: `boathook\nredeliver ID` applies it.\n",
    note = "Asks the relay that runs, over the socket in its state directory, as the user\nthat it runs as. In a cluster:\n\n  kubectl exec deployment/boathook -c boathook -- boathook hold list"
)]
pub(super) struct Hold {
    #[argh(subcommand)]
    what: What,
}

#[derive(FromArgs)]
#[argh(subcommand)]
enum What {
    List(List),
    Lift(Lift),
}

/// List what is held.
#[derive(FromArgs)]
#[argh(subcommand, name = "list", usage = "[options]")]
struct List {
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

/// Lift what is held for a workload: all of it, or one version.
#[derive(FromArgs)]
#[argh(
    subcommand,
    name = "lift",
    usage = "NAMESPACE/TYPE/NAME [--version VERSION] [options]",
    example = "{command_name} default/deployment/web"
)]
struct Lift {
    /// the workload: default/deployment/web
    #[argh(positional)]
    workload: String,
    /// only this version: its tag, its digest, or its delivery where only that is held
    #[argh(option)]
    version: Option<String>,
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

impl Hold {
    pub(super) fn run(self) -> Exit {
        match self.what {
            What::List(list) => list.run(),
            What::Lift(lift) => lift.run(),
        }
    }
}

impl List {
    fn run(self) -> Exit {
        talk(self.state, self.config, async |relay| {
            let holds: Holds = relay.ask(Method::GET, "/holds", Duration::ZERO).await?;
            if self.json {
                print(&pretty(&holds));
            } else if holds.holds.is_empty() {
                complain("nothing is held");
            } else {
                print(&table(&holds.holds).to_string());
            }
            Ok(Exit::Done)
        })
    }
}

impl Lift {
    fn run(self) -> Exit {
        let workload = match Workload::parse(&self.workload) {
            Ok(workload) => workload.full_name(),
            Err(why) => {
                complain(&format!(
                    "{}: must be NAMESPACE/TYPE/NAME, such as default/deployment/web: {why}",
                    self.workload.escape_debug()
                ));
                return Exit::Usage;
            }
        };
        let parts: Vec<_> = workload.split('/').map(quoted).collect();
        let path = format!("/holds/{}{}", parts.join("/"), query("version", self.version.as_deref()));
        talk(self.state, self.config, async |relay| {
            let lifted: Holds = relay.ask(Method::DELETE, &path, Duration::ZERO).await?;
            print(&if self.json { pretty(&lifted) } else { told(&lifted.holds) });
            Ok(Exit::Done)
        })
    }
}

fn table(holds: &[Held]) -> Table {
    let mut table = Table::new(["WORKLOAD", "VERSION", "SINCE", "DELIVERY", "REASON"]);
    let width = account::id_width(holds.iter().map(|held| held.delivery.as_str()));
    for held in holds {
        let delivery: String = held.delivery.chars().take(width).collect();
        table.row([&held.workload, &version(held), &account::time(held.since), &delivery, &held.reason]);
    }
    table
}

/// The version, with only the beginning of its digest.
fn version(held: &Held) -> String {
    match held.version.split_once("@sha256:") {
        Some((image, digest)) => format!("{image}@sha256:{}…", digest.get(..DIGEST).unwrap_or(digest)),
        None => held.version.clone(),
    }
}

fn told(lifted: &[Held]) -> String {
    let line = |held: &Held| {
        let line = format!("{} is held for {} no longer", held.version, held.workload);
        crate::text::printable(&line, 1000) + "\n"
    };
    lifted.iter().map(line).collect()
}

//! `boathook redeliver`: a delivery once more.

use std::time::{Duration, Instant};

use argh::FromArgs;
use reqwest::Method;
use serde::Deserialize;

use super::account::LONGEST;
use super::control::{Relay, query, quoted, talk};
use super::{Exit, account, complain, pretty, print};
use crate::config::fields::parse_duration;
use crate::run::outcome::Outcome;
use crate::server::control::{Deliveries, Listed};
use crate::text::printable;

/// The longest wait that the relay grants to one request.
const ONE_WAIT: Duration = Duration::from_secs(300);

/// How often it is asked after that.
const POLL: Duration = Duration::from_secs(1);

/// Carry out an ended delivery again, whatever became of it.
#[derive(FromArgs)]
#[argh(
    subcommand,
    name = "redeliver",
    usage = "ID [--wait DURATION] [options]",
    example = "{command_name} 72d3162e --wait 10m",
    note = "What the sender said is taken to the rules of the configuration as it is now.\nA version that is held is not applied: `boathook hold lift` lets it through.\n",
    note = "Asks the relay that runs, over the socket in its state directory, as the user\nthat it runs as. In a cluster:\n\n  kubectl exec deployment/boathook -c boathook -- boathook redeliver ID\n",
    note = "With --wait the exit code is 0 only if everything ended well in that time."
)]
pub(super) struct Redeliver {
    /// the delivery's id, or its beginning
    #[argh(positional)]
    id: String,
    /// the endpoint that it came to, where several had one of this id
    #[argh(option)]
    endpoint: Option<String>,
    /// wait for the end, at most so long: 30s, 10m
    #[argh(option)]
    wait: Option<String>,
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

/// The answer, as far as it is needed: the rest is told by the delivery's account.
#[derive(Deserialize)]
struct Accepted {
    delivery: String,
    reason: Option<String>,
    runs: Vec<AcceptedRun>,
}

#[derive(Deserialize)]
struct AcceptedRun {
    id: String,
}

impl Redeliver {
    pub(super) fn run(self) -> Exit {
        let wait = match &self.wait {
            None => Some(Duration::ZERO),
            Some(text) => parse_duration(text),
        };
        let Some(wait) = wait else {
            let wait = self.wait.unwrap_or_default();
            complain(&format!("--wait {}: must be a duration such as 30s or 10m", wait.escape_debug()));
            return Exit::Usage;
        };
        let path = format!(
            "/deliveries/{}/redeliver{}",
            quoted(&self.id),
            query("endpoint", self.endpoint.as_deref())
        );
        talk(self.state, self.config, async |relay| {
            let until = Instant::now() + wait;
            let accepted: Accepted = relay.ask(Method::POST, &path, whole_seconds(wait)).await?;
            let listed = ended(relay, &accepted, until).await?;
            if let Some(note) = accepted.reason.filter(|_| listed.account.ended.is_none()) {
                complain(&printable(&note, LONGEST));
            }
            print(&if self.json { pretty(&listed) } else { account::whole(&listed) });
            Ok(exit(&listed, wait))
        })
    }
}

/// What a request asks to wait: its unit is the second.
fn whole_seconds(wait: Duration) -> Duration {
    let more = u64::from(wait.subsec_nanos() > 0);
    Duration::from_secs(wait.as_secs() + more).min(ONE_WAIT)
}

/// What has become of what was accepted, at its end or when time is up.
async fn ended(relay: &Relay, accepted: &Accepted, until: Instant) -> Result<Listed, String> {
    let id = &accepted.delivery;
    let run = accepted.runs.first().map(|run| run.id.as_str());
    loop {
        let found: Deliveries =
            relay.ask(Method::GET, &format!("/deliveries/{}", quoted(id)), Duration::ZERO).await?;
        let own = |listed: &Listed| listed.account.runs.iter().any(|other| Some(other.id.as_str()) == run);
        let listed = found.deliveries.into_iter().find(own).ok_or_else(|| {
            format!("delivery {id} was accepted again, but has made room for newer ones since")
        })?;
        if listed.account.ended.is_some() || Instant::now() >= until {
            return Ok(listed);
        }
        tokio::time::sleep(POLL).await;
    }
}

fn exit(listed: &Listed, wait: Duration) -> Exit {
    if wait.is_zero() {
        return Exit::Done;
    }
    if listed.account.ended.is_none() {
        let id = &listed.account.id;
        complain(&format!("still under way: `boathook deliveries {id}` shows how far it has come"));
        return Exit::Failed;
    }
    match listed.account.outcome() {
        Some(Outcome::Held | Outcome::Superseded) | None => Exit::Failed,
        Some(outcome) if outcome.is_good() => Exit::Done,
        Some(_) => Exit::Failed,
    }
}

//! Doing again: an ended delivery, whatever became of it, by the rules of now.

use std::sync::Arc;

use jiff::Timestamp;

use super::page::Asked;
use super::{deliveries, holds};
use crate::run::account::Account;
use crate::run::engine::{Accepted, Engine, Refused};
use crate::run::plan::{self, Arrival};
use crate::run::record::Run;
use crate::run::sameness::{Keys, Seen};
use crate::server::App;
use crate::server::answer::{Answer, Problem};
use crate::server::waiting::{self, Known, Wish};
use crate::source::{Decoded, Identity};

pub(super) async fn redeliver(app: &Arc<App>, id: &str, asked: &Asked) -> Result<Answer, Problem> {
    let engine = Arc::clone(&app.engine);
    let (seen, account) = meant(&engine, id, asked.parameter("endpoint")).await?;
    if account.ended.is_none() {
        return Err(under_way(&account.id));
    }
    let id = account.id.clone();
    let (keys, runs) = planned(app, seen, account)?;
    let note = holds::in_the_way(&engine.holds(), &runs);
    // On a task of its own: a caller that hangs up cancels nothing.
    let accepting = tokio::spawn(async move { engine.accept(keys, runs, false).await });
    let accepted = accepting.await.map_err(|error| {
        log::error!("accepting a redelivery failed: {error}");
        Problem::JournalFailed
    })?;
    match accepted {
        Ok(Accepted::New(seen)) => {
            Ok(waiting::answer(&app.engine, seen, Wish { wait: asked.wait, known: Known::New, note }).await)
        }
        Ok(Accepted::Duplicate(_)) => Err(under_way(&id)),
        Err(Refused::Full) => Err(Problem::TooMuchPending),
        Err(Refused::Closing) => Err(Problem::Closing),
        Err(Refused::Journal(error)) => {
            log::error!("{error}");
            Err(error.into())
        }
    }
}

/// The last of the deliveries of an id, if it is clear which endpoint's is meant.
async fn meant(engine: &Engine, id: &str, endpoint: Option<&str>) -> Result<(Seen, Account), Problem> {
    let found = deliveries::find(engine, id, endpoint).await?;
    let mut names: Vec<_> = found.iter().map(|(_, account)| account.endpoint.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    if names.len() > 1 {
        return Err(Problem::conflict(format!(
            "several endpoints had a delivery of this id: say --endpoint {}",
            names.join(" or --endpoint ")
        )));
    }
    found.into_iter().next().ok_or(Problem::NotFound)
}

/// The runs that a delivery leads to now, and what it is known by: what it was known by the first time.
fn planned(app: &App, seen: Seen, account: Account) -> Result<(Keys, Vec<Arc<Run>>), Problem> {
    let config = app.config();
    let endpoint = config.endpoint(&account.endpoint).ok_or_else(|| {
        Problem::conflict(format!(
            "the configuration has no endpoint {} any more, whose rules would say what delivery {} leads to",
            account.endpoint, account.id
        ))
    })?;
    let identity = Identity::Id(account.id.clone());
    let keys = app.engine.keys(seen).unwrap_or_else(|| Keys::new(&endpoint.name, &identity, b"", true));
    let decoded = Decoded { events: account.events, identity, actor: account.actor };
    // It came from no address this time.
    let arrival = Arrival { received: Timestamp::now(), from: None, mark: keys.mark() };
    let planned = plan::plan(&config, endpoint, &decoded, arrival, || app.engine.next_id());
    if planned.runs.is_empty() {
        return Err(Problem::conflict(format!(
            "no rule of the endpoint {} matches delivery {} any more: {}",
            endpoint.name, account.id, planned.reason
        )));
    }
    Ok((keys.again(), planned.runs))
}

fn under_way(id: &str) -> Problem {
    Problem::conflict(format!(
        "delivery {id} is under way: `boathook deliveries {id}` shows how far it has come, and once it has ended it can \
         be done again"
    ))
}

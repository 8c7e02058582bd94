//! Doing again: an ended delivery, whatever became of it, by the rules of now.

use std::sync::Arc;

use jiff::Timestamp;

use super::page::Asked;
use super::{deliveries, holds};
use crate::event::Event;
use crate::run::account::Account;
use crate::run::engine::{Accepted, Engine, Refused};
use crate::run::holds::{Hold, Version};
use crate::run::plan;
use crate::run::sameness::Keys;
use crate::server::App;
use crate::server::answer::{Answer, Problem};
use crate::server::waiting::{self, Wish};
use crate::source::{Decoded, Identity};

pub(super) async fn redeliver(app: &Arc<App>, id: &str, asked: &Asked) -> Result<Answer, Problem> {
    let account = meant(&app.engine, id, asked.parameter("endpoint")).await?;
    let (id, engine) = (account.id.clone(), Arc::clone(&app.engine));
    let under_way = || {
        Problem::conflict(format!(
            "delivery {id} is under way: `boathook deliveries {id}` shows how far it has come, and once it has ended \
             it can be done again"
        ))
    };
    if account.ended.is_none() {
        return Err(under_way());
    }
    let config = app.config();
    let endpoint = config.endpoint(&account.endpoint).ok_or_else(|| {
        Problem::conflict(format!(
            "the configuration has no endpoint {} any more, whose rules would say what delivery {id} leads to",
            account.endpoint
        ))
    })?;
    let identity = Identity::Id(id.clone());
    // While it is under way its like are the same; what has ended, however well, is not.
    let keys = Keys::new(&endpoint.name, &identity, b"", false);
    let decoded = Decoded { events: account.events, identity, actor: account.actor };
    let planned = plan::plan(endpoint, &decoded, config.waits, Timestamp::now(), || engine.next_id());
    if planned.runs.is_empty() {
        return Err(Problem::conflict(format!(
            "no rule of the endpoint {} matches delivery {id} any more: {}",
            endpoint.name, planned.reason
        )));
    }
    let note = holds::hint(&in_the_way(engine.holds(), &decoded.events, &id));
    // On a task of its own: a caller that hangs up cancels nothing.
    let accepting =
        tokio::spawn(async move { engine.accept(keys, planned.delivery, planned.runs, false).await });
    let accepted = accepting.await.map_err(|error| {
        log::error!("accepting a redelivery failed: {error}");
        Problem::JournalFailed
    })?;
    match accepted {
        Ok(Accepted::New(seen)) => {
            Ok(waiting::answer(&app.engine, seen, Wish { wait: asked.wait, duplicate: false, note }).await)
        }
        Ok(Accepted::Duplicate(_)) => Err(under_way()),
        Err(Refused::Full) => Err(Problem::TooMuchPending),
        Err(Refused::Closing) => Err(Problem::Closing),
        Err(Refused::Journal(error)) => {
            log::error!("{error}");
            Err(error.into())
        }
    }
}

/// The last of the deliveries of an id, if it is clear which endpoint's is meant.
async fn meant(engine: &Engine, id: &str, endpoint: Option<&str>) -> Result<Account, Problem> {
    let found = deliveries::find(engine, id, endpoint).await?;
    let mut names: Vec<_> = found.iter().map(|account| account.endpoint.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    if names.len() > 1 {
        return Err(Problem::conflict(format!(
            "several endpoints had a delivery of this id: say --endpoint {}",
            names.join(" or ")
        )));
    }
    found.into_iter().next().ok_or(Problem::NotFound)
}

/// The holds that a delivery with these events would meet, on whatever workload.
fn in_the_way(holds: Vec<(u64, Hold)>, events: &[Event], delivery: &str) -> Vec<Hold> {
    let meets = |hold: &Hold| {
        events.iter().any(|event| {
            let (repository, tags, digest) = match event {
                Event::Image(image) => (&image.repository, image.tags.as_slice(), image.digest.as_ref()),
                Event::Deploy(deploy) => {
                    (&deploy.image, std::slice::from_ref(&deploy.tag), deploy.digest.as_ref())
                }
                Event::Git(_) | Event::Pipeline(_) | Event::Ping | Event::Ignored { .. } => return false,
            };
            *repository == hold.repository
                && match &hold.version {
                    Version::Digest(held) => digest == Some(held),
                    Version::Tag(held) => tags.contains(held),
                    Version::Delivery(held) => held == delivery,
                }
        })
    };
    holds.into_iter().map(|(_, hold)| hold).filter(meets).collect()
}

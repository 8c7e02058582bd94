//! Looking: what became of deliveries, and why.

use hyper::StatusCode;
use serde::{Deserialize, Serialize};

use super::page::Asked;
use crate::run::account::Account;
use crate::run::engine::Engine;
use crate::run::sameness::Seen;
use crate::server::answer::{Answer, Problem};
use crate::text::printable;

/// How many deliveries are listed when nobody says.
const USUAL: usize = 20;

/// How many are listed at most.
const MOST: usize = 1000;

/// How many of those that an ambiguous beginning may mean are named.
const NAMED: usize = 10;

/// A delivery as it is answered.
#[derive(Debug, Serialize, Deserialize)]
pub struct Listed {
    /// `pending`, or the outcome of the whole.
    pub status: String,
    /// What is kept of it.
    #[serde(flatten)]
    pub account: Account,
}

/// An answer about deliveries.
#[derive(Debug, Serialize, Deserialize)]
pub struct Deliveries {
    /// Newest first.
    pub deliveries: Vec<Listed>,
}

pub(super) async fn newest(engine: &Engine, asked: &Asked) -> Result<Answer, Problem> {
    let limit = match asked.parameter("limit") {
        None => USUAL,
        Some(text) => {
            text.parse::<usize>().ok().filter(|limit| (1..=MOST).contains(limit)).ok_or_else(|| {
                Problem::Malformed(format!(
                    "limit={}: must be a number from 1 to {MOST}",
                    printable(text, 40)
                ))
            })?
        }
    };
    Ok(list(engine.deliveries(limit).await?))
}

pub(super) async fn one(engine: &Engine, id: &str, asked: &Asked) -> Result<Answer, Problem> {
    let found = find(engine, id, asked.parameter("endpoint")).await?;
    Ok(list(found.into_iter().map(|(_, account)| account).collect()))
}

/// The deliveries of an id, newest first: the same one may have come again, and two endpoints' senders may use
/// the same. The beginning of an id will do if there is only one that begins so.
pub(super) async fn find(
    engine: &Engine,
    id: &str,
    endpoint: Option<&str>,
) -> Result<Vec<(Seen, Account)>, Problem> {
    let mut found = engine.delivery(id).await?;
    found.retain(|(_, account)| endpoint.is_none_or(|endpoint| account.endpoint == endpoint));
    let mut ids: Vec<_> = found.iter().map(|(_, account)| account.id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    match ids.as_slice() {
        [_] => Ok(found),
        [] => Err(Problem::unknown(format!(
            "no delivery {}{} is known: `boathook deliveries` lists those that are. Only what led to runs is kept, \
             and the oldest make room for new ones",
            printable(id, 128),
            endpoint.map(|name| format!(" at {}", printable(name, 63))).unwrap_or_default()
        ))),
        several => Err(Problem::conflict(format!(
            "{} deliveries begin with {}: {}{}",
            several.len(),
            printable(id, 128),
            several.iter().take(NAMED).copied().collect::<Vec<_>>().join(", "),
            if several.len() > NAMED { ", …" } else { "" }
        ))),
    }
}

fn list(accounts: Vec<Account>) -> Answer {
    let listed = |account: Account| Listed { status: status(&account).to_owned(), account };
    let deliveries = accounts.into_iter().map(listed).collect();
    Answer::json(StatusCode::OK, &Deliveries { deliveries })
}

/// The word for what became of the whole.
fn status(account: &Account) -> &'static str {
    match account.ended {
        None => "pending",
        Some(_) => account.outcome().map_or("ended", |outcome| outcome.word()),
    }
}

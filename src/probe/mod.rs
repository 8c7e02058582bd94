//! Looks from outside whether something works: an HTTP request, again and again, until it was answered well several
//! times in a row. Nothing here knows of runs.
//!
//! What an event names has a part in a URL only where the configuration lets it, and no probe reaches the relay's own
//! machine unless its URL says so: see [`UrlTemplate`] and the addresses that are refused.

mod address;
mod passes;
mod prober;
mod read;
mod url;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use self::passes::passes;
pub use self::url::UrlTemplate;
use crate::rule::{Template, Values};

/// What is asked, and what is a good answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Probe {
    /// Where.
    pub url: UrlTemplate,
    /// The URL names this machine, or another local address, and means it.
    allow_local: bool,
    /// The statuses that are good; redirects are not followed.
    expect: Vec<u16>,
    /// What the beginning of the body must have in it.
    contains: Option<Template>,
    /// How long there may be too few good answers.
    within: Duration,
    /// From one try to the next.
    every: Duration,
    /// How long an answer may take, from connecting to the end of what is read of it.
    max_latency: Duration,
    /// How many good answers in a row are enough.
    consecutive: u32,
}

impl Probe {
    /// What it does, in one line for `check`.
    pub fn describe(&self) -> String {
        let Self { url, consecutive, .. } = self;
        let [within, every] = [self.within, self.every].map(duration);
        format!("{url} every {every} until it is well {consecutive} times in a row, within {within}")
    }

    /// Where it goes for an event, as it is shown to people: without the query, which may hold a secret.
    pub fn shown_url(&self, values: &Values) -> Result<String, String> {
        Ok(shown(&self.rendered_url(values)?))
    }

    fn rendered_url(&self, values: &Values) -> Result<reqwest::Url, String> {
        self.url.render(values).map_err(|why| format!("the URL {} {why}", self.url))
    }
}

/// For a person: `1m 30s`.
fn duration(duration: Duration) -> String {
    format!("{:#}", jiff::SignedDuration::try_from(duration).unwrap_or(jiff::SignedDuration::MAX))
}

/// A URL without its query.
fn shown(url: &reqwest::Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.into()
}

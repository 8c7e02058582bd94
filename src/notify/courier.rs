//! Sends one notice to one target.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use reqwest::{RequestBuilder, Response};

use super::Notice;
use crate::config::NotifyTarget;
use crate::outside;
use crate::source::standard_webhooks::{ID, SIGNATURE, TIMESTAMP, sign};
use crate::text::shorten;

/// How long one try may take.
const TRY: Duration = Duration::from_secs(10);

/// The longest pause that a target may ask for.
const LONGEST_AFTER: Duration = Duration::from_secs(3600);

/// How much of an answer is read, for the log, in bytes.
const READ: usize = 512;

/// Why a notice was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    /// Whose fault it is.
    pub(super) fault: Fault,
    /// `Retry-After`.
    pub(super) after: Option<Duration>,
    /// For a person; without the URL.
    pub(super) why: String,
}

/// Whose fault a failure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The target cannot be reached or is busy: nothing else would be taken either.
    Away,
    /// The target failed on this one: the next may be taken.
    Broken,
    /// The target does not want this one.
    Refused,
}

/// What sends. The client is made when there is first something to tell.
#[derive(Debug, Default)]
pub(super) struct Courier {
    http: Mutex<Option<reqwest::Client>>,
}

impl Courier {
    /// Sends a notice. Anything but a 2xx is a failure; redirects are not followed.
    pub(super) async fn send(&self, target: &NotifyTarget, notice: &Notice) -> Result<(), Failure> {
        let away = |why| Failure { fault: Fault::Away, after: None, why };
        let request = request(&self.http().map_err(away)?, target, notice, Timestamp::now());
        let response = request.send().await.map_err(|error| away(outside::told(error)))?;
        if response.status().is_success() {
            return Ok(());
        }
        let (status, after) = (response.status().as_u16(), retry_after(&response));
        let mut why = format!("the answer is {status}");
        if response.status().is_redirection() {
            why.push_str(", and redirects are not followed");
        }
        let said = beginning(response).await;
        if !said.is_empty() {
            why = format!("{why}: {said}");
        }
        Err(Failure { fault: fault(status), after, why })
    }

    fn http(&self) -> Result<reqwest::Client, String> {
        let mut kept = self.http.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(http) = &*kept {
            return Ok(http.clone());
        }
        let http = outside::client(TRY)?;
        Ok(kept.insert(http).clone())
    }
}

/// The id is the notice's however often it is sent; the time, which is signed, is that of the try.
fn request(http: &reqwest::Client, target: &NotifyTarget, notice: &Notice, now: Timestamp) -> RequestBuilder {
    let body = target.format.body(notice);
    let timestamp = now.as_second().to_string();
    let signatures: Vec<_> =
        target.keys.iter().filter_map(|key| sign(key, &notice.run, &timestamp, &body)).collect();
    let mut request = http
        .post(target.url.expose().clone())
        .header(CONTENT_TYPE, target.format.content_type())
        .header(USER_AGENT, concat!("boathook/", env!("CARGO_PKG_VERSION")))
        .header(ID, &notice.run)
        .header(TIMESTAMP, timestamp);
    if !signatures.is_empty() {
        request = request.header(SIGNATURE, signatures.join(" "));
    }
    request.body(body)
}

fn fault(status: u16) -> Fault {
    match status {
        408 | 425 | 429 | 503 => Fault::Away,
        500..=599 => Fault::Broken,
        _ => Fault::Refused,
    }
}

/// In seconds, or as a date.
fn retry_after(response: &Response) -> Option<Duration> {
    let text = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim();
    let in_seconds = text.parse().ok().map(Duration::from_secs);
    let until = || {
        let date = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
        date.duration_since(Timestamp::now()).try_into().ok()
    };
    let asked: Duration = in_seconds.or_else(until)?;
    Some(asked.min(LONGEST_AFTER))
}

/// What the answer begins with; the rest is not waited for.
async fn beginning(mut response: Response) -> String {
    let mut read = Vec::new();
    while read.len() < READ {
        match response.chunk().await {
            Ok(Some(chunk)) => read.extend_from_slice(chunk.get(..READ).unwrap_or(&chunk)),
            Ok(None) | Err(_) => break,
        }
    }
    shorten(String::from_utf8_lossy(&read).trim())
}

#[cfg(test)]
mod tests;

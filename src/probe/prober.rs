//! Makes one try. The name is looked up once, and the connection goes to an address that was looked at: a second
//! answer of DNS changes nothing.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::USER_AGENT;

use super::address::refused;
use super::{Probe, duration, url};
use crate::kubernetes::dns::Localhost;
use crate::outside;
use crate::rule::Values;
use crate::text::printable;

/// How much of a body is read, in bytes: what is looked for must be in there.
const READ: usize = 64 * 1024;

/// How much of what is looked for is shown, in characters.
const SHOWN: usize = 80;

/// Makes tries: each connects anew, as a new client of the service would.
pub(super) struct Prober<'a> {
    probe: &'a Probe,
    client: reqwest::Client,
    pub(super) url: Url,
    contains: Option<String>,
}

/// A good answer.
pub(super) struct Good {
    pub(super) status: u16,
    pub(super) latency: Duration,
}

impl<'a> Prober<'a> {
    /// Fails if an event's values cannot stand in the URL.
    pub(super) fn new(probe: &'a Probe, values: &Values) -> Result<Self, String> {
        let url = probe.rendered_url(values)?;
        let contains = probe.contains.as_ref().map(|text| text.render(values)).transpose()?;
        if let Some(what) = url.host_str().and_then(url::address_of).and_then(refused)
            && !probe.allow_local
        {
            return Err(format!("{} is {what}, where no probe goes", url.host_str().unwrap_or_default()));
        }
        let client = outside::builder(probe.max_latency)?
            .connect_timeout(probe.max_latency)
            .pool_max_idle_per_host(0)
            .dns_resolver(Arc::new(Filtered { local: probe.allow_local }))
            .build()
            .map_err(outside::told)?;
        Ok(Self { probe, client, url, contains })
    }

    /// One try; why its answer is not good, if it is not: `answered 503, where 200 is expected`.
    pub(super) async fn attempt(&self) -> Result<Good, String> {
        let begun = Instant::now();
        let request = self
            .client
            .get(self.url.clone())
            .header(USER_AGENT, concat!("boathook/", env!("CARGO_PKG_VERSION")));
        let mut response = request.send().await.map_err(|error| self.told(error))?;
        let status = response.status().as_u16();
        if !self.probe.expect.contains(&status) {
            let mut why = format!("answered {status}, where {} is expected", statuses(&self.probe.expect));
            if response.status().is_redirection() {
                why.push_str("; redirects are not followed");
            }
            return Err(why);
        }
        if let Some(text) = &self.contains {
            self.find(text, &mut response).await.map_err(|why| format!("answered {status}, but {why}"))?;
        }
        Ok(Good { status, latency: begun.elapsed() })
    }

    /// Reads as much of the body as it takes to find the text.
    async fn find(&self, text: &str, response: &mut reqwest::Response) -> Result<(), String> {
        let mut body = Vec::new();
        loop {
            let is_there = body.windows(text.len()).any(|part| part == text.as_bytes());
            if is_there {
                return Ok(());
            }
            let shown = printable(text, SHOWN);
            if body.len() >= READ {
                return Err(format!("the first {} KiB of its body lack \"{shown}\"", READ / 1024));
            }
            match response.chunk().await.map_err(|error| self.told(error))? {
                Some(chunk) => {
                    let room = READ - body.len();
                    body.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
                }
                None => return Err(format!("its body lacks \"{shown}\"")),
            }
        }
    }

    fn told(&self, error: reqwest::Error) -> String {
        if error.is_timeout() {
            return format!("no answer within {}", duration(self.probe.max_latency));
        }
        outside::told(error)
    }
}

/// `200`, or `200 or 204`.
fn statuses(expected: &[u16]) -> String {
    expected.iter().map(u16::to_string).collect::<Vec<_>>().join(" or ")
}

/// Looks names up and lets only those addresses through that may be connected to.
struct Filtered {
    /// The name itself is one of this machine's.
    local: bool,
}

impl Resolve for Filtered {
    fn resolve(&self, name: Name) -> Resolving {
        let (local, shown) = (self.local, name.as_str().to_owned());
        let found = Localhost.resolve(name);
        Box::pin(async move {
            let found: Vec<SocketAddr> = found.await?.collect();
            let what = found.iter().find_map(|address| refused(address.ip()));
            let allowed: Vec<_> =
                found.into_iter().filter(|address| local || refused(address.ip()).is_none()).collect();
            match what {
                Some(what) if allowed.is_empty() => {
                    Err(format!("{shown} is at {what}, where no probe goes").into())
                }
                _ => Ok(Box::new(allowed.into_iter()) as Addrs),
            }
        })
    }
}

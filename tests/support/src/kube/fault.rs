//! What goes wrong on purpose.

use super::super::serve::{Answer, Request};
use super::chaos::Chaos;
use super::route::Target;
use super::status::Failure;
use super::world::Recorded;
use std::time::Duration;

/// One way to fail. To refuse connections, stop the double ([`super::Double::stop`]).
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// A Status with this code (500, 503, …).
    Status(u16),
    /// 429 with this many seconds in Retry-After.
    TooManyRequests(u64),
    /// 409 as after a change by somebody else. Reads are not touched.
    Conflict,
    /// No answer until the faults are cleared; then the request is served. Plan it without a number of times.
    Hang,
    /// The request waits so long; then it is served.
    Slow(Duration),
    /// The connection is closed without an answer, and nothing was done.
    Close,
    /// The change is made, and the connection is closed without an answer.
    LoseAnswer,
    /// The change is made, and the connection is closed in the middle of the answer.
    CloseMidResponse,
    /// kubectl proxy's plain-text 500 while the API server is not reachable.
    ProxyUpstreamDown,
    /// kubectl proxy's plain-text 403.
    ProxyForbidden,
}

#[derive(Clone, Debug)]
struct Planned {
    fault: Fault,
    method: String,
    path_part: String,
    left: Option<usize>,
}

/// The faults that are planned, in order; the first that fits a request is taken.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    planned: Vec<Planned>,
    /// Failures at random, for what no planned fault hits.
    pub chaos: Option<Chaos>,
    /// What every request meets while the API server is away.
    pub away: Option<Fault>,
    cleared: u64,
    taken: usize,
}

impl Faults {
    /// Plans one: for requests of this method (empty: any) whose path and query contain this part, so many times
    /// (none: until cleared). A review meets it only if the part names reviews.
    pub fn plan(&mut self, fault: Fault, method: &str, path_part: &str, times: Option<usize>) {
        self.planned.push(Planned {
            fault,
            method: method.to_owned(),
            path_part: path_part.to_owned(),
            left: times,
        });
    }

    /// None any more.
    pub fn clear(&mut self) {
        self.planned.clear();
        self.chaos = None;
        self.cleared += 1;
    }

    /// The API server is not away any more.
    pub fn come_back(&mut self) {
        self.away = None;
        self.cleared += 1;
    }

    /// How many were met.
    pub fn taken(&self) -> usize {
        self.taken
    }

    /// How often they were cleared: a request that hangs waits for the next time.
    pub fn cleared(&self) -> u64 {
        self.cleared
    }

    /// The fault for this request, counted.
    pub fn take(&mut self, request: &Request) -> Option<Fault> {
        if Recorded::is_review(request) {
            return self.away.clone().or_else(|| self.planned(request));
        }
        let fault = self.away.clone().or_else(|| self.planned(request));
        let fault = fault.or_else(|| self.chaos.as_mut()?.draw(request));
        self.taken += usize::from(fault.is_some());
        fault
    }

    fn planned(&mut self, request: &Request) -> Option<Fault> {
        let planned = self.planned.iter_mut().find(|planned| {
            planned.left != Some(0)
                && (planned.method.is_empty() || planned.method == request.method)
                && request.path_and_query.contains(&planned.path_part)
                && (!Recorded::is_review(request) || planned.path_part.contains("selfsubject"))
                && planned.fault.fits(request)
        })?;
        if let Some(left) = &mut planned.left {
            *left -= 1;
        }
        Some(planned.fault.clone())
    }
}

impl Fault {
    /// Whether this can happen to a request.
    pub fn fits(&self, request: &Request) -> bool {
        *self != Self::Conflict || !matches!(request.method.as_str(), "GET" | "HEAD")
    }

    /// The answer of those faults that are an answer.
    pub fn answer(&self, request: &Request) -> Option<Answer> {
        let path = request.path_and_query.split('?').next().unwrap_or_default();
        let target = Target::parse(path).unwrap_or_default();
        Some(match self {
            Self::Status(code) => {
                let (reason, message) = match code {
                    500 => ("InternalError", "Internal error occurred: refused on purpose"),
                    503 => ("ServiceUnavailable", "the server is currently unable to handle the request"),
                    504 => ("Timeout", "Timeout: request did not complete within the allotted timeout"),
                    _ => ("Unknown", "refused on purpose"),
                };
                Failure::new(*code, reason, message).answer()
            }
            Self::TooManyRequests(seconds) => {
                let mut failure = Failure::new(
                    429,
                    "TooManyRequests",
                    "the server has received too many requests and has asked us to try again later",
                );
                failure.retry_after = Some(*seconds);
                failure.answer()
            }
            Self::Conflict => {
                let name = target.name.unwrap_or_default();
                Failure::conflict(&target.group, &target.resource, &name).answer()
            }
            Self::ProxyUpstreamDown => {
                Answer::text(500, "dial tcp 127.0.0.1:16999: connect: connection refused\n")
            }
            Self::ProxyForbidden => Answer::text(403, "Forbidden\n"),
            Self::Hang | Self::Slow(_) | Self::Close | Self::LoseAnswer | Self::CloseMidResponse => {
                return None;
            }
        })
    }
}

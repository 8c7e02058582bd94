//! What happens to a delivery, from top to bottom:
//!
//! | step | if it fails |
//! |---|---|
//! | the path's digest names an endpoint | 404 |
//! | the method is POST | 405 |
//! | the body is read within its limits | 413, 408, 503 |
//! | it is verified | 401, or 503 while a key set is missing |
//! | it is decoded into events | 400 |
//! | rules make runs of them | 200 `pong` or `ignored` |
//! | no run waits for it as a confirmation | 200 `confirmed` |
//! | the same delivery has not been seen | 200 `duplicate` |
//! | the runs are made safe | 503 |
//! | it is accepted | 202 |

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use hyper::body::Incoming;
use hyper::{Method, Request, StatusCode};
use jiff::Timestamp;

use super::answer::{Answer, Problem, Told};
use super::throttle::Pass;
use super::waiting::{self, Known, Wish};
use super::{App, body, prefer};
use crate::config::Endpoint;
use crate::event::{DeployRequest, Event};
use crate::key::PathDigest;
use crate::rule::Subject;
use crate::run::engine::{Accepted, Refused};
use crate::run::plan::{self, Arrival};
use crate::run::record::Run;
use crate::run::sameness::Keys;
use crate::source::{self, Decoded, Delivery, Refusal, Undecodable, Verified};
use crate::text::Escaped;

/// Takes a request to `/hook/<segment>`.
pub(super) async fn receive(
    app: &Arc<App>,
    segment: &str,
    request: &mut Request<Incoming>,
    peer: SocketAddr,
) -> Result<Answer, Problem> {
    let started = Instant::now();
    let config = app.config();
    let digest = PathDigest::from_segment(segment).ok_or(Problem::NotFound)?;
    let Some(endpoint) = config.route(digest) else {
        // A mistyped address must be seen by somebody; eight digits give nothing away.
        if may_log_refusal(app, started) {
            log::info!("unknown hook {digest:?} from={} answer=404", peer.ip());
        }
        return Err(Problem::NotFound);
    };
    if request.method() != Method::POST {
        return Err(Problem::MethodNotAllowed);
    }
    let mut about = About::default();
    let answer = match body::read(request, endpoint.max_body, &app.body_bytes, app.limits.body_time).await {
        Ok(body) => {
            let delivery = Delivery { headers: request.headers(), body: body.bytes() };
            match process(app, &config, endpoint, &delivery, peer, &mut about) {
                Ok(Processed::Answered(answer)) => Ok(answer),
                Ok(Processed::Offer(offer)) => {
                    // The body's memory goes back before anybody waits for anything.
                    let wait = prefer::wait(request.headers());
                    drop(body);
                    offer_runs(app, offer, wait).await
                }
                Err(problem) => Err(problem),
            }
        }
        Err(problem) => Err(problem),
    };
    let answer = answer.unwrap_or_else(Answer::from);
    // Who only knows the path must not fill the log.
    if answer.status() != StatusCode::UNAUTHORIZED || may_log_refusal(app, started) {
        log(endpoint, peer, &about, &answer, started);
    }
    Ok(answer)
}

/// Whether a refusal may have its line now; says first how many had none.
fn may_log_refusal(app: &App, now: Instant) -> bool {
    let Pass::Yes { kept_back } = app.refusals.pass(now) else { return false };
    if kept_back > 0 {
        log::warn!("{kept_back} more deliveries were refused than are logged");
    }
    true
}

/// What a delivery says, for its line in the log.
#[derive(Default)]
struct About {
    who: Option<String>,
    event: Option<String>,
}

impl About {
    fn of(decoded: &Decoded) -> Self {
        let first = decoded.events.first().map(|event| {
            Subject::of(event).map_or_else(|| event.kind().to_owned(), |subject| subject.to_string())
        });
        let more = decoded.events.len().saturating_sub(1);
        let event = first.map(|first| if more > 0 { format!("{first} and {more} more") } else { first });
        Self { who: decoded.actor.clone(), event }
    }
}

/// The line of a delivery: who sent what, and how it was answered. Nothing before `about` is known of what does not
/// verify.
fn log(endpoint: &Endpoint, peer: SocketAddr, about: &About, answer: &Answer, started: Instant) {
    log::info!(
        "endpoint={} source={} from={} who={} event={} answer={}{} took={}us",
        endpoint.name,
        endpoint.source.name,
        peer.ip(),
        Escaped(about.who.as_deref().unwrap_or("-")),
        Escaped(about.event.as_deref().unwrap_or("-")),
        answer.status().as_u16(),
        answer.note(),
        started.elapsed().as_micros(),
    );
}

enum Processed {
    Answered(Answer),
    Offer(Offer),
}

/// Runs that wait to be made safe.
struct Offer {
    keys: Keys,
    runs: Vec<Arc<Run>>,
    /// It may be a confirmation that runs wait for.
    confirms: Option<Box<Confirms>>,
}

/// A request that carries something that rules ask for.
struct Confirms {
    endpoint: String,
    request: DeployRequest,
    delivery: String,
    /// Why it leads to no run, if it is no confirmation and leads to none.
    otherwise: String,
}

/// Everything that needs the body and no waiting.
fn process(
    app: &App,
    config: &crate::config::Config,
    endpoint: &Endpoint,
    delivery: &Delivery<'_>,
    peer: SocketAddr,
    about: &mut About,
) -> Result<Processed, Problem> {
    let now = Timestamp::now();
    let verified = endpoint.verify(delivery, now).map_err(|refusal| match refusal {
        Refusal::Missing | Refusal::Invalid => Problem::Unauthorized,
        Refusal::Unavailable => Problem::NoKeySet,
    })?;
    let decoded = match source::decode(endpoint.receiver.as_ref(), &verified) {
        Ok(decoded) => decoded,
        Err(Undecodable::Malformed(place)) => return Err(Problem::Malformed(place)),
        Err(Undecodable::UnknownShape(place)) => {
            log::warn!("endpoint={} unknown shape: {}", endpoint.name, Escaped(&place));
            return Ok(Processed::Answered(ignored(&format!("a shape that is not known: {place}"))));
        }
    };
    *about = About::of(&decoded);
    Ok(decide(app, config, endpoint, &verified, &decoded, (now, peer)))
}

fn decide(
    app: &App,
    config: &crate::config::Config,
    endpoint: &Endpoint,
    verified: &Verified<'_>,
    decoded: &Decoded,
    (now, peer): (Timestamp, SocketAddr),
) -> Processed {
    let keys = Keys::new(&endpoint.name, &decoded.identity, verified.body(), !endpoint.flux_recv);
    let arrival = Arrival { received: now, from: Some(peer.ip()), mark: keys.mark() };
    let planned = plan::plan(config, endpoint, decoded, arrival, || app.engine.next_id());
    let confirms = confirms(endpoint, decoded, &planned);
    if planned.runs.is_empty() && confirms.is_none() {
        let pong = decoded.events.iter().any(|event| matches!(event, Event::Ping));
        let answer = if pong {
            Answer::told(StatusCode::OK, &Told { status: "pong", ..Told::default() })
        } else {
            ignored(&planned.reason)
        };
        return Processed::Answered(answer);
    }
    Processed::Offer(Offer { keys, runs: planned.runs, confirms })
}

/// The request, if it carries what a rule asks for.
fn confirms(endpoint: &Endpoint, decoded: &Decoded, planned: &plan::Planned) -> Option<Box<Confirms>> {
    let request = decoded.events.iter().find_map(|event| match event {
        Event::Deploy(request) if !request.asked.is_empty() => Some((**request).clone()),
        _ => None,
    })?;
    let (endpoint, delivery) = (endpoint.name.clone(), planned.delivery.clone());
    Some(Box::new(Confirms { endpoint, request, delivery, otherwise: planned.reason.clone() }))
}

fn ignored(reason: &str) -> Answer {
    Answer::told(StatusCode::OK, &Told { status: "ignored", reason: Some(reason), ..Told::default() })
}

async fn offer_runs(
    app: &Arc<App>,
    offer: Offer,
    wait: Option<std::time::Duration>,
) -> Result<Answer, Problem> {
    if let Some(confirms) = &offer.confirms {
        let Confirms { endpoint, request, delivery, otherwise } = &**confirms;
        let confirmed = app.engine.confirm(&offer.keys, endpoint, request, delivery).await;
        let confirmed = confirmed.map_err(|_| {
            log::error!("the journal is too slow for a confirmation, which is safe once it can be written");
            Problem::JournalFailed
        })?;
        if let Some(seen) = confirmed {
            let wish = Wish { wait, known: Known::Confirms, note: None };
            return Ok(waiting::answer(&app.engine, seen, wish).await);
        }
        if offer.runs.is_empty() {
            return Ok(ignored(otherwise));
        }
    }
    let engine = Arc::clone(&app.engine);
    // A CI job polls with its deployment id: a failure is an answer, not to be begun again.
    let asks = wait.is_some() && offer.runs.iter().any(|run| matches!(run.event, Event::Deploy(_)));
    let held: Option<Vec<_>> = offer.runs.iter().map(|run| engine.holds_back(run)).collect();
    // On a task of its own: a caller that hangs up cancels nothing.
    let accepting = tokio::spawn(async move { engine.accept(offer.keys, offer.runs, asks).await });
    let accepted = accepting.await.map_err(|error| {
        log::error!("accepting a delivery failed: {error}");
        Problem::JournalFailed
    })?;
    match accepted {
        // Its runs are safe, and will end as held.
        Ok(Accepted::New(_))
            if wait.is_none()
                && let Some(held) = held =>
        {
            Ok(ignored(&held.join("; ")))
        }
        Ok(Accepted::New(seen)) => {
            Ok(waiting::answer(&app.engine, seen, Wish { wait, known: Known::New, note: None }).await)
        }
        Ok(Accepted::Duplicate(seen)) => {
            Ok(waiting::answer(&app.engine, seen, Wish { wait, known: Known::Duplicate, note: None }).await)
        }
        Err(Refused::Full) => Err(Problem::TooMuchPending),
        Err(Refused::Closing) => Err(Problem::Closing),
        Err(Refused::Journal(error)) => {
            log::error!("{error}");
            Err(Problem::JournalFailed)
        }
    }
}

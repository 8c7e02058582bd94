//! What happens to a delivery, from top to bottom:
//!
//! | step | if it fails |
//! |---|---|
//! | the path's digest names an endpoint, which allows the client's address | 404 |
//! | the method is POST | 405 |
//! | the body is not compressed | 415 |
//! | the body is read within its limits | 413, 408, 503 |
//! | it is verified | 401, or 503 while a key set is missing |
//! | the endpoint's rate is not used up | 429 |
//! | it is decoded into events | 400 |
//! | rules make runs of them | 200 `pong` or `ignored` |
//! | no run waits for it as a confirmation | 200 `confirmed` |
//! | the same delivery has not been seen | 200 `duplicate` |
//! | the runs are made safe | 503 |
//! | it is accepted | 202 |
//!
//! A client that gets more 404, 413 and 401 than it may gets 429 in their place; what would not be refused is not.

use std::sync::Arc;
use std::time::Instant;

use hyper::body::Incoming;
use hyper::header::{CONTENT_ENCODING, TRANSFER_ENCODING};
use hyper::{HeaderMap, Method, Request, StatusCode};
use jiff::Timestamp;

use super::answer::{Answer, Problem, Told};
use super::client::{Client, retry_after};
use super::offer::{Confirms, Offer, offer_runs};
use super::throttle::Pass;
use super::{App, body, prefer};
use crate::config::{Config, Endpoint};
use crate::event::Event;
use crate::key::PathDigest;
use crate::rule::Subject;
use crate::run::plan::{self, Arrival};
use crate::run::sameness::Keys;
use crate::source::{self, Decoded, Delivery, Refusal, Undecodable, Verified};
use crate::text::Escaped;

/// Takes a request to `/hook/<segment>`.
pub(super) async fn receive(
    app: &Arc<App>,
    config: &Config,
    segment: &str,
    request: &mut Request<Incoming>,
    client: Client,
) -> Answer {
    let started = Instant::now();
    let digest = PathDigest::from_segment(segment);
    let found = digest.and_then(|digest| config.route(digest));
    let Some(endpoint) = found.filter(|endpoint| endpoint.allows(client.address)) else {
        let answer = not_found(app, config, (digest, found), client, started);
        if let Some(endpoint) = found {
            return counted(app, endpoint, answer);
        }
        app.engine.metrics.unknown_hooks.count();
        return answer;
    };
    if request.method() != Method::POST {
        return counted(app, endpoint, Problem::MethodNotAllowed.into());
    }
    let mut about = About::default();
    let answer = deliver(app, config, endpoint, request, client, &mut about).await;
    let answer = answer.unwrap_or_else(Answer::from);
    if matches!(answer.status(), StatusCode::UNAUTHORIZED | StatusCode::PAYLOAD_TOO_LARGE)
        && let Err(too_often) = app.charge(config, client)
    {
        app.throttle.keep_back();
        return counted(app, endpoint, too_often.into());
    }
    // Who only knows the path must not fill the log.
    if about.verified || may_log_refusal(app, started) {
        log(endpoint, client, &about, &answer, started);
    }
    counted(app, endpoint, answer)
}

/// Counts the answer to a request to an endpoint.
fn counted(app: &App, endpoint: &Endpoint, answer: Answer) -> Answer {
    app.engine.metrics.endpoints.answered(&endpoint.name, answer.status().as_u16());
    answer
}

/// The answer where there is no hook, or none for this client: the two must not be told apart.
fn not_found(
    app: &App,
    config: &Config,
    (digest, found): (Option<PathDigest>, Option<&Arc<Endpoint>>),
    client: Client,
    started: Instant,
) -> Answer {
    if let Err(too_often) = app.charge(config, client) {
        app.throttle.keep_back();
        return too_often.into();
    }
    // A mistyped address must be seen by somebody; eight digits give nothing away.
    if let Some(digest) = digest
        && may_log_refusal(app, started)
    {
        match found {
            Some(endpoint) => log::info!(
                "endpoint={} from={} answer=404 reason=\"not in allowFrom\"",
                endpoint.name,
                client.address
            ),
            None => log::info!("unknown hook {digest:?} from={} answer=404", client.address),
        }
    }
    Problem::NotFound.into()
}

/// Reads a delivery and does what it asks for.
async fn deliver(
    app: &Arc<App>,
    config: &Config,
    endpoint: &Endpoint,
    request: &mut Request<Incoming>,
    client: Client,
    about: &mut About,
) -> Result<Answer, Problem> {
    if is_encoded(request.headers()) {
        return Err(Problem::Encoded);
    }
    let limits = &config.limits;
    let in_hand = app.requests.take(1, limits.requests).ok_or(Problem::TooBusy)?;
    let body = body::read(request, endpoint.max_body, &app.bodies, limits).await?;
    let delivery = Delivery { headers: request.headers(), body: body.bytes() };
    match process(app, config, endpoint, &delivery, client, about)? {
        Processed::Answered(answer) => Ok(answer),
        Processed::Offer(offer) => {
            // The body's memory goes back before anybody waits for anything.
            let wait = prefer::wait(request.headers());
            drop(body);
            offer_runs(app, offer, wait, (in_hand, limits.waiting)).await
        }
    }
}

/// Whether the body is compressed, or was on the way. What it would become in memory is not known before it is there.
fn is_encoded(headers: &HeaderMap) -> bool {
    [(CONTENT_ENCODING, "identity"), (TRANSFER_ENCODING, "chunked")].iter().any(|(name, plain)| {
        headers.get_all(name).iter().any(|coding| !coding.as_bytes().eq_ignore_ascii_case(plain.as_bytes()))
    })
}

/// Whether a refusal may have its line now; says first how many had none.
fn may_log_refusal(app: &App, now: Instant) -> bool {
    let Pass::Yes { kept_back } = app.throttle.pass(now) else { return false };
    if kept_back > 0 {
        log::warn!("{kept_back} more deliveries were refused than are logged");
    }
    true
}

/// What a delivery says, for its line in the log.
#[derive(Default)]
struct About {
    /// Only then it is known who sent it.
    verified: bool,
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
        Self { verified: true, who: decoded.actor.clone(), event }
    }
}

/// The line of a delivery: who sent what, and how it was answered. Nothing before `about` is known of what does not
/// verify.
fn log(endpoint: &Endpoint, client: Client, about: &About, answer: &Answer, started: Instant) {
    log::info!(
        "endpoint={} source={} from={} who={} event={} answer={}{} took={}us",
        endpoint.name,
        endpoint.source.name,
        client.address,
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

/// Everything that needs the body and no waiting.
fn process(
    app: &App,
    config: &Config,
    endpoint: &Endpoint,
    delivery: &Delivery<'_>,
    client: Client,
    about: &mut About,
) -> Result<Processed, Problem> {
    let now = Timestamp::now();
    let counts = &app.engine.metrics.endpoints;
    let verified = endpoint.verify(delivery, now).map_err(|refusal| match refusal {
        Refusal::Missing | Refusal::Invalid => {
            counts.unverified(&endpoint.name);
            Problem::Unauthorized
        }
        Refusal::Unavailable => Problem::NoKeySet,
    })?;
    about.verified = true;
    counts.verified(&endpoint.name, now);
    if let Some(rate) = &endpoint.rate {
        rate.take().map_err(|wait| Problem::RateExceeded(retry_after(wait)))?;
    }
    let decoded = match source::decode(endpoint.receiver.as_ref(), &verified) {
        Ok(decoded) => decoded,
        Err(Undecodable::Malformed(place)) => return Err(Problem::Malformed(place)),
        Err(Undecodable::UnknownShape(place)) => {
            counts.unknown_shape(&endpoint.name);
            log::warn!("endpoint={} unknown shape: {}", endpoint.name, Escaped(&place));
            return Ok(Processed::Answered(Answer::ignored(&format!("a shape that is not known: {place}"))));
        }
    };
    *about = About::of(&decoded);
    Ok(decide(app, config, endpoint, &verified, &decoded, (now, client)))
}

fn decide(
    app: &App,
    config: &Config,
    endpoint: &Endpoint,
    verified: &Verified<'_>,
    decoded: &Decoded,
    (now, client): (Timestamp, Client),
) -> Processed {
    let keys = Keys::new(&endpoint.name, &decoded.identity, verified.body(), !endpoint.flux_recv);
    let arrival = Arrival { received: now, from: Some(client.address), mark: keys.mark() };
    let planned = plan::plan(config, endpoint, decoded, arrival, || app.engine.next_id());
    let confirms = confirms(endpoint, decoded, &planned);
    if planned.runs.is_empty() && confirms.is_none() {
        let pong = decoded.events.iter().any(|event| matches!(event, Event::Ping));
        let answer = if pong {
            Answer::told(StatusCode::OK, &Told { status: "pong", ..Told::default() })
        } else {
            Answer::ignored(&planned.reason)
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

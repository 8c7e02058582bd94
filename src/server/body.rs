//! Reads a request's body into one buffer. Many small buffers, as `collect()` makes them, fragment the heap:
//! after a burst of large bodies the memory would not go back.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::Request;
use hyper::body::{Body as _, Incoming};
use tokio::time::Instant;

use super::answer::Problem;
use super::budget::{Budget, Share};
use super::limits::Limits;
use super::seat::Seat;

/// The buffer of a body whose length is not announced starts this large, in bytes.
const FIRST_BUFFER: usize = 16 * 1024;

/// How long the rest of a body that nobody reads is waited for.
const LINGER: Duration = Duration::from_secs(5);

/// A body in memory, and its share of the bytes that all bodies may take.
#[derive(Debug)]
pub(super) struct Body {
    bytes: Vec<u8>,
    _share: Option<Share>,
}

impl Body {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Reads the body, of at most so many bytes. It is refused at its Content-Length, or as soon as its bytes pass the
/// limit. Its share of memory is taken as the bytes come, so that an announcement costs nothing.
pub(super) async fn read(
    request: &mut Request<Incoming>,
    largest: usize,
    all_bodies: &Arc<Budget>,
    limits: &Limits,
) -> Result<Body, Problem> {
    let announced = request.body().size_hint();
    if announced.lower() > u64::try_from(largest).unwrap_or(u64::MAX) {
        return Err(Problem::TooLarge);
    }
    let body = request.body_mut();
    let expected = announced.exact().and_then(|length| usize::try_from(length).ok());
    let mut bytes = Vec::with_capacity(expected.unwrap_or(FIRST_BUFFER));
    let mut share: Option<Share> = None;
    let started = Instant::now();
    loop {
        let by = started + allowed_time(bytes.len(), limits);
        let frame = tokio::time::timeout_at(by, body.frame()).await.map_err(|_| Problem::TooSlow)?;
        let Some(frame) = frame else { return Ok(Body { bytes, _share: share }) };
        let frame = frame.map_err(|_| Problem::BrokenBody)?;
        let Some(data) = frame.data_ref() else { continue };
        if bytes.len() + data.len() > largest {
            return Err(Problem::TooLarge);
        }
        let enough = match &mut share {
            Some(share) => share.grow(data.len(), limits.bodies),
            none => {
                *none = all_bodies.take(data.len(), limits.bodies);
                none.is_some()
            }
        };
        if !enough {
            return Err(Problem::NoMemory);
        }
        bytes.extend_from_slice(data);
    }
}

/// How long after its beginning a body of which so many bytes have come may take for the next ones: until it would
/// be slower than it may be.
fn allowed_time(bytes: usize, limits: &Limits) -> Duration {
    let rate = u64::try_from(limits.body_rate).unwrap_or(u64::MAX).max(1);
    let millis = u64::try_from(bytes).unwrap_or(u64::MAX).saturating_mul(1000) / rate;
    Duration::from_millis(millis).max(limits.body_grace).min(limits.body_time)
}

/// Takes the rest of a body that the answer did not need off the connection, behind the answer's back: closing a
/// connection with unread bytes resets it, and the sender, still busy sending, would never see the answer.
pub(super) fn pass_over(mut body: Incoming, seat: Arc<Seat>) {
    tokio::spawn(async move {
        let rest = async { while let Some(Ok(_)) = body.frame().await {} };
        // One that takes longer is cut off.
        let _ = tokio::time::timeout(LINGER, rest).await;
        seat.rested();
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_may_be_slow_for_a_while_and_then_not_slower_than_the_rate() {
        let limits = Limits::default();
        let seconds = |bytes| allowed_time(bytes, &limits).as_secs();
        assert_eq!((seconds(0), seconds(5 * 1024)), (5, 5), "the grace");
        assert_eq!(seconds(10 * 1024), 10, "1 KiB a second");
        assert_eq!((seconds(30 * 1024), seconds(usize::MAX)), (30, 30), "the end, however fast it is");
    }
}

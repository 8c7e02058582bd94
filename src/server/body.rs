//! Reads a request's body into one buffer. Many small buffers, as `collect()` makes them, fragment the heap:
//! after a burst of large bodies the memory would not go back.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::Request;
use hyper::body::{Body as _, Incoming};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::answer::Problem;

/// The buffer of a body whose length is not announced starts this large, in bytes.
const FIRST_BUFFER: usize = 16 * 1024;

/// How long the rest of a body that nobody reads is waited for.
const LINGER: Duration = Duration::from_secs(5);

/// A body in memory, and its share of the bytes that all bodies may take.
#[derive(Debug)]
pub(super) struct Body {
    bytes: Vec<u8>,
    _share: Option<OwnedSemaphorePermit>,
}

impl Body {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Reads the body. It is refused at its Content-Length, or as soon as its bytes pass the limit. Its share of
/// memory is taken as the bytes come, so that an announcement costs nothing.
pub(super) async fn read(
    request: &mut Request<Incoming>,
    limit: usize,
    all_bodies: &Arc<Semaphore>,
    time: Duration,
) -> Result<Body, Problem> {
    let announced = request.body().size_hint();
    let limit_u64 = u64::try_from(limit).unwrap_or(u64::MAX);
    if announced.lower() > limit_u64 {
        return Err(Problem::TooLarge);
    }
    let expected = announced.exact().and_then(|length| usize::try_from(length).ok());
    let reading = read_frames(request.body_mut(), expected.unwrap_or(FIRST_BUFFER), limit, all_bodies);
    tokio::time::timeout(time, reading).await.unwrap_or(Err(Problem::TooSlow))
}

/// Takes the rest of a body that the answer did not need off the connection, behind the answer's back: closing a
/// connection with unread bytes resets it, and the sender, still busy sending, would never see the answer.
pub(super) fn pass_over(mut body: Incoming) {
    if body.is_end_stream() {
        return;
    }
    tokio::spawn(async move {
        let rest = async { while let Some(Ok(_)) = body.frame().await {} };
        // One that takes longer is cut off.
        let _ = tokio::time::timeout(LINGER, rest).await;
    });
}

async fn read_frames(
    body: &mut Incoming,
    capacity: usize,
    limit: usize,
    all_bodies: &Arc<Semaphore>,
) -> Result<Body, Problem> {
    let mut bytes = Vec::with_capacity(capacity);
    let mut share: Option<OwnedSemaphorePermit> = None;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Problem::BrokenBody)?;
        let Some(data) = frame.data_ref() else { continue };
        if bytes.len() + data.len() > limit {
            return Err(Problem::TooLarge);
        }
        let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
        let more = Arc::clone(all_bodies).try_acquire_many_owned(length).map_err(|_| Problem::NoMemory)?;
        match &mut share {
            Some(share) => share.merge(more),
            None => share = Some(more),
        }
        bytes.extend_from_slice(data);
    }
    Ok(Body { bytes, _share: share })
}

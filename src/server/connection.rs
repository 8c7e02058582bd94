//! One connection, from its first byte to its last.

use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;

use hyper::Request;
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::answer::Answer;
use super::door::Admitted;
use super::seat::Doing;
use super::timed::Timed;
use super::{App, body, route};

/// Serves a connection until it is closed, by whichever side.
pub(super) async fn serve(
    stream: TcpStream,
    peer: IpAddr,
    admitted: Admitted,
    app: Arc<App>,
    mut stop: watch::Receiver<bool>,
) {
    // A connection that has sent nothing costs a socket and this small task, not hyper's buffers and states.
    // Looking for a byte, because tokio may call a new socket readable that is not.
    let mut byte = [0];
    let idle = app.config().limits.idle_time;
    let first = tokio::select! {
        // What has been sent before the end is still read.
        biased;
        first = tokio::time::timeout(idle, stream.peek(&mut byte)) => first,
        _ = stop.changed() => return,
    };
    if matches!(first, Ok(Ok(1))) {
        admitted.seat.does(Doing::Head);
        boxed(stream, peer, admitted, app, stop).await;
    }
}

/// The large part of a connection, on the heap once it is needed. A function of its own: inside of an async
/// function the unboxed future would take its room from the beginning.
fn boxed(
    stream: TcpStream,
    peer: IpAddr,
    admitted: Admitted,
    app: Arc<App>,
    stop: watch::Receiver<bool>,
) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(requests(stream, peer, admitted, app, stop))
}

/// Serves the requests of one connection, one after the other.
async fn requests(
    stream: TcpStream,
    peer: IpAddr,
    admitted: Admitted,
    app: Arc<App>,
    mut stop: watch::Receiver<bool>,
) {
    let limits = app.config().limits;
    let stream = Timed::new(stream, Arc::clone(&admitted.seat), &limits);
    let admitted = Arc::new(admitted);
    let service = service_fn(|request| {
        let (app, admitted) = (Arc::clone(&app), Arc::clone(&admitted));
        async move { Ok::<_, Infallible>(one(&app, request, peer, &admitted).await.into_response()) }
    });
    let mut connection = std::pin::pin!(
        http1::Builder::new()
            // The head's time is `Timed`'s: hyper would count that between two requests as well.
            .header_read_timeout(None)
            .max_buf_size(limits.header_bytes)
            .max_headers(limits.headers)
            .serve_connection(TokioIo::new(stream), service)
    );
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        _ = stop.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        log::debug!("connection from {peer} ended: {error}");
    }
}

/// Answers one request.
async fn one(
    app: &Arc<App>,
    mut request: Request<Incoming>,
    peer: IpAddr,
    admitted: &Arc<Admitted>,
) -> Answer {
    admitted.seat.does(Doing::Busy);
    let answer = route(app, &mut request, peer).await;
    let body = request.into_body();
    // A sender that was too slow once is not waited for again.
    let rest = !body.is_end_stream() && !answer.is_too_late();
    admitted.answered(rest);
    if rest {
        body::pass_over(body, Arc::clone(&admitted.seat));
    }
    answer
}

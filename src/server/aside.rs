//! Listeners beside the hooks' one, for people and monitoring: few connections, one request on each, little time.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::Semaphore;

use super::ACCEPT_PAUSE;
use super::answer::Answer;

/// Bytes of a request's head.
const HEAD_BYTES: usize = 16 * 1024;

/// Headers of a request.
const HEADERS: usize = 100;

/// What those who ask may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// What it is, for the log.
    pub(super) name: &'static str,
    /// Connections at once; others wait in the listener's queue.
    pub(super) connections: usize,
    /// How long a request's head may take.
    pub(super) head_time: Duration,
    /// How long a connection may last.
    pub(super) lifetime: Duration,
}

/// What connections come from.
pub(super) trait Listener {
    type Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static;

    /// The next connection, and who it is from.
    fn accept(&self) -> impl Future<Output = io::Result<(Self::Stream, String)>> + Send;
}

impl Listener for TcpListener {
    type Stream = TcpStream;

    async fn accept(&self) -> io::Result<(TcpStream, String)> {
        let (stream, peer) = Self::accept(self).await?;
        Ok((stream, peer.ip().to_string()))
    }
}

impl Listener for UnixListener {
    type Stream = UnixStream;

    /// The user by its number.
    async fn accept(&self) -> io::Result<(UnixStream, String)> {
        let (stream, _) = Self::accept(self).await?;
        let user = stream.peer_cred().map_or_else(|_| "?".to_owned(), |peer| peer.uid().to_string());
        Ok((stream, user))
    }
}

/// Answers requests, for ever; `answer` is told who asks.
pub(super) async fn serve<L, F, A>(listener: L, bounds: Bounds, answer: F)
where
    L: Listener,
    F: Fn(Request<Incoming>, String) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Answer> + Send + 'static,
{
    let permits = Arc::new(Semaphore::new(bounds.connections));
    loop {
        // The semaphore is never closed.
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, peer)) => {
                let answer = answer.clone();
                tokio::spawn(async move {
                    let connection = connection(stream, bounds, |request| answer(request, peer.clone()));
                    if tokio::time::timeout(bounds.lifetime, connection).await.is_err() {
                        log::debug!("a connection to the {} took too long", bounds.name);
                    }
                    drop(permit);
                });
            }
            Err(error) => {
                log::warn!("a connection to the {} could not be accepted: {error}", bounds.name);
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn connection<S, A>(stream: S, bounds: Bounds, answer: impl Fn(Request<Incoming>) -> A)
where
    S: AsyncRead + AsyncWrite + Unpin,
    A: Future<Output = Answer>,
{
    let service = service_fn(|request| {
        let answer = answer(request);
        async { Ok::<_, Infallible>(answer.await.into_response()) }
    });
    let ended = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(bounds.head_time)
        .max_buf_size(HEAD_BYTES)
        .max_headers(HEADERS)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = ended {
        log::debug!("a connection to the {} ended: {error}", bounds.name);
    }
}

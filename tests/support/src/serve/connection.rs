//! One connection: requests are read, handed on, answered; or the connection is cut.

use super::listener::Bind;
use super::message::{Answer, Handler, Reply, Request};
use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite};

/// TCP or unix.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Serves one connection to its end.
pub async fn serve(stream: Box<dyn Stream>, bind: Bind, handler: Handler) {
    if let Bind::Tls(acceptor) = bind {
        // A client that does not trust the certificate ends here.
        if let Ok(stream) = acceptor.accept(stream).await {
            let certificate = stream.get_ref().1.peer_certificates().is_some();
            connection(stream, certificate, handler).await;
        }
    } else {
        connection(stream, false, handler).await;
    }
}

async fn connection(stream: impl AsyncRead + AsyncWrite + Unpin, client_certificate: bool, handler: Handler) {
    let service = service_fn(move |request| {
        let handler = Arc::clone(&handler);
        async move {
            let Some(request) = read(request, client_certificate).await else { return Err(Cut) };
            match handler(request).await {
                Reply::Answer(answer) => Ok(response(answer, usize::MAX)),
                Reply::Half(answer) => {
                    let half = answer.body.len() / 2;
                    Ok(response(answer, half))
                }
                Reply::Drop => Err(Cut),
            }
        }
    });
    // An error is a client that went away, or a connection that was cut on purpose.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

#[expect(clippy::disallowed_methods, reason = "the double's memory is not measured")]
async fn read(request: hyper::Request<Incoming>, client_certificate: bool) -> Option<Request> {
    let (head, body) = request.into_parts();
    let body = http_body_util::BodyExt::collect(body).await.ok()?.to_bytes().to_vec();
    let headers = head
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    let path_and_query = head.uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string);
    Some(Request { method: head.method.to_string(), path_and_query, headers, body, client_certificate })
}

fn response(answer: Answer, send: usize) -> hyper::Response<Partial> {
    let length = answer.body.len();
    let mut response = hyper::Response::builder().status(answer.status).header("content-length", length);
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    let cut = send < length;
    let mut body = answer.body;
    body.truncate(send);
    response.body(Partial { data: Some(Bytes::from(body)), cut }).unwrap()
}

/// A body that may end too early.
struct Partial {
    data: Option<Bytes>,
    cut: bool,
}

impl Body for Partial {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        match self.data.take() {
            Some(data) => {
                if self.cut {
                    context.waker().wake_by_ref();
                }
                Poll::Ready(Some(Ok(Frame::data(data))))
            }
            None if self.cut => Poll::Ready(Some(Err(Cut))),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.data.is_none() && !self.cut
    }
}

/// The connection is cut on purpose.
#[derive(Debug)]
struct Cut;

impl std::fmt::Display for Cut {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("the double cuts this connection")
    }
}

impl std::error::Error for Cut {}

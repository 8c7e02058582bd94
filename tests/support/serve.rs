//! A small HTTP server for the doubles: on a thread with a runtime of its own, so that blocking tests can use it;
//! it can go away and come back on the same address, and it can break an answer on purpose.

use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll};
use std::thread::JoinHandle;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, UnixListener};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// One request, read to its end.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    pub path_and_query: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Whether the client showed a certificate that the server's CA signed (https only).
    pub client_certificate: bool,
}

impl Request {
    /// The first value of a header, its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// An answer with its body.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    /// An answer of this content type.
    pub fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: vec![("Content-Type".to_owned(), content_type.to_owned())],
            body: body.into(),
        }
    }

    /// A JSON answer.
    pub fn json(status: u16, body: &serde_json::Value) -> Self {
        Self::new(status, "application/json", body.to_string())
    }

    /// A plain-text answer, as Go's `http.Error` writes it.
    pub fn text(status: u16, body: &str) -> Self {
        Self::new(status, "text/plain; charset=utf-8", body)
    }

    /// Adds a header.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// What to do with a request.
#[derive(Debug)]
pub enum Reply {
    Answer(Answer),
    /// Close the connection without a byte.
    Drop,
    /// Send the head and half of the body, then close.
    Half(Answer),
}

/// Answers requests; called on the server's own thread.
pub type Handler = Arc<dyn Fn(Request) -> Pin<Box<dyn Future<Output = Reply> + Send>> + Send + Sync>;

/// Where to listen.
#[derive(Clone)]
pub enum Bind {
    /// A free port of 127.0.0.1.
    Tcp,
    Tls(TlsAcceptor),
    Unix(PathBuf),
}

/// A running server; it ends when it goes out of scope.
pub struct Server {
    address: String,
    commands: UnboundedSender<Command>,
    thread: Option<JoinHandle<()>>,
}

enum Command {
    Stop(mpsc::Sender<()>),
    Start(mpsc::Sender<()>),
    End,
}

impl Server {
    /// Starts it and returns once it listens.
    pub fn start(bind: Bind, handler: Handler) -> Self {
        let (commands, receiver) = unbounded_channel();
        let (report, address) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(run(bind, handler, receiver, &report));
        });
        let address = address.recv().expect("the double's thread ended before it listened");
        Self { address, commands, thread: Some(thread) }
    }

    /// `127.0.0.1:PORT`, or the socket's path.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Goes away: every connection is cut, new ones are refused. The port stays reserved.
    pub fn stop(&self) {
        self.tell(Command::Stop);
    }

    /// Comes back on the same address.
    pub fn restart(&self) {
        self.tell(Command::Start);
    }

    fn tell(&self, command: fn(mpsc::Sender<()>) -> Command) {
        let (done, wait) = mpsc::channel();
        assert!(self.commands.send(command(done)).is_ok(), "the double's thread has ended");
        wait.recv().expect("the double's thread ended");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.commands.send(Command::End);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn run(
    bind: Bind,
    handler: Handler,
    mut commands: UnboundedReceiver<Command>,
    report: &mpsc::Sender<String>,
) {
    let mut listener = Listener::open(&bind);
    let address = listener.address();
    report.send(address.clone()).unwrap();
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            command = commands.recv() => match command {
                Some(Command::Stop(done)) => {
                    connections.shutdown().await;
                    listener = listener.close(&address);
                    done.send(()).unwrap();
                }
                Some(Command::Start(done)) => {
                    listener = listener.reopen(&bind);
                    done.send(()).unwrap();
                }
                Some(Command::End) | None => return,
            },
            accepted = listener.accept() => {
                connections.spawn(serve(accepted, bind.clone(), Arc::clone(&handler)));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener, PathBuf),
    /// Bound and not listening: connections are refused and nobody else gets the port.
    Reserved(TcpSocket),
    Gone,
}

impl Listener {
    fn open(bind: &Bind) -> Self {
        match bind {
            Bind::Unix(path) => {
                let _ = std::fs::remove_file(path);
                Self::Unix(UnixListener::bind(path).unwrap(), path.clone())
            }
            Bind::Tcp | Bind::Tls(_) => {
                Self::Tcp(socket(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).listen(1024).unwrap())
            }
        }
    }

    fn address(&self) -> String {
        match self {
            Self::Tcp(listener) => listener.local_addr().unwrap().to_string(),
            Self::Unix(_, path) => path.display().to_string(),
            Self::Reserved(_) | Self::Gone => String::new(),
        }
    }

    fn close(self, address: &str) -> Self {
        match self {
            Self::Tcp(listener) => {
                drop(listener);
                Self::Reserved(socket(address.parse().unwrap()))
            }
            Self::Unix(..) => Self::Gone,
            already => already,
        }
    }

    fn reopen(self, bind: &Bind) -> Self {
        match self {
            Self::Reserved(socket) => Self::Tcp(socket.listen(1024).unwrap()),
            Self::Gone => Self::open(bind),
            already => already,
        }
    }

    async fn accept(&self) -> Box<dyn Stream> {
        match self {
            Self::Tcp(listener) => {
                let stream = listener.accept().await.unwrap().0;
                stream.set_nodelay(true).unwrap();
                Box::new(stream)
            }
            Self::Unix(listener, _) => Box::new(listener.accept().await.unwrap().0),
            Self::Reserved(_) | Self::Gone => std::future::pending().await,
        }
    }
}

fn socket(address: SocketAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind(address).unwrap();
    socket
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

async fn serve(stream: Box<dyn Stream>, bind: Bind, handler: Handler) {
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

/// Makes a handler of a plain function.
pub fn handler(answer: impl Fn(Request) -> Reply + Send + Sync + 'static) -> Handler {
    Arc::new(move |request| {
        let reply = answer(request);
        Box::pin(async move { reply })
    })
}

//! Where a double listens, and being away without losing the port.

use super::connection::Stream;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpSocket, UnixListener};
use tokio_rustls::TlsAcceptor;

/// Where to listen.
#[derive(Clone)]
pub enum Bind {
    /// A free port of 127.0.0.1.
    Tcp,
    Tls(TlsAcceptor),
    Unix(PathBuf),
}

/// Listening, or away.
pub enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener, PathBuf),
    /// Bound and not listening: connections are refused and nobody else gets the port.
    Reserved(TcpSocket),
    Gone,
}

impl Listener {
    pub fn open(bind: &Bind) -> Self {
        match bind {
            Bind::Unix(path) => {
                let _ = std::fs::remove_file(path);
                Self::Unix(UnixListener::bind(path).unwrap(), path.clone())
            }
            Bind::Tcp | Bind::Tls(_) => {
                Self::Tcp(bound(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap().listen(1024).unwrap())
            }
        }
    }

    /// `127.0.0.1:PORT`, or the socket's path.
    pub fn address(&self) -> String {
        match self {
            Self::Tcp(listener) => listener.local_addr().unwrap().to_string(),
            Self::Unix(_, path) => path.display().to_string(),
            Self::Reserved(_) | Self::Gone => String::new(),
        }
    }

    /// Goes away; the port stays reserved.
    pub fn close(self, address: &str) -> Self {
        match self {
            Self::Tcp(listener) => {
                drop(listener);
                Self::Reserved(again(address.parse().unwrap()))
            }
            Self::Unix(..) => Self::Gone,
            already => already,
        }
    }

    /// Comes back.
    pub fn reopen(self, bind: &Bind) -> Self {
        match self {
            Self::Reserved(socket) => Self::Tcp(socket.listen(1024).unwrap()),
            Self::Gone => Self::open(bind),
            already => already,
        }
    }

    /// The next connection; never while away.
    pub async fn accept(&self) -> Box<dyn Stream> {
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

/// Takes an address that was just listened at. A process that another thread is starting has a copy of the
/// listener from its fork to its exec, and until then the address is in use.
fn again(address: SocketAddr) -> TcpSocket {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        match bound(address) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && Instant::now() < deadline => {
                std::thread::yield_now();
            }
            socket => return socket.unwrap(),
        }
    }
}

fn bound(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

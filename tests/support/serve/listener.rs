//! Where a double listens, and being away without losing the port.

use super::connection::Stream;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
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
                Self::Tcp(socket(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).listen(1024).unwrap())
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
                // Before the listener is gone, or another test may get the port in between.
                let reserved = socket(address.parse().unwrap());
                drop(listener);
                Self::Reserved(reserved)
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

fn socket(address: SocketAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    // For the double's own second socket on its port; port 0 never gives a port that is shared.
    socket.set_reuseport(true).unwrap();
    socket.bind(address).unwrap();
    socket
}

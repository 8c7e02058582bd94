//! Whether a `kubectl proxy` that shall serve this pod alone can be reached by others: it then lends its rights to
//! whoever asks it, and nothing is changed through it.
//!
//! Only a proxy on a TCP port of this machine is looked at. One on a unix socket is reached by no one else, and https
//! is always verified.

mod addresses;

use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::access::{Access, Address};

/// How long what was seen is believed.
pub const INTERVAL: Duration = Duration::from_secs(60);

/// How long one address may take to answer: it is on this machine.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a stranger in the network would send: `kubectl proxy` looks at the Host alone.
const REQUEST: &[u8] = b"GET /version HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/// How every answer begins.
const ANSWER: &[u8] = b"HTTP/1.";

/// Looks whether the API can be reached by others.
#[derive(Debug)]
pub struct Exposure {
    /// The API's port on this machine; `None` if there is nothing to look at.
    port: Option<u16>,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    /// When it was looked the last time, if the API had answered before: a proxy may come up later than this process.
    at: Option<Instant>,
    /// Where it answers.
    exposed: Option<SocketAddr>,
}

impl Exposure {
    /// For this way to the API.
    pub fn new(access: &Access) -> Self {
        let port = match &access.api {
            Address::Http(base) if !access.allow_exposed => local_port(base, &addresses::own()),
            _ => None,
        };
        Self { port, seen: Mutex::default() }
    }

    /// Whether others could reach it when it was looked the last time.
    pub fn is_exposed(&self) -> bool {
        self.seen().exposed.is_some()
    }

    /// Whether a change may be sent now; an error is the reason, with the way out. `answered` says whether the API has
    /// answered a request before.
    pub async fn admit(&self, answered: bool) -> Result<(), String> {
        let recently = self.seen().at.is_some_and(|at| at.elapsed() < INTERVAL);
        // Once it is not exposed any more, who waits goes on.
        if !recently || self.is_exposed() {
            self.look(answered).await;
        }
        match (self.port, self.seen().exposed) {
            (Some(port), Some(address)) => Err(told(port, address)),
            _ => Ok(()),
        }
    }

    /// Looks now, and logs it if something is different than before.
    pub async fn look(&self, answered: bool) {
        let Some(port) = self.port else { return };
        let mut looking = JoinSet::new();
        for own in addresses::own() {
            looking.spawn(answering(own.at(port)));
        }
        let exposed = looking.join_all().await.into_iter().flatten().min();
        let mut seen = self.seen();
        seen.at = answered.then(Instant::now);
        match (std::mem::replace(&mut seen.exposed, exposed), exposed) {
            (before, Some(address)) if before != exposed => {
                log::error!("nothing is changed: {}", told(port, address));
            }
            (Some(_), None) => log::info!("the Kubernetes API cannot be reached by others any more"),
            _ => {}
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn told(port: u16, address: SocketAddr) -> String {
    format!(
        "exposed-api: the proxy on port {port} answers on {address} too, so whoever reaches that address has its \
         rights: let it listen on 127.0.0.1 (no --address) or on a unix socket, or set kubernetes.allowExposedApi: true"
    )
}

/// The port of an address on this machine.
fn local_port(base: &str, own: &[addresses::Own]) -> Option<u16> {
    let url = reqwest::Url::parse(base).ok()?;
    let host = url.host_str()?.trim_matches(['[', ']']);
    let address = host.parse::<IpAddr>();
    let is_own = |address: IpAddr| address.is_loopback() || own.iter().any(|own| own.ip() == address);
    (host == "localhost" || address.is_ok_and(is_own)).then(|| url.port_or_known_default()).flatten()
}

/// The address, if something there answers HTTP: with whichever status, since a proxy's filter may refuse the path.
async fn answering(address: SocketAddr) -> Option<SocketAddr> {
    let ask = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(REQUEST).await?;
        let mut start = [0; ANSWER.len()];
        stream.read_exact(&mut start).await?;
        Ok::<_, std::io::Error>(start == *ANSWER)
    };
    let answered = tokio::time::timeout(PATIENCE, ask).await;
    matches!(answered, Ok(Ok(true))).then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exposure(api: &str, allowed: bool) -> Exposure {
        let mut access = Access { allow_exposed: allowed, ..Access::default() };
        access.set_api(api).unwrap();
        Exposure::new(&access)
    }

    #[test]
    fn only_a_proxy_on_this_machine_is_looked_at() {
        for (api, port) in [
            ("http://localhost:8001", Some(8001)),
            ("http://127.0.0.1:8001", Some(8001)),
            ("http://[::1]", Some(80)),
            ("http://192.0.2.7:8001", None),
            ("http://kube-proxy.example:8001", None),
            ("https://127.0.0.1:6443", None),
            ("unix:///run/proxy/kube.sock", None),
            ("in-cluster", None),
        ] {
            assert_eq!(exposure(api, false).port, port, "{api}");
        }
        assert_eq!(exposure("http://localhost:8001", true).port, None);
        let own = addresses::parse("192.0.2.7", "", "");
        assert_eq!(local_port("http://192.0.2.7:8001", &own), Some(8001));
    }

    /// A listener that answers each connection with these bytes.
    async fn listener(answer: &'static [u8]) -> SocketAddr {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut asked = [0; REQUEST.len()];
                let _ = stream.read_exact(&mut asked).await;
                let _ = stream.write_all(answer).await;
            }
        });
        address
    }

    #[tokio::test]
    async fn whatever_answers_http_is_reached() {
        for (answer, expected) in [
            (&b"HTTP/1.1 200 OK\r\n\r\n"[..], true),
            (b"HTTP/1.1 403 Forbidden\r\n\r\n", true),
            (b"SSH-2.0-x\r\n", false),
            (b"", false),
        ] {
            let address = listener(answer).await;
            assert_eq!(answering(address).await.is_some(), expected, "{answer:?}");
        }
        let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        assert_eq!(answering(gone).await, None);
    }

    #[tokio::test]
    async fn what_was_seen_before_the_api_answered_is_not_believed() {
        let exposure = exposure("http://127.0.0.1:1", false);
        exposure.look(false).await;
        assert_eq!(exposure.seen().at, None);
        exposure.admit(true).await.unwrap();
        assert!(exposure.seen().at.is_some());
    }
}

//! Which names the admin listener is asked by. A page in somebody's browser can let its own name point to this
//! machine (DNS rebinding) and then read what answers here. The browser's request has that name as its `Host`.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use hyper::header::HOST;
use hyper::http::uri::Authority;
use hyper::{Request, StatusCode};

use crate::server::answer::Problem;

/// The names that are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hosts {
    /// Addresses and `localhost`: what a listener that only this machine reaches is asked by.
    Local,
    /// All of them. Whoever lets others reach the listener may have any name for it: a Service's, say.
    Any,
}

impl Hosts {
    /// Those of a listener at this address.
    pub(super) fn of(listener: SocketAddr) -> Self {
        if listener.ip().to_canonical().is_loopback() { Self::Local } else { Self::Any }
    }

    /// Refuses a request by another name. One without any is no browser's.
    pub(super) fn admit<B>(self, request: &Request<B>) -> Result<(), Problem> {
        let named = request.headers().get_all(HOST).iter().map(|host| host.to_str().unwrap_or_default());
        let mut all = named.chain(request.uri().authority().map(Authority::as_str));
        if self == Self::Any || all.all(is_local) {
            return Ok(());
        }
        let why = "this listens on a loopback address and is asked by an address or as localhost alone; admin in the \
                   configuration, or --admin, makes it listen elsewhere";
        Err(Problem::Refused(StatusCode::MISDIRECTED_REQUEST, why.to_owned()))
    }
}

/// Whether no name server has a say in where this is: `HOST` or `HOST:PORT`.
fn is_local(name: &str) -> bool {
    let host = name.split_once(':').map_or(name, |(host, _)| host);
    let v6 = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    host.eq_ignore_ascii_case("localhost")
        || name.parse::<SocketAddr>().is_ok()
        || name.parse::<Ipv4Addr>().is_ok()
        || v6.is_some_and(|v6| v6.parse::<Ipv6Addr>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(uri: &str, hosts: &[&str]) -> bool {
        let mut request = Request::get(uri);
        for host in hosts {
            request = request.header(HOST, *host);
        }
        Hosts::Local.admit(&request.body(()).unwrap()).is_ok()
    }

    #[test]
    fn addresses_and_localhost_are_local() {
        for host in [
            "localhost",
            "LocalHost:9090",
            "127.0.0.1",
            "127.0.0.1:8081",
            "10.1.2.3:8081",
            "[::1]",
            "[::1]:8081",
        ] {
            assert!(admits("/info", &[host]), "{host}");
        }
        assert!(admits("/info", &[]));
        assert!(admits("http://localhost:8081/info", &["localhost:8081"]));
    }

    #[test]
    fn names_are_not() {
        for host in [
            "evil.example",
            "evil.example:8081",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "localhost@evil.example",
            "a b",
            "",
            "[::1].evil.example",
            "[evil.example]",
        ] {
            assert!(!admits("/info", &[host]), "{host}");
        }
        assert!(!admits("/info", &["localhost", "evil.example"]));
        assert!(!admits("http://evil.example/info", &["localhost"]));
    }

    #[test]
    fn only_a_listener_on_loopback_minds() {
        for (address, hosts) in [
            ("127.0.0.1:8081", Hosts::Local),
            ("127.0.0.2:8081", Hosts::Local),
            ("[::1]:8081", Hosts::Local),
            ("[::ffff:127.0.0.1]:8081", Hosts::Local),
            ("0.0.0.0:8081", Hosts::Any),
            ("[::]:8081", Hosts::Any),
            ("10.1.2.3:8081", Hosts::Any),
        ] {
            assert_eq!(Hosts::of(address.parse().unwrap()), hosts, "{address}");
        }
        let request = Request::get("/info").header(HOST, "boathook.ops.svc:8081").body(()).unwrap();
        assert_eq!(Hosts::Any.admit(&request), Ok(()));
    }
}

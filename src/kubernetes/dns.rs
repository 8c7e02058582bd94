//! Looks names up for the HTTP clients. `localhost` is answered without asking: a static binary on an empty
//! image has nobody to ask (and `getaddrinfo` would start a thread for it).

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Answers `localhost` (and names below it, RFC 6761 section 6.3) itself, and asks the system for the rest.
#[derive(Clone, Copy, Debug)]
pub struct Localhost;

impl Resolve for Localhost {
    fn resolve(&self, name: Name) -> Resolving {
        let name = name.as_str().to_owned();
        Box::pin(async move {
            // The port is the URL's.
            let found: Vec<SocketAddr> = if name == "localhost" || name.ends_with(".localhost") {
                vec![(Ipv4Addr::LOCALHOST, 0).into(), (Ipv6Addr::LOCALHOST, 0).into()]
            } else {
                tokio::net::lookup_host((name.as_str(), 0)).await?.collect()
            };
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

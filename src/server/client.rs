//! Who is calling: the address that is logged, allowed and counted.

use std::net::IpAddr;
use std::time::Duration;

use hyper::HeaderMap;

use crate::cidr::{Cidr, is_private};
use crate::config::fields::Fields;

/// The client of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Client {
    /// Never IPv4 within IPv6.
    pub(super) address: IpAddr,
    /// Whether it is one client for all that is known. A private address, or that of a proxy that says nothing, may
    /// stand for many, and none of them shall pay for another.
    pub(super) counted: bool,
}

/// The proxies that are believed, and where they write whom they speak for.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    trusted: Vec<Cidr>,
    header: Header,
}

/// The one header that the proxies write. What a client writes into the other is passed on by most proxies, so it must
/// not count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Header {
    #[default]
    XForwardedFor,
    Forwarded,
}

impl Proxies {
    /// Reads `trustedProxies` and `forwardedHeader`.
    pub fn read(fields: &mut Fields<'_>) -> Self {
        let words = [("X-Forwarded-For", Header::XForwardedFor), ("Forwarded", Header::Forwarded)];
        let header = fields.one_of("forwardedHeader", &words);
        let trusted = Cidr::read_list(fields, "trustedProxies");
        if header.is_some() && trusted.is_none() {
            fields.warn("forwardedHeader", "counts for nothing without trustedProxies");
        }
        if trusted.iter().flatten().any(Cidr::is_everything) {
            fields
                .warn("trustedProxies", "trusts everybody: any client can then name any address as its own");
        }
        Self { trusted: trusted.unwrap_or_default(), header: header.unwrap_or_default() }
    }

    /// Whether this is a proxy that is believed.
    pub(super) fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|range| range.contains(address))
    }

    /// The client of a request that came over a connection from `peer`: the peer itself or, behind a trusted proxy,
    /// the last address in the header that is not a trusted proxy's. What stands before it anybody may have written.
    pub(super) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> Client {
        let mut address = peer.to_canonical();
        if self.trusts(address) {
            let name = match self.header {
                Header::XForwardedFor => "x-forwarded-for",
                Header::Forwarded => "forwarded",
            };
            let lines: Vec<_> =
                headers.get_all(name).iter().map(|line| line.to_str().unwrap_or("")).collect();
            // Commas inside of quotes separate as well: an unclosed quote of the client's must not swallow what the
            // proxy has added.
            for hop in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
                let named = match self.header {
                    Header::XForwardedFor => Some(hop),
                    Header::Forwarded => forwarded_for(hop),
                };
                // A proxy that does not say whom it speaks for is all that is known.
                let Some(named) = named.and_then(node) else { break };
                address = named;
                if !self.trusts(address) {
                    break;
                }
            }
        }
        Client { address, counted: !is_private(address) && !self.trusts(address) }
    }
}

/// The value of `for` in one element of `Forwarded` (RFC 7239 section 4).
fn forwarded_for(element: &str) -> Option<&str> {
    let mut pairs = element.split(';').filter_map(|pair| pair.trim().split_once('='));
    let (_, value) = pairs.find(|(name, _)| name.eq_ignore_ascii_case("for"))?;
    Some(value.trim_matches('"'))
}

/// An address as proxies write it: with or without brackets and port. Names (`unknown`, `_hidden`) are none.
fn node(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?.0,
        // One colon is before a port, several are an IPv6 address.
        None => text.split_once(':').filter(|(_, port)| !port.contains(':')).map_or(text, |(host, _)| host),
    };
    bare.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

/// A time for `Retry-After`: whole seconds, at least one.
pub(super) fn retry_after(wait: Duration) -> u64 {
    wait.as_millis().div_ceil(1000).max(1).try_into().unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(header: Header) -> Proxies {
        let trusted = ["127.0.0.1", "10.0.0.0/8", "2001:db8:1::/48"].map(|range| Cidr::parse(range).unwrap());
        Proxies { trusted: trusted.to_vec(), header }
    }

    fn client(header: Header, peer: &str, lines: &[(&str, &str)]) -> Client {
        let lines: Vec<_> = lines.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        proxies(header).client(peer.parse().unwrap(), &crate::source::headers(&lines).unwrap())
    }

    fn address(header: Header, peer: &str, lines: &[(&str, &str)]) -> String {
        client(header, peer, lines).address.to_string()
    }

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        let line = [("X-Forwarded-For", "203.0.113.7")];
        assert_eq!(address(Header::XForwardedFor, "10.1.2.3", &line), "203.0.113.7");
        assert_eq!(address(Header::XForwardedFor, "::ffff:10.1.2.3", &line), "203.0.113.7");
        assert_eq!(address(Header::XForwardedFor, "192.0.2.1", &line), "192.0.2.1");
        assert_eq!(address(Header::XForwardedFor, "::ffff:192.0.2.1", &line), "192.0.2.1");
    }

    #[test]
    fn the_last_address_that_is_no_proxys_counts() {
        let by_x = |value: &str| address(Header::XForwardedFor, "10.1.2.3", &[("X-Forwarded-For", value)]);
        assert_eq!(by_x("1.1.1.1, 203.0.113.7"), "203.0.113.7");
        assert_eq!(by_x("1.1.1.1, 203.0.113.7, 10.9.9.9,127.0.0.1"), "203.0.113.7");
        assert_eq!(by_x("10.8.8.8, 10.9.9.9"), "10.8.8.8", "from inside");
        assert_eq!(by_x("203.0.113.7:4711"), "203.0.113.7");
        assert_eq!(by_x("[2001:db8::7]:4711"), "2001:db8::7");
        assert_eq!(by_x("2001:db8::7"), "2001:db8::7");
        assert_eq!(by_x("::ffff:203.0.113.7"), "203.0.113.7");
        // Nobody is named: the proxy itself is all that is known.
        for nobody in ["", "unknown", "1.1.1.1, unknown", "1.1.1.1,", "1.1.1.1, x.example.com", "[::1"] {
            assert_eq!(by_x(nobody), "10.1.2.3", "{nobody}");
        }
        let lines = [
            ("X-Forwarded-For", "1.1.1.1"),
            ("X-Forwarded-For", "203.0.113.7"),
            ("Forwarded", "for=8.8.8.8"),
        ];
        assert_eq!(address(Header::XForwardedFor, "10.1.2.3", &lines), "203.0.113.7");
        assert_eq!(address(Header::Forwarded, "10.1.2.3", &lines), "8.8.8.8", "one of the headers counts");
    }

    #[test]
    fn forwarded_is_read_as_rfc_7239_has_it() {
        let by = |value: &str| address(Header::Forwarded, "10.1.2.3", &[("Forwarded", value)]);
        assert_eq!(by("for=192.0.2.60;proto=http;by=203.0.113.43"), "192.0.2.60");
        assert_eq!(by("proto=https; For=\"[2001:db8:cafe::17]:4711\""), "2001:db8:cafe::17");
        assert_eq!(by("for=1.1.1.1, for=203.0.113.7;host=x, for=10.0.0.1"), "203.0.113.7");
        assert_eq!(by("for=\"_hidden\""), "10.1.2.3");
        assert_eq!(by("for=\", for=203.0.113.7"), "203.0.113.7", "an unclosed quote of the client's");
    }

    #[test]
    fn an_address_that_may_be_many_clients_is_not_counted() {
        let counted = |peer: &str, value: &str| {
            client(Header::XForwardedFor, peer, &[("X-Forwarded-For", value)]).counted
        };
        assert!(counted("203.0.113.7", "") && counted("10.1.2.3", "203.0.113.7"));
        assert!(!counted("192.168.0.1", "") && !counted("10.1.2.3", "192.168.0.1"));
        assert!(!counted("10.1.2.3", "") && !counted("2001:db8:1::1", ""), "a proxy that names nobody");
    }

    #[test]
    fn to_be_waited_for_is_at_least_a_second() {
        assert_eq!(retry_after(Duration::ZERO), 1);
        assert_eq!(retry_after(Duration::from_millis(1001)), 2);
    }
}

//! Ranges of addresses, as `10.0.0.0/8` or `2001:db8::/32` writes them. An IPv4 address that stands in an IPv6 one
//! (`::ffff:192.0.2.1`, what a listener on `[::]` sees) is the IPv4 address.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::config::fields::Fields;

/// A range of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cidr {
    /// Without host bits, never IPv4 within IPv6.
    first: IpAddr,
    length: u8,
}

impl Cidr {
    /// Reads `ADDRESS/LENGTH`, or one address. An address with bits behind the prefix is refused: it may be a
    /// mistyped length.
    pub fn parse(text: &str) -> Result<Self, String> {
        let shown = text.escape_debug();
        let (address, length) = text.split_once('/').map_or((text, None), |(a, l)| (a, Some(l)));
        let written: IpAddr = address.parse().map_err(|_| {
            format!("{shown} is no address and no range such as 192.0.2.0/24 or 2001:db8::/32")
        })?;
        let bits = width(written);
        let digits = |l: &str| !l.is_empty() && l.len() <= 3 && l.bytes().all(|b| b.is_ascii_digit());
        let length = match length {
            Some(length) => length.parse::<u8>().ok().filter(|n| digits(length) && *n <= bits),
            None => Some(bits),
        };
        let length =
            length.ok_or_else(|| format!("{shown}: the length behind the / must be from 0 to {bits}"))?;
        let (address, length) = match (written, written.to_canonical()) {
            (IpAddr::V6(_), IpAddr::V4(inner)) if length >= 96 => (IpAddr::V4(inner), length - 96),
            _ => (written, length),
        };
        let range = Self { first: masked(address, length), length };
        if range.first != address {
            return Err(format!("{shown} has bits behind its prefix: write {range}"));
        }
        Ok(range)
    }

    /// Whether the address is in the range.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.first.is_ipv4() && masked(address, self.length) == self.first
    }

    /// Whether it holds every address of its kind.
    pub fn is_everything(&self) -> bool {
        self.length == 0
    }

    /// Reads a field that is one range or a list of them. `None` if it is not there.
    pub fn read_list(fields: &mut Fields<'_>, name: &'static str) -> Option<Vec<Self>> {
        let texts = fields.strings(name)?;
        let parse = |text: &String| Self::parse(text).map_err(|why| fields.mistake(name, why)).ok();
        Some(texts.iter().filter_map(parse).collect())
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.first)?;
        if self.length < width(self.first) { write!(f, "/{}", self.length) } else { Ok(()) }
    }
}

/// Whether an address may stand for many clients, as that of an ingress controller does: loopback, link-local, private
/// (RFC 1918, RFC 4193) and carrier-grade NAT (RFC 6598).
pub fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            v4.is_private() || v4.is_loopback() || v4.is_link_local() || (a == 100 && (64..128).contains(&b))
        }
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

/// What stands for one client where clients are counted: its IPv4 address, or its IPv6 network of 64 bits, which is
/// what one customer has at least.
pub fn client_network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        v4 @ IpAddr::V4(_) => v4,
        v6 @ IpAddr::V6(_) => masked(v6, 64),
    }
}

fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// The address with its first bits alone.
fn masked(address: IpAddr, length: u8) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(length.min(32))).unwrap_or(0);
            Ipv4Addr::from_bits(v4.to_bits() & mask).into()
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(length.min(128))).unwrap_or(0);
            Ipv6Addr::from_bits(v6.to_bits() & mask).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(range: &str, address: &str) -> bool {
        Cidr::parse(range).unwrap().contains(address.parse().unwrap())
    }

    #[test]
    fn a_range_holds_what_shares_its_prefix() {
        for (range, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.0"),
            ("192.0.2.0/25", "192.0.2.127", "192.0.2.128"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
            ("192.0.2.7/32", "192.0.2.7", "192.0.2.6"),
            ("0.0.0.0/0", "255.255.255.255", "::1"),
            ("::/0", "2001:db8::1", "192.0.2.1"),
            ("2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::1"),
            ("2001:db8::1", "2001:db8::1", "2001:db8::2"),
            // IPv4 within IPv6, on either side.
            ("192.0.2.0/24", "::ffff:192.0.2.1", "::ffff:192.0.3.1"),
            ("::ffff:192.0.2.0/120", "192.0.2.1", "192.0.3.1"),
        ] {
            assert!(contains(range, inside), "{inside} is in {range}");
            assert!(!contains(range, outside), "{outside} is not in {range}");
        }
    }

    #[test]
    fn what_is_no_range_is_told() {
        let told = |text: &str| Cidr::parse(text).unwrap_err();
        for bad in
            ["", "x", "10.0.0/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/+8", "10.0.0.0/8/8", "::/129", " ::1"]
        {
            assert!(Cidr::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(told("10.0.0.1/8"), "10.0.0.1/8 has bits behind its prefix: write 10.0.0.0/8");
        assert_eq!(told("2001:db8::1/64"), "2001:db8::1/64 has bits behind its prefix: write 2001:db8::/64");
        assert_eq!(told("::/129"), "::/129: the length behind the / must be from 0 to 128");
        assert!(told("host").starts_with("host is no address"), "{}", told("host"));
    }

    #[test]
    fn private_addresses_are_known() {
        let private = |text: &str| is_private(text.parse().unwrap());
        for yes in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.0.1",
            "169.254.1.1",
            "100.64.0.1",
            "100.127.255.255",
            "::1",
            "fd00::1",
            "fe80::1",
            "::ffff:10.0.0.1",
        ] {
            assert!(private(yes), "{yes}");
        }
        for no in
            ["100.63.0.1", "100.128.0.1", "172.32.0.1", "203.0.113.7", "2001:db8::1", "::ffff:203.0.113.7"]
        {
            assert!(!private(no), "{no}");
        }
    }

    #[test]
    fn an_ipv6_client_is_its_network() {
        let network = |text: &str| client_network(text.parse().unwrap()).to_string();
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(network("203.0.113.7"), "203.0.113.7");
        assert_eq!(network("::ffff:203.0.113.7"), "203.0.113.7");
    }
}

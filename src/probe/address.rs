//! Which addresses a probe may connect to: a URL that an event had a part in must not reach this very machine, nor
//! what a cloud tells its machines about themselves. Private networks may be reached: services are there.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Addresses outside the link-local network at which clouds tell machines about themselves, credentials included.
const METADATA: [IpAddr; 6] = [
    // Amazon's, that of EKS's pod identities, and Google's over IPv6.
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23)),
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)),
    // Alibaba's, Oracle's and Azure's.
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
];

/// What an address is, if it is none to connect to: `a loopback address`. An IPv6 address that stands for an IPv4 one
/// is what that is.
pub(super) fn refused(address: IpAddr) -> Option<&'static str> {
    if METADATA.contains(&address) {
        return Some("a cloud's metadata address");
    }
    match address {
        IpAddr::V4(address) => refused_v4(address),
        IpAddr::V6(address) => refused_v6(address),
    }
}

fn refused_v4(address: Ipv4Addr) -> Option<&'static str> {
    let [first, ..] = address.octets();
    match first {
        // All of 0/8 is "this host" (RFC 1122, section 3.2.1.3), and Linux takes 0.0.0.0 for the loopback.
        0 => Some("an unspecified address"),
        127 => Some("a loopback address"),
        169 if address.is_link_local() => Some("a link-local address"),
        224..=239 => Some("a multicast address"),
        255 if address.is_broadcast() => Some("the broadcast address"),
        _ => None,
    }
}

fn refused_v6(address: Ipv6Addr) -> Option<&'static str> {
    if address.is_unspecified() {
        return Some("an unspecified address");
    }
    if address.is_loopback() {
        return Some("a loopback address");
    }
    if address.is_unicast_link_local() {
        return Some("a link-local address");
    }
    if address.is_multicast() {
        return Some("a multicast address");
    }
    standing_for(address).and_then(|inner| refused(IpAddr::V4(inner)))
}

/// The IPv4 address that an IPv6 address may be translated to, or tunnelled to, on its way.
fn standing_for(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let (high, low) = match address.segments() {
        // NAT64's prefix for one's own network (RFC 8215), of 48 bits: around eight that are kept free (RFC 6052, section
        // 2.2).
        [0x64, 0xff9b, 1, high, middle, last, 0, 0] => (high, (middle & 0xff) << 8 | last >> 8),
        // Mapped (RFC 4291), and its obsolete sibling; translated (RFC 2765); NAT64's well-known prefix, and its prefix
        // for one's own network, of 96 bits; 6to4 (RFC 3056).
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x64, 0xff9b, 1, _, _, _, high, low]
        | [0x2002, high, low, ..] => (high, low),
        _ => return None,
    };
    Some(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Option<&'static str> {
        refused(text.parse().unwrap())
    }

    #[test]
    fn services_may_be_anywhere_in_private_and_public_networks() {
        for text in [
            "10.0.0.1",
            "10.255.255.255",
            "172.16.0.1",
            "192.168.1.1",
            "100.64.0.1",
            "126.255.255.255",
            "128.0.0.1",
            "169.253.255.255",
            "169.255.0.0",
            "223.255.255.255",
            "1.0.0.0",
            "192.0.2.1",
            "fd00::1",
            "fc00::254",
            "fd00:ec2::253",
            "2001:db8::1",
            "2606:4700::1111",
            "fe00::1",
            "::2:0:0:1",
            // Of something that may be reached.
            "::ffff:10.0.0.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::10.0.0.1",
            "64:ff9b:1:a00:0:100::",
            "2002:a00:1::1",
        ] {
            assert_eq!(of(text), None, "{text}");
        }
    }

    #[test]
    fn this_machine_its_link_and_its_metadata_may_not() {
        for (text, what) in [
            ("127.0.0.1", "a loopback address"),
            ("127.255.255.254", "a loopback address"),
            ("0.0.0.0", "an unspecified address"),
            ("0.1.2.3", "an unspecified address"),
            ("169.254.169.254", "a link-local address"),
            ("169.254.0.0", "a link-local address"),
            ("169.254.255.255", "a link-local address"),
            ("224.0.0.1", "a multicast address"),
            ("239.255.255.255", "a multicast address"),
            ("255.255.255.255", "the broadcast address"),
            ("100.100.100.200", "a cloud's metadata address"),
            ("192.0.0.192", "a cloud's metadata address"),
            ("168.63.129.16", "a cloud's metadata address"),
            ("::", "an unspecified address"),
            ("::1", "a loopback address"),
            ("fe80::1", "a link-local address"),
            ("febf:ffff::1", "a link-local address"),
            ("ff02::1", "a multicast address"),
            ("fd00:ec2::254", "a cloud's metadata address"),
            ("fd00:ec2::23", "a cloud's metadata address"),
            ("fd20:ce::254", "a cloud's metadata address"),
        ] {
            assert_eq!(of(text), Some(what), "{text}");
        }
    }

    #[test]
    fn an_address_that_stands_for_another_is_what_that_is() {
        for inner in
            ["127.0.0.1", "0.0.0.0", "169.254.169.254", "224.0.0.1", "255.255.255.255", "100.100.100.200"]
        {
            let v4: Ipv4Addr = inner.parse().unwrap();
            let what = refused(IpAddr::V4(v4));
            assert!(what.is_some());
            for prefix in ["::ffff:", "::ffff:0:", "64:ff9b::", "64:ff9b:1::", "64:ff9b:1:2:3:4:"] {
                assert_eq!(of(&format!("{prefix}{inner}")), what, "{prefix}{inner}");
            }
            let [a, b, c, d] = v4.octets();
            for text in [
                format!("2002:{a:02x}{b:02x}:{c:02x}{d:02x}::5"),
                // RFC 6052, section 2.2: a prefix of 48 bits, 16 of the address, 8 free ones, the other 16.
                format!("64:ff9b:1:{a:02x}{b:02x}:{c:x}:{d:02x}00::"),
            ] {
                assert_eq!(of(&text), what, "{text}");
            }
        }
        assert_eq!(of("::127.0.0.1"), Some("a loopback address"));
    }
}

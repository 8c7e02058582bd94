//! The addresses of this machine (in a pod: of the pod) that others can reach.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, UdpSocket};

/// Routes of the kernel: every local address is one.
const IPV4: &str = "/proc/net/fib_trie";
const IPV6: &str = "/proc/net/if_inet6";

/// Addresses that the downward API may tell, separated by commas. They come on top of what the kernel tells, and are
/// taken as they are.
const VARIABLES: [&str; 2] = ["POD_IP", "POD_IPS"];

/// An address that no one has (RFC 5737): connecting a UDP socket sends nothing, and chooses an own address.
const SOMEWHERE: (Ipv4Addr, u16) = (Ipv4Addr::new(192, 0, 2, 1), 9);

/// An address of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Own {
    ip: IpAddr,
    /// The interface, which link-local addresses need.
    scope: u32,
}

impl Own {
    pub(super) fn ip(self) -> IpAddr {
        self.ip
    }

    /// With a port.
    pub(super) fn at(self, port: u16) -> SocketAddr {
        match self.ip {
            IpAddr::V4(ip) => (ip, port).into(),
            IpAddr::V6(ip) => SocketAddrV6::new(ip, port, 0, self.scope).into(),
        }
    }
}

impl From<IpAddr> for Own {
    fn from(ip: IpAddr) -> Self {
        Self { ip, scope: 0 }
    }
}

/// Every address that others can reach, each once.
pub(super) fn own() -> Vec<Own> {
    let told: Vec<_> = VARIABLES.iter().filter_map(|name| std::env::var(name).ok()).collect();
    let file = |name| std::fs::read_to_string(name).unwrap_or_default();
    let mut own = parse(&told.join(","), &file(IPV4), &file(IPV6));
    // Where the kernel does not tell.
    let chosen = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).and_then(|socket| {
        socket.connect(SOMEWHERE)?;
        socket.local_addr()
    });
    own.extend(chosen.ok().map(|address| address.ip()).filter(is_reachable).map(Own::from));
    own.sort_unstable();
    own.dedup();
    own
}

/// What is told, and what the kernel's tables have.
pub(super) fn parse(told: &str, fib_trie: &str, if_inet6: &str) -> Vec<Own> {
    let told = told.split(',').filter_map(|text| text.trim().parse::<IpAddr>().ok()).map(Own::from);
    let v4 = ipv4(fib_trie).into_iter().map(IpAddr::V4).filter(is_reachable).map(Own::from);
    let v6 = if_inet6.lines().filter_map(ipv6).filter(|own| is_reachable(&own.ip));
    told.chain(v4).chain(v6).collect()
}

fn is_reachable(address: &IpAddr) -> bool {
    !address.is_loopback() && !address.is_unspecified()
}

/// An address stands in a line of its own, and what it is in the next: `/32 host LOCAL`.
fn ipv4(table: &str) -> Vec<Ipv4Addr> {
    let (mut found, mut last) = (Vec::new(), None::<Ipv4Addr>);
    for line in table.lines() {
        if let Some(text) = line.trim_start().strip_prefix("|-- ") {
            last = text.trim().parse().ok();
        } else if line.contains("/32 host LOCAL") {
            found.extend(last);
        }
    }
    found
}

/// `fe80000000000000042a…  02 40 20 80  eth0`: address and interface in hex.
fn ipv6(line: &str) -> Option<Own> {
    let mut fields = line.split_ascii_whitespace();
    let bits = u128::from_str_radix(fields.next()?, 16).ok()?;
    let scope = u32::from_str_radix(fields.next()?, 16).ok()?;
    let ip = Ipv6Addr::from_bits(bits);
    Some(Own { ip: IpAddr::V6(ip), scope: if ip.is_unicast_link_local() { scope } else { 0 } })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIB_TRIE: &str = "\
Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 10.244.1.0/24 2 0 2
        |-- 10.244.1.0
           /24 link UNICAST
Local:
  +-- 0.0.0.0/0 3 0 5
     |-- 10.244.1.17
        /32 host LOCAL
     |-- 10.244.1.255
        /32 link BROADCAST
     |-- 127.0.0.1
        /32 host LOCAL
     |-- 127.0.0.0
        /8 host LOCAL
";
    const IF_INET6: &str = "\
00000000000000000000000000000001 01 80 10 80       lo
fd000000000000000000000000000011 02 40 00 80     eth0
fe80000000000000042a51fffe0cbd01 02 40 20 80     eth0
";

    #[test]
    fn the_kernels_tables_are_read() {
        let own = parse("", FIB_TRIE, IF_INET6);
        let told: Vec<_> = own.iter().map(|own| own.at(8001).to_string()).collect();
        assert_eq!(told, ["10.244.1.17:8001", "[fd00::11]:8001", "[fe80::42a:51ff:fe0c:bd01%2]:8001"]);
    }

    #[test]
    fn what_is_told_is_taken_as_it_is() {
        let own = parse("127.0.0.2, fd00::1,nonsense", "", "");
        assert_eq!(own.iter().map(|own| own.ip().to_string()).collect::<Vec<_>>(), ["127.0.0.2", "fd00::1"]);
        assert_eq!(parse("", "garbage\n |-- x\n /32 host LOCAL", "garbage\nzz 1"), []);
    }

    #[test]
    fn no_address_is_loopback_on_this_machine() {
        assert!(own().iter().all(|own| !own.ip().is_loopback()));
    }
}

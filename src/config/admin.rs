//! Where the admin listener is.

use std::net::SocketAddr;

/// The admin listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admin {
    /// There is none.
    Off,
    /// It listens here.
    At(SocketAddr),
}

impl Admin {
    /// Reads `none` or an address; the error says what is needed instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(Self::Off);
        }
        address(text).map(Self::At).ok_or_else(|| {
            "must be ADDRESS:PORT in digits, such as 127.0.0.1:8081, [::]:8081 or :8081, or none".to_owned()
        })
    }
}

/// An address to listen on; `:8080`, as Go programs have it, is all of this machine's.
pub fn address(text: &str) -> Option<SocketAddr> {
    if text.starts_with(':') { format!("0.0.0.0{text}").parse().ok() } else { text.parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_an_address_or_none() {
        assert_eq!(Admin::parse("none"), Ok(Admin::Off));
        for (text, address) in
            [("127.0.0.1:8081", "127.0.0.1:8081"), (":81", "0.0.0.0:81"), ("[::1]:8", "[::1]:8")]
        {
            assert_eq!(Admin::parse(text), Ok(Admin::At(address.parse().unwrap())), "{text}");
        }
        for bad in ["", "off", "8081", "localhost:8081", "127.0.0.1"] {
            assert!(Admin::parse(bad).unwrap_err().contains("such as 127.0.0.1:8081"), "{bad}");
        }
    }
}

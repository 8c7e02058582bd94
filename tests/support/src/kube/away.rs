//! The API server is away for a while.

use super::{Double, Fault};

/// How clients notice that the API server is away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Away {
    /// Connections are cut and refused; the address stays reserved.
    Refused,
    /// A kubectl proxy is there and answers 500 in plain text.
    BehindProxy,
    /// Something in front of it answers 503.
    Unavailable,
    /// Requests are taken and not answered until it is back; then they are served.
    Silent,
}

impl Double {
    /// The API server is away until [`Self::back`]. It keeps everything it knew, and its controllers go on.
    pub fn away(&self, how: Away) {
        self.back();
        let fault = match how {
            Away::Refused => return self.server.stop(),
            Away::BehindProxy => Fault::ProxyUpstreamDown,
            Away::Unavailable => Fault::Status(503),
            Away::Silent => Fault::Hang,
        };
        self.change(|world| world.faults.away = Some(fault));
    }

    /// The API server is back.
    pub fn back(&self) {
        self.change(|world| world.faults.come_back());
        self.server.restart();
    }
}

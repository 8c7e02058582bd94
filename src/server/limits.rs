//! What one client, and all of them together, may take.

use std::time::Duration;

/// The listener's limits.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at once, over all clients.
    pub connections: usize,
    /// Bytes of bodies in memory, over all requests.
    pub body_bytes: usize,
    /// How long a body may take from its first byte to its last.
    pub body_time: Duration,
    /// How long a request's head may take.
    pub header_time: Duration,
    /// Bytes of a request's head.
    pub header_bytes: usize,
    /// Headers of a request.
    pub header_count: usize,
    /// How long a new connection may send nothing.
    pub idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            body_bytes: 16 * 1024 * 1024,
            body_time: Duration::from_secs(10),
            header_time: Duration::from_secs(10),
            header_bytes: 16 * 1024,
            header_count: 100,
            idle: Duration::from_secs(15),
        }
    }
}

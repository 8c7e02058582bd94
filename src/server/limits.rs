//! What one client, and all of them together, may take: the section `limits` of the configuration. Every one of them
//! holds from the next connection or request on when the configuration is read again.

use std::time::Duration;

use crate::config::fields::Fields;
use crate::config::units::{Bytes, Shown};
use crate::rate::Rate;
use crate::run::queue::PENDING_LIMIT;

/// The most connections that can be asked for: looking for one to close takes time for each.
const MOST_CONNECTIONS: usize = 16_384;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// The listener's limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once, over all clients.
    pub connections: usize,
    /// Connections at once of one client; see [`Limits::of_client`].
    pub connections_per_client: Option<usize>,
    /// Requests at once whose bodies are read and that are being accepted.
    pub requests: usize,
    /// Callers at once who wait for the end of their runs.
    pub waiting: usize,
    /// How long a new connection may send nothing.
    pub idle_time: Duration,
    /// How long a connection may send nothing between two requests.
    pub keep_alive: Duration,
    /// How long a request's head may take from its first byte.
    pub header_time: Duration,
    /// Bytes of a request's head.
    pub header_bytes: usize,
    /// Headers of a request.
    pub headers: usize,
    /// How long a body may take from its first byte to its last.
    pub body_time: Duration,
    /// How long a body may be slower than [`Limits::body_rate`].
    pub body_grace: Duration,
    /// Bytes a second that a body must have come with on average, once its grace is over.
    pub body_rate: usize,
    /// Bytes of bodies in memory, over all requests.
    pub bodies: usize,
    /// How long an answer may wait for its reader.
    pub answer_time: Duration,
    /// Runs that may be pending before deliveries are answered 503.
    pub pending_runs: usize,
    /// How many refusals a client is told as such; the others are 429.
    pub refusals: Rate,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            connections_per_client: None,
            requests: 512,
            waiting: 256,
            idle_time: Duration::from_secs(15),
            keep_alive: Duration::from_secs(75),
            header_time: Duration::from_secs(10),
            header_bytes: 16 * KIB,
            headers: 100,
            body_time: Duration::from_secs(30),
            body_grace: Duration::from_secs(5),
            body_rate: KIB,
            bodies: 16 * MIB,
            answer_time: Duration::from_secs(10),
            pending_runs: PENDING_LIMIT,
            refusals: Rate { burst: 60, per: MINUTE },
        }
    }
}

impl Limits {
    /// Connections at once of one client with a public address, when the configuration does not say.
    pub const PER_CLIENT: usize = 64;

    /// How many connections a client may have at once. With a private address, which may be that of something that
    /// many clients come through, it is limited only if the configuration says so.
    pub fn of_client(&self, private: bool) -> Option<usize> {
        self.connections_per_client.or((!private).then_some(Self::PER_CLIENT))
    }

    /// Reads the field `limits`; what it does not name has its default.
    pub fn read(fields: &mut Fields<'_>) -> Self {
        let mut limits = Self::default();
        if let Some(mut section) = fields.section("limits") {
            limits.read_section(&mut section);
            section.finish();
        }
        limits
    }

    fn read_section(&mut self, fields: &mut Fields<'_>) {
        let connections = u64::try_from(MOST_CONNECTIONS).unwrap_or(u64::MAX);
        number(fields, "connections", (16, connections), &mut self.connections);
        let mut per_client = 0;
        number(fields, "connectionsPerClient", (1, connections), &mut per_client);
        self.connections_per_client = (per_client > 0).then_some(per_client);
        number(fields, "requests", (1, connections), &mut self.requests);
        self.waiting = self.waiting.min(self.connections / 4);
        number(fields, "waiting", (0, connections), &mut self.waiting);
        time(fields, "idleTime", (SECOND, HOUR), &mut self.idle_time);
        time(fields, "keepAlive", (SECOND, HOUR), &mut self.keep_alive);
        time(fields, "headerTime", (SECOND, 5 * MINUTE), &mut self.header_time);
        // Less than 8 KiB hyper does not take.
        bytes(fields, "headerBytes", (8 * KIB, 256 * KIB), &mut self.header_bytes);
        number(fields, "headers", (16, 1024), &mut self.headers);
        time(fields, "bodyTime", (SECOND, HOUR), &mut self.body_time);
        time(fields, "bodyGrace", (SECOND, HOUR), &mut self.body_grace);
        bytes(fields, "bodyRate", (1, 16 * MIB), &mut self.body_rate);
        bytes(fields, "bodies", (MIB, 1024 * MIB), &mut self.bodies);
        time(fields, "answerTime", (SECOND, 5 * MINUTE), &mut self.answer_time);
        number(fields, "pendingRuns", (1, 65_536), &mut self.pending_runs);
        self.refusals = Rate::read(fields, "refusals").unwrap_or(self.refusals);
        if self.waiting >= self.connections {
            let text = "must be less than connections, or callers that wait could keep out everybody else";
            fields.mistake("waiting", text);
        }
    }

    /// Every limit with its name in the configuration.
    pub fn rows(&self) -> [(&'static str, String); 16] {
        let per_client = match self.connections_per_client {
            Some(most) => most.to_string(),
            None => Self::PER_CLIENT.to_string(),
        };
        [
            ("connections", self.connections.to_string()),
            ("connectionsPerClient", per_client),
            ("requests", self.requests.to_string()),
            ("waiting", self.waiting.to_string()),
            ("idleTime", Shown(self.idle_time).to_string()),
            ("keepAlive", Shown(self.keep_alive).to_string()),
            ("headerTime", Shown(self.header_time).to_string()),
            ("headerBytes", Bytes(self.header_bytes).to_string()),
            ("headers", self.headers.to_string()),
            ("bodyTime", Shown(self.body_time).to_string()),
            ("bodyGrace", Shown(self.body_grace).to_string()),
            ("bodyRate", Bytes(self.body_rate).to_string()),
            ("bodies", Bytes(self.bodies).to_string()),
            ("answerTime", Shown(self.answer_time).to_string()),
            ("pendingRuns", self.pending_runs.to_string()),
            ("refusals", self.refusals.to_string()),
        ]
    }

    /// Those that are not the default.
    pub fn changed(&self) -> Vec<(&'static str, String)> {
        let mut changed = Vec::new();
        for (row, default) in self.rows().into_iter().zip(Self::default().rows()) {
            // Saying the default of it changes whom it holds for.
            let said = row.0 == "connectionsPerClient" && self.connections_per_client.is_some();
            if row != default || said {
                changed.push(row);
            }
        }
        changed
    }
}

fn number(fields: &mut Fields<'_>, name: &'static str, (least, most): (u64, u64), limit: &mut usize) {
    let found = fields.number(name, least, most).and_then(|number| usize::try_from(number).ok());
    *limit = found.unwrap_or(*limit);
}

fn bytes(fields: &mut Fields<'_>, name: &'static str, (least, most): (usize, usize), limit: &mut usize) {
    *limit = fields.bytes_within(name, least, most).unwrap_or(*limit);
}

fn time(
    fields: &mut Fields<'_>,
    name: &'static str,
    (least, most): (Duration, Duration),
    limit: &mut Duration,
) {
    *limit = fields.duration_within(name, least, most).unwrap_or(*limit);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_are_limited_only_on_request() {
        let default = Limits::default();
        assert_eq!((default.of_client(false), default.of_client(true)), (Some(64), None));
        let said = Limits { connections_per_client: Some(8), ..default };
        assert_eq!((said.of_client(false), said.of_client(true)), (Some(8), Some(8)));
        assert_eq!(said.changed(), [("connectionsPerClient", "8".to_owned())]);
        assert!(default.changed().is_empty());
    }
}

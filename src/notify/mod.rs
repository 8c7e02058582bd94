//! Telling others how runs ended.
//!
//! A [`Notice`] says it once, in boathook's own words; each [`Format`] is a pure function from a notice to a body.
//! The [`Outbox`] keeps notices in the journal until their targets have taken them: `schedule` holds the rules of
//! waiting as a pure state machine, `courier` sends one request.

mod cloudevents;
mod courier;
mod notice;
mod outbox;
mod plain;
mod schedule;
mod slack;

pub use self::notice::Notice;
pub use self::outbox::{Outbox, Targets};

/// How a notice is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `CloudEvents` 1.0, in structured JSON.
    CloudEvents,
    /// A message for Slack, and for those who take the same.
    Slack,
    /// One flat JSON object, with what updatekate sent.
    Plain,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 3] = [Self::CloudEvents, Self::Slack, Self::Plain];

    /// The word in configurations.
    pub fn word(self) -> &'static str {
        match self {
            Self::CloudEvents => "cloudevents",
            Self::Slack => "slack",
            Self::Plain => "plain",
        }
    }

    /// The media type of a body.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::CloudEvents => "application/cloudevents+json",
            Self::Slack | Self::Plain => "application/json",
        }
    }

    /// What is sent.
    pub fn body(self, notice: &Notice) -> Vec<u8> {
        let body = match self {
            Self::CloudEvents => cloudevents::body(notice),
            Self::Slack => slack::body(notice),
            Self::Plain => plain::body(notice),
        };
        body.to_string().into_bytes()
    }
}

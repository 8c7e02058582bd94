//! Deliveries of a real one's shape, made up for `send --sample`.

use jiff::Timestamp;
use serde_json::Value;

use super::{EVENT, PING, body};
use crate::source::draft::{Draft, Sample, SampleEvent};
use crate::source::sample::Values;

/// The name of the event that a body must be.
pub(super) fn guess_event(draft: &Draft) -> Option<String> {
    let body = draft.payload()?;
    if body.get("test").is_some() {
        return Some(PING.to_owned());
    }
    body.get("eventKey").and_then(Value::as_str).map(str::to_owned)
}

/// A delivery of the kind that is asked for.
pub(super) fn draft(sample: &Sample, now: Timestamp) -> Option<Draft> {
    let (event, text) = match sample.event {
        SampleEvent::Git => (body::PUSH, include_str!("samples/git.json")),
        SampleEvent::Ping => (PING, include_str!("samples/ping.json")),
        SampleEvent::Image | SampleEvent::Pipeline | SampleEvent::Deploy => return None,
    };
    let mut values = Values::new(sample, now);
    values.set("clone.path", sample.repository.to_lowercase());
    values.part(">commit", include_str!("samples/commit.json"), &[])?;
    let mut draft = values.draft(text)?;
    draft.default_header(EVENT, event);
    Some(draft)
}

//! Deliveries of a real one's shape, made up for `send --sample`.

use jiff::Timestamp;

use super::EVENT;
use crate::source::draft::{Draft, Sample, SampleEvent};
use crate::source::sample::Values;

/// The header's words for the kinds of event, which are those of their bodies.
const EVENTS: [(&str, &str); 3] =
    [("push", "Push Hook"), ("tag_push", "Tag Push Hook"), ("pipeline", "Pipeline Hook")];

/// The name of the event that a body must be; what a system hook alone sends is one.
pub(super) fn guess_event(draft: &Draft) -> Option<&'static str> {
    let body = draft.payload()?;
    let Some(kind) = body.get("object_kind") else {
        return body.get("event_name").map(|_| "System Hook");
    };
    EVENTS.iter().find(|(event, _)| *kind == **event).map(|(_, header)| *header)
}

/// A delivery of the kind that is asked for.
pub(super) fn draft(sample: &Sample, now: Timestamp) -> Option<Draft> {
    let text = match sample.event {
        SampleEvent::Git => include_str!("samples/git.json"),
        SampleEvent::Pipeline => include_str!("samples/pipeline.json"),
        SampleEvent::Image | SampleEvent::Deploy | SampleEvent::Ping => return None,
    };
    let mut values = Values::new(sample, now);
    values.part(">project", include_str!("samples/project.json"), &[])?;
    values.part(">commit", include_str!("samples/commit.json"), &[])?;
    for (part, id, stage, name) in [(">test", 501, "build", "test"), (">image", 502, "image", "image")] {
        values.set("job.id", id);
        values.part(part, include_str!("samples/job.json"), &[("job.stage", stage), ("job.name", name)])?;
    }
    let mut draft = values.draft(text)?;
    if let Some(event) = guess_event(&draft) {
        draft.default_header(EVENT, event);
    }
    Some(draft)
}

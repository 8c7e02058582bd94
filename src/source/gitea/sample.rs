//! Deliveries of a real one's shape, made up for `send --sample`.

use jiff::Timestamp;

use crate::source::draft::{Draft, Sample, SampleEvent};
use crate::source::sample::Values;

/// The name of the event that a body must be.
pub(super) fn guess_event(draft: &Draft) -> Option<&'static str> {
    let body = draft.payload()?;
    let has = |field: &str| body.get(field).is_some();
    if has("package") {
        Some("package")
    } else if has("after") {
        Some("push")
    } else if has("ref_type") {
        Some(if has("pusher_type") { "delete" } else { "create" })
    } else {
        None
    }
}

/// A delivery of the kind that is asked for.
pub(super) fn draft(sample: &Sample, now: Timestamp) -> Option<Draft> {
    let (event, text) = match sample.event {
        SampleEvent::Git => ("push", include_str!("samples/git.json")),
        SampleEvent::Image => ("package", include_str!("samples/image.json")),
        SampleEvent::Pipeline | SampleEvent::Deploy | SampleEvent::Ping => return None,
    };
    let mut values = Values::new(sample, now);
    for (part, login) in
        [(">sender", "octavia"), (">owner", "{{repository.owner}}"), (">namespace", "{{image.namespace}}")]
    {
        values.part(part, include_str!("samples/user.json"), &[("login", login)])?;
    }
    values.part(">repository", include_str!("samples/repository.json"), &[])?;
    values.part(">commit", include_str!("samples/commit.json"), &[])?;
    let (_, name) = sample.image.path().split_once('/').unwrap_or(("", sample.image.path()));
    values.set("image.escaped", name.replace('/', "%2F"));
    let mut draft = values.draft(text)?;
    draft.default_header("X-Gitea-Event", event);
    Some(draft)
}

//! Deliveries of a real one's shape and size, made up for `send --sample`.

use jiff::Timestamp;

use super::EVENT;
use crate::source::draft::{Draft, Sample, SampleEvent};
use crate::source::sample::Values;

/// The name of the event that a body must be.
pub(super) fn guess_event(draft: &Draft) -> Option<&'static str> {
    const MARKS: [(&str, &str); 5] = [
        ("registry_package", "registry_package"),
        ("package", "package"),
        ("workflow_run", "workflow_run"),
        ("zen", "ping"),
        ("after", "push"),
    ];
    let body = draft.payload()?;
    MARKS.iter().find(|(field, _)| body.get(field).is_some()).map(|(_, event)| *event)
}

/// A delivery of the kind that is asked for.
pub(super) fn draft(sample: &Sample, now: Timestamp) -> Option<Draft> {
    let (event, text) = match sample.event {
        SampleEvent::Image => ("package", include_str!("samples/image.json")),
        SampleEvent::Git => ("push", include_str!("samples/git.json")),
        SampleEvent::Pipeline => ("workflow_run", include_str!("samples/pipeline.json")),
        SampleEvent::Ping => ("ping", include_str!("samples/ping.json")),
        SampleEvent::Deploy => return None,
    };
    let mut values = Values::new(sample, now);
    for (part, login, kind) in [
        (">sender", "octavia", "User"),
        (">owner", "{{repository.owner}}", "Organization"),
        (">namespace", "{{image.namespace}}", "Organization"),
    ] {
        values.part(part, include_str!("samples/user.json"), &[("login", login), ("type", kind)])?;
    }
    // Pushes alone say times of the repository as numbers.
    let time = if sample.event == SampleEvent::Git { "{{now.seconds}}" } else { "{{now}}Z" };
    values.part(">repository", include_str!("samples/repository.json"), &[("pushed_at", time)])?;
    values.part(">commit", include_str!("samples/commit.json"), &[])?;
    let mut draft = values.draft(text)?;
    draft.default_header(EVENT, event);
    Some(draft)
}

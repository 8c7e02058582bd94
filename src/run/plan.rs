//! From a decoded delivery to runs: which rules match, and what each run carries along.

use std::sync::Arc;

use jiff::Timestamp;

use super::record::{Origin, Run, RunId, Timing};
use crate::config::{Endpoint, Rule, Waits};
use crate::event::Event;
use crate::rule::Subject;
use crate::source::draft::random_uuid;
use crate::source::{Decoded, Identity};

/// The longest delivery id that is taken over from a sender, in bytes.
const LONGEST_ID: usize = 128;

/// What a delivery leads to.
#[derive(Debug)]
pub struct Planned {
    /// The delivery's id.
    pub delivery: String,
    /// One for each rule and event that match.
    pub runs: Vec<Arc<Run>>,
    /// Why there is no run, when there is none.
    pub reason: String,
}

/// Applies an endpoint's rules to what a delivery says.
pub fn plan(
    endpoint: &Endpoint,
    decoded: &Decoded,
    waits: Waits,
    received: Timestamp,
    mut next_id: impl FnMut() -> RunId,
) -> Planned {
    let mut runs: Vec<Arc<Run>> = Vec::new();
    let mut reasons: Vec<String> = Vec::new();
    let mut origin: Option<Arc<Origin>> = None;
    for event in &decoded.events {
        let Some(subject) = Subject::of(event) else {
            if let Event::Ignored { reason } = event {
                reasons.push(reason.clone());
            }
            continue;
        };
        for rule in &endpoint.rules {
            let verdict = rule.when.judge(event);
            if !verdict.matched() {
                reasons.push(format!("rule {}: {}", rule.number, verdict.why()));
                continue;
            }
            let origin = origin.get_or_insert_with(|| {
                Arc::new(Origin {
                    id: delivery_id(&decoded.identity),
                    endpoint: endpoint.name.clone(),
                    source: endpoint.source.name.to_owned(),
                    received,
                })
            });
            runs.push(Arc::new(Run {
                id: next_id(),
                delivery: Arc::clone(origin),
                rule: rule.number,
                event: event.clone(),
                subject: subject.clone(),
                tag: verdict.tag().map(str::to_owned),
                policy: rule.when.tag_policy().cloned(),
                actions: Arc::clone(&rule.actions),
                timing: timing(endpoint, rule, waits),
                changing: Arc::default(),
            }));
        }
    }
    if endpoint.rules.is_empty() && reasons.is_empty() {
        reasons.push("the endpoint has no rules".to_owned());
    }
    let delivery = origin.map_or_else(String::new, |origin| origin.id.clone());
    Planned { delivery, runs, reason: reasons.join("; ") }
}

/// The sender's id where it has a usable one, else one that is made up.
fn delivery_id(identity: &Identity) -> String {
    match identity {
        Identity::Id(id) | Identity::IdOrBody(id)
            if (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic()) =>
        {
            id.clone()
        }
        _ => random_uuid(),
    }
}

fn timing(endpoint: &Endpoint, rule: &Rule, waits: Waits) -> Timing {
    let millis = |duration: std::time::Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4);
    let settle = match (endpoint.flux_recv, rule.settles()) {
        (true, _) => None,
        (false, true) => Some(millis(waits.settle)),
        (false, false) => Some(0),
    };
    Timing { settle, max_wait: millis(waits.max_wait), retry_for: millis(waits.retry_for) }
}

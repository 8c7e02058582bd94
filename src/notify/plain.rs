//! One flat JSON object for a script. Its first four fields are those that updatekate sent after an update, as it
//! sent them: `repository` is the name of the workload.

use serde_json::{Value, json};

use super::Notice;
use crate::run::outcome::Outcome;
use crate::run::report::TargetReport;

/// The body. All of updatekate's fields are there and are text, whatever the event was.
pub(super) fn body(notice: &Notice) -> Value {
    let chosen = chosen(notice);
    json!({
        "timestamp": notice.time,
        "repository": chosen.map(name).unwrap_or_default(),
        "namespace": chosen.and_then(|target| target.namespace.as_deref()).unwrap_or_default(),
        "docker_url": notice.image.as_deref().unwrap_or_default(),
        "outcome": notice.outcome,
        "reason": notice.reason,
        "subject": notice.subject,
        "targets": notice.targets().map(full_name).collect::<Vec<_>>(),
        "actor": notice.actor.as_deref().unwrap_or_default(),
        "endpoint": notice.endpoint,
        "source": notice.source,
        "rule": notice.rule,
        "delivery": notice.delivery,
        "run": notice.run,
        "seconds": notice.seconds(),
    })
}

/// The target that stands for all: updatekate had only one.
fn chosen(notice: &Notice) -> Option<&TargetReport> {
    let same = |target: &&TargetReport| target.outcome == Some(notice.outcome);
    let changed = |target: &&TargetReport| target.outcome == Some(Outcome::Succeeded);
    notice.targets().find(same).or_else(|| notice.targets().find(changed)).or_else(|| notice.targets().next())
}

/// `web` of `deployment/web`.
fn name(target: &TargetReport) -> &str {
    target.target.rsplit('/').next().unwrap_or_default()
}

/// `default/deployment/web`.
fn full_name(target: &TargetReport) -> String {
    match &target.namespace {
        Some(namespace) => format!("{namespace}/{}", target.target),
        None => target.target.clone(),
    }
}

#[cfg(test)]
mod tests;

//! How a Rollout of Argo Rollouts stands, as `kubectl argo rollouts status` judges it: by the phase that its controller
//! has come to.

use super::Standing;
use crate::kubernetes::object::Object;
use crate::text::shorten;

pub(super) fn rollout(object: &Object) -> Standing {
    let status = &object.status;
    let message = status.message.as_deref().map(shorten).filter(|message| !message.is_empty());
    let said = message.map(|message| format!(": {message}")).unwrap_or_default();
    if status.controller_pause == Some(true) && status.pause_conditions.is_empty() {
        // Somebody has just promoted it.
        return Standing::Waiting("its controller has yet to go on after a pause".to_owned());
    }
    if status.abort == Some(true) {
        return Standing::Failed(format!("it was aborted{said}"));
    }
    match status.phase.as_deref() {
        Some("Healthy") => Standing::Complete,
        Some("Degraded") => Standing::Failed(format!("it is degraded{said}")),
        Some("Paused") => Standing::Waiting(paused(object)),
        Some(_) => Standing::Waiting(format!("it is progressing{said}")),
        None => Standing::Waiting(
            "its controller does not say its phase (Argo Rollouts does since version 1.0)".to_owned(),
        ),
    }
}

/// Where it is paused, and who or what ends that.
fn paused(object: &Object) -> String {
    let (strategy, status) = (&object.spec.strategy, &object.status);
    let reason = status.pause_conditions.first().map_or("", |condition| condition.reason.as_str());
    let index = status.current_step_index.and_then(|index| usize::try_from(index).ok()).unwrap_or(0);
    let steps = &strategy.canary.steps;
    let step = steps.get(index).and_then(|step| step.pause.as_ref());
    let (place, passes) = match reason {
        "CanaryPauseStep" => {
            let place = format!(" at step {} of {}", index + 1, steps.len());
            (place, step.is_some_and(|pause| pause.duration.is_some()))
        }
        "BlueGreenPause" => (
            " before its promotion".to_owned(),
            strategy.blue_green.auto_promotion_seconds.is_some_and(|s| s > 0),
        ),
        "" => (String::new(), false),
        other => (format!(" ({})", shorten(other)), false),
    };
    if passes {
        return format!("it is paused{place} for a time");
    }
    let (name, namespace) = (&object.metadata.name, &object.metadata.namespace);
    format!(
        "it is paused{place} until somebody promotes it: kubectl argo rollouts promote {name} -n {namespace}"
    )
}

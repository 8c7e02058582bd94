//! What pods say of themselves: why they do not serve.

use std::collections::BTreeMap;

use super::pods::{ContainerStatus, ContainerTerminated, Pod};
use crate::text::shorten;

/// How much of a message is told, in characters.
const SHOWN: usize = 160;

/// How many different symptoms are told.
const TOLD: usize = 2;

/// The longest summary, in characters.
const LONGEST: usize = 800;

/// How much a symptom says of the cause. The first ones say the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Weight {
    /// It cannot run.
    Broken,
    /// It runs, and does not serve; or it was put off its node.
    Unready,
    /// It may still come up.
    Coming,
}

/// Why a pod does not serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Symptom {
    pub(super) weight: Weight,
    /// `container web: CrashLoopBackOff, exit code 1`
    pub(super) text: String,
}

impl Symptom {
    fn new(weight: Weight, text: impl Into<String>) -> Self {
        Self { weight, text: text.into() }
    }
}

/// Why this pod does not serve; `None` if it does, or is going away.
pub(super) fn symptom(pod: &Pod) -> Option<Symptom> {
    let status = &pod.status;
    if pod.is_deleting() || status.phase == "Succeeded" {
        return None;
    }
    if status.phase == "Failed" && !status.reason.is_empty() {
        return Some(Symptom::new(
            Weight::Unready,
            with_message(&status.reason, &beginning(&status.message)),
        ));
    }
    if let Some(unplaced) = pod.condition("PodScheduled").filter(|condition| condition.is_false()) {
        let message = unplaced.message.split(" preemption:").next().unwrap_or_default();
        return Some(Symptom::new(Weight::Broken, with_message(&unplaced.reason, &beginning(message))));
    }
    let init = status.init_container_statuses.iter().filter_map(init_container);
    let containers = status.container_statuses.iter().filter_map(|status| container("container", status));
    // The first of the weightiest: what comes later often waits for what comes before.
    init.chain(containers).min_by_key(|symptom| symptom.weight).or_else(|| unready(pod))
}

/// Of a pod whose containers are all well.
fn unready(pod: &Pod) -> Option<Symptom> {
    if pod.is_ready() {
        return None;
    }
    let gate = pod.condition("Ready").filter(|ready| !ready.reason.is_empty());
    Some(match gate {
        Some(ready) => Symptom::new(Weight::Unready, with_message(&ready.reason, &beginning(&ready.message))),
        None => Symptom::new(Weight::Coming, "it has not been started yet"),
    })
}

/// One that has done its work is well; so is one that goes on beside the others (a sidecar).
fn init_container(status: &ContainerStatus) -> Option<Symptom> {
    if status.state.terminated.as_ref().is_some_and(|ended| ended.exit_code == 0) || status.ready {
        return None;
    }
    if status.state.running.is_some() && status.restart_count == 0 {
        let text = format!("init container {} still runs", shorten(&status.name));
        return Some(Symptom::new(Weight::Coming, text));
    }
    container("init container", status)
}

fn container(what: &str, status: &ContainerStatus) -> Option<Symptom> {
    if status.ready {
        return None;
    }
    let state = &status.state;
    let (weight, text) = if let Some(ended) = &state.terminated {
        (Weight::Broken, format!("has ended, {}", exit(ended)))
    } else if state.running.is_some() {
        running(status)
    } else {
        // Also if there is no state at all (kubernetes.io, `ContainerState`).
        waiting(status)
    };
    Some(Symptom::new(weight, format!("{what} {}: {text}", shorten(&status.name))))
}

fn waiting(status: &ContainerStatus) -> (Weight, String) {
    let (reason, message) = match &status.state.waiting {
        Some(waiting) => (waiting.reason.as_str(), waiting.message.as_str()),
        None => ("", ""),
    };
    match reason {
        "" | "ContainerCreating" | "PodInitializing" => {
            (Weight::Coming, with_message("is being made", &beginning(message)))
        }
        "CrashLoopBackOff" => {
            let last = status.last_state.terminated.as_ref();
            let exit = last.map(|last| format!(", {}", exit(last))).unwrap_or_default();
            (Weight::Broken, format!("{reason}{exit}"))
        }
        _ if is_about_image(reason) => {
            let about = format!("{} of {}", shorten(reason), shorten(&status.image));
            (Weight::Broken, with_message(&about, &cause(message)))
        }
        _ => (Weight::Broken, with_message(reason, &beginning(message))),
    }
}

fn running(status: &ContainerStatus) -> (Weight, String) {
    match &status.last_state.terminated {
        Some(last) if status.restart_count > 0 => {
            (Weight::Broken, format!("was started again and is not ready, {} before", exit(last)))
        }
        _ if status.started == Some(false) => {
            (Weight::Unready, "runs, but has not passed its startup probe".to_owned())
        }
        _ => (Weight::Unready, "runs, but is not ready".to_owned()),
    }
}

fn exit(ended: &ContainerTerminated) -> String {
    let reason = Some(shorten(&ended.reason)).filter(|reason| !reason.is_empty() && reason != "Error");
    format!(
        "exit code {}{}",
        ended.exit_code,
        reason.map(|reason| format!(" ({reason})")).unwrap_or_default()
    )
}

fn is_about_image(reason: &str) -> bool {
    reason.contains("Image") || matches!(reason, "RegistryUnavailable" | "SignatureValidationFailed")
}

fn with_message(text: &str, message: &str) -> String {
    let text = shorten(text);
    if message.is_empty() { text } else { format!("{text}: {message}") }
}

/// A message, from its beginning.
fn beginning(message: &str) -> String {
    let mut text: String = shorten(message).chars().take(SHOWN).collect();
    if message.chars().nth(SHOWN).is_some() {
        text.push('…');
    }
    text.trim_end_matches(['.', ' ']).to_owned()
}

/// Of a chain of errors the end, where the cause is: a pull repeats the image in every link.
fn cause(message: &str) -> String {
    let told = message.rsplit_once("desc = ").map_or(message, |(_, told)| told);
    let told = told.rsplit_once("ErrImagePull: ").map_or(told, |(_, told)| told).trim();
    if told.starts_with("Back-off pulling image") {
        return String::new();
    }
    let long = told.chars().count().saturating_sub(SHOWN);
    let end: String = told.chars().skip(long).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if long > 0 { format!("…{end}") } else { end }
}

/// The symptoms of many pods in one text, the weightiest and most frequent first: `pod web-1 and 2 more: container web:
/// CrashLoopBackOff, exit code 1`. Empty if there are none.
pub(super) fn summary(found: Vec<(String, Symptom)>) -> String {
    let mut groups: BTreeMap<(Weight, String), (String, usize)> = BTreeMap::new();
    for (pod, Symptom { weight, text }) in found {
        groups.entry((weight, text)).or_insert((pod, 0)).1 += 1;
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    let heaviest = groups.first().map(|((weight, _), _)| *weight);
    groups.retain(|((weight, _), _)| *weight != Weight::Coming || heaviest == Some(Weight::Coming));
    groups.sort_by_key(|((weight, _), (_, pods))| (*weight, usize::MAX - pods));
    let told = groups.iter().take(TOLD).map(|((_, text), (pod, pods))| {
        let more = match pods {
            1 => String::new(),
            pods => format!(" and {} more", pods - 1),
        };
        format!("pod {}{more}: {text}", shorten(pod))
    });
    told.collect::<Vec<_>>().join("; ").chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests;

//! A delivery in a person's words.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use jiff::Timestamp;

use crate::event::{Event, GitPushed, GitRef};
use crate::run::outcome::Outcome;
use crate::run::report::{RunReport, StepReport, TargetReport};
use crate::server::control::Listed;
use crate::text::printable;

/// The longest text of somebody else's that is shown in full, in characters.
pub(super) const LONGEST: usize = 4000;

/// How much of an id is shown at least, in characters: what also stands in a workload's change-cause.
const ID: usize = 8;

/// How much of these ids tells them apart, in characters.
pub(super) fn id_width<'a>(ids: impl Iterator<Item = &'a str>) -> usize {
    let ids: BTreeSet<_> = ids.collect();
    let pairs = ids.iter().zip(ids.iter().skip(1));
    // Those that have most in common are neighbours.
    let common = |(a, b): (&&str, &&str)| a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count();
    pairs.map(common).max().map_or(ID, |common| ID.max(common + 1))
}

/// A time without its fractions of a second.
pub(super) fn time(at: Timestamp) -> String {
    format!("{at:.0}")
}

/// What an event says, in one line.
pub(super) fn event(event: &Event) -> String {
    match event {
        Event::Image(image) => {
            let digest = image.digest.as_ref().map(|digest| format!("@{digest}")).unwrap_or_default();
            format!("image {}:{}{digest}", image.repository, image.tags.join(","))
        }
        Event::Git(git) => format!("git {}", pushed(git)),
        Event::Pipeline(git) => format!("pipeline {}", pushed(git)),
        Event::Deploy(deploy) => {
            let digest = deploy.digest.as_ref().map(|digest| format!("@{digest}")).unwrap_or_default();
            let colon = if deploy.tag.is_empty() { "" } else { ":" };
            format!(
                "deploy {}{colon}{}{digest} to {}/{} in {}",
                deploy.image, deploy.tag, deploy.namespace, deploy.workload, deploy.environment
            )
        }
        Event::Ping => "ping".to_owned(),
        Event::Ignored { reason } => format!("ignored: {reason}"),
    }
}

fn pushed(git: &GitPushed) -> String {
    match &git.reference {
        GitRef::Branch(name) => format!("{} {name}", git.repository),
        GitRef::Tag(name) => format!("{} tag {name}", git.repository),
    }
}

/// Everything that is known of a delivery.
pub(super) fn whole(Listed { status, account }: &Listed) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{name:<8}  {}", printable(value, LONGEST));
    };
    line("delivery", &account.id);
    line("endpoint", &format!("{} ({})", account.endpoint, account.source));
    // Only what a person did again comes from nowhere.
    let from =
        account.from.as_ref().map_or(" by boathook redeliver".to_owned(), |from| format!(" from {from}"));
    line("received", &format!("{}{from}", time(account.received)));
    if let Some(actor) = &account.actor {
        line("by", actor);
    }
    for said in &account.events {
        line("event", &event(said));
    }
    if let Some(ended) = account.ended {
        let took = ended.duration_since(account.received).as_secs_f64();
        line("ended", &format!("{} after {took:.1} s", time(ended)));
    }
    line("outcome", status);
    for run in &account.runs {
        text.push('\n');
        text.push_str(&of_run(run));
    }
    text
}

fn of_run(run: &RunReport) -> String {
    let mut text = format!("run {}, rule {}: {}\n", printable(&run.id, 40), run.rule, word(run.outcome));
    let targets = run.steps.iter().flat_map(|step| step.targets.iter().flatten());
    let mut told_below = targets.map(|target| format!("{}: {}", target.target, target.reason));
    if !run.reason.is_empty() && !told_below.any(|told| told == run.reason) {
        let _ = writeln!(text, "  {}", printable(&run.reason, LONGEST));
    }
    for (number, step) in run.steps.iter().enumerate() {
        text.push_str(&of_step(number + 1, step));
    }
    text
}

fn of_step(number: usize, step: &StepReport) -> String {
    let state = step.state.as_deref().unwrap_or_else(|| word(step.outcome));
    let mut text = format!("  step {number}, {}: {}\n", printable(&step.action, 40), printable(state, 40));
    for target in step.targets.iter().flatten() {
        text.push_str(&of_target(target));
    }
    text
}

fn of_target(target: &TargetReport) -> String {
    let namespace = target.namespace.as_ref().map(|namespace| format!("{namespace}/")).unwrap_or_default();
    let reason = if target.reason.is_empty() { String::new() } else { format!(", {}", target.reason) };
    let line = format!("{namespace}{}: {}{reason}", target.target, word(target.outcome));
    format!("    {}\n", printable(&line, LONGEST))
}

fn word(outcome: Option<Outcome>) -> &'static str {
    outcome.map_or("pending", Outcome::word)
}

//! What is told of runs: in answers, to people, and in the journal of what has ended.

use serde::{Deserialize, Serialize};

use super::outcome::{End, Outcome};
use super::progress::{Progress, Stage, TargetProgress};
use super::record::Run;
use crate::action::{Action, Target};

/// What became of a run, as `Prefer: wait` answers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunReport {
    /// The run.
    pub id: String,
    /// The rule's number, from 1.
    pub rule: usize,
    /// `None` while it is under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// One sentence for a person.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// In order.
    pub steps: Vec<StepReport>,
}

impl RunReport {
    /// What there is to tell of a run that has come this far.
    pub fn of(run: &Run, progress: &Progress) -> Self {
        let step = |(number, action): (usize, &Action)| StepReport::of(number, action, run, progress);
        let end = progress.end.clone();
        let asked = if end.is_none() { asked(run, progress) } else { None };
        Self {
            id: run.id.to_string(),
            rule: run.rule,
            outcome: end.as_ref().map(|end| end.outcome),
            reason: end.map(|end| end.reason).or(asked).unwrap_or_default(),
            steps: run.actions.iter().enumerate().map(step).collect(),
        }
    }
}

/// What a run waits for, if it is a person's word.
fn asked(run: &Run, progress: &Progress) -> Option<String> {
    let (step, until) = progress.asked()?;
    let confirm = run.actions.get(step)?.confirm()?;
    let text = confirm.text();
    Some(format!(
        "waits until {until:.0} for a signed request for the same environment and image with {text}"
    ))
}

/// The state of a step that waits for a person's word.
const AWAITING: &str = "awaitingConfirmation";

/// What became of one action of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepReport {
    /// The action's name.
    pub action: String,
    /// `None` until the step has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// `awaitingConfirmation` while it waits for a person's word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// `None` until they have been found.
    pub targets: Option<Vec<TargetReport>>,
}

impl StepReport {
    fn of(number: usize, action: &Action, run: &Run, progress: &Progress) -> Self {
        let name = action.name().to_owned();
        match progress.steps.get(number) {
            Some(step) => Self {
                action: name,
                outcome: step.end.as_ref().map(|end| end.outcome),
                state: progress.asked().filter(|(asked, _)| *asked == number).map(|_| AWAITING.to_owned()),
                targets: Some(step.targets.iter().map(TargetReport::of).collect()),
            },
            None => Self {
                action: name,
                // A run that ended before this step never came to it.
                outcome: progress.end.is_some().then_some(Outcome::Skipped),
                state: None,
                // Targets that need no look-up are known already.
                targets: action
                    .named_targets(&run.context())
                    .map(|targets| targets.iter().map(|target| TargetReport::new(target, None)).collect()),
            },
        }
    }
}

/// What became of one target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetReport {
    /// `deployment/web`.
    pub target: String,
    /// Where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// `None` while it is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// One sentence for a person.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

impl TargetReport {
    fn of(target: &TargetProgress) -> Self {
        let end = match &target.stage {
            Stage::Ended(end, _) => Some(end.clone()),
            _ => None,
        };
        Self::new(&target.target, end)
    }

    fn new(target: &Target, end: Option<End>) -> Self {
        Self {
            target: target.to_string(),
            namespace: target.namespace().map(str::to_owned),
            outcome: end.as_ref().map(|end| end.outcome),
            reason: end.map(|end| end.reason).unwrap_or_default(),
        }
    }
}

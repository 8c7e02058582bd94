//! `check`: a step that changes nothing and succeeds only if something is well, by HTTP. If it is not, what a step
//! before it changed can be put back.

use serde::{Deserialize, Serialize};

use super::context::{Context, Failure, Target};
use super::preview::{Preview, Would};
use super::{Action, OnFailure};
use crate::config::fields::Fields;
use crate::probe::Probe;

/// Looks whether something is well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    pub(super) probe: Probe,
    /// What becomes of the step before it when it fails.
    pub(super) on_failure: OnFailure,
}

impl Check {
    pub(super) fn read(mut fields: Fields<'_>) -> Option<Self> {
        let probe = Probe::read(&mut fields);
        let words = [("keep", OnFailure::Keep), ("rollback", OnFailure::Rollback)];
        let on_failure = fields.one_of("onFailure", &words).unwrap_or(OnFailure::Keep);
        fields.finish();
        Some(Self { probe: probe?, on_failure })
    }

    pub(super) fn describe(&self) -> String {
        let else_put_back = match self.on_failure {
            OnFailure::Keep => "",
            OnFailure::Rollback => ", or else put back what was set before it",
        };
        format!("check {}{else_put_back}", self.probe.describe())
    }

    /// The URL; as it is written if the event's values cannot stand in it, which the check then fails for.
    pub(super) fn target(&self, context: &Context<'_>) -> Target {
        let shown = self.probe.shown_url(&context.values);
        Target::Url(shown.unwrap_or_else(|_| self.probe.url.to_string()))
    }

    pub(super) fn preview(&self, context: &Context<'_>) -> Result<Would, Failure> {
        let url = self.probe.shown_url(&context.values).map_err(Failure::last)?;
        Ok(Would::Send(Preview::get("check", url)))
    }
}

/// The step whose changes are undone when this one fails: the last one before it that can be.
pub fn undone_by(actions: &[Action], number: usize) -> Option<usize> {
    let before = actions.get(..number)?;
    actions.get(number).filter(|action| action.undoes_before())?;
    before.iter().rposition(Action::can_be_undone)
}

#[cfg(test)]
mod tests;

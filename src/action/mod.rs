//! What rules do: one file per action.
//!
//! To add an action: write `action/NAME.rs`, add a variant and its arms here; the compiler says where, also that it has
//! to say which rights it needs. An
//! action finds its targets, plans each change as a pure request, and carries it out; `explain` stops after the
//! plan.

mod apply;
mod change;
mod check;
mod configured;
mod confirm;
mod context;
mod filled;
mod flux_notify;
mod images;
mod patch;
mod preview;
mod read;
mod reconcile;
mod restart;
mod rights;
mod rollout;
mod set_image;
mod targets;
#[cfg(test)]
pub(crate) mod testing;
mod traffic;
mod yaml;

use serde::{Deserialize, Serialize};

use self::apply::Apply;
pub use self::change::{Change, Decision, Made, Making, What};
use self::check::Check;
pub use self::check::undone_by;
pub use self::configured::Workloads;
pub use self::confirm::Confirm;
pub use self::context::{Api, Context, Done, Failure, Found, Retry, Target};
use self::flux_notify::FluxNotify;
use self::images::Set;
pub use self::images::{PutBack, differs};
use self::patch::Patch;
pub use self::preview::{Note, Outlook, Preview, Previewed};
use self::reconcile::Reconcile;
use self::restart::Restart;
pub use self::rights::Scope;
pub use self::rollout::{OnFailure, Rollout};
use self::set_image::SetImage;
pub use self::traffic::{Handover, Shifted, Split, Traffic};
use crate::probe::Probe;
use crate::rule::Variable;

/// One action of a rule, as the configuration has it. It is kept with each run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Action {
    /// Starts new pods, as `kubectl rollout restart` does.
    Restart(Restart),
    /// Sets the image of containers.
    SetImage(SetImage),
    /// Sets the image of a Knative Service and shifts its requests to the new revision, step by step.
    Traffic(Box<Traffic>),
    /// Tells Flux v1.
    FluxNotify(FluxNotify),
    /// Asks Flux v2 to reconcile an object now.
    Reconcile(Reconcile),
    /// Applies manifests.
    Apply(Apply),
    /// Patches an object.
    Patch(Patch),
    /// Looks whether something is well, by HTTP.
    Check(Check),
    /// Waits for a person's word.
    Confirm(Confirm),
}

impl Action {
    /// The action that a flux-recv configuration means.
    pub fn flux_notify() -> Self {
        Self::FluxNotify(FluxNotify {})
    }

    /// The word in configurations, answers and logs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Restart(_) => "restart",
            Self::SetImage(_) => "setImage",
            Self::Traffic(_) => "traffic",
            Self::FluxNotify(_) => "fluxNotify",
            Self::Reconcile(_) => "reconcile",
            Self::Apply(_) => "apply",
            Self::Patch(_) => "patch",
            Self::Check(_) => "check",
            Self::Confirm(_) => "confirm",
        }
    }

    /// What it does, in one line for `check`.
    pub fn describe(&self) -> String {
        match self {
            Self::Restart(action) => format!("restart {}", action.targets),
            Self::SetImage(action) => action.describe(),
            Self::Traffic(action) => action.describe(),
            Self::FluxNotify(_) => "notify Flux v1".to_owned(),
            Self::Reconcile(action) => format!("reconcile {action}"),
            Self::Apply(action) => action.describe(),
            Self::Patch(action) => format!("patch {action}"),
            Self::Check(action) => action.describe(),
            Self::Confirm(action) => format!("wait for {action}"),
        }
    }

    /// Whether it is worth waiting for more events of the same kind.
    pub fn settles(&self) -> bool {
        match self {
            Self::Restart(_) | Self::SetImage(_) | Self::Traffic(_) | Self::Apply(_) | Self::Patch(_) => true,
            Self::FluxNotify(_) | Self::Reconcile(_) | Self::Check(_) | Self::Confirm(_) => false,
        }
    }

    /// Whether its targets depend on the tag, so that events of different tags are about different things. What they
    /// shall become is no target, and neither is what is only looked at.
    pub fn is_by_tag(&self) -> bool {
        // Our own types always serialize.
        let text = match self {
            Self::Patch(action) => action.target_text(),
            Self::Traffic(action) => serde_json::to_string(action.targets()).unwrap_or_default(),
            Self::Check(_) => String::new(),
            other => serde_json::to_string(other).unwrap_or_default(),
        };
        text.contains("${tag}") || text.contains("${digest}")
    }

    /// Whether what was done after the event, by whomever, is enough.
    pub fn counts_from_event(&self) -> bool {
        matches!(self, Self::Restart(_))
    }

    /// Whether it can be done for an event with an image only.
    pub fn needs_image(&self) -> bool {
        match self {
            Self::SetImage(_) | Self::Traffic(_) => true,
            Self::Restart(action) => action.targets.is_running_image(),
            Self::FluxNotify(_)
            | Self::Reconcile(_)
            | Self::Apply(_)
            | Self::Patch(_)
            | Self::Check(_)
            | Self::Confirm(_) => false,
        }
    }

    /// The targets, where they are known without looking anything up.
    pub fn named_targets(&self, context: &Context<'_>) -> Option<Vec<Target>> {
        self.named(context)?.ok().map(|targets| Found::these(targets).targets)
    }

    /// Finds the targets.
    pub async fn find(&self, api: &Api, context: &Context<'_>) -> Result<Found, Failure> {
        if let Some(named) = self.named(context) {
            return named.map(Found::these);
        }
        match self {
            Self::Restart(action) => action.targets.find(api, context, restart::KINDS).await,
            Self::SetImage(action) => action.targets.find(api, context, set_image::KINDS).await,
            Self::Apply(action) => action.find(api, context).await,
            Self::Patch(action) => action.find(api, context).await,
            Self::Traffic(_)
            | Self::FluxNotify(_)
            | Self::Reconcile(_)
            | Self::Check(_)
            | Self::Confirm(_) => Ok(Found::default()),
        }
    }

    /// Looks at a target and decides what to change, if anything. Changes nothing.
    pub async fn decide(
        &self,
        api: &Api,
        target: &Target,
        context: &Context<'_>,
    ) -> Result<Decision, Failure> {
        match (self, target) {
            (Self::Restart(action), Target::Workload(workload)) => {
                restart::decide(&action.targets, api, workload, context).await
            }
            (Self::SetImage(action), Target::Workload(workload)) => {
                action.decide(api, workload, context).await
            }
            (Self::Traffic(action), Target::Workload(workload)) => {
                action.decide(api, workload, context).await
            }
            (Self::FluxNotify(_), Target::Flux) => Ok(Decision::Change(Change::of(What::Notify))),
            (Self::Reconcile(_), Target::Object(_)) => Ok(Decision::Change(Change::of(What::Reconcile))),
            (Self::Apply(action), Target::Manifest(placed)) => action.decide(api, placed).await,
            (Self::Patch(action), Target::Workload(_) | Target::Object(_)) => {
                action.decide(api, target, context).await
            }
            _ => Err(self.not_for(target)),
        }
    }

    /// Makes a change that was decided, once.
    pub async fn make(
        &self,
        change: &Change,
        api: &Api,
        target: &Target,
        context: &Context<'_>,
    ) -> Result<Making, Failure> {
        let made = |patched| Making::Made(patched, change.clone());
        if let (Self::Apply(action), What::Apply { before }, Target::Manifest(placed)) =
            (self, &change.what, target)
        {
            return action.make(before.as_ref(), change, api, placed, context).await;
        }
        if let (Self::Patch(action), What::Patch { before, .. }) = (self, &change.what) {
            return action.make(before, change, api, target, context).await;
        }
        match (&change.what, target) {
            (What::Images { changes, read }, Target::Workload(workload)) => {
                Ok(match images::set(changes, read, api, workload, context).await? {
                    Set::Done(patched, changes) => {
                        let what = What::Images { changes, read: read.clone() };
                        Making::Made(patched, Change { what, ..change.clone() })
                    }
                    Set::Stale(why) => Making::Stale(why),
                })
            }
            (What::Traffic { .. }, Target::Workload(workload)) => {
                traffic::begin(change, api, workload, context).await
            }
            (What::Restart { at }, Target::Workload(workload)) => {
                restart::make(at, api, workload, context).await.map(made)
            }
            (What::Notify, Target::Flux) => flux_notify::make(api, context).await.map(made),
            (What::Reconcile, Target::Object(object)) => {
                reconcile::make(api, object, context).await.map(made)
            }
            _ => Err(self.not_for(target)),
        }
    }

    /// Puts back what was there before a change.
    pub async fn put_back(
        &self,
        change: &Change,
        api: &Api,
        target: &Target,
        context: &Context<'_>,
    ) -> Result<PutBack, Failure> {
        match (&change.what, target) {
            (What::Images { changes, read }, Target::Workload(workload)) => {
                images::put_back(changes, read, api, workload, context).await
            }
            (What::Traffic { .. }, Target::Workload(workload)) => {
                traffic::put_back(change, api, workload, context).await
            }
            _ => Err(self.not_for(target)),
        }
    }

    /// The variables in the manifests that it applies, each with the place where it stands first.
    pub fn variables_of_manifests(&self) -> impl Iterator<Item = (Variable, &str)> {
        let apply = if let Self::Apply(action) = self { Some(&action.variables) } else { None };
        apply.into_iter().flatten().map(|(variable, place)| (*variable, place.as_str()))
    }

    /// How what it changes is followed; `None` if there is nothing to follow.
    pub fn rollout(&self) -> Option<Rollout> {
        match self {
            Self::Restart(action) => Some(action.rollout),
            Self::SetImage(action) => Some(action.rollout),
            Self::Traffic(action) => Some(action.rollout()),
            Self::Apply(action) => Some(action.rollout),
            Self::Patch(action) => Some(action.rollout),
            Self::FluxNotify(_) | Self::Reconcile(_) | Self::Check(_) | Self::Confirm(_) => None,
        }
    }

    /// What is probed, if it changes nothing and only looks whether something is well.
    pub fn probe(&self) -> Option<&Probe> {
        match self {
            Self::Check(action) => Some(&action.probe),
            _ => None,
        }
    }

    /// Whether a failure of it undoes what a step before it changed.
    pub fn undoes_before(&self) -> bool {
        matches!(self, Self::Check(Check { on_failure: OnFailure::Rollback, .. }))
    }

    /// Whether a later step can undo what it changed.
    pub fn can_be_undone(&self) -> bool {
        matches!(self, Self::SetImage(_) | Self::Traffic(_))
    }

    /// Whether it applies versions, which may be held.
    pub fn heeds_holds(&self) -> bool {
        matches!(self, Self::SetImage(_) | Self::Traffic(_))
    }

    /// How requests are shifted from one revision to the next, if that is what it does.
    pub fn as_traffic(&self) -> Option<&Traffic> {
        match self {
            Self::Traffic(action) => Some(action),
            _ => None,
        }
    }

    /// Whether it puts back what was there when a rollout fails.
    pub fn rolls_back(&self) -> bool {
        self.rollout().is_some_and(|rollout| rollout.on_failure == OnFailure::Rollback)
    }

    /// The targets, if they need no look-up; an error if a name is not valid once it is filled in.
    fn named(&self, context: &Context<'_>) -> Option<Result<Vec<Target>, Failure>> {
        match self {
            Self::Restart(action) => action.targets.named(context),
            Self::SetImage(action) => action.targets.named(context),
            Self::Traffic(action) => action.targets().named(context),
            Self::FluxNotify(_) => Some(Ok(vec![Target::Flux])),
            Self::Reconcile(action) => Some(action.target(context).map(|target| vec![target])),
            Self::Apply(_) => None,
            Self::Patch(action) => action.named(context),
            Self::Check(action) => Some(Ok(vec![action.target(context)])),
            Self::Confirm(_) => Some(Ok(vec![Target::Confirmation])),
        }
    }

    /// What it waits for, if that is a confirmation.
    pub fn confirm(&self) -> Option<&Confirm> {
        if let Self::Confirm(confirm) = self { Some(confirm) } else { None }
    }

    fn not_for(&self, target: &Target) -> Failure {
        Failure::last(format!("{} cannot be done to {target}", self.name()))
    }
}

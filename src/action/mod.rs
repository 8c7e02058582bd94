//! What rules do: one file per action.
//!
//! To add an action: write `action/NAME.rs`, add a variant and its arms here; the compiler says where. An
//! action finds its targets, plans each change as a pure request, and carries it out; `explain` stops after the
//! plan.

mod apply;
mod change;
mod context;
mod filled;
mod flux_notify;
mod images;
mod patch;
mod preview;
mod reconcile;
mod restart;
mod rollout;
mod set_image;
mod targets;
#[cfg(test)]
mod testing;
mod yaml;

use serde::{Deserialize, Serialize};

use self::apply::Apply;
pub use self::change::{Change, Decision, Made, Making, What};
pub use self::context::{Api, Context, Done, Failure, Found, Retry, Target};
use self::flux_notify::FluxNotify;
use self::images::Set;
pub use self::images::{PutBack, differs};
use self::patch::Patch;
pub use self::preview::{Note, Outlook, Preview, Previewed};
use self::reconcile::Reconcile;
use self::restart::Restart;
pub use self::rollout::{OnFailure, Rollout};
use self::set_image::SetImage;
use crate::config::fields::{Fields, Node, suggest};
use crate::config::report::FieldPath;

/// One action of a rule, as the configuration has it. It is kept with each run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Action {
    /// Starts new pods, as `kubectl rollout restart` does.
    Restart(Restart),
    /// Sets the image of containers.
    SetImage(SetImage),
    /// Tells Flux v1.
    FluxNotify(FluxNotify),
    /// Asks Flux v2 to reconcile an object now.
    Reconcile(Reconcile),
    /// Applies manifests.
    Apply(Apply),
    /// Patches an object.
    Patch(Patch),
}

/// The names of all actions.
const NAMES: [&str; 6] = ["restart", "setImage", "fluxNotify", "reconcile", "apply", "patch"];

impl Action {
    /// Reads an item of `do`: a mapping of one action's name to its fields.
    pub fn read(node: Node<'_>, path: &FieldPath) -> Option<Self> {
        if let Some(text) = node.value().as_str() {
            let text = text.escape_debug();
            node.report().mistake(
                path,
                format!("is text, where an action and its fields are needed: `{text}: {{…}}`"),
            );
            return None;
        }
        let mut outer = node.fields(path.clone())?;
        let names = outer.names();
        let [name] = names.as_slice() else {
            let text = format!("must be one action and its fields; known: {}", NAMES.join(", "));
            outer.report().mistake(path, text);
            return None;
        };
        let action = match *name {
            "restart" => Self::Restart(Restart::read(section(&mut outer, "restart")?)?),
            "setImage" => Self::SetImage(SetImage::read(section(&mut outer, "setImage")?)?),
            "fluxNotify" => {
                if let Some(fields) = outer.has("fluxNotify").then(|| outer.section("fluxNotify")) {
                    fields?.finish();
                }
                Self::FluxNotify(FluxNotify {})
            }
            "reconcile" => Self::Reconcile(Reconcile::read(section(&mut outer, "reconcile")?)?),
            "apply" => Self::Apply(Apply::read(section(&mut outer, "apply")?)?),
            "patch" => Self::Patch(Patch::read(section(&mut outer, "patch")?)?),
            other => {
                outer.mistake(other, format!("is not an action{}", suggest(other, &NAMES)));
                return None;
            }
        };
        Some(action)
    }

    /// The action that a flux-recv configuration means.
    pub fn flux_notify() -> Self {
        Self::FluxNotify(FluxNotify {})
    }

    /// The word in configurations, answers and logs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Restart(_) => "restart",
            Self::SetImage(_) => "setImage",
            Self::FluxNotify(_) => "fluxNotify",
            Self::Reconcile(_) => "reconcile",
            Self::Apply(_) => "apply",
            Self::Patch(_) => "patch",
        }
    }

    /// What it does, in one line for `check`.
    pub fn describe(&self) -> String {
        match self {
            Self::Restart(action) => format!("restart {}", action.targets),
            Self::SetImage(action) => action.describe(),
            Self::FluxNotify(_) => "notify Flux v1".to_owned(),
            Self::Reconcile(action) => format!("reconcile {action}"),
            Self::Apply(action) => action.describe(),
            Self::Patch(action) => format!("patch {action}"),
        }
    }

    /// Whether it is worth waiting for more events of the same kind.
    pub fn settles(&self) -> bool {
        match self {
            Self::Restart(_) | Self::SetImage(_) | Self::Apply(_) | Self::Patch(_) => true,
            Self::FluxNotify(_) | Self::Reconcile(_) => false,
        }
    }

    /// Whether its targets depend on the tag, so that events of different tags are about different things. What is
    /// patched is no target.
    pub fn is_by_tag(&self) -> bool {
        let text = match self {
            Self::Patch(action) => action.target_text(),
            // Our own types always serialize.
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
            Self::SetImage(_) => true,
            Self::Restart(action) => action.targets.is_running_image(),
            Self::FluxNotify(_) | Self::Reconcile(_) | Self::Apply(_) | Self::Patch(_) => false,
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
            Self::FluxNotify(_) | Self::Reconcile(_) => Ok(Found::default()),
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
            _ => Err(self.not_for(target)),
        }
    }

    /// How what it changes is followed; `None` if there is nothing to follow.
    pub fn rollout(&self) -> Option<Rollout> {
        match self {
            Self::Restart(action) => Some(action.rollout),
            Self::SetImage(action) => Some(action.rollout),
            Self::Apply(action) => Some(action.rollout),
            Self::Patch(action) => Some(action.rollout),
            Self::FluxNotify(_) | Self::Reconcile(_) => None,
        }
    }

    /// Whether it applies versions, which may be held.
    pub fn heeds_holds(&self) -> bool {
        matches!(self, Self::SetImage(_))
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
            Self::FluxNotify(_) => Some(Ok(vec![Target::Flux])),
            Self::Reconcile(action) => Some(action.target(context).map(|target| vec![target])),
            Self::Apply(_) => None,
            Self::Patch(action) => action.named(context),
        }
    }

    fn not_for(&self, target: &Target) -> Failure {
        Failure::last(format!("{} cannot be done to {target}", self.name()))
    }
}

fn section<'a>(outer: &mut Fields<'a>, name: &'static str) -> Option<Fields<'a>> {
    if !outer.has(name) {
        outer.mistake(name, "needs its fields, such as namespace and workloads");
        return None;
    }
    outer.section(name)
}

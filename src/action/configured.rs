//! What the configuration alone says of an action's workloads, before any event.

use super::Action;
use crate::kubernetes::Workload;

/// The workloads of an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Workloads {
    /// These.
    Named(Vec<Workload>),
    /// Those that are found when a step starts: which, for a person.
    LookedUp(String),
}

impl Action {
    /// Its workloads; `None` if it changes none.
    pub fn workloads(&self) -> Option<Workloads> {
        let targets = match self {
            Self::Restart(action) => &action.targets,
            Self::SetImage(action) => &action.targets,
            Self::Traffic(action) => action.targets(),
            Self::FluxNotify(_)
            | Self::Reconcile(_)
            | Self::Apply(_)
            | Self::Patch(_)
            | Self::Check(_)
            | Self::Confirm(_) => return None,
        };
        Some(targets.literal().map_or_else(|| Workloads::LookedUp(targets.to_string()), Workloads::Named))
    }
}

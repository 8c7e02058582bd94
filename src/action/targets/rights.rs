//! What changing workloads needs to be allowed.

use super::{Choice, Targets};
use crate::action::rights::Scope;
use crate::action::rollout::Rollout;
use crate::kubernetes::Kind;
use crate::kubernetes::right::{Need, Right};

impl Targets {
    /// What changing these workloads needs, which are of these kinds if they are looked up.
    pub(in crate::action) fn rights(
        &self,
        scope: &Scope<'_>,
        kinds: &[Kind],
        rollout: Rollout,
    ) -> Vec<Right> {
        let places: Vec<_> = self.namespaces.iter().flat_map(|namespace| scope.places(namespace)).collect();
        let mut rights = Vec::new();
        let changed: Vec<_> = match &self.choice {
            Choice::Named(workloads) => {
                for (kind, name) in workloads {
                    rights.extend(scope.named(&places, &["get", "patch"], (*kind).into(), name));
                }
                workloads.iter().map(|(kind, _)| *kind).collect()
            }
            Choice::Selected(_) | Choice::RunningImage => {
                let by =
                    if self.is_running_image() { "by the image that they run" } else { "by their labels" };
                let why = format!("workloads are found {by}, so no names");
                for kind in kinds {
                    let verbs = &["list", "get", "patch"];
                    rights.extend(scope.each(&places, verbs, (*kind).into(), None, Need::Kind, &why));
                }
                kinds.to_vec()
            }
        };
        rights.extend(scope.of_changes(&places, &changed, rollout));
        rights
    }
}

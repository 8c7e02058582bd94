//! What a patch needs to be allowed.

use super::{Named, Patch};
use crate::action::rights::{Resource, Scope, doubt};
use crate::kubernetes::right::{Place, Right};

impl Patch {
    pub(in crate::action) fn rights(&self, scope: &Scope<'_>) -> Vec<Right> {
        let places = self.namespace.as_ref().map_or_else(|| vec![Place::Cluster], |name| scope.places(name));
        match &self.object {
            Named::Workload(kind, name) => {
                let mut rights = scope.named(&places, &["get", "patch"], (*kind).into(), name);
                rights.extend(scope.of_changes(&places, &[*kind], self.rollout));
                rights
            }
            Named::Object { group, version, kind, name } => {
                let guess = || Scope::guess(group, kind, self.namespace.is_some());
                let served = scope.served(group, version, kind).map(|served| (served, None));
                let (served, guessed) = served.unwrap_or_else(guess);
                let resource = Resource { group, plural: &served.plural };
                let mut rights = scope.named(&places, &["get", "patch"], resource, name);
                doubt(&mut rights, guessed);
                rights
            }
        }
    }

    /// The group and version of the kind, if that is not known anyway.
    pub(in crate::action) fn kinds(&self) -> Vec<(String, String)> {
        match &self.object {
            Named::Workload(..) => Vec::new(),
            Named::Object { group, version, .. } => vec![(group.clone(), version.clone())],
        }
    }
}

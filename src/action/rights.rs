//! What each action needs to be allowed: said by the action itself, and here for workloads in general.
//!
//! `boathook rbac` makes Roles of it, and at start it is compared with what the API server allows.

use super::Action;
use super::apply::is_built_in;
use super::rollout::{OnFailure, Rollout};
use crate::kubernetes::Kind;
use crate::kubernetes::discovery::{Kinds, Served, plural};
use crate::kubernetes::right::{Need, Place, Right};
use crate::rule::name::namespace_name;
use crate::rule::{Template, When};

/// What is known before there is an event.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// The filter of the action's rule.
    pub when: &'a When,
    /// What the rights are for, for a person: `ghcr, rule 1: restart`.
    pub purpose: &'a str,
    /// Whether an action of the rule takes back the images that this one sets.
    pub goes_back: bool,
    /// What the cluster serves, as far as it was asked.
    pub kinds: &'a Kinds,
}

/// A resource, as RBAC names it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Resource<'a> {
    pub(super) group: &'a str,
    pub(super) plural: &'a str,
}

impl From<Kind> for Resource<'_> {
    fn from(kind: Kind) -> Self {
        Self { group: kind.group(), plural: kind.plural() }
    }
}

impl Action {
    /// Every right that it needs, and those that it makes good use of.
    pub fn rights(&self, scope: &Scope<'_>) -> Vec<Right> {
        match self {
            Self::Restart(action) => action.rights(scope),
            Self::SetImage(action) => action.rights(scope),
            Self::Traffic(action) => action.rights(scope),
            Self::Reconcile(action) => action.rights(scope),
            Self::Apply(action) => action.rights(scope),
            Self::Patch(action) => action.rights(scope),
            // They do not talk to Kubernetes.
            Self::FluxNotify(_) | Self::Check(_) | Self::Confirm(_) => Vec::new(),
        }
    }

    /// The groups and versions of kinds whose names in paths only the cluster knows for sure.
    pub fn kinds(&self) -> Vec<(String, String)> {
        match self {
            Self::Apply(action) => action.kinds(),
            Self::Patch(action) => action.kinds(),
            Self::Restart(_)
            | Self::SetImage(_)
            | Self::Traffic(_)
            | Self::Reconcile(_)
            | Self::FluxNotify(_)
            | Self::Check(_)
            | Self::Confirm(_) => Vec::new(),
        }
    }
}

impl Scope<'_> {
    /// Where a namespace can be.
    pub(super) fn places(&self, namespace: &Template) -> Vec<Place> {
        let Some(names) = namespace.possible(|variable| self.when.words(variable)) else {
            return vec![Place::Open(namespace.source().to_owned())];
        };
        let valid = names.into_iter().filter(|name| namespace_name(name).is_ok());
        valid.map(Place::Namespace).collect()
    }

    /// A kind, as the cluster says it.
    pub(super) fn served(&self, group: &str, version: &str, kind: &str) -> Option<Served> {
        let served = self.kinds.get(&(group.to_owned(), version.to_owned()))?.as_ref()?;
        served.iter().find(|served| served.kind == kind).cloned()
    }

    /// A kind as it will be called, and a doubt if there is one.
    pub(super) fn guess(group: &str, kind: &str, namespaced: bool) -> (Served, Option<String>) {
        let workload = Kind::of_object(group, kind).map(Kind::plural);
        let plural = workload.map_or_else(|| plural(kind), str::to_owned);
        let is_known = workload.is_some() || is_built_in(group);
        let doubt = (!is_known).then(|| format!("{plural} is a guess for {kind}: --live asks the cluster"));
        (Served { kind: kind.to_owned(), plural, namespaced }, doubt)
    }

    /// What is needed of an object that is named: these verbs, in these places.
    pub(super) fn named(
        &self,
        places: &[Place],
        verbs: &[&'static str],
        resource: Resource<'_>,
        name: &Template,
    ) -> Vec<Right> {
        let Some(names) = name.possible(|variable| self.when.words(variable)) else {
            let why = format!("{}/{name} can be any name", resource.plural);
            return self.each(places, verbs, resource, None, Need::Must, &why);
        };
        let valid = names.into_iter().filter(|name| is_name(name));
        valid.flat_map(|name| self.each(places, verbs, resource, Some(&name), Need::Must, "")).collect()
    }

    /// What is needed of a resource: these verbs, in these places. `why` says why it is not limited by name.
    pub(super) fn each(
        &self,
        places: &[Place],
        verbs: &[&'static str],
        resource: Resource<'_>,
        name: Option<&str>,
        need: Need,
        why: &str,
    ) -> Vec<Right> {
        let purpose =
            if why.is_empty() { self.purpose.to_owned() } else { format!("{}; {why}", self.purpose) };
        let right = |(place, verb): (&Place, &&'static str)| Right {
            place: place.clone(),
            verb,
            group: resource.group.to_owned(),
            resource: resource.plural.to_owned(),
            name: name.map(str::to_owned),
            need,
            purpose: purpose.clone(),
        };
        places.iter().flat_map(|place| verbs.iter().map(move |verb| (place, verb))).map(right).collect()
    }

    /// What following and recording a change of workloads of these kinds makes use of.
    pub(super) fn of_changes(&self, places: &[Place], kinds: &[Kind], rollout: Rollout) -> Vec<Right> {
        const PODS: Resource<'_> = Resource { group: "", plural: "pods" };
        const REPLICA_SETS: Resource<'_> = Resource { group: "apps", plural: "replicasets" };
        const EVENTS: Resource<'_> = Resource { group: "events.k8s.io", plural: "events" };
        let add = |verbs, resource, need, why| self.each(places, verbs, resource, None, need, why);
        let mut rights = add(&["create"], EVENTS, Need::Events, "an Event says what was changed");
        // A CronJob has nothing to follow.
        if rollout.within.is_none() || kinds.iter().all(|kind| *kind == Kind::CronJob) {
            return rights;
        }
        let why = "why a rollout failed";
        rights.extend(add(&["list"], PODS, Need::Reasons, why));
        if kinds.contains(&Kind::Deployment) {
            rights.extend(add(&["list"], REPLICA_SETS, Need::Reasons, why));
        }
        if rollout.on_failure == OnFailure::Rollback && kinds.contains(&Kind::StatefulSet) {
            let why = "the pod of a StatefulSet that blocks the way back";
            rights.extend(add(&["list", "delete"], PODS, Need::Rollback, why));
        }
        rights
    }
}

/// Says that these are of a resource whose name is a guess, if it is.
pub(super) fn doubt(rights: &mut [Right], why: Option<String>) {
    let Some(why) = why else { return };
    for right in rights {
        right.need = Need::Guess;
        right.purpose = format!("{}; {why}", right.purpose);
    }
}

/// Whether an object can be called that, of whichever kind.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b":._-".contains(&b))
}

#[cfg(test)]
mod tests;

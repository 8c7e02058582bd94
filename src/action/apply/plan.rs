//! From manifests to objects of a cluster: which object goes where, and that none goes where it may not.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::identity::Identity;
use super::manifests::Manifest;
use super::order::{self, Defined};
use crate::action::filled::{fill, is_literal};
use crate::kubernetes::discovery::{Kinds, Served, plural};
use crate::kubernetes::{AnyObject, Kind};
use crate::rule::{Template, Values};

/// How many reasons are told.
const REASONS: usize = 5;

/// An object of a directory of manifests: what it is, not what is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placed {
    /// What it is.
    #[serde(flatten)]
    pub object: AnyObject,
    /// The name of its file.
    pub(super) file: String,
    /// What has a lower one must have ended well before.
    wave: usize,
    /// Its kind is defined by another object of the directory, which the cluster may not have seen yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) is_of_new_kind: bool,
}

impl Placed {
    /// What has a lower one must have ended well before this one is begun.
    pub(in crate::action) fn wave(&self) -> usize {
        self.wave
    }
}

/// Where objects may go.
#[derive(Debug)]
pub(super) struct Bounds {
    pub(super) namespaces: Vec<String>,
    pub(super) cluster_scoped: bool,
}

/// A manifest whose templates are filled in.
#[derive(Debug)]
pub(super) struct Filled {
    pub(super) file: String,
    pub(super) place: String,
    pub(super) identity: Identity,
    pub(super) object: Value,
}

impl Filled {
    /// Puts the values of an event into a manifest.
    pub(super) fn new(manifest: Manifest, values: &Values) -> Result<Self, String> {
        let Manifest { file, place, object, .. } = manifest;
        let filled = fill(&object, values).and_then(|object| {
            let identity = Identity::of(&object)?;
            identity.check_filled().map(|()| (identity, object))
        });
        let (identity, object) = filled.map_err(|why| format!("{place}: {why}"))?;
        Ok(Self { file, place, identity, object })
    }
}

/// What is wrong with manifests that can be seen without a cluster and an event.
pub(super) fn mistakes(manifests: &[Manifest], namespaces: &[Template], cluster_scoped: bool) -> Vec<String> {
    let mut mistakes = Vec::new();
    let defined: Vec<_> = manifests.iter().filter_map(|m| Defined::of(&m.identity, &m.object)).collect();
    for (number, Manifest { place, identity, .. }) in manifests.iter().enumerate() {
        let earlier =
            manifests.iter().take(number).find(|other| is_twice(&other.identity, identity, namespaces));
        if let Some(earlier) = earlier {
            mistakes.push(format!("{place}: {identity} stands in {} too", earlier.place));
        }
        let why = match is_namespaced(identity, &defined) {
            Some(false) => outside_cluster_scope(identity, cluster_scoped),
            Some(true) => outside_namespaces(identity, namespaces),
            None if identity.namespace.is_some() || !cluster_scoped => {
                outside_namespaces(identity, namespaces)
            }
            None => None,
        };
        mistakes.extend(why.map(|why| format!("{place}: {identity} {why}")));
    }
    mistakes
}

/// Whether two manifests are of one object: one without a namespace goes to the only one that there is.
fn is_twice(one: &Identity, other: &Identity, namespaces: &[Template]) -> bool {
    let only = match namespaces {
        [only] => Some(only.source()),
        _ => None,
    };
    let namespace = |identity: &Identity| identity.namespace.clone().or(only.map(str::to_owned));
    namespace(one) == namespace(other)
        && one.is_same(&Identity { namespace: one.namespace.clone(), ..other.clone() })
}

/// Whether a kind is in namespaces, if that is known without asking a cluster.
pub(super) fn is_namespaced(identity: &Identity, defined: &[Defined]) -> Option<bool> {
    if order::is_built_in(&identity.group) {
        return Some(order::is_namespaced(&identity.kind));
    }
    let workload = Kind::of_object(&identity.group, &identity.kind).map(|_| true);
    defined.iter().find(|kind| kind.is_of(identity)).map(|kind| kind.served.namespaced).or(workload)
}

fn outside_cluster_scope(identity: &Identity, allowed: bool) -> Option<String> {
    if !allowed {
        return Some("is in no namespace: clusterScoped: true allows that".to_owned());
    }
    identity.namespace.is_some().then(|| "is of a kind that is in no namespace, and names one".to_owned())
}

fn outside_namespaces(identity: &Identity, namespaces: &[Template]) -> Option<String> {
    let known = |template: &&Template| template.is_literal();
    match &identity.namespace {
        None if namespaces.len() == 1 => None,
        None => Some(NO_NAMESPACE.to_owned()),
        Some(namespace) => {
            let allowed = namespaces.iter().any(|allowed| allowed.source() == namespace);
            let is_known = is_literal(namespace) && namespaces.iter().all(|allowed| known(&allowed));
            (!allowed && is_known).then(|| elsewhere(namespace))
        }
    }
}

const NO_NAMESPACE: &str = "names no namespace, and `namespaces` has several: name one of them";

fn elsewhere(namespace: &str) -> String {
    format!("goes to namespace {namespace}, which is not in `namespaces`")
}

/// Where each object goes, in the order in which they are applied. Fails if one of them may not go there: then none
/// does.
pub(super) fn place(filled: &[Filled], kinds: &Kinds, bounds: &Bounds) -> Result<Vec<Placed>, String> {
    let defined: Vec<_> = filled.iter().filter_map(|m| Defined::of(&m.identity, &m.object)).collect();
    let (mut placed, mut reasons) = (Vec::<Placed>::new(), Vec::new());
    for Filled { file, place, identity, .. } in filled {
        match whereto(identity, kinds, &defined, bounds) {
            Ok((object, is_of_new_kind)) => {
                if placed.iter().any(|other| is_one(&other.object, &object)) {
                    reasons.push(format!(
                        "{place}: {identity} stands there twice once the variables are filled in"
                    ));
                }
                placed.push(Placed { object, file: file.clone(), wave: 0, is_of_new_kind });
            }
            Err(why) => reasons.push(format!("{place}: {identity} {why}")),
        }
    }
    if !reasons.is_empty() {
        let more = reasons.len().saturating_sub(REASONS);
        reasons.truncate(REASONS);
        if more > 0 {
            reasons.push(format!("and {more} more"));
        }
        return Err(reasons.join("; "));
    }
    Ok(in_waves(placed))
}

fn is_one(one: &AnyObject, other: &AnyObject) -> bool {
    (&one.group, &one.kind, &one.namespace, &one.name)
        == (&other.group, &other.kind, &other.namespace, &other.name)
}

/// One after another, in the order of the files within a rank; workloads roll out side by side.
fn in_waves(mut placed: Vec<Placed>) -> Vec<Placed> {
    let rank = |placed: &Placed| order::rank(&placed.object.group, &placed.object.kind);
    // It keeps the order of those of one rank.
    placed.sort_by_key(rank);
    let (mut wave, mut workloads) = (0, false);
    for placed in &mut placed {
        let is_workload = rank(placed) == order::WORKLOAD_RANK;
        if !(is_workload && workloads) {
            wave += 1;
        }
        workloads = is_workload;
        placed.wave = wave;
    }
    placed
}

fn whereto(
    identity: &Identity,
    kinds: &Kinds,
    defined: &[Defined],
    bounds: &Bounds,
) -> Result<(AnyObject, bool), String> {
    let Identity { kind, group, version, namespace, name } = identity.clone();
    let new = defined.iter().find(|defined| defined.is_of(identity)).map(|defined| &defined.served);
    let known = kinds.get(&(group.clone(), version.clone())).and_then(Option::as_ref);
    let served = known.and_then(|served| served.iter().find(|served| served.kind == kind));
    let Some(Served { plural, namespaced, .. }) = new.or(served) else {
        let of = if group.is_empty() { version } else { format!("{group}/{version}") };
        return Err(format!("is of a kind that the cluster does not serve in {of}: is its CRD installed?"));
    };
    let namespace = if *namespaced {
        let only = match bounds.namespaces.as_slice() {
            [only] => Some(only.clone()),
            _ => None,
        };
        let namespace = namespace.or(only).ok_or(NO_NAMESPACE)?;
        if !bounds.namespaces.contains(&namespace) {
            return Err(elsewhere(&namespace));
        }
        namespace
    } else {
        match outside_cluster_scope(identity, bounds.cluster_scoped) {
            Some(why) => return Err(why),
            None => String::new(),
        }
    };
    let plural = plural.clone();
    Ok((AnyObject { namespace, kind, group, version, plural, name }, new.is_some()))
}

/// What can be taken for granted of the kinds of these objects without asking a cluster.
pub(super) fn taken_for_granted(filled: &[Filled], bounds: &Bounds) -> Kinds {
    let mut kinds = Kinds::new();
    for Filled { identity, .. } in filled {
        let Identity { kind, group, version, namespace, .. } = identity;
        let namespaced = if order::is_built_in(group) {
            order::is_namespaced(kind)
        } else {
            namespace.is_some() || bounds.namespaces.len() == 1
        };
        let served = Served { kind: kind.clone(), plural: plural(kind), namespaced };
        kinds.entry((group.clone(), version.clone())).or_default().get_or_insert_default().push(served);
    }
    kinds
}

/// Whether the path of an object is known without asking a cluster.
pub(super) fn is_certain(placed: &Placed) -> bool {
    let AnyObject { group, .. } = &placed.object;
    placed.is_of_new_kind || order::is_built_in(group) || placed.object.workload().is_some()
}

#[cfg(test)]
mod tests;

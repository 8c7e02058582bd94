//! What applying manifests needs to be allowed.

use super::identity::Identity;
use super::manifests::{self, Manifest};
use super::order::Defined;
use super::{Apply, plan};
use crate::action::rights::{Resource, Scope, doubt};
use crate::kubernetes::Kind;
use crate::kubernetes::discovery::Served;
use crate::kubernetes::right::{Need, Place, Right};
use crate::rule::Template;

impl Apply {
    /// Each object is read and patched by its name; `create` knows no names. What is wrong with the manifests is told
    /// when the configuration is read.
    pub(in crate::action) fn rights(&self, scope: &Scope<'_>) -> Vec<Right> {
        let manifests = self.manifests();
        let defined: Vec<_> = manifests.iter().filter_map(|m| Defined::of(&m.identity, &m.object)).collect();
        manifests.iter().flat_map(|manifest| self.rights_of(&manifest.identity, &defined, scope)).collect()
    }

    /// The groups and versions of the kinds that the manifests have.
    pub(in crate::action) fn kinds(&self) -> Vec<(String, String)> {
        self.manifests()
            .into_iter()
            .map(|manifest| (manifest.identity.group, manifest.identity.version))
            .collect()
    }

    fn manifests(&self) -> Vec<Manifest> {
        let files = manifests::files(&self.manifests).unwrap_or_default();
        manifests::read(&self.manifests, &files).0
    }

    fn rights_of(&self, identity: &Identity, defined: &[Defined], scope: &Scope<'_>) -> Vec<Right> {
        let Identity { group, version, kind, .. } = identity;
        let new =
            defined.iter().find(|defined| defined.is_of(identity)).map(|defined| defined.served.clone());
        let namespaced = plan::is_namespaced(identity, defined)
            .unwrap_or(identity.namespace.is_some() || !self.cluster_scoped);
        let guess = || Scope::guess(group, kind, namespaced);
        let (served, guessed) =
            new.or_else(|| scope.served(group, version, kind)).map_or_else(guess, |served| (served, None));
        let (places, Ok(name)) = (self.places(identity, &served, scope), Template::parse(&identity.name))
        else {
            return Vec::new();
        };
        let resource = Resource { group, plural: &served.plural };
        let why = "create cannot be limited by name";
        let mut rights = scope.named(&places, &["get", "patch"], resource, &name);
        rights.extend(scope.each(&places, &["create"], resource, None, Need::Must, why));
        doubt(&mut rights, guessed);
        if let Some(kind) = Kind::of_object(group, kind) {
            rights.extend(scope.of_changes(&places, &[kind], self.rollout));
        }
        rights
    }

    fn places(&self, identity: &Identity, served: &Served, scope: &Scope<'_>) -> Vec<Place> {
        if !served.namespaced {
            return vec![Place::Cluster];
        }
        match (&identity.namespace, self.namespaces.as_slice()) {
            (Some(namespace), _) => {
                Template::parse(namespace).map(|namespace| scope.places(&namespace)).unwrap_or_default()
            }
            (None, [only]) => scope.places(only),
            (None, _) => Vec::new(),
        }
    }
}

//! `patch`: any patch of any object, for what no other action does.

mod read;
mod rights;
mod send;

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::apply::{is_built_in, is_namespaced};
use super::context::{Api, Context, Failure, Found, Target};
use super::rollout::Rollout;
use crate::kubernetes::discovery::{Served, plural};
use crate::kubernetes::patch::Format;
use crate::kubernetes::{AnyObject, Kind, Workload};
use crate::rule::Template;
use crate::rule::name::{kubernetes_name, namespace_name};

/// Patches an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Patch {
    namespace: Option<Template>,
    object: Named,
    format: Format,
    /// Its texts are templates.
    body: Value,
    pub(super) rollout: Rollout,
}

/// What is patched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Named {
    /// `workload: deployment/web`
    Workload(Kind, Template),
    /// `apiVersion`, `kind` and `name`
    #[serde(rename_all = "camelCase")]
    Object { group: String, version: String, kind: String, name: Template },
}

impl Patch {
    /// The text of what names the target.
    pub(super) fn target_text(&self) -> String {
        let name = match &self.object {
            Named::Workload(_, name) | Named::Object { name, .. } => name,
        };
        let namespace = self.namespace.as_ref().map(Template::source).unwrap_or_default();
        format!("{namespace}/{name}")
    }

    /// The target, where that is known without asking the cluster for its kinds.
    pub(super) fn named(&self, context: &Context<'_>) -> Option<Result<Vec<Target>, Failure>> {
        let Named::Workload(kind, _) = &self.object else { return None };
        let target = self.names(context).and_then(|(namespace, name)| {
            let workload = Workload::new(&namespace, *kind, &name).map_err(Failure::last)?;
            Ok(vec![Target::Workload(workload)])
        });
        Some(target)
    }

    /// The target, once the cluster has said what its kind is called in paths.
    pub(super) async fn find(&self, api: &Api, context: &Context<'_>) -> Result<Found, Failure> {
        let Named::Object { group, version, kind, .. } = &self.object else { return Ok(Found::default()) };
        let served = api.kubernetes.served(group, version).await?.unwrap_or_default();
        let Some(served) = served.into_iter().find(|served| served.kind == *kind) else {
            let of = if group.is_empty() { version.clone() } else { format!("{group}/{version}") };
            let text = format!("the cluster does not serve {kind} in {of}: is its CRD installed?");
            return Err(Failure::last(text));
        };
        Ok(Found::these(vec![Target::Object(self.object(&served, context)?)]))
    }

    /// The object as far as it is known without a cluster: of the API server's own kinds.
    fn known_object(&self, context: &Context<'_>) -> Option<Result<AnyObject, Failure>> {
        let Named::Object { group, kind, .. } = &self.object else { return None };
        let namespaced = is_namespaced(kind);
        let served = Served { kind: kind.clone(), plural: plural(kind), namespaced };
        is_built_in(group).then(|| self.object(&served, context))
    }

    fn object(&self, served: &Served, context: &Context<'_>) -> Result<AnyObject, Failure> {
        let Named::Object { group, version, kind, .. } = &self.object else {
            return Err(Failure::last("it is a workload"));
        };
        let (namespace, name) = self.names(context)?;
        match (served.namespaced, namespace.is_empty()) {
            (true, true) => return Err(Failure::last(format!("{kind} {name} is in a namespace: give it"))),
            (false, false) => {
                return Err(Failure::last(format!("{kind} {name} is in no namespace: leave it out")));
            }
            _ => {}
        }
        let [kind, group, version] = [kind, group, version].map(String::clone);
        Ok(AnyObject { namespace, kind, group, version, plural: served.plural.clone(), name })
    }

    /// Namespace (empty if there is none) and name, filled in.
    fn names(&self, context: &Context<'_>) -> Result<(String, String), Failure> {
        let render = || {
            let name = match &self.object {
                Named::Workload(_, name) | Named::Object { name, .. } => name.render(&context.values)?,
            };
            kubernetes_name(&name)?;
            let Some(namespace) = &self.namespace else { return Ok((String::new(), name)) };
            let namespace = namespace.render(&context.values)?;
            namespace_name(&namespace)?;
            Ok::<_, String>((namespace, name))
        };
        render().map_err(Failure::last)
    }
}

/// `deployment/web in shop (merge)`
impl fmt::Display for Patch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.object {
            Named::Workload(kind, name) => write!(f, "{kind}/{name}")?,
            Named::Object { kind, name, .. } => write!(f, "{kind} {name}")?,
        }
        if let Some(namespace) = &self.namespace {
            write!(f, " in {namespace}")?;
        }
        let format = match self.format {
            Format::Strategic => "strategic",
            Format::Merge => "merge",
            Format::Json => "json",
        };
        write!(f, " ({format})")
    }
}

#[cfg(test)]
mod tests;

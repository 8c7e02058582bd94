//! `reconcile`: asks a Flux v2 controller to look at an object now, as `flux reconcile` does.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::context::{Api, Context, Failure, Target};
use super::preview::{Outlook, Preview};
use super::rights::{Resource, Scope};
use crate::config::fields::{Fields, suggest};
use crate::kubernetes::discovery::plural;
use crate::kubernetes::right::Right;
use crate::kubernetes::{AnyObject, PatchRequest, Patched, patch};
use crate::rule::Template;
use crate::rule::name::{kubernetes_name, namespace_name};

/// The annotation that Flux's controllers watch (fluxcd.io, "Triggering a reconcile").
const REQUESTED_AT: &str = "reconcile.fluxcd.io/requestedAt";

/// Flux's kinds: kind, API group, version, plural.
const FLUX_KINDS: [(&str, &str, &str, &str); 12] = [
    ("Bucket", "source.toolkit.fluxcd.io", "v1", "buckets"),
    ("ExternalArtifact", "source.toolkit.fluxcd.io", "v1", "externalartifacts"),
    ("GitRepository", "source.toolkit.fluxcd.io", "v1", "gitrepositories"),
    ("HelmChart", "source.toolkit.fluxcd.io", "v1", "helmcharts"),
    ("HelmRelease", "helm.toolkit.fluxcd.io", "v2", "helmreleases"),
    ("HelmRepository", "source.toolkit.fluxcd.io", "v1", "helmrepositories"),
    ("ImagePolicy", "image.toolkit.fluxcd.io", "v1", "imagepolicies"),
    ("ImageRepository", "image.toolkit.fluxcd.io", "v1", "imagerepositories"),
    ("ImageUpdateAutomation", "image.toolkit.fluxcd.io", "v1", "imageupdateautomations"),
    ("Kustomization", "kustomize.toolkit.fluxcd.io", "v1", "kustomizations"),
    ("OCIRepository", "source.toolkit.fluxcd.io", "v1", "ocirepositories"),
    ("Receiver", "notification.toolkit.fluxcd.io", "v1", "receivers"),
];

/// Asks for a reconciliation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reconcile {
    namespace: Template,
    kind: String,
    group: String,
    version: String,
    plural: String,
    name: Template,
}

impl Reconcile {
    pub(super) fn read(mut fields: Fields<'_>) -> Option<Self> {
        let namespace = name(&mut fields, "namespace", |text| namespace_name(text).map(|_| ()));
        let object = name(&mut fields, "name", |text| kubernetes_name(text).map(|_| ()));
        let kind = fields.required("kind");
        let version = fields.string("apiVersion");
        let resource = kind.as_deref().and_then(|kind| resource(&fields, kind, version.as_deref()));
        fields.finish();
        let (kind, group, version, plural) = resource?;
        Some(Self { namespace: namespace?, kind, group, version, plural, name: object? })
    }

    /// A merge patch needs nothing to be read.
    pub(super) fn rights(&self, scope: &Scope<'_>) -> Vec<Right> {
        let resource = Resource { group: &self.group, plural: &self.plural };
        scope.named(&scope.places(&self.namespace), &["patch"], resource, &self.name)
    }

    /// The object, its names filled in.
    pub(super) fn target(&self, context: &Context<'_>) -> Result<Target, Failure> {
        let render = || {
            let namespace = self.namespace.render(&context.values)?;
            let name = self.name.render(&context.values)?;
            namespace_name(&namespace)?;
            kubernetes_name(&name)?;
            Ok::<_, String>((namespace, name))
        };
        let (namespace, name) = render().map_err(Failure::last)?;
        let Self { kind, group, version, plural, .. } = self.clone();
        Ok(Target::Object(AnyObject { namespace, kind, group, version, plural, name }))
    }
}

pub(super) async fn make(api: &Api, object: &AnyObject, context: &Context<'_>) -> Result<Patched, Failure> {
    let request = request(api.kubernetes.field_manager(), object, context);
    Ok(api.kubernetes.patch(&request).await?)
}

pub(super) fn preview(outlook: &Outlook<'_>, object: &AnyObject, context: &Context<'_>) -> Preview {
    Preview::patch("reconcile", outlook.base(), request(outlook.field_manager(), object, context))
}

fn request(manager: &str, object: &AnyObject, context: &Context<'_>) -> PatchRequest {
    // Any value that differs from the last one is a request; nanoseconds always do.
    patch::annotate(
        &object.path(),
        REQUESTED_AT,
        &format!("{:.9}", context.now),
        manager,
        object.asked("patch"),
    )
}

/// A name that may hold variables.
pub(super) fn name(
    fields: &mut Fields<'_>,
    field: &'static str,
    valid: impl Fn(&str) -> Result<(), String>,
) -> Option<Template> {
    let text = fields.required(field)?;
    let read = Template::parse(&text).and_then(|template| {
        if template.is_literal() {
            valid(&text)?;
        }
        Ok(template)
    });
    read.map_err(|why| fields.mistake(field, why)).ok()
}

/// Kind, group, version and plural: from the table, or from `apiVersion`.
fn resource(
    fields: &Fields<'_>,
    kind: &str,
    api_version: Option<&str>,
) -> Option<(String, String, String, String)> {
    let known = FLUX_KINDS.iter().find(|(name, ..)| *name == kind);
    let Some(api_version) = api_version else {
        let Some((kind, group, version, plural)) = known else {
            let names = FLUX_KINDS.map(|(name, ..)| name);
            let text = format!("\"{}\" is not a kind of Flux{}", kind.escape_debug(), suggest(kind, &names));
            fields.mistake("kind", format!("{text}; for another kind give apiVersion: GROUP/VERSION"));
            return None;
        };
        let own = |text: &&str| (*text).to_owned();
        return Some((own(kind), own(group), own(version), own(plural)));
    };
    let parts = api_version
        .split_once('/')
        .filter(|(group, version)| kubernetes_name(group).is_ok() && namespace_name(version).is_ok());
    let Some((group, version)) = parts else {
        fields.mistake("apiVersion", "must be GROUP/VERSION, such as source.toolkit.fluxcd.io/v1");
        return None;
    };
    if kind.is_empty() || !kind.bytes().all(|b| b.is_ascii_alphanumeric()) {
        fields.mistake("kind", "must be letters and digits, such as GitRepository");
        return None;
    }
    let plural = known.map_or_else(|| plural(kind), |(.., plural)| (*plural).to_owned());
    Some((kind.to_owned(), group.to_owned(), version.to_owned(), plural))
}

impl fmt::Display for Reconcile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} in {}", self.kind, self.name, self.namespace)
    }
}

#[cfg(test)]
mod tests;

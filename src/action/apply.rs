//! `apply`: server-side apply of the manifests in a directory beside the configuration.
//!
//! The run carries the directory along, not what is in it: manifests may hold secrets, and those are neither
//! journalled nor logged. They are read when the step starts, and each file again when its objects are applied.

mod identity;
mod manifests;
mod order;
mod plan;
mod preview;
mod rights;
mod send;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use self::manifests::Manifest;
pub(super) use self::order::{is_built_in, is_namespaced};
pub(super) use self::plan::Placed;
use self::plan::{Bounds, Filled};
pub(super) use self::preview::hide_secret;
use super::context::{Api, Context, Failure, Found, Target};
use super::filled::variables;
use super::rollout::{OnFailure, Rollout};
use super::targets::each;
use crate::config::fields::Fields;
use crate::kubernetes::discovery::Kinds;
use crate::rule::name::namespace_name;
use crate::rule::{Template, Values, Variable};

/// Applies manifests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Apply {
    /// The directory, absolute.
    manifests: PathBuf,
    namespaces: Vec<Template>,
    cluster_scoped: bool,
    force: bool,
    pub(super) rollout: Rollout,
    /// What the manifests' texts hold, as the configuration was read: each with the place where it stands first.
    #[serde(skip)]
    pub(super) variables: BTreeMap<Variable, String>,
}

impl Apply {
    pub(super) fn read(mut fields: Fields<'_>) -> Option<Self> {
        let directory = fields.required("manifests");
        let namespaces = each(&mut fields, "namespaces", |text| {
            let template = Template::parse(text)?;
            if template.is_literal() {
                namespace_name(text)?;
            }
            Ok(template)
        });
        if !fields.names_field("namespaces") {
            fields
                .report()
                .mistake(fields.path(), "namespaces is missing: list those that manifests may go to");
        }
        let cluster_scoped = fields.flag("clusterScoped").unwrap_or(false);
        let force = fields.flag("force").unwrap_or(false);
        let rollout = Rollout::read(&mut fields);
        if rollout.on_failure == OnFailure::Rollback {
            let text = "what was applied cannot be rolled back: what was there before is not known; leave onFailure out";
            fields.mistake("rollout", text);
        }
        let (Some(directory), Some(namespaces)) = (directory, namespaces) else {
            fields.finish();
            return None;
        };
        let (manifests, variables) = look(&fields, &directory, &namespaces, cluster_scoped);
        fields.finish();
        Some(Self { manifests, namespaces, cluster_scoped, force, rollout, variables })
    }

    pub(super) fn describe(&self) -> String {
        let cluster = if self.cluster_scoped { " and what is in no namespace" } else { "" };
        let force = if self.force { ", taking fields over" } else { "" };
        format!("apply {self}{cluster}{force}")
    }

    /// Every object, once all of them have been looked at: if one may not be applied, none is.
    pub(super) async fn find(&self, api: &Api, context: &Context<'_>) -> Result<Found, Failure> {
        let filled = self.filled(context).await?;
        let kinds = kinds(api, &filled).await?;
        let placed = plan::place(&filled, &kinds, &self.bounds(context)?).map_err(Failure::last)?;
        Ok(Found::these(placed.into_iter().map(Target::Manifest).collect()))
    }

    fn bounds(&self, context: &Context<'_>) -> Result<Bounds, Failure> {
        let namespace = |template: &Template| {
            let name = template.render(&context.values)?;
            namespace_name(&name)?;
            Ok(name)
        };
        let namespaces = self.namespaces.iter().map(namespace).collect::<Result<_, String>>();
        Ok(Bounds { namespaces: namespaces.map_err(Failure::last)?, cluster_scoped: self.cluster_scoped })
    }

    /// Every manifest, filled in.
    async fn filled(&self, context: &Context<'_>) -> Result<Vec<Filled>, Failure> {
        let (directory, values) = (self.manifests.clone(), context.values.clone());
        aside(move || {
            let files = manifests::files(&directory)?;
            filled(&directory, &files, &values)
        })
        .await
    }
}

/// Reads and fills in files of a directory.
fn filled(directory: &Path, files: &[String], values: &Values) -> Result<Vec<Filled>, String> {
    let (manifests, mistakes) = manifests::read(directory, files);
    if !mistakes.is_empty() {
        return Err(format!("the manifests cannot be applied: {}", mistakes.join("; ")));
    }
    manifests.into_iter().map(|manifest: Manifest| Filled::new(manifest, values)).collect()
}

/// Does what may take a while, such as reading large manifests, where nothing waits for it.
async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, Failure> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(Failure::last),
        Err(error) => Err(Failure::last(format!("a defect of boathook, please report it: {error}"))),
    }
}

/// What the cluster serves of the groups and versions of these objects.
async fn kinds(api: &Api, filled: &[Filled]) -> Result<Kinds, Failure> {
    let of = |Filled { identity, .. }: &Filled| (identity.group.clone(), identity.version.clone());
    Ok(api.kubernetes.kinds(filled.iter().map(of)).await?)
}

/// Looks at the manifests while the configuration is read. They are watched, so that it is read again when they change.
fn look(
    fields: &Fields<'_>,
    directory: &str,
    namespaces: &[Template],
    cluster_scoped: bool,
) -> (PathBuf, BTreeMap<Variable, String>) {
    let (path, mut held) = (fields.report().watched_file(directory), BTreeMap::new());
    let files = manifests::files(&path).unwrap_or_else(|why| {
        fields.mistake("manifests", why);
        Vec::new()
    });
    for file in &files {
        fields.report().watched_file(&format!("{directory}/{file}"));
    }
    if !files.is_empty() {
        let (manifests, mistakes) = manifests::read(&path, &files);
        let placement = plan::mistakes(&manifests, namespaces, cluster_scoped);
        for why in mistakes.into_iter().chain(placement) {
            fields.mistake("manifests", why);
        }
        for Manifest { place, object, .. } in manifests {
            for variable in variables(&object) {
                held.entry(variable).or_insert_with(|| place.clone());
            }
        }
    }
    (std::path::absolute(&path).unwrap_or(path), held)
}

/// `manifests/ to default, shop`
impl fmt::Display for Apply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let namespaces: Vec<_> = self.namespaces.iter().map(Template::source).collect();
        write!(f, "{} to {}", self.manifests.display(), namespaces.join(", "))
    }
}

#[cfg(test)]
mod tests;

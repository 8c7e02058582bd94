//! Who puts a workload back to what a repository says: Flux, or Argo CD.
//!
//! Helm alone undoes nothing by itself, so its own labels (`app.kubernetes.io/instance`, `managed-by`) say nothing
//! here, though Argo CD may be told to write the first of them too.

use std::fmt;

use super::object::{Metadata, Object};
use crate::text::shorten;

/// What owns a workload. As a text: one sentence for a person, without a full stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// An object of Flux v2.
    Flux {
        /// `Kustomization` or `HelmRelease`
        kind: &'static str,
        /// Where the object is.
        namespace: String,
        /// The object's name.
        name: String,
    },
    /// An Application of Argo CD.
    ArgoCd(String),
}

/// What will undo a change of this object, if anything will.
pub fn owner(object: &Object) -> Option<Owner> {
    let metadata = &object.metadata;
    kustomization(metadata).or_else(|| helm_release(metadata)).or_else(|| application(metadata))
}

/// By the labels that kustomize-controller writes on what it applies (fluxcd.io, "Kustomization"), unless it was told
/// to leave this object alone.
fn kustomization(metadata: &Metadata) -> Option<Owner> {
    let labels = &metadata.labels;
    let annotations = metadata.annotations.as_ref();
    // Both are taken as a label or as an annotation.
    let reconcile = [
        labels.kustomization_reconcile.as_deref(),
        annotations.and_then(|annotations| annotations.kustomization_reconcile.as_deref()),
    ];
    let apply = [
        labels.kustomization_apply.as_deref(),
        annotations.and_then(|annotations| annotations.kustomization_apply.as_deref()),
    ];
    let is = |values: [Option<&str>; 2], word: &str| {
        values.into_iter().flatten().any(|value| value.eq_ignore_ascii_case(word))
    };
    if is(reconcile, "disabled") || is(apply, "Ignore") || is(apply, "IfNotPresent") {
        return None;
    }
    let (namespace, name) = (labels.kustomization_namespace.as_ref()?, labels.kustomization.as_ref()?);
    Some(Owner::Flux { kind: "Kustomization", namespace: shorten(namespace), name: shorten(name) })
}

/// By the labels that helm-controller adds to what a release makes (fluxcd.io, "Helm Releases").
fn helm_release(metadata: &Metadata) -> Option<Owner> {
    let labels = &metadata.labels;
    let (namespace, name) = (labels.helm_release_namespace.as_ref()?, labels.helm_release.as_ref()?);
    Some(Owner::Flux { kind: "HelmRelease", namespace: shorten(namespace), name: shorten(name) })
}

/// By what Argo CD tracks its resources with (argo-cd.readthedocs.io, "Resource Tracking").
fn application(metadata: &Metadata) -> Option<Owner> {
    let tracked = metadata.annotations.as_ref().and_then(|annotations| annotations.argo_tracking.as_deref());
    if let Some(name) = tracked.and_then(|id| tracked_by(id, metadata)) {
        return Some(Owner::ArgoCd(shorten(name)));
    }
    metadata.labels.argo_application.as_deref().map(|name| Owner::ArgoCd(shorten(name)))
}

/// The application of a tracking id, `shop:apps/Deployment:default/web`. An id that names another object was copied
/// with the annotations of that one: Argo CD does not take this one for its own.
fn tracked_by<'a>(id: &'a str, metadata: &Metadata) -> Option<&'a str> {
    let mut parts = id.splitn(3, ':');
    let (application, _, object) = (parts.next()?, parts.next()?, parts.next()?);
    let (namespace, name) = object.split_once('/')?;
    let own = name == metadata.name && namespace == metadata.namespace;
    (own && !application.is_empty()).then_some(application)
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flux { kind, namespace, name } => write!(
                f,
                "it belongs to Flux's {kind} {namespace}/{name}, which will undo the change: change the image in \
                 its source and use `reconcile: {{namespace: {namespace}, kind: {kind}, name: {name}}}` instead"
            ),
            Self::ArgoCd(name) => write!(
                f,
                "it belongs to Argo CD's Application {name}, which will undo the change: change the image in its \
                 repository instead (boathook has no action for Argo CD)"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn told(labels: &Value, annotations: &Value) -> Option<String> {
        let metadata =
            json!({"name": "web", "namespace": "shop", "labels": labels, "annotations": annotations});
        owner(&serde_json::from_value(json!({"metadata": metadata})).unwrap()).map(|owner| owner.to_string())
    }

    #[test]
    fn flux_is_told_with_the_action_that_fits() {
        let of = |tool: &str, namespace: &str, name: &str| {
            json!({format!("{tool}.toolkit.fluxcd.io/namespace"): namespace,
                format!("{tool}.toolkit.fluxcd.io/name"): name})
        };
        assert_eq!(
            told(&of("kustomize", "flux-system", "apps"), &json!(null)).unwrap(),
            "it belongs to Flux's Kustomization flux-system/apps, which will undo the change: change the image in \
             its source and use `reconcile: {namespace: flux-system, kind: Kustomization, name: apps}` instead"
        );
        let helm = told(&of("helm", "shop", "web"), &json!({})).unwrap();
        assert!(helm.contains("`reconcile: {namespace: shop, kind: HelmRelease, name: web}`"), "{helm}");
    }

    #[test]
    fn what_flux_was_told_to_leave_alone_is_nobodys() {
        let labels = json!({"kustomize.toolkit.fluxcd.io/namespace": "flux-system",
            "kustomize.toolkit.fluxcd.io/name": "apps"});
        for (key, value) in [("reconcile", "disabled"), ("ssa", "Ignore"), ("ssa", "ifnotpresent")] {
            let key = format!("kustomize.toolkit.fluxcd.io/{key}");
            assert_eq!(told(&labels, &json!({&key: value})), None, "{key}");
            let mut labels = labels.clone();
            labels[&key] = json!(value);
            assert_eq!(told(&labels, &json!({})), None, "{key}");
        }
        let merged = json!({"kustomize.toolkit.fluxcd.io/ssa": "Merge"});
        assert!(told(&labels, &merged).is_some());
    }

    #[test]
    fn argo_cd_is_told_without_an_action() {
        let expected = "it belongs to Argo CD's Application shop, which will undo the change: change the image in \
                        its repository instead (boathook has no action for Argo CD)";
        let tracking = |id: &str| json!({"argocd.argoproj.io/tracking-id": id});
        assert_eq!(told(&json!({}), &tracking("shop:apps/Deployment:shop/web")).unwrap(), expected);
        assert_eq!(told(&json!({"argocd.argoproj.io/instance": "shop"}), &json!(null)).unwrap(), expected);
        for copied in
            ["shop:apps/Deployment:shop/other", "shop:apps/Deployment:other/web", "shop", ":a/b:shop/web"]
        {
            assert_eq!(told(&json!({}), &tracking(copied)), None, "{copied}");
        }
    }

    #[test]
    fn helm_alone_undoes_nothing() {
        let labels = json!({"app.kubernetes.io/instance": "web", "app.kubernetes.io/managed-by": "Helm"});
        assert_eq!(told(&labels, &json!({"meta.helm.sh/release-name": "web"})), None);
        assert_eq!(told(&json!(null), &json!(null)), None);
    }
}

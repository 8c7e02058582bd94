//! The kinds of workload, and what is known of each.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::config::fields::suggest;
use crate::rule::name::kubernetes_name;

/// A kind of workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// `apps/v1`
    Deployment,
    /// `apps/v1`
    StatefulSet,
    /// `apps/v1`
    DaemonSet,
    /// `batch/v1`
    CronJob,
    /// A Knative Service, `serving.knative.dev/v1`.
    Ksvc,
    /// Of Argo Rollouts, `argoproj.io/v1alpha1`.
    Rollout,
}

/// What is known of a kind.
#[derive(Debug)]
struct About {
    kind: Kind,
    /// As it is written in configurations and answers.
    name: &'static str,
    /// As it is written in objects.
    object: &'static str,
    /// What else `kubectl` takes for it.
    aliases: &'static [&'static str],
    group: &'static str,
    version: &'static str,
    plural: &'static str,
    /// JSON pointer of the pod template.
    template: &'static str,
    /// Whether the API takes strategic merge patches for it: custom resources refuse them with 415.
    strategic_merge: bool,
    /// Why it cannot be restarted, if it cannot.
    no_restart: Option<&'static str>,
}

const DEPLOYMENT: About = About {
    kind: Kind::Deployment,
    name: "deployment",
    object: "Deployment",
    aliases: &["deploy", "deployments"],
    group: "apps",
    version: "v1",
    plural: "deployments",
    template: "/spec/template",
    strategic_merge: true,
    no_restart: None,
};

const KINDS: &[About] = &[
    DEPLOYMENT,
    About {
        kind: Kind::StatefulSet,
        name: "statefulset",
        object: "StatefulSet",
        aliases: &["sts", "statefulsets"],
        group: "apps",
        version: "v1",
        plural: "statefulsets",
        template: "/spec/template",
        strategic_merge: true,
        no_restart: None,
    },
    About {
        kind: Kind::DaemonSet,
        name: "daemonset",
        object: "DaemonSet",
        aliases: &["ds", "daemonsets"],
        group: "apps",
        version: "v1",
        plural: "daemonsets",
        template: "/spec/template",
        strategic_merge: true,
        no_restart: None,
    },
    About {
        kind: Kind::CronJob,
        name: "cronjob",
        object: "CronJob",
        aliases: &["cj", "cronjobs"],
        group: "batch",
        version: "v1",
        plural: "cronjobs",
        template: "/spec/jobTemplate/spec/template",
        strategic_merge: true,
        no_restart: Some("a CronJob starts new pods by itself: the next one pulls the image"),
    },
    About {
        kind: Kind::Ksvc,
        name: "ksvc",
        object: "Service",
        aliases: &["kservice", "kservices"],
        group: "serving.knative.dev",
        version: "v1",
        plural: "services",
        template: "/spec/template",
        strategic_merge: false,
        no_restart: Some(
            "a Knative Service has no restart: a new revision needs a new image, so use setImage",
        ),
    },
    About {
        kind: Kind::Rollout,
        name: "rollout",
        object: "Rollout",
        aliases: &["ro", "rollouts"],
        group: "argoproj.io",
        version: "v1alpha1",
        plural: "rollouts",
        template: "/spec/template",
        strategic_merge: false,
        no_restart: None,
    },
];

impl Kind {
    /// Every kind, in the order in which they are looked through.
    pub const ALL: [Self; 6] =
        [Self::Deployment, Self::StatefulSet, Self::DaemonSet, Self::CronJob, Self::Ksvc, Self::Rollout];

    /// Reads `deployment`, `deploy`, `deployments`, `deployment.apps`, `services.serving.knative.dev`, in any
    /// case.
    pub fn parse(text: &str) -> Result<Self, String> {
        let lower = text.to_ascii_lowercase();
        let (name, group) = lower.split_once('.').map_or((lower.as_str(), None), |(n, g)| (n, Some(g)));
        let named = |about: &&About| match group {
            // `kubectl` also takes the version in between: deployments.v1.apps.
            Some(group) => {
                let group =
                    group.strip_prefix(about.version).and_then(|g| g.strip_prefix('.')).unwrap_or(group);
                let singular = about.plural.strip_suffix('s').unwrap_or(about.plural);
                group == about.group && (name == about.name || name == about.plural || name == singular)
            }
            None => name == about.name || about.aliases.contains(&name),
        };
        KINDS.iter().find(named).map(|about| about.kind).ok_or_else(|| {
            let known: Vec<_> = KINDS.iter().map(|about| about.name).collect();
            format!("\"{}\" is not a kind of workload{}", text.escape_debug(), suggest(text, &known))
        })
    }

    /// The kind of an object that says this of itself, if it is one of these.
    pub fn of_object(group: &str, kind: &str) -> Option<Self> {
        KINDS.iter().find(|about| about.group == group && about.object == kind).map(|about| about.kind)
    }

    /// `deployment`
    pub fn name(self) -> &'static str {
        self.about().name
    }

    /// The API group: `apps`.
    pub fn group(self) -> &'static str {
        self.about().group
    }

    /// What objects of this kind say of themselves: `apps/v1` and `Deployment`.
    pub fn type_meta(self) -> (String, &'static str) {
        let About { group, version, object, .. } = self.about();
        (format!("{group}/{version}"), object)
    }

    /// The resource as RBAC names it: `deployments`.
    pub fn plural(self) -> &'static str {
        self.about().plural
    }

    /// The path of all objects of this kind in a namespace.
    pub fn collection(self, namespace: &str) -> String {
        let About { group, version, plural, .. } = self.about();
        format!("/apis/{group}/{version}/namespaces/{namespace}/{plural}")
    }

    /// JSON pointer of the pod template.
    pub fn template(self) -> &'static str {
        self.about().template
    }

    /// Whether strategic merge patches are taken.
    pub fn takes_strategic_merge(self) -> bool {
        self.about().strategic_merge
    }

    /// Why it cannot be restarted, if it cannot.
    pub fn no_restart(self) -> Option<&'static str> {
        self.about().no_restart
    }

    fn about(self) -> &'static About {
        // The table has every kind, as its test says; the first is never taken by mistake.
        KINDS.iter().find(|about| about.kind == self).unwrap_or(const { &DEPLOYMENT })
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One workload. Its namespace and name are valid Kubernetes names, so that they can stand in a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Workload {
    /// Where it is.
    pub namespace: String,
    /// What it is.
    pub kind: Kind,
    /// Its name.
    pub name: String,
}

impl Workload {
    /// A workload of these names, which must be valid.
    pub fn new(namespace: &str, kind: Kind, name: &str) -> Result<Self, String> {
        let namespace = crate::rule::name::namespace_name(namespace)?.to_owned();
        Ok(Self { namespace, kind, name: kubernetes_name(name)?.to_owned() })
    }

    /// Reads NAMESPACE/TYPE/NAME, the type as [`Kind::parse`] does.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parts: Vec<_> = text.split('/').collect();
        match parts.as_slice() {
            [namespace, kind, name] => Self::new(namespace, Kind::parse(kind)?, name),
            _ => Err(format!("it has {} parts, not 3", parts.len())),
        }
    }

    /// `default/deployment/web`
    pub fn full_name(&self) -> String {
        format!("{}/{self}", self.namespace)
    }

    /// The path of the object in the API.
    pub fn path(&self) -> String {
        format!("{}/{}", self.kind.collection(&self.namespace), self.name)
    }
}

/// `deployment/web`, as `kubectl` has it.
impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_in_the_table_and_is_read_as_kubectl_reads_it() {
        for kind in Kind::ALL {
            assert_eq!(kind.about().kind, kind);
            assert_eq!(Kind::parse(kind.name()), Ok(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
        for (text, kind) in [
            ("deploy", Kind::Deployment),
            ("Deployments", Kind::Deployment),
            ("deployment.apps", Kind::Deployment),
            ("deployments.v1.apps", Kind::Deployment),
            ("sts", Kind::StatefulSet),
            ("services.serving.knative.dev", Kind::Ksvc),
            ("service.serving.knative.dev", Kind::Ksvc),
            ("ro", Kind::Rollout),
            ("Rollouts", Kind::Rollout),
            ("rollouts.v1alpha1.argoproj.io", Kind::Rollout),
        ] {
            assert_eq!(Kind::parse(text), Ok(kind), "{text}");
        }
        let error = Kind::parse("deploymnet").unwrap_err();
        assert!(error.ends_with("did you mean deployment?"), "{error}");
        assert!(Kind::parse("pod").is_err());
        assert!(Kind::parse("deployments.batch").is_err());
    }

    #[test]
    fn paths_are_those_of_the_api() {
        let ksvc = Workload::new("shop", Kind::Ksvc, "game").unwrap();
        assert_eq!(ksvc.path(), "/apis/serving.knative.dev/v1/namespaces/shop/services/game");
        assert_eq!(Kind::Ksvc.type_meta(), ("serving.knative.dev/v1".to_owned(), "Service"));
        assert!(Workload::new("shop", Kind::Ksvc, "../game").is_err());
        assert!(Workload::new("a/b", Kind::Ksvc, "game").is_err());
    }
}

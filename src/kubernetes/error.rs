//! Why the API did not do what was asked: in words that name the way out, and whether another try can help.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Deserialize;

use super::object::or_default;
use super::right::Rule;
use crate::text::shorten;

/// How many fields are named of those that server-side apply would take from others.
const MOST_CONFLICTS: usize = 20;

/// What was asked for, for error texts: verb, resource, namespace, name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// As RBAC names it: `get`, `list`, `patch`.
    pub verb: &'static str,
    /// The API group; empty for the core group.
    pub group: String,
    /// As RBAC names it: `deployments`.
    pub resource: String,
    /// Where; empty for what is in no namespace.
    pub namespace: String,
    /// Which one; `None` for a list.
    pub name: Option<String>,
}

impl Asked {
    /// The Role rule that allows it, which was refused in these words.
    fn rule(&self, refused: &str) -> String {
        if self.verb == "patch" && refused.contains("cannot create resource") {
            // Server-side apply creates what is not there.
            let any = Self { name: None, ..self.clone() };
            return Self::rule_for(&[&Self { verb: "create", ..any.clone() }, &any]);
        }
        Self::rule_for(&[self])
    }

    /// The Role rule that allows all of these, which are of one namespace and name.
    pub fn rule_for(asked: &[&Self]) -> String {
        let Some(first) = asked.first() else { return String::new() };
        let each = |of: fn(&Self) -> &str| {
            let mut texts: Vec<_> = asked.iter().map(|asked| of(asked).to_owned()).collect();
            texts.dedup();
            texts
        };
        let rule = Rule {
            groups: each(|asked| &asked.group),
            resources: each(|asked| &asked.resource),
            names: first.name.iter().cloned().collect(),
            verbs: each(|asked| asked.verb),
        };
        let place = match first.namespace.as_str() {
            "" => "a ClusterRole".to_owned(),
            namespace => format!("a Role of namespace {namespace}"),
        };
        format!("{rule} in {place}")
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.resource)?;
        if let Some(name) = &self.name {
            write!(f, " {name}")?;
        }
        match self.namespace.as_str() {
            "" => Ok(()),
            namespace => write!(f, " in namespace {namespace}"),
        }
    }
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// No answer: refused, broken off, too slow.
    Unreachable(String),
    /// Not sent, since others can reach the API as well.
    Exposed(String),
    /// 401
    Unauthorized,
    /// 403 by RBAC; the API server's sentence.
    Forbidden(String),
    /// 403 by something that looks at the change itself, such as an admission webhook or a quota.
    Denied(String),
    /// 403 by `kubectl proxy`.
    ProxyForbids,
    /// 404 for the object.
    NotFound,
    /// 404 for the kind.
    KindNotServed,
    /// 409: the object has changed since it was read.
    Conflict,
    /// 409: server-side apply would take these from others, who are named with each field.
    FieldConflicts(Vec<(String, String)>),
    /// 410: a list's continue token is too old.
    Gone,
    /// 422; the API server's sentence.
    Invalid(String),
    /// 429, or 5xx: it may work later.
    Busy {
        /// The status.
        status: u16,
        /// `Retry-After`.
        after: Option<Duration>,
        /// What the answer says.
        message: String,
    },
    /// Any other status.
    Other {
        /// The status.
        status: u16,
        /// What the answer says.
        message: String,
    },
}

/// A request that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// What was asked for.
    pub asked: Asked,
    /// What went wrong.
    pub trouble: Trouble,
}

/// The parts of `metav1.Status` that say something.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Status {
    message: String,
    #[serde(deserialize_with = "or_default")]
    details: Details,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Details {
    #[serde(deserialize_with = "or_default")]
    causes: Vec<Cause>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Cause {
    reason: String,
    message: String,
    field: String,
}

impl Status {
    /// The fields that server-side apply would take from others: who has each, and where it is.
    fn field_conflicts(&self) -> Vec<(String, String)> {
        let conflicts = self.details.causes.iter().filter(|cause| cause.reason == "FieldManagerConflict");
        let who = |cause: &Cause| {
            // conflict with "kubectl" using apps/v1
            let manager = cause.message.strip_prefix("conflict with ").unwrap_or(&cause.message);
            (shorten(manager), shorten(&cause.field))
        };
        conflicts.take(MOST_CONFLICTS).map(who).collect()
    }
}

impl ApiError {
    /// Reads an answer that is not a success.
    pub fn from_answer(asked: Asked, status: u16, after: Option<Duration>, body: &[u8]) -> Self {
        let json: Option<Status> = serde_json::from_slice(body).ok();
        let plain = json.is_none();
        let conflicts = json.as_ref().map(Status::field_conflicts).unwrap_or_default();
        let message =
            json.map_or_else(|| String::from_utf8_lossy(body).into_owned(), |status| status.message);
        let refuses = |verb: &str| message.contains(&format!("cannot {verb} resource"));
        let by_rbac = refuses(asked.verb) || asked.verb == "patch" && refuses("create");
        let message = shorten(message.trim());
        let trouble = match status {
            401 => Trouble::Unauthorized,
            403 if plain => Trouble::ProxyForbids,
            403 if by_rbac => Trouble::Forbidden(message),
            403 => Trouble::Denied(message),
            // A list of a kind that is served is empty rather than missing.
            404 if plain || asked.name.is_none() => Trouble::KindNotServed,
            404 => Trouble::NotFound,
            409 if !conflicts.is_empty() => Trouble::FieldConflicts(conflicts),
            409 => Trouble::Conflict,
            410 => Trouble::Gone,
            422 => Trouble::Invalid(message),
            // What server-side apply says of a field that the kind does not have.
            500 if message.starts_with("failed to create typed patch object") => Trouble::Invalid(message),
            429 | 500..=599 => Trouble::Busy { status, after, message },
            _ => Trouble::Other { status, message },
        };
        Self { asked, trouble }
    }

    /// Whether another try can help, and how long the server asks to wait for it.
    pub fn retry(&self) -> Option<Option<Duration>> {
        match &self.trouble {
            Trouble::Unreachable(_) | Trouble::Exposed(_) | Trouble::Conflict | Trouble::Gone => Some(None),
            Trouble::Busy { after, .. } => Some(*after),
            _ => None,
        }
    }

    /// Whether the kind is not there, or not for us: a look through all kinds passes over it.
    pub fn is_kind_closed(&self) -> bool {
        matches!(self.trouble, Trouble::KindNotServed | Trouble::Forbidden(_) | Trouble::ProxyForbids)
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { asked, trouble } = self;
        match trouble {
            Trouble::Unreachable(why) => write!(f, "{asked}: the API cannot be reached: {why}"),
            Trouble::Exposed(why) => write!(f, "{asked}: not sent: {why}"),
            Trouble::Unauthorized => write!(f, "{asked}: the API does not accept the credentials (401)"),
            Trouble::Forbidden(message) => {
                write!(f, "{asked}: not allowed: {message}; allow it with {}", asked.rule(message))
            }
            Trouble::Denied(message) => write!(f, "{asked}: refused (403): {message}"),
            Trouble::ProxyForbids => write!(
                f,
                "{asked}: kubectl proxy does not let it through: see its --accept-paths, --reject-methods and \
                 --accept-hosts"
            ),
            Trouble::NotFound => write!(f, "{asked}: there is no such object"),
            Trouble::KindNotServed => {
                write!(
                    f,
                    "{asked}: the cluster does not serve this kind (group {}) in this version: is its CRD installed?",
                    asked.group
                )
            }
            Trouble::Conflict => write!(f, "{asked}: the object was changed by somebody else meanwhile"),
            Trouble::FieldConflicts(conflicts) => write_conflicts(f, asked, conflicts),
            Trouble::Gone => write!(f, "{asked}: the list changed too much while it was read"),
            Trouble::Invalid(message) => write!(f, "{asked}: the API refuses the change: {message}"),
            Trouble::Busy { status, message, .. } | Trouble::Other { status, message } => {
                write!(f, "{asked}: the API answers {status}: {message}")
            }
        }
    }
}

impl std::error::Error for ApiError {}

/// `"kubectl" using apps/v1 manages .spec.replicas, .spec.paused; "helm" manages .data.color`
fn write_conflicts(f: &mut fmt::Formatter<'_>, asked: &Asked, conflicts: &[(String, String)]) -> fmt::Result {
    let mut fields: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (manager, field) in conflicts {
        fields.entry(manager).or_default().push(field);
    }
    let each: Vec<_> = fields
        .into_iter()
        .map(|(manager, fields)| format!("{manager} manages {}", fields.join(", ")))
        .collect();
    write!(f, "{asked}: conflict: {}", each.join("; "))
}

#[cfg(test)]
mod tests;

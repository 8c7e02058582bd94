//! Why the API did not do what was asked: in words that name the way out, and whether another try can help.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;

use crate::text::shorten;

/// What was asked for, for error texts: verb, resource, namespace, name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// As RBAC names it: `get`, `list`, `patch`.
    pub verb: &'static str,
    /// The API group; empty for the core group.
    pub group: String,
    /// As RBAC names it: `deployments`.
    pub resource: String,
    /// Where.
    pub namespace: String,
    /// Which one; `None` for a list.
    pub name: Option<String>,
}

impl Asked {
    /// The Role rule that allows it.
    fn rule(&self) -> String {
        Self::rule_for(&[self])
    }

    /// The Role rule that allows all of these, which are of one namespace and name.
    pub fn rule_for(asked: &[&Self]) -> String {
        let Some(first) = asked.first() else { return String::new() };
        let group =
            |asked: &&Self| if asked.group.is_empty() { "\"\"".to_owned() } else { asked.group.clone() };
        let mut groups: Vec<_> = asked.iter().map(group).collect();
        groups.dedup();
        let mut resources: Vec<_> = asked.iter().map(|asked| asked.resource.as_str()).collect();
        resources.dedup();
        let mut verbs: Vec<_> = asked.iter().map(|asked| asked.verb).collect();
        verbs.dedup();
        let names = first.name.as_ref().map(|name| format!(", resourceNames: [{name}]")).unwrap_or_default();
        format!(
            "{{apiGroups: [{}], resources: [{}]{names}, verbs: [{}]}} in a Role of namespace {}",
            groups.join(", "),
            resources.join(", "),
            verbs.join(", "),
            first.namespace
        )
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.resource)?;
        if let Some(name) = &self.name {
            write!(f, " {name}")?;
        }
        write!(f, " in namespace {}", self.namespace)
    }
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// No answer: refused, broken off, too slow.
    Unreachable(String),
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
}

impl ApiError {
    /// Reads an answer that is not a success.
    pub fn from_answer(asked: Asked, status: u16, after: Option<Duration>, body: &[u8]) -> Self {
        let json: Option<Status> = serde_json::from_slice(body).ok();
        let plain = json.is_none();
        let message =
            json.map_or_else(|| String::from_utf8_lossy(body).into_owned(), |status| status.message);
        let by_rbac = message.contains(&format!("cannot {} resource", asked.verb));
        let message = shorten(message.trim());
        let trouble = match status {
            401 => Trouble::Unauthorized,
            403 if plain => Trouble::ProxyForbids,
            403 if by_rbac => Trouble::Forbidden(message),
            403 => Trouble::Denied(message),
            // A list of a kind that is served is empty rather than missing.
            404 if plain || asked.name.is_none() => Trouble::KindNotServed,
            404 => Trouble::NotFound,
            409 => Trouble::Conflict,
            410 => Trouble::Gone,
            422 => Trouble::Invalid(message),
            429 | 500..=599 => Trouble::Busy { status, after, message },
            _ => Trouble::Other { status, message },
        };
        Self { asked, trouble }
    }

    /// Whether another try can help, and how long the server asks to wait for it.
    pub fn retry(&self) -> Option<Option<Duration>> {
        match &self.trouble {
            Trouble::Unreachable(_) | Trouble::Conflict | Trouble::Gone => Some(None),
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
            Trouble::Unauthorized => write!(f, "{asked}: the API does not accept the credentials (401)"),
            Trouble::Forbidden(message) => {
                write!(f, "{asked}: not allowed: {message}; allow it with {}", asked.rule())
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
            Trouble::Gone => write!(f, "{asked}: the list changed too much while it was read"),
            Trouble::Invalid(message) => write!(f, "{asked}: the API refuses the change: {message}"),
            Trouble::Busy { status, message, .. } | Trouble::Other { status, message } => {
                write!(f, "{asked}: the API answers {status}: {message}")
            }
        }
    }
}

impl std::error::Error for ApiError {}

#[cfg(test)]
mod tests;

//! What an action decided to change: written to the journal before it is done, so that after a crash it is known
//! what was asked for and what was there before. Images and times, never pod templates.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::context::Done;
use crate::kubernetes::Patched;
use crate::kubernetes::any::Version;
use crate::kubernetes::patch::{ImageChange, PolicyChange, Read};

/// What an action makes of a target that it looked at.
#[derive(Debug, PartialEq, Eq)]
pub enum Decision {
    /// There is nothing to do, or nothing may be done.
    Nothing(Done),
    /// This is to be changed.
    Change(Change),
}

/// A change of one target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// What is changed.
    pub what: What,
    /// What a person should know of it (who else will undo it).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
}

/// What is changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum What {
    /// Images of containers, from what they were to what they shall be.
    Images {
        /// Each container.
        changes: Vec<ImageChange>,
        /// The object that the change depends on.
        read: Read,
    },
    /// The annotation that restarts.
    Restart {
        /// Its value.
        at: String,
    },
    /// Flux v1 is told, which may be done twice.
    Notify,
    /// Flux v2 is asked to reconcile an object, which may be done twice.
    Reconcile,
    /// A manifest is applied, which may be done twice.
    Apply {
        /// What was there; `None` if nothing was.
        before: Option<Version>,
    },
    /// An object is patched.
    Patch {
        /// What was there.
        before: Version,
        /// When that was decided.
        at: Timestamp,
    },
}

impl Change {
    /// A change that nobody else will undo.
    pub(super) fn of(what: What) -> Self {
        Self { what, warning: None }
    }

    /// Whether it must be safe before it is made: a second try depends on what the first one meant to do.
    pub fn is_to_be_kept(&self) -> bool {
        !matches!(self.what, What::Notify | What::Reconcile)
    }

    /// The change that puts back what was there; `None` if nothing can be put back.
    pub fn images(&self) -> Option<&[ImageChange]> {
        match &self.what {
            What::Images { changes, .. } => Some(changes),
            What::Restart { .. }
            | What::Notify
            | What::Reconcile
            | What::Apply { .. }
            | What::Patch { .. } => None,
        }
    }

    /// What was there and what shall be there, for the log.
    pub fn from_to(&self) -> (String, String) {
        let each = |of: fn(&ImageChange) -> &str| {
            let texts: Vec<_> = self.images().unwrap_or_default().iter().map(of).collect();
            texts.join(",")
        };
        match &self.what {
            What::Images { .. } => (each(|c| &c.from), each(|c| &c.to)),
            What::Restart { at } => (String::new(), at.clone()),
            What::Notify | What::Reconcile | What::Apply { .. } | What::Patch { .. } => {
                (String::new(), String::new())
            }
        }
    }
}

/// A change that the API has taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// The object with the change: a status that is older says nothing of it.
    pub patched: Patched,
    /// When it was made.
    pub at: Timestamp,
}

/// What came of trying to make a change.
#[derive(Debug, PartialEq, Eq)]
pub enum Making {
    /// It is there. The change says what is there now: an admission webhook may have written the image another way.
    Made(Patched, Change),
    /// The target is not what it was when this was decided: decide again.
    Stale(String),
    /// It has turned out that there was nothing to change.
    There(Done),
}

/// `web: ghcr.io/acme/web:1 → ghcr.io/acme/web:2`
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.what {
            What::Images { changes, .. } => write_images(f, changes)?,
            What::Restart { at } => write!(f, "restarted at {at}")?,
            What::Notify => f.write_str("Flux was notified")?,
            What::Reconcile => f.write_str("Flux was asked to reconcile it")?,
            What::Patch { .. } => f.write_str("patched")?,
            What::Apply { before: None } => f.write_str("created")?,
            What::Apply { before: Some(_) } => f.write_str("changed")?,
        }
        self.warning.as_ref().map_or(Ok(()), |warning| write!(f, "; {warning}"))
    }
}

fn write_images(f: &mut fmt::Formatter<'_>, changes: &[ImageChange]) -> fmt::Result {
    for (place, change) in changes.iter().enumerate() {
        let separator = if place == 0 { "" } else { ", " };
        // A Knative Service's only container may have no name.
        let name = if change.name.is_empty() { String::new() } else { format!("{}: ", change.name) };
        write!(f, "{separator}{name}{}", change.from)?;
        if change.to != change.from {
            write!(f, " → {}", change.to)?;
        }
        if let Some(PolicyChange { from, to }) = &change.policy {
            let [from, to] = [from, to].map(|policy| policy.as_deref().unwrap_or("unset"));
            write!(f, " (imagePullPolicy {from} → {to})")?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::object::ContainerList;

    #[test]
    fn what_was_done_is_told_container_by_container() {
        let change = |name: &str| ImageChange {
            list: ContainerList::Containers,
            index: 0,
            name: name.into(),
            from: "web:1".into(),
            to: "web:2".into(),
            policy: None,
        };
        let told = |changes: &[ImageChange]| {
            Change::of(What::Images { changes: changes.to_vec(), read: Read::default() }).to_string()
        };
        assert_eq!(told(&[change("a"), change("b")]), "a: web:1 → web:2, b: web:1 → web:2");
        assert_eq!(told(&[change("")]), "web:1 → web:2");
        let policy = Some(PolicyChange { from: None, to: Some("Always".into()) });
        let both = ImageChange { policy, ..change("") };
        assert_eq!(told(std::slice::from_ref(&both)), "web:1 → web:2 (imagePullPolicy unset → Always)");
        let alone = ImageChange { to: both.from.clone(), ..both };
        assert_eq!(told(&[alone]), "web:1 (imagePullPolicy unset → Always)");
    }
}

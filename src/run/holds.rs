//! Versions that failed on a workload and are not applied to it again (DESIGN.md section 7).

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::journal::{Table, Write};
use super::record::Run;
use super::stored::{put, remove};
use crate::event::Event;
use crate::image::{Digest, Repository};
use crate::kubernetes::Workload;
use crate::text::Escaped;

/// How much of a digest a person must give: `sha256:` and 12 digits.
const SHOWN_DIGEST: usize = 19;

/// How many holds there may be; the oldest go first.
const LIMIT: usize = 4096;

/// A version that is held for a workload: neither a redelivery nor a new delivery applies it, until another
/// version comes or a person lifts the hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// For whom.
    pub workload: Workload,
    /// The image's repository.
    pub repository: Repository,
    /// Its tag, where the event had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// What is held.
    pub version: Version,
    /// Since when.
    pub since: Timestamp,
    /// The delivery that brought it.
    pub delivery: String,
    /// What went wrong, for a person.
    pub reason: String,
}

/// What makes a version the same one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Version {
    /// This manifest, whatever its tag.
    Digest(Digest),
    /// This tag, where the event had no digest.
    Tag(String),
    /// Only this delivery: its tag moves (`latest`) and its event had no digest.
    Delivery(String),
}

impl Version {
    /// The version that a run brings, if its event is about an image: by digest, else by tag, unless the tag moves.
    pub fn of(run: &Run) -> Option<(Repository, Self)> {
        let (repository, digest) = match &run.event {
            Event::Image(image) => (&image.repository, &image.digest),
            Event::Deploy(deploy) => (&deploy.image, &deploy.digest),
            Event::Git(_) | Event::Pipeline(_) | Event::Ping | Event::Ignored { .. } => return None,
        };
        let tag = run.tag.clone().filter(|tag| !tag.is_empty());
        let version = match (digest, tag) {
            (Some(digest), _) => Self::Digest(digest.clone()),
            (None, Some(tag)) if !run.mutable => Self::Tag(tag),
            (None, _) => Self::Delivery(run.delivery.mark.clone()),
        };
        Some((repository.clone(), version))
    }
}

impl Hold {
    /// A hold of what a run brought to a workload.
    pub fn of(run: &Run, workload: &Workload, reason: &str, since: Timestamp) -> Option<Self> {
        let (repository, version) = Version::of(run)?;
        Some(Self {
            workload: workload.clone(),
            repository,
            tag: run.tag.clone().filter(|tag| !tag.is_empty()),
            version,
            since,
            delivery: run.delivery.id.clone(),
            reason: reason.to_owned(),
        })
    }

    /// Whether a run brings what is held. Where only one of the two knows the digest the tag decides, unless it moves.
    fn is_of(&self, version: &Version, run: &Run) -> bool {
        match (&self.version, version) {
            (Version::Digest(_), Version::Tag(tag)) => self.tag.as_ref() == Some(tag),
            (Version::Tag(tag), Version::Digest(_)) => run.tag.as_ref() == Some(tag),
            (held, brought) => held == brought,
        }
    }

    /// Why the version is not applied, and the way out.
    pub fn explain(&self) -> String {
        let Self { workload, since, .. } = self;
        let seconds = since.round(jiff::Unit::Second).unwrap_or(*since);
        format!(
            "{} is held for {workload} since {seconds}, when it failed ({}); another version will be applied, or \
             lift the hold with: boathook hold lift {}",
            self.version_text(),
            Escaped(&self.reason),
            workload.full_name(),
        )
    }

    /// The version as a person knows it: `ghcr.io/acme/web:1.2.3`.
    pub fn version_text(&self) -> String {
        let tag = self.tag.as_ref().map(|tag| format!(":{tag}")).unwrap_or_default();
        match &self.version {
            Version::Digest(digest) => format!("{}{tag}@{digest}", self.repository),
            Version::Tag(_) => format!("{}{tag}", self.repository),
            Version::Delivery(_) => {
                format!("{}{tag} of delivery {}", self.repository, Escaped(&self.delivery))
            }
        }
    }

    /// Whether a person means it: by tag, digest, delivery or the whole.
    pub fn is_called(&self, name: &str) -> bool {
        let own = match &self.version {
            // As much of it as `hold list` shows.
            Version::Digest(digest) => name.len() >= SHOWN_DIGEST && digest.to_string().starts_with(name),
            Version::Tag(tag) => tag == name,
            Version::Delivery(_) => self.delivery == name,
        };
        own || self.tag.as_deref() == Some(name) || self.version_text() == name
    }
}

/// `default/deployment/web ghcr.io/acme/web:1.2.3`
impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.workload.full_name(), self.version_text())
    }
}

/// All holds, by number.
#[derive(Debug, Default)]
pub struct Holds {
    holds: BTreeMap<u64, Hold>,
    next: u64,
}

impl Holds {
    /// A hold of an earlier process.
    pub fn restore(&mut self, number: u64, hold: Hold) {
        self.next = self.next.max(number.saturating_add(1));
        self.holds.insert(number, hold);
    }

    /// All of them, the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &Hold)> {
        self.holds.iter().map(|(number, hold)| (*number, hold))
    }

    /// What holds back what a run brings to a workload.
    pub fn find(&self, workload: &Workload, run: &Run) -> Option<&Hold> {
        let (repository, version) = Version::of(run)?;
        self.holds.values().find(|hold| {
            hold.workload == *workload && hold.repository == repository && hold.is_of(&version, run)
        })
    }

    /// Holds a version, once.
    #[must_use]
    pub fn add(&mut self, hold: Hold) -> Vec<Write> {
        let same = |other: &Hold| {
            other.workload == hold.workload
                && other.repository == hold.repository
                && other.version == hold.version
        };
        let mut writes = self.lift(|other| same(other)).1;
        while self.holds.len() >= LIMIT
            && let Some((number, _)) = self.holds.pop_first()
        {
            writes.push(remove(Table::Holds, number));
        }
        writes.push(put(Table::Holds, self.next, &hold));
        self.holds.insert(self.next, hold);
        self.next = self.next.saturating_add(1);
        writes
    }

    /// Another version has come to a workload: those that were held there are history.
    #[must_use]
    pub fn release(&mut self, workload: &Workload, run: &Run) -> Vec<Write> {
        let Some((repository, version)) = Version::of(run) else { return Vec::new() };
        let others = |hold: &Hold| {
            hold.workload == *workload && hold.repository == repository && !hold.is_of(&version, run)
        };
        self.lift(others).1
    }

    /// Lifts the holds that are meant.
    #[must_use]
    pub fn lift(&mut self, meant: impl Fn(&Hold) -> bool) -> (Vec<Hold>, Vec<Write>) {
        let numbers: Vec<_> =
            self.holds.iter().filter(|(_, hold)| meant(hold)).map(|(number, _)| *number).collect();
        let writes = numbers.iter().map(|number| remove(Table::Holds, *number)).collect();
        (numbers.iter().filter_map(|number| self.holds.remove(number)).collect(), writes)
    }
}

#[cfg(test)]
mod tests;

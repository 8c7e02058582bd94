//! Versions that are held: which, and no longer.

use hyper::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::page::Asked;
use crate::image::Repository;
use crate::kubernetes::Workload;
use crate::run::engine::Engine;
use crate::run::holds::{Hold, Version};
use crate::server::answer::{Answer, Problem};
use crate::text::printable;

/// How much of a digest names it, in hex digits.
const DIGEST_DIGITS: usize = 7;

/// A hold as it is answered.
#[derive(Debug, Serialize, Deserialize)]
pub struct Held {
    /// `default/deployment/web`
    pub workload: String,
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

/// An answer about holds.
#[derive(Debug, Serialize, Deserialize)]
pub struct Holds {
    /// Those that are there, or were lifted.
    pub holds: Vec<Held>,
}

impl From<Hold> for Held {
    fn from(hold: Hold) -> Self {
        let Hold { workload, repository, tag, version, since, delivery, reason } = hold;
        Self { workload: workload.full_name(), repository, tag, version, since, delivery, reason }
    }
}

pub(super) fn all(engine: &Engine) -> Answer {
    answer(engine.holds().into_iter().map(|(_, hold)| hold).collect())
}

/// Lifts the holds of a workload: all, or those of a version, which its tag or the beginning of its digest names.
pub(super) async fn lift(engine: &Engine, workload: &str, asked: &Asked) -> Result<Answer, Problem> {
    let workload = Workload::parse(workload).map_err(|why| {
        Problem::Malformed(format!(
            "{}: must be NAMESPACE/TYPE/NAME, such as default/deployment/web: {why}",
            printable(workload, 300)
        ))
    })?;
    let name = workload.full_name();
    let there = engine.holds().into_iter().map(|(_, hold)| hold).filter(|hold| hold.workload == workload);
    let (meant, other): (Vec<_>, Vec<_>) =
        there.partition(|hold| asked.parameter("version").is_none_or(|version| is_named(hold, version)));
    if meant.is_empty() {
        let other: Vec<_> = other.iter().map(shown).collect();
        let other = if other.is_empty() {
            String::new()
        } else {
            format!(" by that version; held there: {}", other.join(", "))
        };
        return Err(Problem::unknown(format!("nothing is held for {name}{other}")));
    }
    let mut lifted = Vec::new();
    for hold in meant {
        lifted.extend(engine.lift(&name, Some(text(&hold.version))).await);
    }
    Ok(answer(lifted))
}

fn answer(holds: Vec<Hold>) -> Answer {
    let holds = holds.into_iter().map(Held::from).collect();
    Answer::json(StatusCode::OK, &Holds { holds })
}

fn is_named(hold: &Hold, version: &str) -> bool {
    let short = match &hold.version {
        Version::Digest(digest) => {
            let digits = version.strip_prefix("sha256:").unwrap_or(version);
            let hex = digest.as_str().strip_prefix("sha256:").unwrap_or_default();
            digits.len() >= DIGEST_DIGITS && hex.starts_with(digits)
        }
        Version::Tag(_) | Version::Delivery(_) => text(&hold.version) == version,
    };
    short || hold.tag.as_deref() == Some(version)
}

/// What makes a version the same one, in its own words.
fn text(version: &Version) -> &str {
    match version {
        Version::Digest(digest) => digest.as_str(),
        Version::Tag(text) | Version::Delivery(text) => text,
    }
}

fn shown(hold: &Hold) -> String {
    match &hold.tag {
        Some(tag) => format!("{}:{tag}", hold.repository),
        None => format!("{}@{}", hold.repository, text(&hold.version)),
    }
}

/// What a hold says to who asks for this version again, if it stands in the way.
pub(super) fn hint<'a>(holds: impl IntoIterator<Item = &'a Hold>) -> Option<String> {
    let told: Vec<_> = holds
        .into_iter()
        .map(|hold| {
            let name = hold.workload.full_name();
            format!("{} is held for {name}: `boathook hold lift {name}` lets it through", shown(hold))
        })
        .collect();
    (!told.is_empty()).then(|| told.join("; "))
}

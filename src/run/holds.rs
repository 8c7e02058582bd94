//! Versions that failed on a workload and are not applied to it again (DESIGN.md section 7).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::image::{Digest, Repository};
use crate::kubernetes::Workload;

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

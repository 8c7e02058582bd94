//! What is kept of the answer to a patch: what its rollout is followed from.

use serde::{Deserialize, Serialize};

use super::object::Object;

/// The object right after the patch. All of it may go into the journal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Patched {
    /// What a status must have observed to speak of the patch; 0 for an object that counts no generations.
    pub generation: i64,
    /// Another object of the same name has another one.
    pub uid: String,
    /// The version that the patch made.
    pub resource_version: String,
    /// When the progress deadline of an earlier rollout of a Deployment had passed, if it had. The controller may
    /// leave that condition as it is until the new rollout makes its first progress, though it has observed the
    /// patch: so it says nothing of the new one. What the controller has observed already, it says of this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline_passed: Option<String>,
}

impl From<Object> for Patched {
    fn from(object: Object) -> Self {
        let before = object.status.observed_generation.unwrap_or(0) < object.metadata.generation;
        let passed = object.deadline_passed().filter(|_| before);
        let deadline_passed = passed.and_then(|passed| passed.last_update_time.clone());
        let metadata = object.metadata;
        Self {
            generation: metadata.generation,
            uid: metadata.uid,
            resource_version: metadata.resource_version,
            deadline_passed,
        }
    }
}

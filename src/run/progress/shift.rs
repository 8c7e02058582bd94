//! How far requests to a Knative Service have gone over to its new revision.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::action::Made;

/// A step of the way, and how far that is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shift {
    /// The number of the percentage; the one after the last is the end, where the newest revision serves.
    pub step: usize,
    /// How far it is.
    pub phase: Phase,
}

/// How far a step is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Phase {
    /// It is to be asked for, and may have been.
    Asking,
    /// It was asked for, and is followed until it is so.
    Asked(Made),
    /// It has been so since then, and stays for a while before it is judged.
    Serving(Made, Timestamp),
}

impl Shift {
    /// This step, from its beginning.
    pub fn to(step: usize) -> Self {
        Self { step, phase: Phase::Asking }
    }

    /// The service as the last change of it left it.
    pub fn made(&self) -> Option<&Made> {
        match &self.phase {
            Phase::Asking => None,
            Phase::Asked(made) | Phase::Serving(made, _) => Some(made),
        }
    }
}

//! How things end, and the words for it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How a run, a step or a target ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// The change was made.
    Succeeded,
    /// Everything was already as asked.
    Unchanged,
    /// There was nothing to change, or it may not be changed.
    Skipped,
    /// A newer event for the same thing came before this one was started, or could be finished by a process that was
    /// ending.
    Superseded,
    /// The version failed here before and is held.
    Held,
    /// The change was made, failed, and was undone.
    RolledBack,
    /// It could not be done in time.
    Expired,
    /// It could not be done.
    Failed,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 8] = [
        Self::Succeeded,
        Self::Unchanged,
        Self::Skipped,
        Self::Superseded,
        Self::Held,
        Self::RolledBack,
        Self::Expired,
        Self::Failed,
    ];

    /// The word in answers, logs and metrics.
    pub fn word(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Unchanged => "unchanged",
            Self::Skipped => "skipped",
            Self::Superseded => "superseded",
            Self::Held => "held",
            Self::RolledBack => "rolledBack",
            Self::Expired => "expired",
            Self::Failed => "failed",
        }
    }

    /// Whether a redelivery is a duplicate after this.
    pub fn is_good(self) -> bool {
        !matches!(self, Self::Failed | Self::RolledBack | Self::Expired)
    }

    /// Whether a run goes on to its next step after this: what is held here shall not go further.
    pub fn goes_on(self) -> bool {
        self.is_good() && self != Self::Held
    }

    /// The outcome of a whole from those of its parts: the worst failure, else what was achieved.
    pub fn of(parts: impl IntoIterator<Item = Self>) -> Option<Self> {
        const ORDER: [Outcome; 8] = [
            Outcome::Failed,
            Outcome::RolledBack,
            Outcome::Expired,
            Outcome::Held,
            Outcome::Succeeded,
            Outcome::Unchanged,
            Outcome::Superseded,
            Outcome::Skipped,
        ];
        let rank = |outcome: &Self| ORDER.iter().position(|o| o == outcome);
        parts.into_iter().min_by_key(rank)
    }
}

/// How something ended, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// How.
    pub outcome: Outcome,
    /// One sentence for a person.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

impl End {
    /// This outcome, for this reason.
    pub fn new(outcome: Outcome, reason: impl Into<String>) -> Self {
        Self { outcome, reason: reason.into() }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_is_as_bad_as_its_worst_part() {
        use Outcome::{Expired, Failed, Skipped, Succeeded, Unchanged};
        assert_eq!(Outcome::of([Succeeded, Failed, Unchanged]), Some(Failed));
        assert_eq!(Outcome::of([Skipped, Unchanged]), Some(Unchanged));
        assert_eq!(Outcome::of([Succeeded, Unchanged]), Some(Succeeded));
        assert_eq!(Outcome::of([Succeeded, Expired]), Some(Expired));
        assert_eq!(Outcome::of([]), None);
    }

    #[test]
    fn words_are_those_of_the_json() {
        for outcome in Outcome::ALL {
            assert_eq!(serde_json::to_value(outcome).unwrap(), outcome.word());
        }
    }
}

//! `rollout`: how a change is followed to its end.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::fields::Fields;

/// How long a rollout is followed when nothing else is said.
pub(super) const DEFAULT_WITHIN: Duration = Duration::from_secs(600);

/// How a rollout is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rollout {
    /// How long it may take; `None`: it is not followed.
    pub within: Option<Duration>,
    /// What happens when it fails.
    pub on_failure: OnFailure,
}

/// What happens when a rollout fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OnFailure {
    /// The change stays.
    Keep,
    /// The images that were there are put back.
    Rollback,
}

impl Default for Rollout {
    fn default() -> Self {
        Self { within: Some(DEFAULT_WITHIN), on_failure: OnFailure::Keep }
    }
}

impl Rollout {
    /// Reads `rollout: none` or `rollout: {within, onFailure}`.
    pub(super) fn read(fields: &mut Fields<'_>) -> Self {
        let default = Self::default();
        let Some(node) = fields.node("rollout") else { return default };
        if node.value().as_str() == Some("none") {
            return Self { within: None, ..default };
        }
        let Some(mut section) = node.fields(fields.path().field("rollout")) else { return default };
        let within = section.duration("within").unwrap_or(DEFAULT_WITHIN);
        if within.is_zero() {
            section.mistake("within", "leaves no time; rollout: none does not follow the rollout at all");
        }
        let words = [("keep", OnFailure::Keep), ("rollback", OnFailure::Rollback)];
        let on_failure = section.one_of("onFailure", &words).unwrap_or(default.on_failure);
        section.finish();
        Self { within: Some(within), on_failure }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::read;
    use super::*;

    fn rollout(text: &str) -> (Option<Rollout>, Vec<String>) {
        read(text, |mut fields| {
            let rollout = Rollout::read(&mut fields);
            fields.finish();
            Some(rollout)
        })
    }

    #[test]
    fn every_form_is_read() {
        let of = |seconds: Option<u64>, on_failure| Rollout {
            within: seconds.map(Duration::from_secs),
            on_failure,
        };
        for (text, expected) in [
            ("{}", of(Some(600), OnFailure::Keep)),
            ("rollout: none", of(None, OnFailure::Keep)),
            ("rollout: {within: 5m, onFailure: rollback}", of(Some(300), OnFailure::Rollback)),
            ("rollout: {onFailure: keep}", of(Some(600), OnFailure::Keep)),
        ] {
            assert_eq!(rollout(text), (Some(expected), Vec::new()), "{text}");
            let json = serde_json::to_string(&expected).unwrap();
            assert_eq!(serde_json::from_str::<Rollout>(&json).unwrap(), expected);
        }
    }

    #[test]
    fn every_mistake_is_told() {
        for (text, told) in [
            ("rollout: some", "rollout: is text, where fields are needed"),
            ("rollout: {within: 5}", "rollout.within: must be a duration"),
            ("rollout: {within: 0s}", "rollout.within: leaves no time"),
            ("rollout: {onFailure: undo}", "rollout.onFailure: \"undo\" is not known"),
            ("rollout: {timeout: 5m}", "rollout.timeout: is not a field here"),
        ] {
            let (_, mistakes) = rollout(text);
            assert!(mistakes.len() == 1 && mistakes[0].contains(told), "{text}: {mistakes:?}");
        }
    }
}

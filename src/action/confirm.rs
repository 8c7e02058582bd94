//! `confirm`: the run goes on only when a signed request says so. The waiting itself is in [`crate::run`].

use std::fmt;
use std::time::Duration;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::context::Done;
use crate::config::fields::Fields;
use crate::event::{DeployRequest, Event};
use crate::run::outcome::Outcome;

/// How long is waited when nothing else is said.
const DEFAULT_FOR: Duration = Duration::from_secs(24 * 3600);

/// The longest wait: a run that waits is kept in memory.
const LONGEST: Duration = Duration::from_secs(30 * 24 * 3600);

/// The longest text that confirms, in bytes.
const LONGEST_TEXT: usize = 256;

/// Waits for a request that carries a confirmation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Confirm {
    within: Duration,
    /// Where in the request's body it stands: a JSON pointer.
    field: String,
    equals: String,
}

impl Confirm {
    pub(super) fn read(mut fields: Fields<'_>) -> Self {
        let within = fields.duration("for").unwrap_or(DEFAULT_FOR);
        if within.is_zero() || within > LONGEST {
            fields.mistake("for", "must be more than nothing and at most 30d");
        }
        let field = fields.string("field").unwrap_or_else(|| "confirmation".to_owned());
        if field.is_empty() {
            fields.mistake("field", "is empty: name a field of the body, or give a JSON pointer (RFC 6901)");
        }
        let equals = fields.string("equals").unwrap_or_else(|| "DEPLOY".to_owned());
        if equals.is_empty() || equals.len() > LONGEST_TEXT || equals.contains(char::is_control) {
            fields.mistake("equals", "must be 1 to 256 bytes of text without control characters");
        }
        if equals.contains("${") {
            fields.mistake("equals", "is taken as it is, and no request may carry ${");
        }
        fields.finish();
        let field = if field.starts_with('/') {
            field
        } else {
            format!("/{}", field.replace('~', "~0").replace('/', "~1"))
        };
        Self { within, field, equals }
    }

    /// Where in a request's body the confirmation stands: a JSON pointer.
    pub fn pointer(&self) -> &str {
        &self.field
    }

    /// How long is waited.
    pub fn within(&self) -> SignedDuration {
        SignedDuration::try_from(self.within).unwrap_or(SignedDuration::MAX)
    }

    /// Whether a request carries the confirmation.
    pub fn is_in(&self, request: &DeployRequest) -> bool {
        request.asked.get(&self.field) == Some(&self.equals)
    }

    /// Whether an event carries the confirmation.
    pub fn is_in_event(&self, event: &Event) -> bool {
        matches!(event, Event::Deploy(request) if self.is_in(request))
    }

    /// How a step ends whose request carries the confirmation.
    pub fn carried(&self) -> Done {
        Done { outcome: Outcome::Succeeded, reason: format!("the request carries {}", self.text()) }
    }

    pub(super) fn outlook(&self, event: &Event) -> Done {
        if self.is_in_event(event) {
            return self.carried();
        }
        Done::skipped(format!("nothing is sent: the run would wait for {self}"))
    }

    /// `"confirmation": "DEPLOY"`
    pub fn text(&self) -> String {
        let name = self.field.strip_prefix('/').filter(|name| !name.contains('/'));
        let name = name.map_or_else(|| self.field.clone(), |name| name.replace("~1", "/").replace("~0", "~"));
        format!("{name:?}: {:?}", self.equals)
    }
}

/// `a request with "confirmation": "DEPLOY", for up to 24h`
impl fmt::Display for Confirm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a request with {}, for up to {:#}", self.text(), self.within())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{deploy, read};
    use super::*;

    fn confirm(text: &str) -> (Option<Confirm>, Vec<String>) {
        read(text, |fields| Some(Confirm::read(fields)))
    }

    #[test]
    fn every_field_has_a_default() {
        let (made, mistakes) = confirm("{}");
        assert_eq!(
            (made.unwrap().to_string(), mistakes.len()),
            ("a request with \"confirmation\": \"DEPLOY\", for up to 24h".into(), 0)
        );
        let (made, _) = confirm("for: 90m\nfield: /go/now\nequals: Ja\n");
        assert_eq!(made.unwrap().to_string(), "a request with \"/go/now\": \"Ja\", for up to 1h 30m");
    }

    #[test]
    fn every_mistake_is_told() {
        for (text, told) in [
            ("for: 0", "for: must be more than nothing"),
            ("for: 31d", "for: must be more than nothing and at most 30d"),
            ("field: ''", "field: is empty"),
            ("equals: ''", "equals: must be 1 to 256 bytes"),
            ("equals: 'x${tag}'", "equals: is taken as it is"),
            ("until: 5m", "until: is not a field here"),
        ] {
            let (_, mistakes) = confirm(text);
            assert!(mistakes.len() == 1 && mistakes[0].contains(told), "{text}: {mistakes:?}");
        }
    }

    #[test]
    fn only_its_own_text_in_its_own_field_confirms() {
        let carries = |config: &str, field: &str, text: &str| {
            let Event::Deploy(mut request) = deploy("ghcr.io/acme/web", "1", None) else {
                panic!("no request")
            };
            request.asked.insert(field.into(), text.into());
            confirm(config).0.unwrap().is_in(&request)
        };
        assert!(carries("{}", "/confirmation", "DEPLOY"));
        assert!(!carries("{}", "/confirmation", "deploy") && !carries("{}", "/other", "DEPLOY"));
        assert!(carries("field: a/b~c", "/a~1b~0c", "DEPLOY"));
    }
}

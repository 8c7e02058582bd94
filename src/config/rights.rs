//! What the rules of a configuration need to be allowed.

use super::Config;
use crate::action::{Action, Scope};
use crate::kubernetes::discovery::Kinds;
use crate::kubernetes::right::Right;

impl Config {
    /// The groups and versions of kinds whose names in paths only the cluster knows for sure.
    pub fn kinds(&self) -> Vec<(String, String)> {
        let rules = self.endpoints.iter().flat_map(|endpoint| &endpoint.rules);
        rules.flat_map(|rule| rule.actions.iter()).flat_map(Action::kinds).collect()
    }

    /// Every right that a rule needs, or makes good use of.
    /// `kinds` is what the cluster serves, as far as it was asked.
    pub fn rights(&self, kinds: &Kinds) -> Vec<Right> {
        let mut rights = Vec::new();
        for endpoint in &self.endpoints {
            for rule in &endpoint.rules {
                let goes_back = rule.actions.iter().any(Action::undoes_before);
                for action in rule.actions.iter() {
                    let purpose = format!("{}, rule {}: {}", endpoint.name, rule.number, action.name());
                    rights.extend(action.rights(&Scope {
                        when: &rule.when,
                        purpose: &purpose,
                        goes_back,
                        kinds,
                    }));
                }
            }
        }
        rights
    }
}

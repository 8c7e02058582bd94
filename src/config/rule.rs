//! A rule: `when` this happens, `do` that.

use std::sync::Arc;

use super::fields::{Fields, Node};
use super::report::FieldPath;
use crate::action::Action;
use crate::rule::When;

/// One rule of an endpoint.
#[derive(Debug)]
pub struct Rule {
    /// Its number in the endpoint, from 1.
    pub number: usize,
    /// Which events it is for.
    pub when: When,
    /// What it does, in order.
    pub actions: Arc<[Action]>,
    /// Tells it from a rule of the same number that does something else, as a reload may bring.
    pub fingerprint: String,
}

impl Rule {
    /// A rule of these parts.
    pub(super) fn new(number: usize, when: When, actions: Arc<[Action]>) -> Self {
        // Our own types always serialize.
        let fingerprint = serde_json::to_string(&(&*actions, when.tag_policy())).unwrap_or_default();
        Self { number, when, actions, fingerprint }
    }

    /// Whether its targets depend on the tag, so that events of different tags are about different things.
    pub fn is_by_tag(&self) -> bool {
        self.actions.iter().any(Action::is_by_tag)
    }

    /// Whether runs wait for more events of the same kind: not if all that is done is to notify.
    pub fn settles(&self) -> bool {
        self.actions.iter().any(Action::settles)
    }

    pub(super) fn read(number: usize, node: Node<'_>, path: FieldPath) -> Option<Self> {
        let mut fields = node.fields(path)?;
        let when = match fields.section("when") {
            Some(section) => When::read(section),
            None => When::default(),
        };
        let actions = Self::actions(&mut fields);
        fields.finish();
        Some(Self::new(number, when, actions.into()))
    }

    fn actions(fields: &mut Fields<'_>) -> Vec<Action> {
        let Some(list) = fields.list("do") else {
            if !fields.names_field("do") {
                fields.report().mistake(fields.path(), "do is missing: a rule needs at least one action");
            }
            return Vec::new();
        };
        if list.is_empty() {
            fields.mistake("do", "is empty: a rule needs at least one action");
        }
        list.into_iter().filter_map(|(path, node)| Action::read(node, &path)).collect()
    }
}

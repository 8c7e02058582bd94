//! A rule: `when` this happens, `do` that.

use std::sync::Arc;

use super::fields::{Fields, Node};
use super::narrow;
use super::report::FieldPath;
use crate::action::{Action, undone_by};
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
        let actions = Self::actions(&mut fields, &when);
        fields.finish();
        Some(Self::new(number, when, actions.into()))
    }

    fn actions(fields: &mut Fields<'_>, when: &When) -> Vec<Action> {
        let Some(list) = fields.list("do") else {
            if !fields.names_field("do") {
                fields.report().mistake(fields.path(), "do is missing: a rule needs at least one action");
            }
            return Vec::new();
        };
        if list.is_empty() {
            fields.mistake("do", "is empty: a rule needs at least one action");
        }
        let (mut actions, mut complete) = (Vec::with_capacity(list.len()), true);
        let at_end = list.len().saturating_sub(1);
        for (place, (path, node)) in list.into_iter().enumerate() {
            narrow::judge(node, &path, when);
            let Some(action) = Action::read(node, &path) else {
                complete = false;
                continue;
            };
            narrow::judge_manifests(&action, &path, when, fields.report());
            if place == at_end && action.confirm().is_some() {
                let text =
                    "is the last action: it would confirm nothing. Put it before the action that needs it";
                fields.report().mistake(&path.field("confirm"), text);
            }
            let undoes = action.undoes_before();
            actions.push(action);
            // What could not be read may have been what is meant.
            if complete && undoes && undone_by(&actions, actions.len() - 1).is_none() {
                let path = path.field("check").field("onFailure");
                let text = "no step before it can be put back, as a setImage can: put one before it, or leave onFailure out";
                fields.report().mistake(&path, text);
            }
        }
        actions
    }
}

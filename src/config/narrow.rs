//! `${namespace}` and `${workload}` are what a deploy request says: a rule that puts them into its actions must limit
//! them, or the request could name anything that the Role allows. Every text of an action is looked at, whatever field
//! it stands in, so that this holds for each action there is; and so is every text of the manifests that it applies.

use serde_yaml::Value;

use super::fields::Node;
use super::report::{FieldPath, Report};
use crate::action::Action;
use crate::rule::{Template, Variable, When};

/// Reports the texts of an action that let the request choose freely.
pub(super) fn judge(action: Node<'_>, path: &FieldPath, when: &When) {
    walk(action.value(), path, when, action.report());
}

/// Reports the texts of an action's manifests that let the request choose freely.
pub(super) fn judge_manifests(action: &Action, path: &FieldPath, when: &When, report: &Report) {
    for (variable, place) in action.variables_of_manifests() {
        if let Some(why) = free(variable, when) {
            report.mistake(&path.field(action.name()).field("manifests"), format!("{place}: {why}"));
        }
    }
}

fn walk(value: &Value, path: &FieldPath, when: &When, report: &Report) {
    match value {
        Value::String(text) => judge_text(text, path, when, report),
        Value::Sequence(items) => {
            for (index, item) in items.iter().enumerate() {
                walk(item, &path.index(index), when, report);
            }
        }
        Value::Mapping(fields) => {
            for (name, value) in fields {
                walk(value, &path.field(name.as_str().unwrap_or_default()), when, report);
            }
        }
        _ => {}
    }
}

fn judge_text(text: &str, path: &FieldPath, when: &When, report: &Report) {
    // What is no template is told by the action itself, if it should be one.
    let Ok(template) = Template::parse(text) else { return };
    let mut told = Vec::new();
    for variable in template.variables() {
        if told.contains(&variable) {
            continue;
        }
        told.push(variable);
        if let Some(why) = free(variable, when) {
            report.mistake(path, why);
        }
    }
}

/// What is wrong with a variable, if a request may put there what it likes.
fn free(variable: Variable, when: &When) -> Option<String> {
    let example = match variable {
        Variable::Namespace => "shop-*",
        Variable::Workload => "[web, queue]",
        _ => return None,
    };
    let name = variable.name();
    (!when.limits(variable)).then(|| {
        format!(
            "{variable} is whatever the request says: limit it with when.{name} in this rule, as in {name}: {example} \
             (wildcards alone limit nothing)"
        )
    })
}

//! `${namespace}` and `${workload}` are what a deploy request says: a rule that puts them into its actions must limit
//! them, or the request could name anything that the Role allows. Every text of an action is looked at, whatever field
//! it stands in, so that this holds for each action there is.

use serde_yaml::Value;

use super::fields::Node;
use super::report::{FieldPath, Report};
use crate::rule::{Template, Variable, When};

/// Reports the texts of an action that let the request choose freely.
pub(super) fn judge(action: Node<'_>, path: &FieldPath, when: &When) {
    walk(action.value(), path, when, action.report());
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
        let example = match variable {
            Variable::Namespace => "shop-*",
            Variable::Workload => "[web, queue]",
            _ => continue,
        };
        if when.limits(variable) || told.contains(&variable) {
            continue;
        }
        told.push(variable);
        let name = variable.name();
        report.mistake(
            path,
            format!(
                "{variable} is whatever the request says: limit it with when.{name} in this rule, as in {name}: \
                 {example} (wildcards alone limit nothing)"
            ),
        );
    }
}

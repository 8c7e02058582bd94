//! Structures whose texts are templates: values are put in after parsing, so that they change a text and nothing
//! around it. Keys are never templates.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

use crate::rule::{Template, Values, Variable};

/// A text that is no valid template: where it stands, and why.
#[derive(Debug)]
pub(super) struct Wrong {
    /// `.spec.replicas`
    pub(super) place: String,
    why: String,
}

/// `.spec.replicas: ${x} is not a variable`
impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.why)
    }
}

/// Reads every text as a template.
pub(super) fn check(value: &Value) -> Result<(), Wrong> {
    each(value, "", &mut |place, text| {
        parse(text).map(drop).map_err(|why| Wrong { place: place.escape_debug().to_string(), why })
    })
}

/// Puts the values of an event in. Fails if it has no value for a variable.
pub(super) fn fill(value: &Value, values: &Values) -> Result<Value, String> {
    Ok(match value {
        Value::String(text) if text.contains('$') => parse(text)?.render(values)?.into(),
        Value::Array(items) => items.iter().map(|item| fill(item, values)).collect::<Result<_, _>>()?,
        Value::Object(map) => {
            let fields = map.iter().map(|(key, value)| Ok((key.clone(), fill(value, values)?)));
            Value::Object(fields.collect::<Result<_, String>>()?)
        }
        other => other.clone(),
    })
}

/// The variables that its texts hold.
pub(super) fn variables(value: &Value) -> BTreeSet<Variable> {
    match value {
        Value::String(text) => parse(text).iter().flat_map(Template::variables).collect(),
        Value::Array(items) => items.iter().flat_map(variables).collect(),
        Value::Object(map) => map.values().flat_map(variables).collect(),
        _ => BTreeSet::new(),
    }
}

/// Whether a text is the same for every event.
pub(super) fn is_literal(text: &str) -> bool {
    parse(text).is_ok_and(|template| template.is_literal())
}

fn parse(text: &str) -> Result<Template, String> {
    Template::parse(text)
}

fn each(
    value: &Value,
    place: &str,
    look: &mut impl FnMut(&str, &str) -> Result<(), Wrong>,
) -> Result<(), Wrong> {
    match value {
        Value::String(text) if text.contains('$') => look(place, text),
        Value::Array(items) => {
            items.iter().enumerate().try_for_each(|(i, item)| each(item, &format!("{place}[{i}]"), look))
        }
        Value::Object(map) => {
            map.iter().try_for_each(|(key, value)| each(value, &format!("{place}.{key}"), look))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::testing::{any_word, context, deploy, git, shape};
    use super::*;
    use crate::event::Event;

    #[test]
    fn values_go_into_texts_and_nowhere_else() {
        let object =
            json!({"${tag}": ["${image}:${tag}", 1, true, null], "b": {"c": "$${tag} $5 ${environment}"}});
        check(&object).unwrap();
        let mut event = deploy("ghcr.io/acme/web", "1.2", None);
        if let Event::Deploy(deploy) = &mut event {
            deploy.environment = "\"}\n, x: [${tag}] # ".into();
        }
        let filled = fill(&object, &context(&event, None, None).values).unwrap();
        let expected = json!({
            "${tag}": ["ghcr.io/acme/web:1.2", 1, true, null], "b": {"c": "${tag} $5 \"}\n, x: [${tag}] # "},
        });
        assert_eq!(filled, expected);
    }

    #[test]
    fn what_is_not_a_variable_and_what_an_event_lacks_is_told() {
        let told = check(&json!({"data": {"run.sh": ["x", "echo ${HOME}"]}})).unwrap_err().to_string();
        assert!(told.starts_with(".data.run.sh[1]: ${HOME} is not a variable"), "{told}");
        let event = git();
        let lacks = fill(&json!(["${image}"]), &context(&event, None, None).values).unwrap_err();
        assert_eq!(lacks, "a git event has no ${image}");
        assert!(is_literal("$${tag}") && !is_literal("a-${tag}"));
        let held = variables(&json!([{"${tag}": "a-${image}"}, 1, "$${branch}"]));
        assert_eq!(held, BTreeSet::from([Variable::Image]));
    }

    /// A structure whose texts are made of variables, of what looks like them, and of anything else.
    fn any_templates() -> impl Strategy<Value = Value> {
        let pieces = ["${image}", "${tag}", "${commit}", "$${tag}", "$", "{", "\"", ": ", "\n- ", "a"];
        let text = proptest::collection::vec(proptest::sample::select(pieces.to_vec()), 0..4);
        let leaf = prop_oneof![
            4 => text.prop_map(|pieces| Value::from(pieces.concat())),
            1 => any::<i32>().prop_map(Value::from),
            1 => any::<bool>().prop_map(Value::from),
            1 => Just(Value::Null),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            let fields = proptest::collection::btree_map("[a-z${}]{0,6}", inner.clone(), 0..4);
            prop_oneof![
                proptest::collection::vec(inner, 0..4).prop_map(Value::from),
                fields.prop_map(|fields| fields.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_value_adds_structure(
            templates in any_templates(),
            (image, tag, commit) in (any_word(), any_word(), any_word()),
        ) {
            let values = json!({"kind": "deploy", "values": {"image": image, "tag": tag, "commit": commit}});
            let values: Values = serde_json::from_value(values).unwrap();
            let filled = fill(&templates, &values);
            if check(&templates).is_err() {
                prop_assert!(filled.is_err(), "a text that is no template");
                return Ok(());
            }
            let filled = filled.unwrap();
            prop_assert_eq!(shape(&filled), shape(&templates));
            let sent: Value = serde_json::from_slice(&serde_json::to_vec(&filled).unwrap()).unwrap();
            prop_assert_eq!(&sent, &filled, "as it is read by who gets it");
            let written = serde_yaml::to_string(&filled).unwrap();
            prop_assert_eq!(serde_yaml::from_str::<Value>(&written).unwrap(), filled, "as a manifest");
        }
    }
}

//! What a Role must allow: single rights, and the rules that they make together.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The verbs in the order in which rules have them.
const VERBS: [&str; 5] = ["get", "list", "create", "patch", "delete"];

/// One right: to do this, to that, there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Right {
    /// Where.
    pub place: Place,
    /// As RBAC names it: `get`, `list`, `patch`.
    pub verb: &'static str,
    /// The API group; empty for the core group.
    pub group: String,
    /// As RBAC names it: `deployments`.
    pub resource: String,
    /// Which one; `None`: whichever.
    pub name: Option<String>,
    /// What goes well without it, if anything does.
    pub need: Need,
    /// What it is for, and why it is not limited by name: one line for a person.
    pub purpose: String,
}

/// Where a right is needed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// In no namespace: it takes a `ClusterRole`.
    Cluster,
    /// In this namespace.
    Namespace(String),
    /// In the namespaces that events name, as it is written: `team-${namespace}`.
    Open(String),
}

/// What goes well without a right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// Nothing.
    Must,
    /// Workloads of this kind are passed over when workloads are looked up.
    Kind,
    /// Nothing, but what it is called is a guess.
    Guess,
    /// Everything, but the outcome of a failed rollout does not say what the pods say.
    Reasons,
    /// Everything, but there are no Events.
    Events,
    /// Everything, but a `StatefulSet`'s pod that blocks the way back is left to a person.
    Rollback,
}

impl Need {
    /// The words for those that are granted on request only.
    pub const WORDS: [(&'static str, Self); 3] =
        [("reasons", Self::Reasons), ("events", Self::Events), ("rollback", Self::Rollback)];

    /// Whether it is granted without being asked for.
    pub fn is_granted(self) -> bool {
        matches!(self, Self::Must | Self::Kind | Self::Guess)
    }
}

/// A rule of a Role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// Empty text: the core group.
    pub groups: Vec<String>,
    /// As paths name them.
    pub resources: Vec<String>,
    /// Empty: every name.
    pub names: Vec<String>,
    /// What may be done.
    pub verbs: Vec<String>,
}

impl Rule {
    /// Whether it allows this.
    pub fn allows(&self, right: &Right) -> bool {
        let has = |list: &[String], wanted: &str| list.iter().any(|own| own == wanted || own == "*");
        let named = || right.name.as_ref().is_some_and(|name| self.names.contains(name));
        has(&self.groups, &right.group)
            && has(&self.resources, &right.resource)
            && has(&self.verbs, right.verb)
            && (self.names.is_empty() || named())
    }
}

/// `{apiGroups: [apps], resources: [deployments], resourceNames: [web], verbs: [get, patch]}`
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{apiGroups: {}, resources: {}", words(&self.groups), words(&self.resources))?;
        if !self.names.is_empty() {
            write!(f, ", resourceNames: {}", words(&self.names))?;
        }
        write!(f, ", verbs: {}}}", words(&self.verbs))
    }
}

/// A list in YAML: `[get, patch]`.
pub fn words(list: &[String]) -> String {
    let words: Vec<_> = list.iter().map(|text| word(text)).collect();
    format!("[{}]", words.join(", "))
}

/// A text in YAML, in quotes where it would be taken for a number or a truth value.
pub fn word(text: &str) -> String {
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-./".contains(&b));
    let lower = text.to_ascii_lowercase();
    let is_word = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"].contains(&lower.as_str());
    // Names have nothing that would have to be escaped, and a `:` only in those of RBAC's own kinds.
    if is_plain && !is_word { text.to_owned() } else { format!("\"{}\"", text.escape_default()) }
}

/// What is granted for one name of a resource, or for all (`None`).
#[derive(Default)]
struct Granted<'a> {
    verbs: BTreeSet<usize>,
    purposes: BTreeSet<&'a str>,
}

/// The names that the same may be done to, and what for.
type Alike<'a> = (Vec<String>, BTreeSet<&'a str>);

/// The fewest rules that grant these rights of one place and no others, each with what it is for.
pub fn rules<'a>(rights: impl IntoIterator<Item = &'a Right>) -> Vec<(Rule, Vec<String>)> {
    let mut all: BTreeMap<(&str, &str), BTreeMap<Option<&str>, Granted<'a>>> = BTreeMap::new();
    for right in rights {
        let names = all.entry((&right.group, &right.resource)).or_default();
        let granted = names.entry(right.name.as_deref()).or_default();
        granted.verbs.extend(VERBS.iter().position(|verb| *verb == right.verb));
        granted.purposes.insert(&right.purpose);
    }
    let mut rules: Vec<(Rule, BTreeSet<&str>)> = Vec::new();
    for ((group, resource), names) in all {
        let every: BTreeSet<_> = names.get(&None).map(|all| all.verbs.clone()).unwrap_or_default();
        // Names that may be done the same to are one rule.
        let mut alike: BTreeMap<(bool, Vec<usize>), Alike<'_>> = BTreeMap::new();
        for (name, granted) in &names {
            let left = granted.verbs.iter().filter(|verb| name.is_none() || !every.contains(verb));
            let left: Vec<_> = left.copied().collect();
            if !left.is_empty() {
                let (names, purposes) = alike.entry((name.is_some(), left)).or_default();
                names.extend(name.map(str::to_owned));
                purposes.extend(&granted.purposes);
            }
        }
        for ((_, verbs), (names, purposes)) in alike {
            let verbs = verbs.iter().filter_map(|verb| VERBS.get(*verb)).map(|verb| (*verb).to_owned());
            let rule = Rule {
                groups: vec![group.to_owned()],
                resources: vec![resource.to_owned()],
                names,
                verbs: verbs.collect(),
            };
            add(&mut rules, rule, purposes);
        }
    }
    rules
        .into_iter()
        .map(|(rule, purposes)| (rule, purposes.into_iter().map(str::to_owned).collect()))
        .collect()
}

/// Adds a rule, to one that differs from it by its resource alone if there is one.
fn add<'a>(rules: &mut Vec<(Rule, BTreeSet<&'a str>)>, rule: Rule, purposes: BTreeSet<&'a str>) {
    let like = |other: &Rule| {
        (&other.groups, &other.names, &other.verbs) == (&rule.groups, &rule.names, &rule.verbs)
    };
    match rules.iter_mut().find(|(other, _)| like(other)) {
        Some((other, others)) => {
            other.resources.extend(rule.resources);
            others.extend(purposes);
        }
        None => rules.push((rule, purposes)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn right(verb: &'static str, resource: &str, name: Option<&str>, purpose: &str) -> Right {
        Right {
            place: Place::Namespace("shop".to_owned()),
            verb,
            group: "apps".to_owned(),
            resource: resource.to_owned(),
            name: name.map(str::to_owned),
            need: Need::Must,
            purpose: purpose.to_owned(),
        }
    }

    #[test]
    fn rights_become_the_fewest_rules_that_grant_nothing_else() {
        let rights = [
            right("patch", "deployments", Some("web"), "b"),
            right("get", "deployments", Some("web"), "a"),
            right("get", "deployments", Some("api"), "a"),
            right("patch", "deployments", Some("api"), "a"),
            right("get", "deployments", Some("seen"), "c"),
            right("list", "statefulsets", None, "d"),
            right("get", "statefulsets", None, "d"),
            right("get", "statefulsets", Some("db"), "e"),
            right("patch", "statefulsets", Some("db"), "e"),
            right("get", "daemonsets", None, "f"),
            right("list", "daemonsets", None, "f"),
        ];
        let told: Vec<_> =
            rules(&rights).iter().map(|(rule, why)| format!("{rule} {}", why.join("+"))).collect();
        assert_eq!(
            told,
            [
                "{apiGroups: [apps], resources: [daemonsets, statefulsets], verbs: [get, list]} d+f",
                "{apiGroups: [apps], resources: [deployments], resourceNames: [seen], verbs: [get]} c",
                "{apiGroups: [apps], resources: [deployments], resourceNames: [api, web], verbs: [get, patch]} a+b",
                "{apiGroups: [apps], resources: [statefulsets], resourceNames: [db], verbs: [patch]} e",
            ]
        );
        for right in &rights {
            assert!(rules(&rights).iter().any(|(rule, _)| rule.allows(right)), "{right:?}");
        }
        for other in [
            right("patch", "deployments", Some("seen"), ""),
            right("get", "deployments", None, ""),
            right("patch", "statefulsets", Some("other"), ""),
            right("delete", "daemonsets", None, ""),
        ] {
            assert!(!rules(&rights).iter().any(|(rule, _)| rule.allows(&other)), "{other:?}");
        }
    }

    #[test]
    fn words_stay_words_in_yaml() {
        for (text, expected) in [
            ("web", "web"),
            ("web-1.x", "web-1.x"),
            ("1.10", "\"1.10\""),
            ("0x1f", "\"0x1f\""),
            ("true", "\"true\""),
            ("n", "\"n\""),
            ("", "\"\""),
            ("system:node", "\"system:node\""),
            ("*", "\"*\""),
        ] {
            assert_eq!(word(text), expected);
            assert_eq!(serde_yaml::from_str::<serde_yaml::Value>(&word(text)).unwrap().as_str(), Some(text));
        }
    }
}

//! A Role and its binding, as YAML with comments.

use std::fmt::Write as _;

use crate::kubernetes::right::{Place, Right, Rule, rules, word, words};
use crate::text::printable;

/// How many lines of comment a rule gets.
const MOST_PURPOSES: usize = 8;

/// How much of a text of the configuration stands in a comment, in characters.
const LONGEST: usize = 200;

/// What stands for a namespace that is not known.
const FILL_IN: &str = "NAMESPACE";

/// A `ServiceAccount`.
pub(super) struct Account {
    pub(super) namespace: String,
    pub(super) name: String,
}

/// A Role with these rights, which are all of one place, and its binding. Where namespaces are not known, it is a comment.
pub(super) fn manifest<'a>(
    place: &Place,
    rights: impl Iterator<Item = &'a Right>,
    account: &Account,
) -> String {
    let rules = rules(rights);
    match place {
        Place::Cluster => documents("ClusterRole", None, &rules, account),
        Place::Namespace(namespace) => documents("Role", Some(namespace), &rules, account),
        Place::Open(template) => {
            let text = format!(
                "In every namespace that \"{}\" can become: fill in {FILL_IN} and take the comment signs away. (A rule \
                 whose `when` lists its namespaces, without patterns, is granted them by name.)\n\n{}",
                printable(template, LONGEST),
                documents("Role", Some(FILL_IN), &rules, account)
            );
            commented(&text)
        }
    }
}

fn documents(
    kind: &str,
    namespace: Option<&str>,
    rules: &[(Rule, Vec<String>)],
    account: &Account,
) -> String {
    let mut text = String::new();
    let name = word(&account.name);
    let place = namespace.map(|namespace| format!("\n  namespace: {}", word(namespace))).unwrap_or_default();
    let head = |kind: &str| {
        format!(
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: {kind}\nmetadata:\n  name: boathook{place}\n"
        )
    };
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{}rules:", head(kind));
    for (rule, purposes) in rules {
        for purpose in purposes.iter().take(MOST_PURPOSES) {
            let _ = writeln!(text, "# {}", printable(purpose, LONGEST));
        }
        if let Some(more) = purposes.len().checked_sub(MOST_PURPOSES).filter(|more| *more > 0) {
            let _ = writeln!(text, "# and {more} more");
        }
        let _ =
            writeln!(text, "- apiGroups: {}\n  resources: {}", words(&rule.groups), words(&rule.resources));
        if !rule.names.is_empty() {
            let _ = writeln!(text, "  resourceNames: {}", words(&rule.names));
        }
        let _ = writeln!(text, "  verbs: {}", words(&rule.verbs));
    }
    let _ = write!(
        text,
        "---\n{}roleRef:\n  apiGroup: rbac.authorization.k8s.io\n  kind: {kind}\n  name: boathook\nsubjects:\n- kind: \
         ServiceAccount\n  name: {name}\n  namespace: {}\n",
        head(&format!("{kind}Binding")),
        word(&account.namespace)
    );
    text
}

fn commented(text: &str) -> String {
    let line = |line: &str| if line.is_empty() { "#\n".to_owned() } else { format!("# {line}\n") };
    text.lines().map(line).collect()
}

//! Tag policies: what stands after `tag:` in one line, then tags, of which the first one runs.

use std::path::Path;

use boathook::config::fields::Node;
use boathook::config::report::{FieldPath, Report};
use boathook::rule::{Comparison, TagPolicy};

use super::{assert_printable, text_line};

pub(crate) fn run(data: &[u8]) {
    let (yaml, tags) = text_line(data);
    let tags: Vec<String> = String::from_utf8_lossy(tags).lines().take(8).map(str::to_owned).collect();
    // As the journal has it.
    if let Ok(policy) = serde_json::from_str::<TagPolicy>(&yaml) {
        check(&policy, &tags);
    }
    let Ok(value) = serde_yaml::from_str(&yaml) else { return };
    let report = Report::new(Path::new(""));
    let policy = TagPolicy::read(Node::new(&value, &report), &FieldPath::default());
    let mistakes = report.mistakes();
    for told in report.finish(Path::new("policy.yaml"), &yaml).mistakes {
        assert_printable(&told.to_string());
    }
    match policy {
        Some(policy) => check(&policy, &tags),
        None => assert!(mistakes > 0, "no policy and no mistake: {yaml}"),
    }
}

fn check(policy: &TagPolicy, tags: &[String]) {
    let json = serde_json::to_string(policy).unwrap();
    assert_eq!(serde_json::from_str::<TagPolicy>(&json).unwrap(), *policy, "{json}");
    let chosen = policy.choose(tags);
    match chosen {
        Some(chosen) => {
            assert!(policy.matches(chosen) && tags.iter().any(|tag| tag == chosen));
            for tag in tags.iter().filter(|tag| policy.is_ordered() && policy.matches(tag)) {
                assert_ne!(
                    policy.compare(Some(chosen), tag),
                    Comparison::Newer,
                    "{policy}: {chosen} and {tag}"
                );
            }
        }
        None => assert_printable(&policy.mismatch(tags)),
    }
    for running in tags {
        for offered in tags {
            compare(policy, running, offered);
        }
    }
}

fn compare(policy: &TagPolicy, running: &str, offered: &str) {
    let ends = (policy.compare(Some(running), offered), policy.compare(Some(offered), running));
    match ends {
        (Comparison::NotComparable(why), _) => assert_printable(&why),
        (Comparison::Same, back) => {
            assert!(
                matches!(back, Comparison::Same | Comparison::NotComparable(_)),
                "{policy}: {running} {offered}"
            );
        }
        (Comparison::Older, back) => {
            assert!(policy.is_ordered());
            let known = matches!(back, Comparison::Newer | Comparison::NotComparable(_));
            assert!(known, "{policy}: {running} {offered}: {back:?}");
        }
        (Comparison::Newer, back) => {
            assert!(running != offered && policy.matches(offered));
            // Without an order, and from a tag that has no place in it, whatever comes is newer.
            let known = matches!(back, Comparison::Older | Comparison::NotComparable(_));
            assert!(known || !policy.is_ordered(), "{policy}: {running} {offered}: {back:?}");
        }
    }
}

//! Which rules want which events, and what people are told about it.

use std::path::Path;

use proptest::prelude::*;
use serde_yaml::Value;

use super::*;
use crate::config::fields::Node;
use crate::config::report::{FieldPath, Report, Told};
use crate::event::Event;
use crate::rule::samples::{deploy, git, image, pipeline};

/// The filter, the mistakes and the warnings of `when`.
fn read(yaml: &str) -> (When, Vec<String>, Vec<String>) {
    let value: Value = serde_yaml::from_str(yaml).unwrap();
    let report = Report::new(Path::new(""));
    let when = When::read(Node::new(&value, &report).fields(FieldPath::default()).unwrap());
    let findings = report.finish(Path::new("c"), "");
    let told = |found: Vec<Told>| found.iter().map(ToString::to_string).collect();
    (when, told(findings.mistakes), told(findings.warnings))
}

fn when(yaml: &str) -> When {
    let (when, mistakes, warnings) = read(yaml);
    assert!(mistakes.is_empty() && warnings.is_empty(), "{yaml}: {mistakes:?} {warnings:?}");
    when
}

#[test]
fn what_matched_is_told() {
    for (yaml, event, tag, why) in [
        (
            "{}",
            image("nginx", &["1", "2"]),
            Some("2"),
            "image docker.io/library/nginx:2: the rule wants every event",
        ),
        (
            "{image: 'ghcr.io/acme/*', tag: {semver: '>=1.2, <2'}}",
            image("ghcr.io/acme/web", &["1.3.0", "1.2.9", "latest"]),
            Some("1.3.0"),
            "image ghcr.io/acme/web:1.3.0 matches image ghcr.io/acme/*; tag semver >=1.2, <2",
        ),
        (
            "{event: git, repository: acme/fleet, branch: [main, 'release/*']}",
            git("acme/fleet", "refs/heads/release/1"),
            None,
            "a push to branch release/1 of acme/fleet matches event git; repository acme/fleet; branch main or release/*",
        ),
        (
            "{gitTag: 'v*'}",
            pipeline("acme/web", "refs/tags/v1"),
            None,
            "a run on tag v1 of acme/web matches gitTag v*",
        ),
        (
            "{image: nginx, environment: production, namespace: 'prod*', workload: web, strategy: rolling, autoPromotion: false, tag: '1*'}",
            deploy("nginx", "1.2"),
            Some("1.2"),
            "a request to deploy docker.io/library/nginx:1.2 to web in production matches image docker.io/library/nginx; tag 1*; environment production; namespace prod*; workload web; strategy rolling; autoPromotion false",
        ),
        (
            "{image: nginx}",
            deploy("nginx", ""),
            None,
            "a request to deploy docker.io/library/nginx to web in production matches image docker.io/library/nginx",
        ),
    ] {
        let when = when(yaml);
        let verdict = when.judge(&event);
        assert!(verdict.matched(), "{yaml}: {verdict}");
        assert_eq!((verdict.tag(), verdict.why().as_str()), (tag, why));
    }
}

#[test]
fn the_first_filter_that_says_no_is_told() {
    let main = || git("acme/web", "refs/heads/main");
    for (yaml, event, why) in [
        ("{}", Event::Ping, "a ping asks for nothing"),
        ("{}", Event::ignored("deleted branch"), "ignored: deleted branch"),
        ("{image: nginx}", main(), "this is a git event, and the rule is for image or deploy events"),
        ("{event: git}", image("nginx", &["1"]), "this is an image event, and the rule is for git events"),
        (
            "{branch: main}",
            deploy("nginx", "1"),
            "this is a deploy event, and the rule is for git or pipeline events",
        ),
        (
            "{image: ghcr.io/acme/web}",
            image("ghcr.io/acme/api", &["1"]),
            "image ghcr.io/acme/api is not ghcr.io/acme/web",
        ),
        (
            "{image: 'acme/*'}",
            deploy("nginx", "1"),
            "image docker.io/library/nginx does not match docker.io/acme/*",
        ),
        (
            "{image: [a/b, c/d]}",
            image("nginx", &["1"]),
            "image docker.io/library/nginx matches none of docker.io/a/b, docker.io/c/d",
        ),
        (
            "{tag: {semver: '>=1.2'}}",
            image("nginx", &["latest"]),
            "tag latest is not a version, and semver >=1.2 wants one",
        ),
        ("{tag: v1}", deploy("nginx", ""), "there is no tag, and the rule wants v1"),
        (
            "{repository: acme/*}",
            git("Acme/web", "refs/heads/main"),
            "repository Acme/web does not match acme/*",
        ),
        ("{branch: main}", git("a/b", "refs/heads/dev"), "branch dev is not main"),
        (
            "{branch: [main, dev]}",
            git("a/b", "refs/tags/v1"),
            "this is tag v1, and the rule wants branch main or dev",
        ),
        (
            "{gitTag: 'v*'}",
            pipeline("a/b", "refs/heads/main"),
            "this is branch main, and the rule wants gitTag v*",
        ),
        ("{environment: staging}", deploy("nginx", "1"), "environment production is not staging"),
        (
            "{strategy: [canary, blue-green]}",
            deploy("nginx", "1"),
            "strategy rolling matches none of canary, blue-green",
        ),
        ("{autoPromotion: true}", deploy("nginx", "1"), "autoPromotion is false, and the rule wants true"),
        // Texts of a delivery stay printable.
        ("{branch: main}", git("a/b", "refs/heads/\u{1b}[31m\n"), "branch \\u{1b}[31m\\n is not main"),
    ] {
        let when = when(yaml);
        let verdict = when.judge(&event);
        assert!(!verdict.matched() && verdict.tag().is_none(), "{yaml}: {verdict}");
        assert_eq!(verdict.why(), why);
    }
}

#[test]
fn a_rule_that_can_never_match_is_a_mistake() {
    for (yaml, expected) in [
        (
            "{event: git, tag: v1}",
            &[
                "tag: can never match: image or deploy events have it, and the rest of when wants git events; a Git tag is gitTag",
            ][..],
        ),
        ("{event: git, image: nginx}", &["image: can never match"]),
        ("{event: image, branch: main}", &["branch: can never match"]),
        ("{image: nginx, repository: a/b}", &["repository: can never match"]),
        ("{event: [image, git], environment: x}", &["environment: can never match"]),
        ("{event: pipeline, autoPromotion: true}", &["autoPromotion: can never match"]),
        ("{branch: main, gitTag: v1}", &["gitTag: can never match beside branch"]),
        ("{event: ping}", &["event: \"ping\" is no kind of event; known: deploy, git, image, pipeline"]),
        ("{event: [images, Git]}", &["did you mean image?", "did you mean git?"]),
        ("{image: 'ghcr.io/acme/web:v1'}", &["put the tag in tag:"]),
        ("{image: [], tag: []}", &["image: is an empty list", "tag: is an empty list"]),
        // All of them, not the first.
        (
            "{image: 'a:b', tag: '.', branch: refs/heads/main, tagg: 1}",
            &[
                "put the tag in tag:",
                "no tag begins with",
                "write main",
                "branch: can never match",
                "tagg: is not a field here; did you mean tag?",
            ],
        ),
    ] {
        let (_, mistakes, _) = read(yaml);
        assert_eq!(mistakes.len(), expected.len(), "{yaml}: {mistakes:?}");
        for part in expected {
            assert!(mistakes.iter().any(|told| told.contains(part)), "{yaml}: {mistakes:?}");
        }
    }
}

#[test]
fn what_is_hardly_meant_is_a_warning() {
    for (yaml, told) in [
        ("{event: [image, git], image: nginx}", "event: git events never match"),
        ("{image: '*/web'}", "image: */web is web at the top of any registry"),
        ("{repository: '*'}", "repository: * has no owner"),
    ] {
        let (_, mistakes, warnings) = read(yaml);
        assert!(
            mistakes.is_empty() && warnings.len() == 1 && warnings[0].contains(told),
            "{mistakes:?} {warnings:?}"
        );
    }
}

#[test]
fn deploy_events_without_an_image_filter_are_found() {
    for (yaml, expected) in [
        ("{}", true),
        ("{event: deploy}", true),
        ("{tag: v1}", true),
        ("{environment: production}", true),
        ("{image: nginx}", false),
        ("{event: image}", false),
        ("{branch: main}", false),
    ] {
        assert_eq!(when(yaml).deploy_without_image(), expected, "{yaml}");
    }
}

#[test]
fn the_description_is_one_line() {
    assert_eq!(When::default().describe(), "every event");
    assert_eq!(when("{}"), When::default());
    assert_eq!(when("{event: [git, pipeline]}").describe(), "event git or pipeline");
    assert_eq!(when("{event: [git, pipeline], branch: main}").describe(), "branch main");
    assert_eq!(
        when("{image: [nginx, 'a/*'], tag: {regex: '^v'}}").describe(),
        "image docker.io/library/nginx or docker.io/a/*; tag regex ^v"
    );
}

proptest! {
    #[test]
    fn adding_a_filter_never_matches_more(
        first in 0usize..6, second in 0usize..6,
        event in prop::sample::select(vec![
            image("nginx", &["1", "v2"]), image("ghcr.io/acme/web", &["latest"]), git("acme/web", "refs/heads/main"),
            pipeline("acme/web", "refs/tags/v1"), deploy("nginx", "v2"), deploy("ghcr.io/acme/web", ""),
        ]),
    ) {
        let filters = ["event: [image, git, deploy]", "image: nginx", "tag: v*", "repository: acme/*", "branch: main", "environment: prod*"];
        let alone = |index: usize| read(&format!("{{{}}}", filters[index])).0;
        if first != second {
            let (both, mistakes, _) = read(&format!("{{{}, {}}}", filters[first], filters[second]));
            let each = alone(first).judge(&event).matched() && alone(second).judge(&event).matched();
            // Two filters that exclude each other are a mistake, and then no event fits both alone.
            prop_assert_eq!(mistakes.is_empty() && both.judge(&event).matched(), each);
        }
    }
}

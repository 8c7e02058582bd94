use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::action::testing::{any_word, shape};
use crate::notify::Format;
use crate::rule::Subject;
use crate::run::record::{Lane, Origin, RunId, Timing};

/// A run of `event`, received at 10:00:00.
fn run(event: Value, tag: Option<&str>, actor: Option<&str>) -> Run {
    let event: Event = serde_json::from_value(event).unwrap();
    Run {
        id: RunId(0x19a_a1b2_c3d4_0001),
        delivery: Arc::new(Origin {
            id: "72d3162e-cc78-11e3-81ab-4c9367dc0958".into(),
            endpoint: "ghcr".into(),
            source: "GitHub".into(),
            received: "2026-11-21T10:00:00Z".parse().unwrap(),
            actor: actor.map(str::to_owned),
            ..Origin::default()
        }),
        rule: 1,
        subject: Subject::of(&event).unwrap(),
        event,
        lane: Lane::of(&[]),
        tag: tag.map(str::to_owned),
        policy: None,
        actions: Arc::new([]),
        timing: Timing { settle: None, max_wait: 0, retry_for: 0 },
        mutable: false,
    }
}

fn pushed() -> Value {
    json!({"kind": "image", "repository": "ghcr.io/acme/web", "tags": ["1.2.3"]})
}

fn target(name: &str, outcome: Outcome, reason: &str) -> TargetReport {
    TargetReport {
        target: name.into(),
        namespace: Some("default".into()),
        outcome: Some(outcome),
        reason: reason.into(),
    }
}

fn step(targets: Vec<TargetReport>) -> StepReport {
    StepReport {
        action: "setImage".into(),
        outcome: targets.first().and_then(|t| t.outcome),
        state: None,
        targets: Some(targets),
    }
}

fn report((outcome, reason): (Outcome, &str), step: StepReport) -> RunReport {
    RunReport {
        id: String::new(),
        rule: 1,
        outcome: Some(outcome),
        reason: reason.to_owned(),
        steps: vec![step],
    }
}

/// A notice of a run of `ghcr.io/acme/web:1.2.3` that ended so after 12.5 seconds.
pub(in crate::notify) fn notice(outcome: Outcome, reason: &str, targets: Vec<TargetReport>) -> Notice {
    let time = "2026-11-21T10:00:12.5Z".parse().unwrap();
    let report = report((outcome, reason), step(targets));
    Notice::of(&run(pushed(), Some("1.2.3"), Some("octavia")), &report, outcome, time)
}

/// The same, of a deployment that was rolled back, and another one that was left alone.
pub(in crate::notify) fn rolled_back() -> Notice {
    let why = "ImagePullBackOff in 1 of 3 pods, 1.2.2 is back";
    let other = target("statefulset/queue", Outcome::Skipped, "left alone, since another target failed");
    notice(Outcome::RolledBack, why, vec![target("deployment/web", Outcome::RolledBack, why), other])
}

/// A push to a branch, which has neither an image nor a namespace.
pub(in crate::notify) fn fleet() -> Notice {
    let git = json!({"kind": "git", "repository": "acme/fleet", "urls": [], "branch": "main"});
    let time = "2026-11-21T10:00:01Z".parse().unwrap();
    let targets = vec![TargetReport {
        target: "flux".into(),
        namespace: None,
        outcome: Some(Outcome::Succeeded),
        reason: String::new(),
    }];
    let report = report((Outcome::Succeeded, ""), step(targets));
    Notice::of(&run(git, None, None), &report, Outcome::Succeeded, time)
}

/// A notice of this many targets, of which only the last failed.
pub(in crate::notify) fn many(number: usize) -> Notice {
    let mut targets: Vec<_> =
        (1..number).map(|n| target(&format!("deployment/web-{n}"), Outcome::Succeeded, "")).collect();
    targets.push(target(&format!("deployment/web-{number}"), Outcome::Failed, "no such container"));
    notice(Outcome::Failed, "no such container", targets)
}

#[test]
fn the_image_is_the_one_that_was_chosen() {
    let deploy = json!({
        "kind": "deploy", "environment": "production", "image": "ghcr.io/acme/web", "tag": "",
        "digest": format!("sha256:{}", "a".repeat(64)), "namespace": "shop", "workload": "web", "id": "1",
        "commit": "abc", "by": "ci", "strategy": "rolling", "autoPromotion": false,
    });
    let git = json!({"kind": "git", "repository": "acme/fleet", "urls": [], "branch": "main"});
    let pinned = format!("ghcr.io/acme/web@sha256:{}", "a".repeat(64));
    for (event, tag, expected) in [
        (pushed(), Some("1.2.3"), Some("ghcr.io/acme/web:1.2.3")),
        (pushed(), None, Some("ghcr.io/acme/web:1.2.3")),
        (deploy, None, Some(pinned.as_str())),
        (git, None, None),
    ] {
        assert_eq!(image(&run(event, tag, None)).as_deref(), expected);
    }
}

#[test]
fn a_notice_comes_back_from_the_journal_as_it_was() {
    for notice in [rolled_back(), fleet(), many(3)] {
        let bytes = serde_json::to_vec(&notice).unwrap();
        assert_eq!(serde_json::from_slice::<Notice>(&bytes).unwrap(), notice);
    }
}

#[test]
fn of_too_many_targets_those_that_failed_are_told() {
    let notice = many(250);
    assert_eq!((notice.targets().count(), notice.left_out), (100, 150));
    assert_eq!(notice.targets().next().unwrap().target, "deployment/web-250");
    let notice = many(100);
    assert_eq!((notice.targets().count(), notice.left_out), (100, 0));
    assert_eq!(notice.targets().next().unwrap().target, "deployment/web-1");
}

/// A notice that says this wherever it repeats what somebody else says.
fn saying(words: &[String]) -> Notice {
    let [actor, subject, image, delivery, reason, name, namespace, why] = words else { panic!("{words:?}") };
    let target = TargetReport {
        target: name.clone(),
        namespace: Some(namespace.clone()),
        outcome: Some(Outcome::Failed),
        reason: why.clone(),
    };
    let notice = notice(Outcome::Failed, reason, vec![target]);
    let [subject, delivery] = [subject, delivery].map(String::clone);
    Notice { actor: Some(actor.clone()), image: Some(image.clone()), subject, delivery, ..notice }
}

proptest! {
    #[test]
    fn no_word_of_somebody_else_adds_structure_to_a_message(
        words in proptest::collection::vec(any_word(), 8),
    ) {
        let plain = saying(&(0..8).map(|number| format!("word-{number}")).collect::<Vec<_>>());
        let read = |format: Format, notice| serde_json::from_slice::<Value>(&format.body(notice)).unwrap();
        let hostile = saying(&words);
        for format in Format::ALL {
            prop_assert_eq!(shape(&read(format, &hostile)), shape(&read(format, &plain)), "{}", format.word());
        }
        for (block, lines) in [("/blocks/0/text/text", 2), ("/blocks/1/text/text", 1), ("/blocks/2/elements/0/text", 1)] {
            let message = read(Format::Slack, &hostile);
            let text = message.pointer(block).unwrap().as_str().unwrap();
            prop_assert!(text.split('\n').count() == lines && !text.contains(['<', '>']), "{}", text);
        }
    }
}

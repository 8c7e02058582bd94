use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::event::{DeployRequest, GitPushed, GitRef, ImagePushed};
use crate::kubernetes::Kind;
use crate::rule::Subject;
use crate::run::record::{Lane, Origin, RunId, Timing};

const MENDED: &str = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
const BAD: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

fn run(event: Event, tag: &str, delivery: &str) -> Run {
    let subject = Subject::of(&event).unwrap();
    Run {
        id: RunId(1),
        delivery: Arc::new(Origin {
            id: delivery.into(),
            mark: format!("mark of {delivery}"),
            ..Origin::default()
        }),
        rule: 1,
        lane: Lane::of(&[]),
        subject,
        event,
        tag: Some(tag.to_owned()),
        policy: None,
        actions: Arc::new([]),
        timing: Timing { settle: None, max_wait: 0, retry_for: 0 },
        mutable: tag == "latest",
    }
}

fn pushed(repository: &str, tag: &str, digest: Option<&str>, delivery: &str) -> Run {
    let event = Event::Image(ImagePushed {
        repository: Repository::parse(repository).unwrap(),
        tags: vec![tag.to_owned()],
        digest: digest.map(|digest| Digest::parse(digest).unwrap()),
    });
    run(event, tag, delivery)
}

fn web(tag: &str, digest: Option<&str>, delivery: &str) -> Run {
    pushed("ghcr.io/acme/web", tag, digest, delivery)
}

fn deploy(tag: &str, digest: Option<&str>) -> Run {
    let event = Event::Deploy(Box::new(DeployRequest {
        environment: "production".into(),
        image: Repository::parse("ghcr.io/acme/web").unwrap(),
        tag: tag.into(),
        digest: digest.map(|digest| Digest::parse(digest).unwrap()),
        namespace: "default".into(),
        workload: "web".into(),
        id: "d-1".into(),
        commit: String::new(),
        by: String::new(),
        strategy: String::new(),
        auto_promotion: false,
        asked: std::collections::BTreeMap::new(),
    }));
    run(event, tag, "d-1")
}

fn workload(name: &str) -> Workload {
    Workload::new("default", Kind::Deployment, name).unwrap()
}

fn hold(name: &str, run: &Run) -> Hold {
    Hold::of(run, &workload(name), "CrashLoopBackOff", "2026-11-21T10:00:00.5Z".parse().unwrap()).unwrap()
}

/// Holds what these runs brought to deployment/web.
fn holding(runs: &[&Run]) -> Holds {
    let mut holds = Holds::default();
    for run in runs {
        let _ = holds.add(hold("web", run));
    }
    holds
}

fn is_held(holds: &Holds, run: &Run) -> bool {
    holds.find(&workload("web"), run).is_some()
}

#[test]
fn a_digest_is_held_whatever_its_tag_and_delivery() {
    let holds = holding(&[&web("1.2.0", Some(BAD), "a")]);
    assert!(is_held(&holds, &web("1.2.0", Some(BAD), "a")), "a redelivery");
    assert!(is_held(&holds, &web("1.2", Some(BAD), "b")) && is_held(&holds, &web("latest", Some(BAD), "c")));
    assert!(is_held(&holds, &deploy("1.2.0", Some(BAD))), "whoever asks for it");
    assert!(!is_held(&holds, &web("1.2.0", Some(MENDED), "b")), "the tag was pushed again");
}

#[test]
fn without_a_digest_the_tag_is_held_unless_it_moves() {
    let holds = holding(&[&web("1.2.0", None, "a"), &web("latest", None, "a")]);
    assert!(is_held(&holds, &web("1.2.0", None, "b")) && is_held(&holds, &deploy("1.2.0", None)));
    assert!(!is_held(&holds, &web("1.2.1", None, "a")));
    assert!(is_held(&holds, &web("latest", None, "a")), "that delivery");
    assert!(!is_held(&holds, &web("latest", None, "b")), "and no other");
}

#[test]
fn only_the_workload_and_the_repository_that_it_failed_on_are_concerned() {
    let bad = web("1.2.0", None, "a");
    let holds = holding(&[&bad]);
    assert!(holds.find(&workload("api"), &bad).is_none());
    let elsewhere = Workload::new("production", Kind::Deployment, "web").unwrap();
    assert!(holds.find(&elsewhere, &bad).is_none());
    let set = Workload::new("default", Kind::StatefulSet, "web").unwrap();
    assert!(holds.find(&set, &bad).is_none());
    assert!(!is_held(&holds, &pushed("ghcr.io/acme/api", "1.2.0", None, "a")));
    let git = GitPushed {
        repository: "acme/web".into(),
        urls: Vec::new(),
        reference: GitRef::Branch("main".into()),
        commit: None,
    };
    let git = run(Event::Git(git), "", "a");
    assert!(!is_held(&holds, &git) && Hold::of(&git, &workload("web"), "", Timestamp::UNIX_EPOCH).is_none());
}

#[test]
fn another_version_releases_what_was_held_where_it_came() {
    let (bad, other) = (web("1.2.0", None, "a"), pushed("ghcr.io/acme/side", "1", None, "a"));
    let mut holds = holding(&[&bad, &other]);
    let _ = holds.add(hold("api", &bad));
    assert!(holds.release(&workload("web"), &bad).is_empty(), "the same one");
    let writes = holds.release(&workload("web"), &web("1.2.1", None, "b"));
    assert_eq!(writes, [remove(Table::Holds, 0)]);
    let left: Vec<_> = holds.iter().map(|(_, hold)| hold.to_string()).collect();
    assert_eq!(
        left,
        ["default/deployment/web ghcr.io/acme/side:1", "default/deployment/api ghcr.io/acme/web:1.2.0"]
    );
}

#[test]
fn a_version_is_held_once_with_its_last_reason() {
    let bad = web("1.2.0", None, "a");
    let mut holds = holding(&[&bad]);
    let again = Hold { reason: "ImagePullBackOff".into(), ..hold("web", &bad) };
    let writes = holds.add(again.clone());
    assert_eq!(writes, [remove(Table::Holds, 0), put(Table::Holds, 1, &again)]);
    assert_eq!(holds.iter().collect::<Vec<_>>(), [(1, &again)]);
}

#[test]
fn a_person_lifts_by_the_names_that_are_shown() {
    let runs = [
        web("1.2.0", Some(BAD), "a"),
        web("1.3.0", None, "b"),
        web("latest", None, "c"),
        deploy("", Some(MENDED)),
    ];
    let shown: Vec<_> = runs.iter().map(|run| hold("web", run).version_text()).collect();
    assert_eq!(
        shown,
        [
            format!("ghcr.io/acme/web:1.2.0@{BAD}"),
            "ghcr.io/acme/web:1.3.0".to_owned(),
            "ghcr.io/acme/web:latest of delivery c".to_owned(),
            format!("ghcr.io/acme/web@{MENDED}"),
        ]
    );
    let mut names: Vec<Vec<&str>> =
        vec![vec!["1.2.0", BAD], vec!["1.3.0"], vec!["latest", "c"], vec![MENDED]];
    for (names, shown) in names.iter_mut().zip(&shown) {
        names.push(shown);
    }
    for (place, names) in names.iter().enumerate() {
        for name in names {
            let mut holds = holding(&runs.iter().collect::<Vec<_>>());
            let (lifted, writes) = holds.lift(|hold| hold.is_called(name));
            assert_eq!(lifted, [hold("web", &runs[place])], "{name}");
            assert_eq!(writes, [remove(Table::Holds, place as u64)]);
            assert!(!is_held(&holds, &runs[place]) && holds.iter().count() == 3);
        }
    }
    let mut holds = holding(&[&runs[0]]);
    assert!(holds.lift(|hold| hold.is_called("a")).0.is_empty(), "that delivery is not all that is held");
}

#[test]
fn the_reason_says_the_way_out() {
    assert_eq!(
        hold("web", &web("1.2.0", None, "a")).explain(),
        "ghcr.io/acme/web:1.2.0 is held for deployment/web since 2026-11-21T10:00:01Z, when it failed \
         (CrashLoopBackOff); another version will be applied, or lift the hold with: boathook hold lift \
         default/deployment/web"
    );
}

#[test]
fn there_are_only_so_many_and_the_oldest_go_first() {
    let mut holds = Holds::default();
    let mut records = BTreeMap::new();
    for number in 0..=LIMIT {
        for Write { key, value, .. } in holds.add(hold("web", &web(&number.to_string(), None, "a"))) {
            match value {
                Some(value) => records.insert(key, value),
                None => records.remove(&key),
            };
        }
    }
    assert_eq!((holds.iter().count(), records.len()), (LIMIT, LIMIT));
    assert!(!is_held(&holds, &web("0", None, "a")) && is_held(&holds, &web("1", None, "a")));
}

#[test]
fn another_process_goes_on_with_them() {
    let bad = web("1.2.0", Some(BAD), "a");
    let kept = hold("web", &bad);
    let json = serde_json::to_string(&kept).unwrap();
    let mut holds = Holds::default();
    holds.restore(7, serde_json::from_str(&json).unwrap());
    assert!(is_held(&holds, &bad));
    let next = hold("web", &web("1.3.0", None, "b"));
    assert_eq!(holds.add(next.clone()), [put(Table::Holds, 8, &next)], "under a number of its own");
}

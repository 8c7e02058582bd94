use super::*;
use crate::action::{Change, Made};
use crate::kubernetes::object::ContainerList;
use crate::kubernetes::patch::{ImageChange, Read};
use crate::kubernetes::{Kind, Patched, Workload};

fn workload(name: &str) -> Target {
    Target::Workload(Workload::new("default", Kind::Deployment, name).unwrap())
}

fn images() -> Change {
    let change = ImageChange {
        list: ContainerList::Containers,
        index: 0,
        name: "main".into(),
        from: "web:1".into(),
        to: "web:2".into(),
        policy: None,
    };
    Change { what: What::Images { changes: vec![change], read: Read::default() }, warning: None }
}

fn made() -> Made {
    Made { patched: Patched::default(), at: Timestamp::UNIX_EPOCH }
}

fn ended(outcome: Outcome) -> Stage {
    Stage::Ended(End::new(outcome, ""), None)
}

/// A run whose last step has these targets, at these stages.
fn at(stages: Vec<(&str, Stage)>) -> Progress {
    let mut progress = Progress::default();
    let targets = stages.iter().map(|(name, _)| workload(name)).collect();
    progress.begin_step(targets, String::new());
    for (place, (_, stage)) in stages.into_iter().enumerate() {
        progress.set_stage(0, place, stage);
    }
    progress
}

#[test]
fn what_is_pushed_after_a_target_was_looked_at_may_not_be_in_it() {
    let is_changing = |stage| at(vec![("web", stage), ("api", Stage::Waiting)]).is_changing();
    assert!(!Progress::default().is_changing() && !is_changing(Stage::Waiting));
    for outcome in [Outcome::Unchanged, Outcome::Expired, Outcome::RolledBack] {
        assert!(is_changing(ended(outcome)), "{outcome}");
    }
    assert!(is_changing(Stage::Decided(images())) && is_changing(Stage::Made(images(), made())));
    let notify = Change { what: What::Notify, warning: None };
    assert!(!is_changing(Stage::Decided(notify)), "Flux looks itself");
    let superseded = Some(End::new(Outcome::Superseded, ""));
    assert!(Progress { end: superseded, ..Progress::default() }.is_changing(), "by one that may have ended");
}

#[test]
fn after_a_crash_a_run_has_the_workloads_that_it_has_begun_to_change() {
    let stages = || {
        vec![
            ("web", Stage::Made(images(), made())),
            ("api", Stage::Waiting),
            ("edge", ended(Outcome::Succeeded)),
            ("side", Stage::Undoing(images(), String::new())),
        ]
    };
    let name = |name: &str| format!("default/deployment/{name}");
    assert_eq!(at(stages()).workloads(|_| false), [name("side"), name("web")]);
    let all = ["api", "edge", "side", "web"].map(name);
    assert_eq!(at(stages()).workloads(|step| step == 0), all, "they may all be put back");
    let waiting = at(vec![("web", Stage::Waiting)]);
    assert!(waiting.workloads(|_| true).is_empty() && Progress::default().workloads(|_| true).is_empty());
    let mut over = at(stages());
    over.end_step(0, End::new(Outcome::Succeeded, ""));
    assert!(over.workloads(|_| true).is_empty());
}

#[test]
fn all_that_a_step_changed_or_may_have_changed_is_put_back() {
    let stayed = |outcome| Stage::Ended(End::new(outcome, ""), Some(images()));
    let mut progress = at(vec![
        ("web", Stage::Broken(images(), "crashes".into())),
        ("api", stayed(Outcome::Succeeded)),
        ("edge", stayed(Outcome::Expired)),
        ("side", ended(Outcome::Unchanged)),
        ("page", ended(Outcome::Failed)),
    ]);
    assert_eq!(progress.todo(1, None), Todo::Undo(0));
    let why = |name: &str| (workload(name), "put back with deployment/web, which failed: crashes".to_owned());
    assert_eq!(progress.undo(0), [(workload("web"), "crashes".to_owned()), why("api"), why("edge")]);
    assert_eq!(progress.todo(1, None), Todo::Work(0, vec![0, 1, 2]));
    assert!(progress.undo(0).is_empty(), "once");
}

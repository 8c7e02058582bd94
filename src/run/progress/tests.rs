use serde_json::json;

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

/// The relay's own workload.
const OWN: Option<&str> = Some("default/deployment/boathook");

fn broken() -> Stage {
    Stage::Broken(images(), "crashes".into())
}

fn stayed() -> Stage {
    Stage::Ended(End::new(Outcome::Succeeded, ""), Some(images()))
}

fn end(outcome: Outcome, reason: &str) -> End {
    End::new(outcome, reason)
}

#[test]
fn steps_follow_one_another_and_the_run_ends_with_the_last() {
    let mut progress = Progress::default();
    assert_eq!(progress.todo(2, None), Todo::Find(0));
    for step in 0..2 {
        assert_eq!(progress.todo(2, None), Todo::Find(step));
        progress.begin_step(vec![workload("web"), workload("api")], String::new());
        assert_eq!(progress.todo(2, None), Todo::Work(step, vec![0, 1]));
        progress.set_stage(step, 0, Stage::Ended(end(Outcome::Succeeded, "new"), Some(images())));
        assert_eq!(progress.todo(2, None), Todo::Work(step, vec![1]));
        progress.set_stage(step, 1, ended(Outcome::Unchanged));
        let summary = end(Outcome::Succeeded, "deployment/web: new");
        assert_eq!(progress.todo(2, None), Todo::EndStep(step, summary.clone()));
        progress.end_step(step, summary);
    }
    let reason = "deployment/web: new; deployment/web: new";
    assert_eq!(progress.todo(2, None), Todo::EndRun(end(Outcome::Succeeded, reason)));
}

#[test]
fn only_what_is_well_and_not_held_goes_on() {
    for (outcome, goes_on) in [
        (Outcome::Succeeded, true),
        (Outcome::Unchanged, true),
        (Outcome::Skipped, true),
        (Outcome::Held, false),
        (Outcome::RolledBack, false),
        (Outcome::Expired, false),
        (Outcome::Failed, false),
    ] {
        let mut progress = at(vec![("web", ended(outcome))]);
        progress.end_step(0, end(outcome, "so"));
        let next = if goes_on { Todo::Find(1) } else { Todo::EndRun(end(outcome, "so")) };
        assert_eq!(progress.todo(2, None), next);
    }
}

#[test]
fn a_step_without_targets_is_passed_over_and_says_why() {
    let mut progress = Progress::default();
    progress.begin_step(Vec::new(), "no workload runs it".into());
    let skipped = end(Outcome::Skipped, "no workload runs it");
    assert_eq!(progress.todo(2, None), Todo::EndStep(0, skipped.clone()));
    progress.end_step(0, skipped);
    assert_eq!(progress.todo(2, None), Todo::Find(1));
}

#[test]
fn one_that_is_held_does_not_keep_the_others_from_being_changed() {
    let progress = at(vec![("web", ended(Outcome::Held)), ("api", Stage::Waiting)]);
    assert_eq!(progress.todo(2, None), Todo::Work(0, vec![1]));
    let progress = at(vec![("web", ended(Outcome::Held)), ("api", stayed())]);
    assert_eq!(progress.todo(2, None), Todo::EndStep(0, end(Outcome::Held, "")));
}

#[test]
fn the_own_workload_is_touched_when_all_others_rest() {
    let stages = |web, own| at(vec![("boathook", own), ("web", web)]);
    assert_eq!(stages(Stage::Waiting, Stage::Waiting).todo(1, OWN), Todo::Work(0, vec![1]));
    assert_eq!(stages(Stage::Made(images(), made()), Stage::Waiting).todo(1, OWN), Todo::Work(0, vec![1]));
    assert_eq!(stages(stayed(), Stage::Waiting).todo(1, OWN), Todo::Work(0, vec![0]));
    assert_eq!(stages(stayed(), Stage::Made(images(), made())).todo(1, OWN), Todo::Work(0, vec![0]));
    assert_eq!(
        stages(Stage::Waiting, Stage::Waiting).todo(1, None),
        Todo::Work(0, vec![0, 1]),
        "nobody's own"
    );
}

#[test]
fn the_own_workload_is_left_alone_when_another_has_failed() {
    for web in [ended(Outcome::Failed), ended(Outcome::Expired), broken()] {
        let mut progress = at(vec![("boathook", Stage::Waiting), ("web", web.clone())]);
        assert_eq!(progress.todo(1, OWN), Todo::LeaveAlone(0, vec![0]), "{web:?}");
        progress.set_stage(0, 0, ended(Outcome::Skipped));
        let next = progress.todo(1, OWN);
        let undoes = matches!(web, Stage::Broken(..));
        assert!(if undoes { next == Todo::Undo(0) } else { matches!(next, Todo::EndStep(..)) }, "{next:?}");
    }
    let begun = at(vec![("boathook", Stage::Decided(images())), ("web", ended(Outcome::Failed))]);
    assert_eq!(begun.todo(1, OWN), Todo::Work(0, vec![0]), "what has begun is finished");
}

#[test]
fn what_breaks_waits_for_the_others_and_takes_them_back_with_it() {
    let mut progress =
        at(vec![("web", broken()), ("api", Stage::Made(images(), made())), ("boathook", stayed())]);
    assert_eq!(progress.todo(2, OWN), Todo::Work(0, vec![1]));
    progress.set_stage(0, 1, stayed());
    assert_eq!(progress.todo(2, OWN), Todo::Undo(0));
    assert_eq!(progress.undo(0).len(), 3);
    assert!(progress.is_undoing());
    assert_eq!(progress.todo(2, OWN), Todo::Work(0, vec![0, 1]), "the own one last, also on the way back");
    progress.set_stage(0, 0, Stage::Undone(images(), String::new(), made()));
    assert_eq!(progress.todo(2, OWN), Todo::Work(0, vec![0, 1]));
    for place in 0..2 {
        progress.set_stage(0, place, ended(Outcome::RolledBack));
    }
    assert_eq!(progress.todo(2, OWN), Todo::Work(0, vec![2]));
    progress.set_stage(0, 2, ended(Outcome::RolledBack));
    let over = end(Outcome::RolledBack, "");
    assert_eq!(progress.todo(2, OWN), Todo::EndStep(0, over.clone()));
    progress.end_step(0, over.clone());
    assert_eq!(progress.todo(2, OWN), Todo::EndRun(over));
}

#[test]
fn a_run_goes_on_from_the_journal_wherever_it_stood() {
    let stages = [
        Stage::Waiting,
        Stage::Decided(images()),
        Stage::Made(images(), made()),
        Stage::Undoing(images(), "crashes".into()),
        Stage::Undone(images(), "crashes".into(), made()),
        broken(),
        stayed(),
        ended(Outcome::Failed),
    ];
    for stage in stages {
        let rests = matches!(stage, Stage::Broken(..) | Stage::Ended(..));
        let mut progress = at(vec![("web", stage.clone()), ("api", ended(Outcome::Unchanged))]);
        progress.set_tries(Some((0, 0)), Tries { made: 3, next: Some(Timestamp::UNIX_EPOCH), since: None });
        let kept = serde_json::to_vec(&progress).unwrap();
        let restored: Progress = serde_json::from_slice(&kept).unwrap();
        assert_eq!(restored, progress);
        assert_eq!(restored.target(0, 0).unwrap().tries.made, 3, "its pauses go on growing");
        assert_eq!(restored.todo(1, None) == Todo::Work(0, vec![0]), !rests, "{stage:?}");
    }
}

#[test]
fn a_wave_begins_once_the_one_before_has_ended_well() {
    let manifest = |name: &str, wave: usize| {
        let object = json!({
            "namespace": "default", "kind": "ConfigMap", "group": "", "version": "v1", "plural": "configmaps",
            "name": name, "file": "a.yaml", "wave": wave,
        });
        Target::Manifest(serde_json::from_value(object).unwrap())
    };
    let mut progress = Progress::default();
    let targets = [("a", 1), ("b", 2), ("c", 2), ("d", 3)].map(|(name, wave)| manifest(name, wave));
    progress.begin_step(targets.to_vec(), String::new());
    let own = Some("default/configmap/a");
    assert_eq!(progress.todo(1, None), Todo::Work(0, vec![0]));
    assert_eq!(progress.todo(1, own), Todo::Work(0, vec![1, 2]), "the relay's own is touched last");
    progress.set_stage(0, 0, Stage::Made(images(), made()));
    assert_eq!(progress.todo(1, None), Todo::Work(0, vec![0]), "it has yet to come up");
    progress.set_stage(0, 0, ended(Outcome::Unchanged));
    assert_eq!(progress.todo(1, None), Todo::Work(0, vec![1, 2]));
    progress.set_stage(0, 1, ended(Outcome::Expired));
    assert_eq!(progress.todo(1, None), Todo::Work(0, vec![2]), "what is of the same wave goes on");
    progress.set_stage(0, 2, ended(Outcome::Succeeded));
    assert_eq!(progress.todo(1, None), Todo::LeaveAlone(0, vec![3]));
    progress.set_stage(0, 1, ended(Outcome::Succeeded));
    assert_eq!(progress.todo(1, None), Todo::Work(0, vec![3]));
}

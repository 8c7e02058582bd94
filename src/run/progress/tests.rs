use super::*;
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

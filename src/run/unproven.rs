//! Changes that nobody has seen come up: a run that was followed when its process was told to end, and whose place a
//! newer one took. What is put back, should the newer one fail, is what was there before all of them.

use serde::{Deserialize, Serialize};

use super::progress::{Progress, Stage};
use crate::action::{Action, Change, Target, What, undone_by};
use crate::kubernetes::patch::ImageChange;

/// What was set on a target, and what was there before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unproven {
    /// On what.
    pub target: Target,
    /// Each container.
    pub changes: Vec<ImageChange>,
}

/// What a run leaves unproven to the one that takes its place: only what it would have put back itself.
pub(super) fn left(actions: &[Action], progress: &Progress) -> Vec<Unproven> {
    let mut left = progress.unproven.clone();
    let steps = progress.steps.iter().zip(actions).enumerate();
    let targets = steps.flat_map(|(number, (step, action))| {
        let is_checked = is_to_be_checked(actions, progress, number);
        let may_be_undone = is_checked || action.rolls_back();
        step.targets.iter().filter(move |_| may_be_undone).map(move |target| (target, is_checked))
    });
    for (target, is_checked) in targets {
        let change = match &target.stage {
            Stage::Decided(change) | Stage::Made(change, _) => change,
            Stage::Ended(_, Some(change)) if is_checked => change,
            _ => continue,
        };
        let Some(changes) = change.images() else { continue };
        let changes =
            changes.iter().map(|change| before_all(&left, &target.target, change.clone())).collect();
        left.retain(|other| other.target != target.target);
        left.push(Unproven { target: target.target.clone(), changes });
    }
    left
}

/// Whether a check that would undo what a step changed has yet to end.
fn is_to_be_checked(actions: &[Action], progress: &Progress, step: usize) -> bool {
    let is_open = |number: usize| progress.steps.get(number).is_none_or(|step| step.end.is_none());
    (step + 1..actions.len()).any(|later| undone_by(actions, later) == Some(step) && is_open(later))
}

/// The change as it is from what was there before it and all that is unproven.
pub(super) fn from_before_all(unproven: &[Unproven], target: &Target, mut change: Change) -> Change {
    if let What::Images { changes, .. } = &mut change.what {
        for change in changes {
            *change = before_all(unproven, target, change.clone());
        }
    }
    change
}

fn before_all(unproven: &[Unproven], target: &Target, change: ImageChange) -> ImageChange {
    match of(unproven, target).find(|other| other.is_of_same_container(&change) && other.to == change.from) {
        Some(other) => change.after(other),
        None => change,
    }
}

/// What is unproven on a target.
pub(super) fn of<'a>(unproven: &'a [Unproven], target: &Target) -> impl Iterator<Item = &'a ImageChange> {
    unproven.iter().filter(move |other| other.target == *target).flat_map(|other| &other.changes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::object::ContainerList;
    use crate::kubernetes::patch::Read;
    use crate::kubernetes::{Kind, Workload};
    use crate::run::outcome::{End, Outcome};

    fn target(name: &str) -> Target {
        Target::Workload(Workload::new("default", Kind::Deployment, name).unwrap())
    }

    fn change(name: &str, from: &str, to: &str) -> ImageChange {
        let (from, to) = (from.to_owned(), to.to_owned());
        ImageChange {
            list: ContainerList::Containers,
            index: 0,
            name: name.to_owned(),
            from,
            to,
            policy: None,
        }
    }

    #[test]
    fn what_a_check_has_yet_to_prove_is_left_to_the_next_run() {
        let actions = |on_failure: &str| -> Vec<Action> {
            let set = "setImage: {namespace: default, workloads: [deployment/web], rollout: none}";
            let check = format!("check: {{url: 'https://web.example.com', onFailure: {on_failure}}}");
            [set, &check].map(read_action).into()
        };
        let images = vec![change("web", "web:1", "web:2")];
        let what = What::Images { changes: images.clone(), read: Read::default() };
        let end = End::new(Outcome::Succeeded, "");
        let mut progress = Progress::default();
        progress.begin_step(vec![target("web")], String::new());
        progress.set_stage(0, 0, Stage::Ended(end.clone(), Some(Change { what, warning: None })));
        let unproven = [Unproven { target: target("web"), changes: images }];
        for on_its_way in [false, true] {
            if on_its_way {
                progress.end_step(0, end.clone());
                progress.begin_step(vec![Target::Url("https://web.example.com/".into())], String::new());
            }
            assert_eq!(left(&actions("rollback"), &progress), unproven);
            assert_eq!(left(&actions("keep"), &progress), []);
        }
        progress.end_step(1, end);
        assert_eq!(left(&actions("rollback"), &progress), []);
    }

    fn read_action(text: &str) -> Action {
        let value: serde_yaml::Value = serde_yaml::from_str(text).unwrap();
        let report = crate::config::report::Report::default();
        let path = crate::config::report::FieldPath::default();
        Action::read(crate::config::fields::Node::new(&value, &report), &path).unwrap()
    }

    #[test]
    fn a_change_goes_from_what_was_there_before_all_that_is_unproven() {
        let unproven = [Unproven { target: target("web"), changes: vec![change("web", "web:1", "web:2")] }];
        let from = |on: &str, container: &str, from: &str| {
            let images = vec![change(container, from, "web:3")];
            let what = What::Images { changes: images, read: Read::default() };
            from_before_all(&unproven, &target(on), Change { what, warning: None }).images().unwrap()[0]
                .from
                .clone()
        };
        assert_eq!(from("web", "web", "web:2"), "web:1");
        assert_eq!(from("web", "web", "web:hotfix"), "web:hotfix", "somebody else's was there");
        assert_eq!(from("web", "side", "web:2"), "web:2", "another container");
        assert_eq!(from("api", "web", "web:2"), "web:2", "another workload");
    }
}

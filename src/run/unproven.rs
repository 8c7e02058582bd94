//! Changes that nobody has seen come up: a step that was followed when its process was told to end, and whose place a
//! newer run took. What is put back, should the newer one fail, is what was there before all of them; also on those
//! targets of the step that had come to their end, since a step is put back as a whole.

use serde::{Deserialize, Serialize};

use super::progress::{Progress, Stage};
use crate::action::{Action, Change, Target, What};
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
    let steps = progress.steps.iter().zip(actions);
    let open = steps.filter(|(step, action)| step.end.is_none() && action.rolls_back());
    for target in open.flat_map(|(step, _)| &step.targets) {
        let (Stage::Decided(change) | Stage::Made(change, _) | Stage::Ended(_, Some(change))) = &target.stage
        else {
            continue;
        };
        let Some(changes) = change.images() else { continue };
        let changes =
            changes.iter().map(|change| before_all(&left, &target.target, change.clone())).collect();
        left.retain(|other| other.target != target.target);
        left.push(Unproven { target: target.target.clone(), changes });
    }
    left
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
    use std::path::Path;

    use jiff::Timestamp;

    use super::*;
    use crate::action::Made;
    use crate::config::fields::Node;
    use crate::config::report::{FieldPath, Report};
    use crate::kubernetes::object::ContainerList;
    use crate::kubernetes::patch::Read;
    use crate::kubernetes::{Kind, Patched, Workload};
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

    /// A run whose step has set an image on two workloads, and still follows the second one.
    fn followed() -> Progress {
        let set = |name: &str| Change {
            what: What::Images { changes: vec![change(name, "web:1", "web:2")], read: Read::default() },
            warning: None,
        };
        let mut progress = Progress::default();
        progress.begin_step(vec![target("web"), target("api"), target("edge")], String::new());
        let end = End::new(Outcome::Succeeded, "");
        progress.set_stage(0, 0, Stage::Ended(end, Some(set("web"))));
        let made = Made { patched: Patched::default(), at: Timestamp::UNIX_EPOCH };
        progress.set_stage(0, 1, Stage::Made(set("api"), made));
        progress
    }

    #[test]
    fn a_step_is_unproven_as_a_whole_until_it_has_ended() {
        let actions = |on_failure: &str| {
            let text = format!(
                "setImage: {{namespace: default, workloads: [deployment/web], rollout: {{onFailure: {on_failure}}}}}"
            );
            let (value, report) = (serde_yaml::from_str(&text).unwrap(), Report::new(Path::new("")));
            [Action::read(Node::new(&value, &report), &FieldPath::default()).unwrap()]
        };
        let names = |progress: &Progress, on_failure: &str| -> Vec<String> {
            left(&actions(on_failure), progress).iter().map(|left| left.target.full_name()).collect()
        };
        let mut progress = followed();
        assert_eq!(names(&progress, "rollback"), ["default/deployment/web", "default/deployment/api"]);
        assert_eq!(names(&progress, "keep"), [""; 0], "nobody would put it back");
        progress.end_step(0, End::new(Outcome::Succeeded, ""));
        progress.set_stage(0, 1, Stage::Ended(End::new(Outcome::Succeeded, ""), None));
        assert_eq!(names(&progress, "rollback"), [""; 0], "it came up");
    }
}

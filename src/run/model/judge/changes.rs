//! What may be done to the cluster: once, in order, by one run at a time.

use std::collections::BTreeMap;

use super::{Deed, Did, Fact, Judge, shown};
use crate::action::{Action, Target};
use crate::run::model::cluster::Cluster;
use crate::run::model::setup::{OWN, RUNNING};
use crate::run::model::target::asked;
use crate::run::outcome::{End, Outcome};
use crate::run::queue::Place;
use crate::run::record::Run;

impl Judge {
    /// A run did something.
    pub(in super::super) fn did(&mut self, run: &Run, place: Place, target: &Target, did: Did) {
        let target = target.full_name();
        let own: Vec<_> = self.deeds.iter().filter(|deed| deed.run == run.id).collect();
        if let Some(later) = own.iter().find(|deed| deed.place.0 > place.0) {
            panic!("{} is at step {} again, after {later:?}", run.id, place.0);
        }
        let before: Vec<_> = own.iter().filter(|deed| deed.place == place).map(|deed| &deed.did).collect();
        let free = self.meddled.contains(&target);
        match &did {
            Did::Set { .. } => {
                assert!(free || before.is_empty(), "{} sets {target} again, after {before:?}", run.id);
                self.is_the_last(run, &target);
            }
            Did::Restarted => assert!(before.is_empty(), "{} restarts {target} twice", run.id),
            Did::PutBack { from, to } => {
                let is_set = match before[..] {
                    // It was there already, from a run whose place this one took.
                    [] => self.was_left(&target, from),
                    [Did::Set { to: set, .. }] => set == from,
                    _ => false,
                };
                assert!(free || is_set, "{} puts {target} back after {before:?}", run.id);
                assert!(self.is_broken(run.id), "{} puts back what did not break", run.id);
                self.was_there(run, &target, to);
            }
            Did::Told => {}
        }
        self.count(match did {
            Did::Set { .. } => "image set",
            Did::PutBack { .. } => "image put back",
            Did::Restarted => "restarted",
            Did::Told => "Flux told",
        });
        self.deeds.push(Deed { run: run.id, place, target, did });
    }

    /// Whether a run set an image whose place a newer one took.
    fn was_left(&self, workload: &str, image: &str) -> bool {
        self.deeds.iter().any(|Deed { run, target, did, .. }| {
            target == workload
                && matches!(did, Did::Set { to, .. } if to == image)
                && self.ended(*run) == Some(Outcome::Superseded)
        })
    }

    /// What an older run asks for does not take the place of what a newer one of its lane has set.
    fn is_the_last(&self, run: &Run, target: &str) {
        let newer = self.deeds.iter().find(|deed| {
            deed.target == target
                && deed.run > run.id
                && matches!(deed.did, Did::Set { .. })
                && self.run(deed.run).lane == run.lane
        });
        assert!(newer.is_none(), "{} comes after {newer:?}", run.id);
    }

    /// A target comes to a rest: the relay's own comes last.
    pub(in super::super) fn rests(&self, run: &Run, (step, _): Place, end: &End) {
        let own = self.deeds.iter().rev().find(|deed| deed.run == run.id && deed.place.0 == step);
        let Some(last) = own.filter(|deed| deed.target != OWN) else { return };
        let touched =
            self.deeds.iter().any(|deed| deed.run == run.id && deed.place.0 == step && deed.target == OWN);
        assert!(!touched, "{last:?} after the relay's own, {}", shown(end));
    }

    /// A target has ended: what is there is what is said.
    pub(in super::super) fn target_ended(&mut self, run: &Run, target: &str, end: &End, cluster: &Cluster) {
        self.count(end.outcome.word());
        let sets_image = run.actions.iter().any(Action::needs_image);
        let of_image = sets_image && run.tag.is_some() && !target.ends_with("edge") && target != OWN;
        let known =
            self.known.iter().find(|known| known.runs.iter().any(|known| known.id == run.id)).unwrap();
        let restarts = !of_image || run.delivery.endpoint == "quay" && target.ends_with("page");
        match end.outcome {
            Outcome::Succeeded | Outcome::Unchanged
                if target == "flux" || run.delivery.endpoint == "fleet" => {}
            Outcome::Succeeded | Outcome::Unchanged if restarts => {
                let at = cluster.get(target).restarted_at.clone().expect("it was restarted");
                let came = super::super::relay::at(known.last);
                assert!(
                    at.parse::<jiff::Timestamp>().unwrap() >= came,
                    "{target}: restarted at {at}, pushed at {came}"
                );
            }
            Outcome::Succeeded => assert_eq!(cluster.get(target).image, asked(run), "{target}"),
            Outcome::RolledBack => self.was_there(run, target, &cluster.get(target).image),
            _ => {}
        }
    }

    /// A step has come to its end: what its run, or one whose place it took, set stays.
    pub(in super::super) fn step_ended(&mut self, run: &Run, cluster: &Cluster, batch: u64) {
        let mut last = BTreeMap::new();
        let sets = self.deeds.iter().filter(|deed| matches!(deed.did, Did::Set { .. }));
        last.extend(sets.map(|deed| (deed.target.clone(), self.run(deed.run).lane)));
        for workload in last.into_iter().filter(|(_, lane)| *lane == run.lane).map(|(name, _)| name) {
            let image = cluster.get(&workload).image.clone();
            self.note(batch, Fact::Stays { workload, image });
        }
    }

    /// Somebody else set an image, which counts as what is there.
    pub(super) fn somebody_set(&mut self, workload: &str, image: &str) {
        let of_a_run = self.deeds.iter().any(|Deed { run, target, did, .. }| {
            let is_open = self.ended(*run).is_none_or(|outcome| outcome == Outcome::Superseded);
            is_open && target == workload && matches!(did, Did::Set { to, .. } if to == image)
        });
        if of_a_run {
            self.unclear.insert(workload.to_owned());
        }
        self.note(0, Fact::Stays { workload: workload.to_owned(), image: image.to_owned() });
    }

    /// What is put back is what the last step that came to its end left there, or what somebody else set since: not
    /// what was set by a run whose place this one took.
    fn was_there(&self, run: &Run, target: &str, image: &str) {
        let last = self.facts.iter().rev().find_map(|(_, fact)| match fact {
            Fact::Stays { workload, image } if workload == target => Some(image.as_str()),
            _ => None,
        });
        let first = || RUNNING.iter().find(|(name, _)| *name == target).map(|(_, image)| *image);
        let before = last.or_else(first).unwrap();
        let is_right = image == before || self.unclear.contains(target);
        assert!(is_right, "{} puts {image} back on {target}, where {before} was", run.id);
    }

    fn run(&self, id: crate::run::record::RunId) -> &Run {
        let mut runs = self.known.iter().flat_map(|known| &known.runs);
        runs.find(|run| run.id == id).unwrap()
    }
}

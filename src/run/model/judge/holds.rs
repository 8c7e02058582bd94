//! Which versions are held: all that is known of it follows from the facts, one after the other.

use std::collections::BTreeSet;

use super::{Fact, Judge, name_of};
use crate::action::Target;
use crate::event::Event;
use crate::kubernetes::Workload;
use crate::run::record::Run;

/// A workload, a repository and a version.
type Held = (String, String, String);

const MOVES: [&str; 6] = ["latest", "main", "master", "edge", "nightly", "dev"];

impl Judge {
    fn held(&self) -> BTreeSet<Held> {
        let mut held = BTreeSet::new();
        for (_, fact) in &self.facts {
            match fact.clone() {
                Fact::Held { workload, repository, version } => {
                    held.insert((workload, repository, version));
                }
                Fact::Came { workload, repository, version } => {
                    held.retain(|(at, of, which)| *at != workload || *of != repository || *which == version);
                }
                Fact::Lifted(workload) => held.retain(|(at, ..)| *at != workload),
                _ => {}
            }
        }
        held
    }

    /// Whether a run's version is held for a target, as the relay sees it.
    pub(in super::super) fn is_held(&self, run: &Run, target: &Target, seen: bool) {
        let held = self.held();
        let expected = self
            .version(run)
            .is_some_and(|(repository, version)| held.contains(&(target.full_name(), repository, version)));
        assert_eq!(expected, seen, "{} of {:?} at {target}; held: {held:?}", run.id, self.version(run));
    }

    /// A version came to a target.
    pub(in super::super) fn came(&mut self, run: &Run, target: &Target, batch: u64) {
        let (Target::Workload(workload), Some((repository, version))) = (target, self.version(run)) else {
            return;
        };
        self.note(batch, Fact::Came { workload: name_of(workload), repository, version });
    }

    /// What a run brought to a workload is held there from now on.
    pub(in super::super) fn holds(&mut self, run: &Run, workload: &Workload, batch: u64) {
        assert!(self.is_broken(run.id), "{} holds what did not break", run.id);
        let (repository, version) = self.version(run).unwrap();
        self.note(batch, Fact::Held { workload: name_of(workload), repository, version });
    }

    /// How many versions are held.
    pub(super) fn number_of_holds(&self) -> usize {
        self.held().len()
    }

    /// What makes a version the same one: its tag, of which the model's world has one digest each; where the tag moves
    /// its digest, and without one the push.
    fn version(&self, run: &Run) -> Option<(String, String)> {
        let (repository, digest) = match &run.event {
            Event::Image(image) => (&image.repository, &image.digest),
            Event::Deploy(deploy) => (&deploy.image, &deploy.digest),
            _ => return None,
        };
        let tag = run.tag.as_deref().unwrap();
        let version = match digest {
            Some(digest) if MOVES.contains(&tag) => digest.to_string(),
            None if MOVES.contains(&tag) => self.push(run),
            _ => tag.to_owned(),
        };
        Some((repository.to_string(), version))
    }

    /// The push that a run came from: the first delivery that is the same one.
    fn push(&self, run: &Run) -> String {
        let known =
            self.known.iter().find(|known| known.runs.iter().any(|other| other.id == run.id)).unwrap();
        let is_same = |other: &&super::Known| {
            // What looks alike is another push, unless it is the very same that was asked for again.
            known.id == other.id
                || !known.said.looks_alike()
                    && known.said.marks().iter().any(|mark| other.said.marks().contains(mark))
        };
        let first = self.known.iter().position(|other| is_same(&other)).unwrap();
        format!("push {first}")
    }
}

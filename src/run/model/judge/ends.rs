//! How runs and deliveries may end, and what is left when all have.

use super::{Deed, Did, Fact, Judge};
use crate::run::journal::Table;
use crate::run::model::disk::Disk;
use crate::run::outcome::Outcome;
use crate::run::queue::Queue;
use crate::run::record::Run;
use crate::run::report::RunReport;

impl Judge {
    /// A run has ended, says the queue.
    pub(in super::super) fn run_ended(&mut self, run: &Run, report: &RunReport, batch: u64, closing: bool) {
        let outcome = report.outcome.expect("it has ended");
        assert_eq!(self.ended(run.id), None, "{} ends twice, now {outcome}", run.id);
        self.count(outcome.word());
        let id = run.id;
        match outcome {
            Outcome::Superseded => {
                self.is_superseded(run, &report.reason, closing);
                if self.left.contains(&id) {
                    self.count("left and superseded");
                }
            }
            Outcome::RolledBack => assert!(self.is_broken(id), "{id} did not break"),
            Outcome::Expired | Outcome::Failed => {
                assert!(self.trouble.contains(&id), "{id}: {} for no reason: {}", outcome, report.reason);
            }
            Outcome::Succeeded | Outcome::Unchanged | Outcome::Held | Outcome::Skipped => {
                assert!(!self.is_broken(id), "{id} broke and is {outcome}: {}", report.reason);
            }
        }
        let steps: Vec<_> =
            report.steps.iter().map(|step| step.outcome.unwrap_or(Outcome::Skipped)).collect();
        if outcome == Outcome::Succeeded {
            let good = |step: &Outcome| matches!(step, Outcome::Succeeded | Outcome::Unchanged);
            assert!(steps.iter().all(good), "{id} succeeded with {steps:?}");
        }
        if outcome != Outcome::Superseded && self.is_broken(id) {
            self.are_put_back(run);
        }
        self.note(batch, Fact::Ended(id, outcome));
    }

    /// Nothing of a step that broke stays, if it is to be put back.
    fn are_put_back(&self, run: &Run) {
        // None at all if another run, whose place it took, had set what broke.
        let Some(last) = self.deeds.iter().rev().find(|deed| deed.run == run.id) else { return };
        let last = last.place.0;
        let of_step = |deed: &&Deed| deed.run == run.id && deed.place.0 == last;
        for deed in self.deeds.iter().filter(of_step).filter(|_| run.actions[last].rolls_back()) {
            let is_back = self
                .deeds
                .iter()
                .filter(of_step)
                .any(|other| other.place == deed.place && matches!(other.did, Did::PutBack { .. }));
            let excused = self.stuck.contains(&(run.id, deed.target.clone()));
            assert!(is_back || excused || self.meddled.contains(&deed.target), "{deed:?} stays");
        }
    }

    /// Only a newer one, or a higher one, takes the place of a run, and only of one that has done nothing, or that
    /// a process that ends cannot finish.
    fn is_superseded(&self, run: &Run, reason: &str, closing: bool) {
        let winner = reason.strip_prefix("superseded by run ").unwrap();
        let mut runs = self.known.iter().flat_map(|known| &known.runs);
        let winner = runs.find(|other| other.id.to_string() == winner).expect("it is safe");
        assert_eq!(winner.lane, run.lane);
        let lower = |a: &Run, b: &Run| match (version(a), version(b)) {
            (Some(a), Some(b)) => a < b,
            _ => false,
        };
        let right = if winner.id > run.id { !lower(winner, run) } else { lower(run, winner) };
        assert!(right, "{} ({:?}) took the place of {} ({:?})", winner.id, winner.tag, run.id, run.tag);
        let deed = self.deeds.iter().find(|deed| deed.run == run.id && !closing);
        assert!(deed.is_none(), "{} was superseded after {deed:?}", run.id);
    }

    /// Everything has come to an end.
    pub(in super::super) fn all_has_ended(&self, disk: &Disk, queue: &Queue) {
        for known in &self.known {
            assert!(self.fate(known).is_some(), "{known:?} has not ended");
            assert!(queue.is_ended(known.seen), "{known:?}");
        }
        let records = |table| disk.records.keys().filter(|(other, _)| *other == table).count();
        assert_eq!((records(Table::Pending), records(Table::Progress)), (0, 0), "records are left over");
        assert_eq!(records(Table::Holds), self.number_of_holds());
        assert_eq!(queue.holds.iter().count(), self.number_of_holds());
        assert_eq!((queue.pending(), queue.next_due()), (0, None));
        self.last_words();
    }

    /// The last delivery of a subject, or a higher one, is what was carried out.
    fn last_words(&self) {
        let runs: Vec<_> = self.known.iter().flat_map(|known| &known.runs).collect();
        for run in &runs {
            if runs.iter().all(|other| other.lane != run.lane || other.id <= run.id) && version(run).is_none()
            {
                assert_ne!(self.ended(run.id), Some(Outcome::Superseded), "{} was the last", run.id);
            }
        }
    }
}

/// Its place in the order of versions, where there is one.
fn version(run: &Run) -> Option<semver::Version> {
    let is_ordered = run.policy.as_ref().is_some_and(crate::rule::TagPolicy::is_ordered);
    run.tag.as_ref().filter(|_| is_ordered).map(|tag| tag.parse().unwrap())
}

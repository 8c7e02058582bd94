//! Which delivery is the same one (DESIGN.md section 7).

use std::collections::BTreeMap;

use super::{Fact, Judge, Known};
use crate::run::model::relay::{Offer, Wish};
use crate::run::sameness::Seen;

pub(super) const THREE_DAYS: i64 = 72 * 3600 * 1000;

impl Judge {
    /// The delivery that this one repeats, if it shall not be carried out.
    pub(in super::super) fn same(&self, offer: &Offer, clock: i64) -> Option<Seen> {
        let marks = offer.said.marks();
        let newest = |mark: &String| self.known.iter().rev().find(|known| known.said.marks().contains(mark));
        let mut found = marks.iter().filter_map(newest);
        found.find(|known| self.is_answered_by(known, offer, clock)).map(|known| known.seen)
    }

    fn is_answered_by(&self, known: &Known, offer: &Offer, clock: i64) -> bool {
        match self.fate(known) {
            None => offer.wish == Wish::Again || !offer.said.looks_alike() || !self.has_begun(known),
            Some(_) if offer.wish == Wish::Again || offer.said.looks_alike() => false,
            Some(well) => (well || offer.wish == Wish::Ask) && clock - known.at < THREE_DAYS,
        }
    }

    /// Whether it may be too late for it to bring what is pushed now, or another has taken the place of a part.
    fn has_begun(&self, known: &Known) -> bool {
        let mut looked = BTreeMap::new();
        for (_, fact) in &self.facts {
            if let Fact::Looked(run, place, whether) = fact {
                looked.insert((*run, *place), *whether);
            }
        }
        let has_looked = |run| looked.iter().any(|((other, _), whether)| *other == run && *whether);
        known.runs.iter().any(|run| has_looked(run.id) || self.ended(run.id).is_some())
    }
}

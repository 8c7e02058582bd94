//! Runs that wait for a confirmation: nobody works on them, and a request that carries it lets them go on.

use std::sync::Arc;

use jiff::Timestamp;

use super::{Effects, Entry, Queue};
use crate::event::{DeployRequest, Event};
use crate::rule::Subject;
use crate::run::journal::{Table, Write};
use crate::run::outcome::{End, Outcome};
use crate::run::progress::Stage;
use crate::run::record::{Run, RunId};
use crate::run::sameness::{Keys, Seen};
use crate::run::stored::{self, put};

/// What came of a confirmation.
#[derive(Debug)]
pub struct Confirmed {
    /// The delivery whose runs waited for it.
    pub seen: Seen,
    /// The runs that go on, each with the step that waited; none if the confirmation has come before.
    pub runs: Vec<(Arc<Run>, usize)>,
    /// How these steps ended.
    pub end: End,
    /// What must be safe before that is said.
    pub writes: Vec<Write>,
}

impl Queue {
    /// A started run waits for a confirmation until then. One that waits in its lane, or comes meanwhile, takes its
    /// place.
    pub fn rest(&mut self, run: &Run, until: Timestamp, now: Timestamp) -> Effects {
        let mut effects = Effects::default();
        let is_asked = self.runs.get(&run.id).is_some_and(|entry| entry.asked().is_some());
        let again = if is_asked && !self.draining { until } else { now };
        self.resting.insert((again, run.id));
        if is_asked {
            if let Some(state) = self.lanes.get_mut(&run.lane) {
                state.left = Some(run.id);
            }
            self.replace_left(run.lane, now, &mut effects);
        }
        effects
    }

    /// The resting runs, at most so many, that are to be looked at again.
    pub(super) fn wake(&mut self, now: Timestamp, most: usize) -> Vec<Arc<Run>> {
        let mut woken = Vec::new();
        while woken.len() < most
            && let Some((_, id)) = self.resting.first().copied().filter(|(due, _)| *due <= now)
        {
            self.resting.pop_first();
            let Some(run) = self.runs.get(&id).map(|entry| Arc::clone(&entry.run)) else { continue };
            self.is_at_work(&run);
            woken.push(run);
        }
        woken
    }

    /// From now on no other run takes this one's place.
    fn is_at_work(&mut self, run: &Run) {
        if let Some(state) = self.lanes.get_mut(&run.lane).filter(|state| state.left == Some(run.id)) {
            state.left = None;
        }
    }

    /// Takes a request of an endpoint as the confirmation that the newest delivery of the same image and environment
    /// waits for, first of all of the same workload. `None` if nothing waits for it: it is a request like any other.
    pub fn confirm(
        &mut self,
        keys: &Keys,
        endpoint: &str,
        request: &DeployRequest,
        id: &str,
        now: Timestamp,
    ) -> Option<Confirmed> {
        let end = End::new(Outcome::Succeeded, format!("confirmed by delivery {id}"));
        let before = self.deliveries.confirmed_by(keys);
        let again = |queue: &Self, seen| {
            let writes = queue.pending_record(seen).into_iter().collect();
            Confirmed { seen, runs: Vec::new(), end: end.clone(), writes }
        };
        // What ended badly may have been begun again, and wait again.
        if let Some(seen) = before.filter(|seen| !self.deliveries.has_failed(*seen)) {
            return Some(again(self, seen));
        }
        let Some(seen) = self.waits_for(endpoint, request, now) else {
            return before.map(|seen| again(self, seen));
        };
        if self.same(keys, now).is_some_and(|same| same != seen) {
            return None;
        }
        let entries = self.runs.values().filter(|entry| entry.delivery == seen);
        let confirmed: Vec<_> = entries
            .filter(|entry| entry.waits_for(endpoint, request, now))
            .filter_map(|entry| Some((Arc::clone(&entry.run), entry.asked()?.0)))
            .collect();
        self.deliveries.confirm(seen, keys);
        let mut writes: Vec<_> = self.pending_record(seen).into_iter().collect();
        for (run, step) in &confirmed {
            let stage = Stage::Ended(end.clone(), None);
            writes.extend(self.note(run.id, |progress| progress.set_stage(*step, 0, stage)));
            self.is_at_work(run);
            self.look_at_now(run.id, now);
        }
        Some(Confirmed { seen, runs: confirmed, end, writes })
    }

    fn waits_for(&self, endpoint: &str, request: &DeployRequest, now: Timestamp) -> Option<Seen> {
        let subject = Subject::of(&Event::Deploy(Box::new(request.clone())));
        let waiting = self.runs.values().filter(|entry| entry.waits_for(endpoint, request, now));
        let best = waiting.map(|entry| (Some(&entry.run.subject) == subject.as_ref(), entry.delivery)).max();
        best.map(|(_, seen)| seen)
    }

    /// A run that is at work, or about to rest, is not among the resting ones.
    fn look_at_now(&mut self, id: RunId, now: Timestamp) {
        if let Some(resting) = self.resting.iter().find(|(_, resting)| *resting == id).copied() {
            self.resting.remove(&resting);
            self.resting.insert((now, id));
        }
    }

    /// The record of a delivery that has not ended, as it is now.
    fn pending_record(&self, seen: Seen) -> Option<Write> {
        let memory = self.deliveries.get(seen).filter(|memory| memory.fate.is_none())?;
        let runs: Vec<_> =
            memory.runs.iter().filter_map(|run| Some(Arc::clone(&self.runs.get(run)?.run))).collect();
        let origin = Arc::clone(&runs.first()?.delivery);
        Some(put(Table::Pending, seen.0, &stored::Pending { keys: memory.keys.clone(), origin, runs }))
    }
}

impl Entry {
    /// The step that waits for a confirmation, and until when.
    pub(super) fn asked(&self) -> Option<(usize, Timestamp)> {
        self.progress.end.is_none().then(|| self.progress.asked())?
    }

    fn waits_for(&self, endpoint: &str, request: &DeployRequest, now: Timestamp) -> bool {
        let Some((step, until)) = self.asked().filter(|(_, until)| *until > now) else { return false };
        let Event::Deploy(own) = &self.run.event else { return false };
        let confirm = self.run.actions.get(step).and_then(crate::action::Action::confirm);
        until > now
            && self.run.delivery.endpoint == endpoint
            && own.is_of_same(request)
            && confirm.is_some_and(|confirm| confirm.is_in(request))
    }
}

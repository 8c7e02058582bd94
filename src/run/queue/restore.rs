//! From the journal's records to a queue that goes on where the last process was.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::{Effects, Queue};
use crate::action::Action;
use crate::run::journal::Table;
use crate::run::outcome::Outcome;
use crate::run::progress::Progress;
use crate::run::record::Run;
use crate::run::sameness::Seen;
use crate::run::stored::{EndedMark, Pending, get, remove};

/// A run that an earlier process had started.
#[derive(Clone, Debug)]
pub struct Resumed {
    /// The run.
    pub run: Arc<Run>,
    /// The workloads that it has begun to change: no other run may have them before it.
    pub workloads: Vec<String>,
}

impl Resumed {
    fn of(run: &Arc<Run>, progress: &Progress) -> Self {
        let workloads = progress.workloads(|step| run.actions.get(step).is_some_and(Action::rolls_back));
        Self { run: Arc::clone(run), workloads }
    }
}

/// The records of an earlier process, as they are read.
#[derive(Debug, Default)]
pub struct Restored {
    queue: Queue,
    pending: BTreeMap<u64, (Pending, usize)>,
    progress: BTreeMap<u64, Progress>,
    ended: BTreeMap<u64, (EndedMark, usize)>,
    /// What is still to be told, as it was written.
    pub notices: Vec<(u64, Vec<u8>)>,
}

impl Restored {
    /// Takes one record.
    pub fn take(&mut self, table: Table, key: u64, bytes: &[u8]) {
        match table {
            Table::Pending => {
                self.pending.extend(get(table, key, bytes).map(|record| (key, (record, bytes.len()))));
            }
            Table::Progress => self.progress.extend(get(table, key, bytes).map(|record| (key, record))),
            Table::Ended => {
                self.ended.extend(get(table, key, bytes).map(|record| (key, (record, bytes.len()))));
            }
            Table::Holds => {
                if let Some(hold) = get(table, key, bytes) {
                    self.queue.holds.restore(key, hold);
                }
            }
            Table::Notices => self.notices.push((key, bytes.to_vec())),
        }
    }

    /// The queue, the runs that had been started and go on at once, and what follows from the rest being put in
    /// line again.
    pub fn into_queue(self, now: Timestamp) -> (Queue, Vec<Resumed>, Effects) {
        let Self { mut queue, pending, mut progress, ended, notices: _ } = self;
        let mut effects = Effects::default();
        // In the order in which they were accepted, so that the newest of a kind is known by its marks.
        let mut all: Vec<(u64, Record)> = ended.into_iter().map(|(key, e)| (key, Record::Ended(e))).collect();
        all.extend(pending.into_iter().map(|(key, pending)| (key, Record::Pending(pending))));
        all.sort_by_key(|(key, _)| *key);
        let (mut started, mut waiting) = (Vec::new(), Vec::new());
        let mut known = HashSet::new();
        for (key, record) in all {
            let seen = Seen(key);
            match record {
                Record::Ended((mark, bytes)) => {
                    let received = mark.account.received;
                    queue.deliveries.restore(seen, mark.keys, Vec::new(), received);
                    let well = mark.account.runs.iter().all(|run| run.outcome.is_none_or(Outcome::is_good));
                    let forgotten = queue.deliveries.end(seen, well, bytes, now);
                    effects.forget(&forgotten);
                }
                Record::Pending((pending, bytes)) => {
                    let (keys, received) = (pending.keys.clone(), pending.origin.received);
                    let mut runs = pending.runs();
                    runs.retain(|run| known.insert(run.id));
                    if runs.is_empty() {
                        log::error!(
                            "the journal's record {key} of Pending has no run of its own and is removed"
                        );
                        effects.writes.push(remove(Table::Pending, key));
                        continue;
                    }
                    let bytes = bytes / runs.len().max(1);
                    queue.deliveries.restore(seen, keys, runs.iter().map(|run| run.id).collect(), received);
                    for run in runs {
                        let progress = progress.remove(&run.id.0).unwrap_or_default();
                        match (&progress.end, progress.steps.is_empty()) {
                            (Some(_), _) => {}
                            (None, true) => waiting.push((run.id, received)),
                            (None, false) => started.push(Resumed::of(&run, &progress)),
                        }
                        queue.enter(seen, run, progress, bytes);
                    }
                }
            }
        }
        // What belongs to no delivery, as after a file was set aside, is of no more use.
        effects.writes.extend(progress.keys().map(|run| remove(Table::Progress, *run)));
        for Resumed { run, .. } in &started {
            queue.lanes.entry(run.lane).or_default().started += 1;
        }
        waiting.sort_unstable();
        for (run, received) in waiting {
            queue.line_up(run, received, now, &mut effects);
        }
        (queue, started, effects)
    }
}

enum Record {
    Ended((EndedMark, usize)),
    Pending((Pending, usize)),
}

impl Effects {
    fn forget(&mut self, forgotten: &[Seen]) {
        self.writes.extend(forgotten.iter().map(|seen| remove(Table::Ended, seen.0)));
    }
}

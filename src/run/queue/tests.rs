mod accept;
mod confirm;
mod restart;

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::event::{Event, ImagePushed};
use crate::image::Repository;
use crate::rule::{Subject, TagPolicy};
use crate::run::account::Account;
use crate::run::record::{Origin, Timing};
use crate::run::sameness::Keys;
use crate::source::Identity;

const SETTLE: i64 = 10_000;
const MAX_WAIT: i64 = 60_000;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(1_800_000_000_000 + millis).unwrap()
}

fn run(id: u64, repository: &str, tag: &str, policy: Option<&TagPolicy>) -> Arc<Run> {
    let event = Event::Image(ImagePushed {
        repository: Repository::parse(repository).unwrap(),
        tags: vec![tag.to_owned()],
        digest: None,
    });
    Arc::new(Run {
        id: RunId(id),
        delivery: Arc::new(Origin {
            id: id.to_string(),
            endpoint: "ghcr".into(),
            source: "GitHub".into(),
            received: at(0),
            ..Origin::default()
        }),
        rule: 1,
        lane: Lane::of(&[Subject::of(&event).unwrap().to_string().as_bytes()]),
        subject: Subject::of(&event).unwrap(),
        event,
        tag: Some(tag.to_owned()),
        policy: policy.cloned(),
        actions: Arc::new([]),
        timing: Timing { settle: Some(SETTLE), max_wait: MAX_WAIT, retry_for: 1000 },
        mutable: false,
    })
}

fn semver() -> TagPolicy {
    serde_json::from_value(serde_json::json!({"semver": ">=1.0.0"})).unwrap()
}

/// A queue and what the journal has of it.
#[derive(Default)]
struct Kept {
    queue: Queue,
    records: BTreeMap<(Table, u64), Vec<u8>>,
}

impl Kept {
    fn write(&mut self, writes: Vec<Write>) {
        for Write { table, key, value } in writes {
            match value {
                Some(value) => self.records.insert((table, key), value),
                None => self.records.remove(&(table, key)),
            };
        }
    }

    fn end(&mut self, run: &Run, outcome: Outcome, now: i64) {
        let effects = self.queue.finish(run, End::new(outcome, ""), at(now));
        self.write(effects.writes);
    }

    /// Killed and started again: what the journal has is all there is. The runs that had been started go on.
    fn restart(&mut self, now: i64) -> Vec<Arc<Run>> {
        let mut restored = Restored::default();
        for ((table, key), value) in &self.records {
            restored.take(*table, *key, value);
        }
        let (queue, started, effects) = restored.into_queue(at(now));
        self.queue = queue;
        self.write(effects.writes);
        started.into_iter().map(|resumed| resumed.run).collect()
    }

    fn look(&self, seen: Seen) -> Account {
        self.queue.account(seen).unwrap_or_else(|| {
            let ended = &self.records[&(Table::Ended, seen.0)];
            serde_json::from_slice::<Ended>(ended).unwrap().account
        })
    }
}

/// Accepts one delivery with one run.
fn offer(kept: &mut Kept, run: Arc<Run>, now: i64) -> Seen {
    let id = run.id.0.to_string();
    let keys = Keys::new("ghcr", &Identity::Id(id), b"", true);
    let Reply::Reserved(seen, writes) = kept.queue.reserve(&keys, &[run], None, at(now)) else {
        panic!("not reserved")
    };
    kept.write(writes);
    let effects = kept.queue.activate(seen, at(now));
    kept.write(effects.writes);
    seen
}

fn started(kept: &mut Kept, now: i64) -> Vec<u64> {
    kept.queue.start_due(at(now)).iter().map(|run| run.id.0).collect()
}

fn outcome(kept: &Kept, seen: Seen) -> Option<Outcome> {
    kept.look(seen).runs[0].outcome
}

#[test]
fn the_newest_of_a_burst_runs_once_it_has_settled() {
    let mut queue = Kept::default();
    let first = offer(&mut queue, run(1, "ghcr.io/acme/web", "a", None), 0);
    let second = offer(&mut queue, run(2, "ghcr.io/acme/web", "b", None), 4_000);
    let other = offer(&mut queue, run(3, "ghcr.io/acme/api", "a", None), 5_000);
    assert_eq!(outcome(&queue, first), Some(Outcome::Superseded));
    assert_eq!(queue.look(first).runs[0].reason, format!("superseded by run {}", RunId(2)));
    assert_eq!(started(&mut queue, 13_999), [] as [u64; 0]);
    assert_eq!(queue.queue.next_due(), Some(at(14_000)));
    assert_eq!(started(&mut queue, 15_000), [2, 3]);
    assert_eq!((outcome(&queue, second), outcome(&queue, other)), (None, None));
    assert_eq!(queue.queue.pending(), 2);
}

#[test]
fn a_stream_of_events_does_not_put_a_run_off_for_ever() {
    let mut queue = Kept::default();
    for i in 0..60 {
        offer(&mut queue, run(i, "ghcr.io/acme/web", "a", None), i64::try_from(i).unwrap() * 1000);
        assert_eq!(started(&mut queue, i64::try_from(i).unwrap() * 1000), [] as [u64; 0]);
    }
    assert_eq!(started(&mut queue, MAX_WAIT), [59]);
}

#[test]
fn a_started_run_finishes_and_the_newest_waits_behind_it() {
    let mut queue = Kept::default();
    let first = run(1, "ghcr.io/acme/web", "a", None);
    let seen = offer(&mut queue, Arc::clone(&first), 0);
    assert_eq!(started(&mut queue, 10_000), [1]);
    let second = offer(&mut queue, run(2, "ghcr.io/acme/web", "b", None), 11_000);
    offer(&mut queue, run(3, "ghcr.io/acme/web", "c", None), 12_000);
    assert_eq!(outcome(&queue, second), Some(Outcome::Superseded));
    assert_eq!(started(&mut queue, 50_000), [] as [u64; 0], "the first still works");
    assert_eq!(queue.queue.next_due(), None, "time alone starts nothing");
    queue.end(&first, Outcome::Succeeded, 51_000);
    assert_eq!(outcome(&queue, seen), Some(Outcome::Succeeded));
    assert_eq!(started(&mut queue, 51_000), [3]);
}

#[test]
fn under_an_ordered_policy_the_highest_tag_stays() {
    let (mut queue, policy) = (Kept::default(), semver());
    let high = offer(&mut queue, run(1, "ghcr.io/acme/web", "1.10.0", Some(&policy)), 0);
    let low = offer(&mut queue, run(2, "ghcr.io/acme/web", "1.9.0", Some(&policy)), 1_000);
    assert_eq!((outcome(&queue, high), outcome(&queue, low)), (None, Some(Outcome::Superseded)));
    assert_eq!(started(&mut queue, 10_500), [] as [u64; 0], "the later event still settles");
    assert_eq!(started(&mut queue, 11_000), [1]);
}

#[test]
fn draining_makes_everything_due_but_keeps_the_order() {
    let mut queue = Kept::default();
    offer(&mut queue, run(1, "ghcr.io/acme/web", "a", None), 0);
    offer(&mut queue, run(2, "ghcr.io/acme/api", "a", None), 1);
    queue.queue.drain(at(2));
    assert_eq!(started(&mut queue, 2), [1, 2]);
}

proptest! {
    /// Whatever comes in whatever order: every run ends, at most one of a lane is under way, and the last
    /// event of a subject (or a higher tag than it) is what is carried out last.
    #[test]
    fn every_run_ends_and_the_last_word_wins(
        events in prop::collection::vec((0u8..3, 0i64..20_000, any::<bool>()), 1..60)
    ) {
        let mut queue = Kept::default();
        let (mut now, mut active): (i64, Vec<Arc<Run>>) = (0, Vec::new());
        let mut all = Vec::new();
        let mut last_done = HashMap::new();
        let mut last_offered = HashMap::new();
        for (id, (subject, pause, finish)) in events.into_iter().enumerate() {
            now += pause;
            let repository = format!("ghcr.io/acme/web{subject}");
            all.push(offer(&mut queue, run(id as u64, &repository, "t", None), now));
            last_offered.insert(repository, id as u64);
            active.extend(queue.queue.start_due(at(now)));
            let lanes: BTreeSet<_> = active.iter().map(|run| run.subject.to_string()).collect();
            prop_assert_eq!(lanes.len(), active.len(), "two runs of one lane are under way");
            if finish && !active.is_empty() {
                let run = active.remove(0);
                last_done.insert(run.subject.to_string(), run.id.0);
                queue.end(&run, Outcome::Succeeded, now);
            }
        }
        while queue.queue.pending() > 0 {
            now += MAX_WAIT;
            active.extend(queue.queue.start_due(at(now)));
            prop_assert!(!active.is_empty(), "something is pending and nothing can start");
            for run in active.drain(..) {
                last_done.insert(run.subject.to_string(), run.id.0);
                queue.end(&run, Outcome::Succeeded, now);
            }
        }
        for seen in all {
            prop_assert!(queue.queue.is_ended(seen));
        }
        for (repository, id) in last_offered {
            let done = last_done.iter().find(|(subject, _)| subject.contains(&repository));
            prop_assert_eq!(done.map(|(_, id)| *id), Some(id));
        }
        prop_assert!(queue.queue.lanes.is_empty() && queue.queue.due.is_empty());
    }
}

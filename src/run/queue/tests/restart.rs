//! What another process makes of the journal's records.

use super::*;
use crate::action::{Change, Target, What};
use crate::run::progress::{Shift, Stage};

#[test]
fn after_a_restart_what_waited_waits_and_what_had_started_goes_on() {
    let mut kept = Kept::default();
    let first = run(1, "ghcr.io/acme/web", "a", None);
    let seen = offer(&mut kept, Arc::clone(&first), 0);
    assert_eq!(started(&mut kept, 10_000), [1]);
    let write = kept.queue.note(RunId(1), |progress| progress.begin_step(Vec::new(), String::new()));
    kept.write(write.into_iter().collect());
    let older = offer(&mut kept, run(2, "ghcr.io/acme/web", "b", None), 11_000);
    let newer = offer(&mut kept, run(3, "ghcr.io/acme/web", "c", None), 12_000);
    offer(&mut kept, run(4, "ghcr.io/acme/api", "a", None), 12_000);
    let resumed = kept.restart(13_000);
    assert_eq!(resumed.iter().map(|run| run.id.0).collect::<Vec<_>>(), [1]);
    assert_eq!(resumed[0].delivery.id, "1");
    assert_eq!(outcome(&kept, older), Some(Outcome::Superseded));
    assert_eq!((outcome(&kept, seen), outcome(&kept, newer)), (None, None));
    // Received at 0 says its delivery, so it has settled.
    assert_eq!(started(&mut kept, 13_000), [4], "the first of the other lane is still under way");
    kept.end(&first, Outcome::Succeeded, 14_000);
    assert_eq!(started(&mut kept, 14_000), [3]);
    assert_eq!(kept.queue.pending(), 2);
}

#[test]
fn after_a_restart_the_same_delivery_is_the_same_and_what_failed_runs_again() {
    let mut kept = Kept::default();
    let keys = |id: u64| Keys::new("ghcr", &Identity::Id(id.to_string()), b"", true);
    for (id, outcome) in [(1, Outcome::Succeeded), (2, Outcome::Failed)] {
        let run = run(id, "ghcr.io/acme/web", "a", None);
        offer(&mut kept, Arc::clone(&run), 0);
        assert_eq!(started(&mut kept, 10_000), [id]);
        kept.end(&run, outcome, 11_000);
    }
    let pending = offer(&mut kept, run(3, "ghcr.io/acme/web", "a", None), 12_000);
    assert!(kept.restart(13_000).is_empty());
    let mut offered = |id| kept.queue.reserve(&keys(id), &[], None, at(13_000));
    assert_eq!(offered(1), Reply::Duplicate(Seen(0), vec![]));
    assert!(matches!(offered(2), Reply::Reserved(Seen(3), _)), "with a number of its own");
    assert_eq!(offered(3), Reply::Duplicate(pending, vec![]));
}

#[test]
fn a_record_that_is_none_of_ours_costs_no_run_and_no_start() {
    let mut kept = Kept::default();
    let run = run(1, "ghcr.io/acme/web", "a", None);
    let seen = offer(&mut kept, Arc::clone(&run), 0);
    let record = kept.records[&(Table::Pending, seen.0)].clone();
    let mut odd: serde_json::Value = serde_json::from_slice(&record).unwrap();
    let runs = odd["runs"].as_array_mut().unwrap();
    runs.push(runs[0].clone());
    kept.records.insert((Table::Pending, seen.0), serde_json::to_vec(&odd).unwrap());
    kept.records.insert((Table::Pending, u64::MAX), record);
    odd["runs"] = serde_json::json!([]);
    kept.records.insert((Table::Pending, 7), serde_json::to_vec(&odd).unwrap());
    kept.restart(1_000);
    assert_eq!(kept.queue.pending(), 1);
    assert_eq!(
        kept.records.keys().collect::<Vec<_>>(),
        [&(Table::Pending, seen.0)],
        "the others are removed"
    );
    assert_eq!(started(&mut kept, 10_000), [1], "it does not take its own place");
    kept.end(&run, Outcome::Succeeded, 11_000);
    assert_eq!(outcome(&kept, seen), Some(Outcome::Succeeded));
    assert_eq!(kept.queue.pending(), 0);
}

/// A process that ends leaves run 1 behind, while run 2 waits.
fn left(tags: [&str; 2], policy: Option<&TagPolicy>, stage: Option<Stage>) -> (Kept, [Seen; 2]) {
    let mut kept = Kept::default();
    let first = run(1, "ghcr.io/acme/web", tags[0], policy);
    let old = offer(&mut kept, Arc::clone(&first), 0);
    assert_eq!(started(&mut kept, 10_000), [1]);
    if let Some(stage) = stage {
        kept.queue.note(RunId(1), |progress| {
            progress.begin_step(vec![Target::Flux], String::new());
            progress.set_stage(0, 0, stage);
        });
    }
    let new = offer(&mut kept, run(2, "ghcr.io/acme/web", tags[1], policy), 11_000);
    kept.queue.drain(at(12_000));
    let effects = kept.queue.leave(&first, at(12_000));
    kept.write(effects.writes);
    (kept, [old, new])
}

#[test]
fn what_is_sent_at_the_end_of_a_process_is_not_undone_by_what_it_left() {
    let (mut kept, [old, new]) = left(["a", "b"], None, None);
    assert_eq!((outcome(&kept, old), outcome(&kept, new)), (Some(Outcome::Superseded), None));
    assert_eq!(started(&mut kept, 12_000), [2]);
    assert!(kept.restart(13_000).is_empty());
    assert_eq!(started(&mut kept, 13_000), [2], "the older one does not have the last word");
}

#[test]
fn what_comes_while_a_process_ends_takes_the_place_of_what_it_left() {
    let mut kept = Kept::default();
    let first = run(1, "ghcr.io/acme/web", "a", None);
    let old = offer(&mut kept, Arc::clone(&first), 0);
    assert_eq!(started(&mut kept, 10_000), [1]);
    kept.queue.drain(at(10_000));
    assert!(kept.queue.leave(&first, at(10_000)).ended.is_empty());
    offer(&mut kept, run(2, "ghcr.io/acme/web", "b", None), 11_000);
    assert_eq!(outcome(&kept, old), Some(Outcome::Superseded));
    assert_eq!(started(&mut kept, 11_000), [2]);
}

#[test]
fn what_is_higher_or_half_done_goes_first_in_the_next_process() {
    let policy = semver();
    let undoing = Stage::Undoing(Change { what: What::Notify, warning: None }, String::new());
    let shifting = Stage::Shifting(Change { what: What::Notify, warning: None }, Shift::to(1));
    for (tags, policy, stage) in [
        (["1.10.0", "1.9.0"], Some(&policy), None),
        (["a", "b"], None, Some(undoing)),
        (["a", "b"], None, Some(shifting)),
    ] {
        let (mut kept, [old, new]) = left(tags, policy, stage);
        assert_eq!((outcome(&kept, old), outcome(&kept, new)), (None, None), "{tags:?}");
        assert_eq!(started(&mut kept, 12_000), [] as [u64; 0]);
        assert_eq!(kept.queue.next_due(), None, "the process can end");
    }
}

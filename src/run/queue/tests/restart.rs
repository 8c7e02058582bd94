//! What another process makes of the journal's records.

use super::*;

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
    let mut offered = |id| kept.queue.reserve(keys(id), vec![], at(13_000));
    assert_eq!(offered(1), Reply::Duplicate(Seen(0), vec![]));
    assert!(matches!(offered(2), Reply::Reserved(Seen(3), _)), "with a number of its own");
    assert_eq!(offered(3), Reply::Duplicate(pending, vec![]));
}

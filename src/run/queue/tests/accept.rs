//! What becomes of a delivery before it is in line.

use super::*;

#[test]
fn what_cannot_be_made_safe_leaves_nothing_behind() {
    let mut queue = Kept::default();
    let keys = || Keys::new("ghcr", &Identity::Id("1".into()), b"", true);
    let Reply::Reserved(seen, _) =
        queue.queue.reserve(&keys(), &[run(1, "ghcr.io/acme/web", "a", None)], None, at(0))
    else {
        panic!()
    };
    assert_eq!(queue.queue.reserve(&keys(), &[], None, at(0)), Reply::Awaits(seen));
    queue.queue.cancel(seen);
    assert_eq!((queue.queue.pending(), queue.queue.account(seen)), (0, None));
    assert!(matches!(queue.queue.reserve(&keys(), &[], None, at(1)), Reply::Reserved(..)));
}

#[test]
fn a_duplicate_is_one_only_of_what_is_safe() {
    let mut queue = Queue::default();
    let keys = || Keys::new("ghcr", &Identity::Id("1".into()), b"", true);
    let offer = |queue: &mut Queue, id, awaited| {
        queue.reserve(&keys(), &[run(id, "ghcr.io/acme/web", "a", None)], awaited, at(0))
    };
    let Reply::Reserved(first, _) = offer(&mut queue, 1, None) else { panic!("not reserved") };
    assert_eq!(offer(&mut queue, 2, None), Reply::Awaits(first));
    queue.cancel(first);
    let Reply::Reserved(second, _) = offer(&mut queue, 2, Some(first)) else { panic!("lost with the first") };
    assert_eq!(offer(&mut queue, 3, None), Reply::Awaits(second));
    queue.activate(second, at(0));
    // Whatever became of it meanwhile: it came before this was known.
    for run in queue.start_due(at(SETTLE)) {
        queue.finish(&run, End::new(Outcome::Failed, ""), at(SETTLE));
    }
    assert_eq!(offer(&mut queue, 3, Some(second)), Reply::Duplicate(second, vec![]));
    assert!(matches!(offer(&mut queue, 4, None), Reply::Reserved(..)));
}

#[test]
fn the_newer_stays_in_whatever_order_they_become_safe() {
    let (mut queue, policy) = (Kept::default(), semver());
    let newer = offer(&mut queue, run(2, "ghcr.io/acme/web", "b", None), 0);
    let older = offer(&mut queue, run(1, "ghcr.io/acme/web", "a", None), 0);
    assert_eq!((outcome(&queue, newer), outcome(&queue, older)), (None, Some(Outcome::Superseded)));
    offer(&mut queue, run(4, "ghcr.io/acme/api", "1.9.0", Some(&policy)), 0);
    offer(&mut queue, run(3, "ghcr.io/acme/api", "1.10.0", Some(&policy)), 0);
    assert_eq!(started(&mut queue, SETTLE), [2, 3], "but for a higher one");
}

#[test]
fn too_much_pending_is_refused() {
    let mut queue = Kept::default();
    for i in 0..PENDING_LIMIT as u64 {
        offer(&mut queue, run(i, &format!("ghcr.io/acme/web{i}"), "a", None), 0);
    }
    let keys = Keys::new("ghcr", &Identity::Unknown, b"", true);
    let more = run(9999, "ghcr.io/acme/more", "a", None);
    assert_eq!(queue.queue.reserve(&keys, &[more], None, at(0)), Reply::Full);
}

#[test]
fn a_run_stands_for_every_push_that_looks_alike_and_came_before_it_began() {
    let action = "{\"restart\": {\"targets\": {\"namespaces\": [\"default\"], \"choice\": \"runningImage\"}, \
                  \"rollout\": {\"within\": null, \"onFailure\": \"keep\"}}}";
    let mut restarts = Arc::unwrap_or_clone(run(1, "quay.io/acme/web", "latest", None));
    restarts.actions = Arc::new([serde_json::from_str(action).unwrap()]);
    let keys = || Keys::new("quay", &Identity::BodyWhilePending, b"latest", true);
    let mut kept = Kept::default();
    let Reply::Reserved(seen, writes) = kept.queue.reserve(&keys(), &[Arc::new(restarts)], None, at(0))
    else {
        panic!("not reserved")
    };
    kept.write(writes);
    kept.queue.activate(seen, at(0));
    let Reply::Duplicate(_, writes) = kept.queue.reserve(&keys(), &[], None, at(5_000)) else {
        panic!("another")
    };
    kept.write(writes);
    kept.restart(6_000);
    assert_eq!(kept.queue.progress(RunId(1)).unwrap().came_again, Some(at(5_000)));
    assert_eq!(started(&mut kept, 10_000), [1]);
}

use serde_json::json;

use super::*;
use crate::action::{Action, Target};
use crate::event::DeployRequest;
use crate::run::progress::Stage;

const DAY: i64 = 86_400_000;

fn request(id: &str, tag: &str, word: Option<&str>) -> DeployRequest {
    DeployRequest {
        environment: "production".into(),
        image: Repository::parse("ghcr.io/acme/web").unwrap(),
        tag: tag.into(),
        digest: None,
        namespace: "default".into(),
        workload: "web".into(),
        id: id.into(),
        commit: String::new(),
        by: String::new(),
        strategy: "rolling".into(),
        auto_promotion: false,
        asked: word.map(|word| ("/confirmation".to_owned(), word.to_owned())).into_iter().collect(),
    }
}

/// A run whose only step waits to be confirmed.
fn confirmed_run(id: u64, tag: &str) -> Arc<Run> {
    let confirm = json!({"confirm": {"within": {"secs": 86400, "nanos": 0}, "field": "/confirmation", "equals": "DEPLOY"}});
    let confirm: Action = serde_json::from_value(confirm).unwrap();
    let event = Event::Deploy(Box::new(request(&id.to_string(), tag, None)));
    let subject = Subject::of(&event).unwrap();
    let lane = Lane::of(&[subject.to_string().as_bytes()]);
    let actions = Arc::from(vec![confirm]);
    Arc::new(Run { event, subject, lane, actions, ..Run::clone(&run(id, "ghcr.io/acme/web", tag, None)) })
}

fn asks(kept: &mut Kept, run: &Run, now: i64) {
    let write = kept.queue.note(run.id, |progress| {
        progress.begin_step(vec![Target::Confirmation], String::new());
        progress.set_stage(0, 0, Stage::Asked(at(now + DAY)));
    });
    kept.write(write.into_iter().collect());
    let effects = kept.queue.rest(run, at(now + DAY), at(now));
    kept.write(effects.writes);
}

/// A run that was started and waits since `now`.
fn waits(kept: &mut Kept, id: u64, tag: &str, now: i64) -> Seen {
    let run = confirmed_run(id, tag);
    let seen = offer(kept, Arc::clone(&run), now - SETTLE);
    assert_eq!(started(kept, now), [id]);
    asks(kept, &run, now);
    seen
}

fn confirm(kept: &mut Kept, id: &str, tag: &str, word: &str, now: i64) -> Option<Seen> {
    let keys = Keys::new("ghcr", &Identity::Id(id.into()), b"", true);
    let confirmed = kept.queue.confirm(&keys, "ghcr", &request(id, tag, Some(word)), id, at(now))?;
    kept.write(confirmed.writes);
    Some(confirmed.seen)
}

#[test]
fn a_run_that_waits_is_at_work_again_when_it_is_confirmed_or_its_time_is_up() {
    let mut kept = Kept::default();
    let seen = waits(&mut kept, 1, "a", SETTLE);
    assert_eq!(started(&mut kept, DAY), [] as [u64; 0]);
    assert_eq!(kept.queue.next_due(), Some(at(SETTLE + DAY)));
    assert_eq!(confirm(&mut kept, "c", "a", "no", SETTLE + 1), None);
    assert_eq!(confirm(&mut kept, "c", "b", "DEPLOY", SETTLE + 1), None, "another image");
    assert_eq!(confirm(&mut kept, "c", "a", "DEPLOY", SETTLE + 2), Some(seen));
    assert_eq!(started(&mut kept, SETTLE + 2), [1]);
    assert_eq!(started(&mut kept, 2 * DAY), [] as [u64; 0], "once");

    let mut late = Kept::default();
    waits(&mut late, 1, "a", SETTLE);
    assert_eq!(confirm(&mut late, "c", "a", "DEPLOY", SETTLE + DAY), None, "its time is up");
    assert_eq!(started(&mut late, SETTLE + DAY), [1]);
}

#[test]
fn a_newer_run_takes_the_place_of_one_that_waits_but_not_of_one_that_is_confirmed() {
    let mut kept = Kept::default();
    let first = waits(&mut kept, 1, "a", SETTLE);
    let second = offer(&mut kept, confirmed_run(2, "b"), 2 * SETTLE);
    assert_eq!((outcome(&kept, first), outcome(&kept, second)), (Some(Outcome::Superseded), None));
    assert_eq!(started(&mut kept, 3 * SETTLE), [2], "and nothing of the first is left behind");
    asks(&mut kept, &confirmed_run(2, "b"), 3 * SETTLE);

    assert_eq!(confirm(&mut kept, "c", "b", "DEPLOY", 3 * SETTLE), Some(second));
    let third = offer(&mut kept, confirmed_run(3, "c"), 3 * SETTLE);
    assert_eq!((outcome(&kept, second), outcome(&kept, third)), (None, None));
    assert_eq!(started(&mut kept, 9 * SETTLE), [2], "the third waits behind it");
    kept.end(&confirmed_run(2, "b"), Outcome::Succeeded, 9 * SETTLE);
    assert_eq!(started(&mut kept, 9 * SETTLE), [3]);
}

#[test]
fn one_that_came_before_the_wait_began_takes_its_place_then() {
    let mut kept = Kept::default();
    let first = offer(&mut kept, confirmed_run(1, "a"), 0);
    assert_eq!(started(&mut kept, SETTLE), [1]);
    offer(&mut kept, confirmed_run(2, "b"), SETTLE);
    assert_eq!(outcome(&kept, first), None);
    asks(&mut kept, &confirmed_run(1, "a"), SETTLE + 1);
    assert_eq!(outcome(&kept, first), Some(Outcome::Superseded));
    assert_eq!(started(&mut kept, 3 * SETTLE), [2]);
}

#[test]
fn a_confirmation_that_comes_before_the_run_rests_is_not_lost() {
    let mut kept = Kept::default();
    let run = confirmed_run(1, "a");
    let seen = offer(&mut kept, Arc::clone(&run), 0);
    assert_eq!(started(&mut kept, SETTLE), [1]);
    let write = kept.queue.note(run.id, |progress| {
        progress.begin_step(vec![Target::Confirmation], String::new());
        progress.set_stage(0, 0, Stage::Asked(at(DAY)));
    });
    kept.write(write.into_iter().collect());
    assert_eq!(confirm(&mut kept, "c", "a", "DEPLOY", SETTLE), Some(seen));
    kept.queue.rest(&run, at(DAY), at(SETTLE));
    assert_eq!(started(&mut kept, SETTLE), [1]);
}

#[test]
fn who_confirmed_is_known_after_a_restart_and_after_the_end() {
    let mut kept = Kept::default();
    let seen = waits(&mut kept, 1, "a", SETTLE);
    assert_eq!(kept.restart(SETTLE).len(), 1, "it goes on waiting");
    assert_eq!(confirm(&mut kept, "c", "a", "DEPLOY", SETTLE), Some(seen));
    assert_eq!(kept.restart(SETTLE).len(), 1);
    assert_eq!(kept.queue.progress(RunId(1)).unwrap().asked(), None, "it is confirmed");
    assert_eq!(confirm(&mut kept, "c", "a", "DEPLOY", SETTLE), Some(seen));
    kept.end(&confirmed_run(1, "a"), Outcome::Succeeded, SETTLE);
    kept.restart(SETTLE);
    assert_eq!(confirm(&mut kept, "c", "a", "DEPLOY", SETTLE), Some(seen));
    assert_eq!(confirm(&mut kept, "d", "a", "DEPLOY", SETTLE), None, "nothing waits: a request of its own");
}

#[test]
fn a_delivery_of_its_own_confirms_no_other() {
    let mut kept = Kept::default();
    // It came when nothing waited, and was carried out for itself.
    let own = run(7, "ghcr.io/acme/other", "x", None);
    offer(&mut kept, own, 0);
    assert_eq!(started(&mut kept, SETTLE), [7]);
    waits(&mut kept, 1, "a", 2 * SETTLE);
    assert_eq!(confirm(&mut kept, "7", "a", "DEPLOY", 2 * SETTLE), None);
}

#[test]
fn the_end_of_the_process_looks_at_all_that_wait() {
    let mut kept = Kept::default();
    waits(&mut kept, 1, "a", SETTLE);
    kept.queue.drain(at(SETTLE));
    assert_eq!(started(&mut kept, SETTLE), [1]);
    // It may come to rest after that.
    kept.queue.rest(&confirmed_run(1, "a"), at(DAY), at(SETTLE));
    assert_eq!(started(&mut kept, SETTLE), [1]);
}

#[test]
fn what_waits_for_a_person_is_not_what_has_been_pending_for_too_long() {
    let mut kept = Kept::default();
    assert_eq!(kept.queue.oldest_pending(), None);
    let run = confirmed_run(1, "1.0.0");
    let received = run.delivery.received;
    offer(&mut kept, Arc::clone(&run), 0);
    assert_eq!(kept.queue.oldest_pending(), Some(received));
    started(&mut kept, SETTLE);
    asks(&mut kept, &run, SETTLE);
    assert_eq!((kept.queue.pending(), kept.queue.oldest_pending()), (1, None));
}

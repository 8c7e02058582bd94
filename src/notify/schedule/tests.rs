use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

fn due_at(seconds: i64) -> Waiting {
    Waiting { first: at(seconds), next: at(seconds), attempts: 0 }
}

fn failure(fault: Fault) -> Failure {
    Failure { fault, after: None, why: "down".into() }
}

/// A schedule with notices 1, 2, … of each target, due at second 0, 1, …
fn schedule(targets: &[(&str, u64)]) -> Schedule {
    let mut schedule = Schedule::default();
    for (target, number) in targets {
        for key in 1..=*number {
            assert_eq!(schedule.add(target, key, due_at(i64::try_from(key).unwrap() - 1)), None);
        }
    }
    schedule
}

fn started(schedule: &mut Schedule, seconds: i64) -> Vec<(String, u64)> {
    schedule.start_due(at(seconds))
}

fn own(pairs: &[(&str, u64)]) -> Vec<(String, u64)> {
    pairs.iter().map(|(target, key)| ((*target).to_owned(), *key)).collect()
}

#[test]
fn each_target_gets_its_notices_one_after_another_in_order() {
    let mut schedule = schedule(&[("a", 2), ("b", 2)]);
    assert_eq!(schedule.next_due(), Some(at(0)));
    assert_eq!(started(&mut schedule, 100), own(&[("a", 1), ("b", 1)]));
    assert_eq!(started(&mut schedule, 100), own(&[]), "one of each at a time");
    assert!(!schedule.delivered("b", 1));
    assert_eq!(started(&mut schedule, 100), own(&[("b", 2)]), "a slow one delays no other");
    schedule.delivered("b", 2);
    schedule.delivered("a", 1);
    assert_eq!(started(&mut schedule, 100), own(&[("a", 2)]));
    schedule.delivered("a", 2);
    assert_eq!((schedule.len(), schedule.lanes.len(), schedule.next_due()), (0, 0, None));
}

#[test]
fn a_target_that_is_away_is_left_alone_for_growing_pauses_and_nothing_loses_its_turn() {
    let mut schedule = schedule(&[("a", 2)]);
    let mut now = at(10);
    let mut pauses = Vec::new();
    for _ in 0..14 {
        assert_eq!(schedule.start_due(now), own(&[("a", 1)]));
        let failed = schedule.failed("a", 1, &failure(Fault::Away), now);
        assert_eq!(failed, Failed { is_first: pauses.is_empty(), ..Failed::default() });
        let next = schedule.next_due().unwrap();
        assert!(schedule.start_due(next - SignedDuration::from_millis(1)).is_empty());
        pauses.push(next.duration_since(now).as_secs_f64());
        now = next;
    }
    assert!(pauses[0] < 1.0 && pauses[13] > 200.0 && pauses[13] < 400.0, "{pauses:?}");
    assert_eq!(schedule.start_due(now), own(&[("a", 1)]));
    assert!(schedule.delivered("a", 1), "it is told that the target is back");
    assert_eq!(schedule.start_due(now), own(&[("a", 2)]), "the second one at once");
}

#[test]
fn retry_after_is_heeded() {
    let mut schedule = schedule(&[("a", 1)]);
    started(&mut schedule, 10);
    let asked = Failure { after: Some(Duration::from_secs(120)), ..failure(Fault::Away) };
    schedule.failed("a", 1, &asked, at(10));
    assert_eq!(schedule.next_due(), Some(at(130)));
}

#[test]
fn a_notice_that_the_target_answers_with_an_error_does_not_stand_in_the_way() {
    for (fault, least) in [(Fault::Refused, 40.0), (Fault::Broken, 20.0)] {
        let mut schedule = schedule(&[("a", 2)]);
        started(&mut schedule, 10);
        let waits = schedule.failed("a", 1, &failure(fault), at(10)).waits.unwrap();
        assert_eq!((waits.first, waits.attempts), (at(0), 1));
        assert!(waits.next.duration_since(at(10)).as_secs_f64() > least, "{waits:?}");
        let next = schedule.next_due().unwrap();
        assert!(next < at(12), "the target itself is tried again soon: {next}");
        assert_eq!(schedule.start_due(next), own(&[("a", 2)]));
        schedule.delivered("a", 2);
        assert_eq!(schedule.next_due(), Some(waits.next));
    }
}

#[test]
fn a_notice_is_given_up_after_a_day_of_tries() {
    let day = 24 * 3600;
    let mut schedule = schedule(&[("a", 3)]);
    started(&mut schedule, day - 1);
    assert!(schedule.failed("a", 1, &failure(Fault::Away), at(day - 1)).given_up.is_empty());
    assert_eq!(started(&mut schedule, day + 1), own(&[("a", 1)]));
    let failed = schedule.failed("a", 1, &failure(Fault::Away), at(day + 1));
    assert_eq!(failed.given_up, [1, 2], "those that waited as long go with it, the third is younger");
    assert_eq!(schedule.len(), 1);
}

#[test]
fn one_that_is_refused_for_a_day_goes_alone() {
    let day = 24 * 3600;
    let mut schedule = schedule(&[("a", 2)]);
    started(&mut schedule, day + 1);
    let failed = schedule.failed("a", 1, &failure(Fault::Refused), at(day + 1));
    assert_eq!(failed, Failed { is_first: true, waits: None, given_up: vec![1] });
    assert_eq!(schedule.len(), 1);
}

#[test]
fn of_too_many_the_oldest_goes_and_it_is_told_once() {
    let most = u64::try_from(MOST).unwrap();
    let mut schedule = schedule(&[("a", most), ("b", 1)]);
    assert_eq!(started(&mut schedule, 0), own(&[("a", 1), ("b", 1)]));
    let mut add = |key| schedule.add("a", key, due_at(0));
    assert_eq!(add(most + 1), Some(Dropped { key: 2, is_first: true }), "not the one that is under way");
    assert_eq!(add(most + 2), Some(Dropped { key: 3, is_first: false }));
    assert_eq!(schedule.len(), MOST + 1);
    schedule.delivered("a", 1);
    assert_eq!(schedule.add("a", most + 3, due_at(0)), None);
    assert_eq!(schedule.add("a", most + 4, due_at(0)), Some(Dropped { key: 4, is_first: true }));
}

#[test]
fn few_are_under_way_and_those_that_are_well_come_first() {
    let names: Vec<_> = (0..UNDER_WAY).map(|n| format!("dead-{n:02}")).collect();
    let dead: Vec<_> = names.iter().map(|name| (name.as_str(), 1)).collect();
    let mut schedule = schedule(&dead);
    assert_eq!(started(&mut schedule, 0).len(), UNDER_WAY);
    for name in &names {
        schedule.failed(name, 1, &failure(Fault::Away), at(0));
    }
    for name in ["x", "y"] {
        schedule.add(name, 1, due_at(50));
    }
    let started = started(&mut schedule, 100);
    assert_eq!((started.len(), &started[..2]), (UNDER_WAY, &own(&[("x", 1), ("y", 1)])[..]));
    assert_eq!(schedule.next_due(), None, "the end of one comes first");
}

#[test]
fn who_is_not_configured_any_more_is_told_nothing_more() {
    let mut schedule = schedule(&[("a", 3), ("b", 1)]);
    started(&mut schedule, 0);
    assert_eq!(schedule.forget_unknown(|name| name == "b"), [("a".to_owned(), vec![2, 3])]);
    schedule.failed("a", 1, &failure(Fault::Away), at(1));
    assert_eq!(schedule.forget_unknown(|name| name == "b"), [("a".to_owned(), vec![1])]);
    assert_eq!((schedule.len(), schedule.forget_unknown(|name| name == "b").len()), (1, 0));
}

#[test]
fn at_the_end_everything_is_tried_once_more() {
    let mut schedule = schedule(&[("a", 2), ("b", 2)]);
    started(&mut schedule, 10);
    schedule.failed("a", 1, &failure(Fault::Refused), at(10));
    schedule.close();
    assert_eq!(started(&mut schedule, 10), own(&[("a", 1)]));
    schedule.failed("a", 1, &failure(Fault::Away), at(10));
    assert!(started(&mut schedule, 10_000).is_empty(), "a failed once, b's first is still under way");
    schedule.delivered("b", 1);
    assert_eq!(started(&mut schedule, 10), own(&[("b", 2)]));
    schedule.delivered("b", 2);
    assert_eq!((schedule.len(), schedule.next_due()), (2, None));
}

/// What may happen to a schedule of three targets.
#[derive(Clone, Debug)]
enum Happens {
    Added(usize),
    Started,
    Delivered(usize),
    Failed(usize, Fault),
    Passed(i64),
}

fn happens() -> impl Strategy<Value = Happens> {
    let fault = prop_oneof![Just(Fault::Away), Just(Fault::Broken), Just(Fault::Refused)];
    prop_oneof![
        4 => (0..3usize).prop_map(Happens::Added),
        4 => Just(Happens::Started),
        2 => any::<usize>().prop_map(Happens::Delivered),
        4 => (any::<usize>(), fault).prop_map(|(which, fault)| Happens::Failed(which, fault)),
        2 => (0..40_000i64).prop_map(Happens::Passed),
    ]
}

proptest! {
    /// Whatever happens, a notice is waiting, under way, delivered or given up, and only one of these; each target
    /// has at most one under way; and once targets take what they are told, all that is left gets there.
    #[test]
    fn nothing_is_lost_and_nothing_is_sent_twice_at_once(story in vec(happens(), 0..200)) {
        const TARGETS: [&str; 3] = ["a", "b", "c"];
        let (mut schedule, mut now, mut added) = (Schedule::default(), 0, 0u64);
        let (mut under_way, mut done) = (Vec::<(String, u64)>::new(), BTreeSet::new());
        for happens in story {
            match happens {
                Happens::Added(target) => {
                    added += 1;
                    schedule.add(TARGETS[target], added, due_at(now));
                }
                Happens::Started => under_way.extend(schedule.start_due(at(now))),
                Happens::Passed(seconds) => now += seconds,
                Happens::Delivered(which) if !under_way.is_empty() => {
                    let (target, key) = under_way.swap_remove(which % under_way.len());
                    schedule.delivered(&target, key);
                    prop_assert!(done.insert(key), "{key} was done before");
                }
                Happens::Failed(which, fault) if !under_way.is_empty() => {
                    let (target, key) = under_way.swap_remove(which % under_way.len());
                    for key in schedule.failed(&target, key, &failure(fault), at(now)).given_up {
                        prop_assert!(done.insert(key), "{key} was done before");
                    }
                }
                Happens::Delivered(_) | Happens::Failed(..) => {}
            }
            let lanes: BTreeSet<_> = under_way.iter().map(|(target, _)| target).collect();
            prop_assert_eq!(lanes.len(), under_way.len(), "one of each target: {:?}", &under_way);
            prop_assert!(under_way.iter().all(|(_, key)| !done.contains(key)));
            prop_assert_eq!(schedule.len() + done.len(), usize::try_from(added).unwrap());
        }
        while schedule.len() > 0 {
            under_way.extend(schedule.start_due(at(now)));
            now += 3600;
            for (target, key) in under_way.drain(..) {
                schedule.delivered(&target, key);
                prop_assert!(done.insert(key), "{key} was done before");
            }
        }
        prop_assert_eq!(done.len(), usize::try_from(added).unwrap());
    }
}

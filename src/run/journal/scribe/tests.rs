use std::collections::BTreeMap;

use tokio::sync::oneshot;

use super::super::faulty::{Fault, Faulty};
use super::super::{Table, Write};
use super::*;

pub(super) type Records = BTreeMap<(Table, u64), Vec<u8>>;

/// What is on a disk that works.
pub(super) fn contents(scribe: &Scribe<Faulty>) -> Result<Records, Failure> {
    let mut records = Records::new();
    let State::Working(store) = &scribe.state else { return Ok(records) };
    store.each(&mut |table, key, value| drop(records.insert((table, key), value.to_vec())))?;
    Ok(records)
}

pub(super) fn scribe(disk: &Faulty) -> Scribe<Faulty> {
    let store = Store::open(disk.clone().open().unwrap()).unwrap();
    Scribe::new(disk.clone(), store, Trouble::default(), Usher::default())
}

/// Whether it was accepted.
fn accept(scribe: &mut Scribe<Faulty>, key: u64, length: usize) -> bool {
    let (answer, mut answered) = oneshot::channel();
    let writes = vec![Write { table: Table::Pending, key, value: Some(vec![1; length]) }];
    scribe.change(&mut vec![Change::Accept { writes, answer }]);
    answered.try_recv().unwrap().is_ok()
}

#[test]
fn a_disk_is_not_back_before_there_is_room_for_a_delivery() {
    let disk = Faulty::default();
    let mut scribe = scribe(&disk);
    disk.fail(Fault::NoRoom, 0);
    let accepted = (0..10_000).take_while(|key| accept(&mut scribe, *key, 20_000)).count();
    assert!((1..10_000).contains(&accepted));

    // It can be opened again, and written: there is no room for anything large.
    scribe.recover();
    assert!(matches!(scribe.state, State::Failed { .. }));

    disk.heal();
    scribe.recover();
    assert_eq!(contents(&scribe).unwrap().len(), accepted);
    assert!(accept(&mut scribe, 1_000_000, 20_000));
}

#[test]
fn a_disk_is_not_back_for_one_more_delivery() {
    let disk = Faulty::default();
    let mut scribe = scribe(&disk);
    disk.fail(Fault::NoRoom, 0);
    let accepted = (0..100_000).take_while(|key| accept(&mut scribe, *key, 500)).count();
    assert!((1..100_000).contains(&accepted));

    // What the failed commit took is free again, and would be enough for another one.
    for _ in 0..10 {
        scribe.recover();
        assert!(matches!(scribe.state, State::Failed { .. }));
    }
}

#[test]
fn a_failure_soon_after_another_is_news_when_it_lasts() {
    let said = |scribe: &Scribe<Faulty>| match scribe.state {
        State::Failed { said, .. } => said,
        State::Working(_) => panic!("it works"),
    };
    let disk = Faulty::default();
    let mut scribe = scribe(&disk);
    disk.fail(Fault::Full, 0);
    assert!(!accept(&mut scribe, 1, 1));
    assert!(said(&scribe));
    disk.heal();
    scribe.recover();

    disk.fail(Fault::Full, 0);
    assert!(!accept(&mut scribe, 1, 1));
    assert!(!said(&scribe));
    assert!(scribe.pause > 2 * FIRST_PAUSE, "{:?}", scribe.pause);
    scribe.recover();
    assert!(said(&scribe));
    for _ in 0..20 {
        scribe.recover();
    }
    assert_eq!(scribe.pause, LONGEST_PAUSE);
}

#[test]
fn what_is_damaged_while_it_runs_is_set_aside_when_it_stays_so() {
    let disk = Faulty::default();
    let mut scribe = scribe(&disk);
    // The database falls back to the last commit but one, so there must be two.
    assert!(accept(&mut scribe, 1, 10_000) && accept(&mut scribe, 2, 10_000));
    disk.fail(Fault::Full, 0);
    assert!(!accept(&mut scribe, 3, 10_000));
    let (landed, mut landing) = oneshot::channel();
    let writes = vec![Write { table: Table::Ended, key: 1, value: Some(vec![1]) }];
    scribe.change(&mut vec![Change::Write { writes, landed }]);

    disk.heal();
    disk.spoil();
    for _ in 1..SURELY {
        scribe.recover();
        assert!(matches!(scribe.state, State::Failed { .. }));
        assert!(disk.set_aside().is_empty());
    }
    scribe.recover();

    assert_eq!(disk.set_aside().len(), 1);
    assert_eq!(landing.try_recv(), Ok(()));
    assert_eq!(contents(&scribe).unwrap(), Records::from([((Table::Ended, 1), vec![1])]));
}

#[test]
fn what_waits_shares_a_commit() {
    let commit_of = |count: u64| {
        let disk = Faulty::default();
        let store = Store::open(disk.clone().open().unwrap()).unwrap();
        let inbox = Arc::default();
        let reader = Reader::of(&inbox);
        let answers: Vec<_> = (0..count)
            .map(|key| {
                let (answer, answered) = oneshot::channel();
                let writes = vec![Write { table: Table::Pending, key, value: Some(vec![1; 100]) }];
                inbox.put(Request::Change(Change::Accept { writes, answer }));
                answered
            })
            .collect();
        let (answer, _) = oneshot::channel();
        inbox.put(Request::Close { answer });
        let before = disk.syncs();
        Scribe::new(disk.clone(), store, Trouble::default(), Usher::default()).work(&reader);
        assert!(answers.into_iter().all(|mut answered| answered.try_recv().unwrap().is_ok()));
        disk.syncs() - before
    };

    assert_eq!(commit_of(100), commit_of(1));
}

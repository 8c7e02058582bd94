use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::timeout;

use super::super::disk::Place as _;
use super::super::faulty::{Fault, Faulty};
use super::*;

fn start(disk: &Faulty) -> Durable {
    let store = Store::open(disk.clone().open().unwrap()).unwrap();
    Durable::start(disk.clone(), store).unwrap()
}

fn record(table: Table, key: u64, value: &str) -> Write {
    Write { table, key, value: Some(value.as_bytes().to_vec()) }
}

/// What is on the disk, read by a successor.
fn on(disk: &Faulty) -> Vec<(Table, u64, String)> {
    let store = Store::open(disk.clone().open().unwrap()).unwrap();
    let mut records = Vec::new();
    let each = &mut |table, key, value: &[u8]| {
        records.push((table, key, String::from_utf8(value.to_vec()).unwrap()));
    };
    store.each(each).unwrap();
    records
}

async fn until_it_works(journal: &Durable) {
    let start = Instant::now();
    while journal.trouble().is_some() {
        assert!(start.elapsed() < Duration::from_secs(30), "{:?}", journal.trouble());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn landed(landing: oneshot::Receiver<()>) {
    timeout(Duration::from_secs(30), landing).await.unwrap().unwrap();
}

#[tokio::test]
async fn what_is_accepted_survives_a_power_failure() {
    let disk = Faulty::default();
    let journal = start(&disk);
    journal.accept(vec![record(Table::Pending, 1, "one"), record(Table::Progress, 10, "ten")]).await.unwrap();

    let after = disk.after_power_failure(|| false);

    assert_eq!(on(&after), [(Table::Pending, 1, "one".into()), (Table::Progress, 10, "ten".into())]);
}

#[tokio::test]
async fn many_are_accepted_at_once() {
    let disk = Faulty::default();
    let journal = Arc::new(start(&disk));

    let mut accepts = JoinSet::new();
    for key in 0..200 {
        let journal = Arc::clone(&journal);
        accepts.spawn(async move { journal.accept(vec![record(Table::Pending, key, "run")]).await });
    }
    let all: Vec<_> = (200..400).map(|key| journal.write(vec![record(Table::Ended, key, "end")])).collect();
    assert!(accepts.join_all().await.iter().all(Result::is_ok));
    for landing in all {
        landed(landing).await;
    }

    assert_eq!(on(&disk.after_power_failure(|| false)).len(), 400);
}

#[tokio::test]
async fn deliveries_that_are_there_together_share_a_commit() {
    let disk = Faulty::default();
    let journal = Arc::new(start(&disk));
    let syncs_of = async |keys: std::ops::Range<u64>| {
        let before = disk.syncs();
        let mut accepts = JoinSet::new();
        for key in keys {
            let journal = Arc::clone(&journal);
            accepts.spawn(async move { journal.accept(vec![record(Table::Pending, key, "run")]).await });
        }
        assert!(accepts.join_all().await.iter().all(Result::is_ok));
        disk.syncs() - before
    };

    syncs_of(0..1).await;
    assert_eq!(syncs_of(1..2).await, syncs_of(2..60).await);
}

#[tokio::test]
async fn what_may_wait_lands_with_the_next_delivery_or_by_itself() {
    let disk = Faulty::default();
    let journal = start(&disk);
    journal.accept(vec![record(Table::Pending, 1, "one")]).await.unwrap();

    journal.write_later(vec![record(Table::Ended, 1, "end")]);
    journal.accept(vec![record(Table::Pending, 2, "two")]).await.unwrap();
    let after = disk.after_power_failure(|| false);
    assert_eq!(
        on(&after),
        [
            (Table::Pending, 1, "one".into()),
            (Table::Pending, 2, "two".into()),
            (Table::Ended, 1, "end".into())
        ]
    );

    journal.write_later(vec![record(Table::Ended, 2, "end")]);
    let start = Instant::now();
    while on(&disk.after_power_failure(|| false)).len() < 4 {
        assert!(start.elapsed() < Duration::from_secs(30), "it never landed");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }

    journal.write_later(vec![record(Table::Ended, 3, "end")]);
    assert_eq!(journal.read(Table::Ended, 3).await.unwrap().as_deref(), Some(&b"end"[..]));
    journal.write_later(vec![record(Table::Ended, 4, "end")]);
    journal.close().await;
    assert_eq!(on(&disk).len(), 6);
}

#[tokio::test]
async fn who_stops_waiting_keeps_nobody_from_being_told() {
    let disk = Faulty::default();
    let journal = Arc::new(start(&disk));
    for round in 0..50 {
        let mut accepts: Vec<_> = (0..8)
            .map(|number| {
                let journal = Arc::clone(&journal);
                let writes = vec![record(Table::Pending, round * 8 + number, "run")];
                tokio::spawn(async move { journal.accept(writes).await })
            })
            .collect();
        tokio::task::yield_now().await;
        accepts.drain(..3).for_each(|accept| accept.abort());
        for accept in accepts {
            timeout(Duration::from_secs(30), accept).await.unwrap().unwrap().unwrap();
        }
    }
    drop(journal.write(Vec::new()));
    assert_eq!(journal.newest(Table::Pending, None, 1000).await.unwrap().len(), 400);
}

#[test]
fn another_runtime_is_told_too() {
    let journal = Arc::new(start(&Faulty::default()));
    for round in 0..3 {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut accepts = JoinSet::new();
            for key in round * 20..round * 20 + 20 {
                let journal = Arc::clone(&journal);
                accepts.spawn(async move { journal.accept(vec![record(Table::Pending, key, "run")]).await });
            }
            let all = timeout(Duration::from_secs(30), accepts.join_all()).await.unwrap();
            assert!(all.iter().all(Result::is_ok));
        });
    }
}

#[tokio::test]
async fn questions_see_what_was_written_before_them() {
    let journal = start(&Faulty::default());
    for key in 0..10 {
        drop(journal.write(vec![record(Table::Ended, key, &key.to_string())]));
    }
    drop(
        journal.write(vec![
            Write { table: Table::Ended, key: 9, value: None },
            record(Table::Ended, 8, "eight"),
        ]),
    );

    assert_eq!(journal.read(Table::Ended, 8).await.unwrap().as_deref(), Some(&b"eight"[..]));
    assert_eq!(journal.read(Table::Ended, 9).await.unwrap(), None);
    assert_eq!(journal.read(Table::Holds, 8).await.unwrap(), None);
    let newest = journal.newest(Table::Ended, None, 2).await.unwrap();
    assert_eq!(newest, [(8, b"eight".to_vec()), (7, b"7".to_vec())]);
    let older = journal.newest(Table::Ended, Some(7), 100).await.unwrap();
    assert_eq!(older.iter().map(|(key, _)| *key).collect::<Vec<_>>(), [6, 5, 4, 3, 2, 1, 0]);
    assert_eq!(journal.newest(Table::Notices, None, 5).await.unwrap(), []);
}

#[tokio::test]
async fn a_disk_that_is_full_refuses_and_takes_the_rest_when_there_is_room() {
    let disk = Faulty::default();
    let journal = start(&disk);
    journal.accept(vec![record(Table::Pending, 1, "before")]).await.unwrap();
    disk.fail(Fault::Full, 0);

    let refused = journal.accept(vec![record(Table::Pending, 2, "refused")]).await.unwrap_err();
    assert!(refused.to_string().contains("no storage space"), "{refused}");
    assert_eq!(journal.trouble(), Some(refused.to_string()));
    let landing = journal.write(vec![record(Table::Progress, 1, "step 1")]);
    let landing_too = journal.write(vec![record(Table::Progress, 1, "step 2")]);
    journal.accept(vec![record(Table::Pending, 3, "refused too")]).await.unwrap_err();
    assert_eq!(journal.read(Table::Progress, 1).await.unwrap().as_deref(), Some(&b"step 2"[..]));
    journal.read(Table::Pending, 1).await.unwrap_err();
    journal.newest(Table::Pending, None, 1).await.unwrap_err();

    disk.heal();
    landed(landing).await;
    landed(landing_too).await;
    until_it_works(&journal).await;
    journal.accept(vec![record(Table::Pending, 4, "after")]).await.unwrap();

    let records = on(&disk.after_power_failure(|| false));
    let expected =
        [(Table::Pending, 1, "before"), (Table::Pending, 4, "after"), (Table::Progress, 1, "step 2")];
    assert_eq!(records, expected.map(|(table, key, value)| (table, key, value.to_owned())));
}

#[tokio::test]
async fn what_was_refused_is_undone_though_it_reached_the_disk() {
    let disk = Faulty::default();
    let journal = start(&disk);
    journal.accept(vec![record(Table::Holds, 1, "held")]).await.unwrap();
    disk.fail(Fault::Sync, 0);

    let refused =
        vec![record(Table::Pending, 2, "refused"), Write { table: Table::Holds, key: 1, value: None }];
    journal.accept(refused).await.unwrap_err();
    // A crash now would find it.
    assert!(on(&disk.after_power_failure(|| true)).len() <= 2);
    disk.heal();
    until_it_works(&journal).await;

    assert_eq!(journal.read(Table::Pending, 2).await.unwrap(), None);
    assert_eq!(on(&disk.after_power_failure(|| false)), [(Table::Holds, 1, "held".into())]);
}

#[tokio::test]
async fn a_panic_in_the_database_is_a_failure_like_others() {
    let disk = Faulty::default();
    let journal = start(&disk);
    disk.fail(Fault::Panic, 2);

    let refused = journal.accept(vec![record(Table::Pending, 1, "refused")]).await.unwrap_err();
    assert!(refused.to_string().contains("panicked"), "{refused}");
    let landing = journal.write(vec![record(Table::Ended, 1, "written")]);
    disk.heal();
    landed(landing).await;
    until_it_works(&journal).await;

    assert_eq!(journal.read(Table::Ended, 1).await.unwrap().as_deref(), Some(&b"written"[..]));
    assert!(disk.set_aside().is_empty());
}

#[tokio::test]
async fn closing_writes_what_waits_and_lets_go() {
    let disk = Faulty::default();
    let journal = start(&disk);
    for key in 0..100 {
        drop(journal.write(vec![record(Table::Ended, key, "end")]));
    }
    journal.close().await;

    assert_eq!(on(&disk).len(), 100);
    let error = journal.accept(vec![record(Table::Pending, 1, "late")]).await.unwrap_err();
    assert_eq!(error.to_string(), "the journal cannot be used: it is closed");
    assert_eq!(journal.trouble(), Some(error.to_string()));
    journal.close().await;
}

#[tokio::test]
async fn dropping_writes_what_waits_too() {
    let disk = Faulty::default();
    let journal = start(&disk);
    drop(journal.write(vec![record(Table::Ended, 1, "end")]));
    drop(journal);

    assert_eq!(on(&disk), [(Table::Ended, 1, "end".into())]);
}

#[tokio::test]
async fn closing_does_not_wait_for_a_disk_that_fails_but_tries_it_once_more() {
    let disk = Faulty::default();
    let journal = start(&disk);
    disk.fail(Fault::Full, 0);
    drop(journal.write(vec![record(Table::Ended, 1, "lost")]));
    timeout(Duration::from_secs(30), journal.close()).await.unwrap();
    disk.heal();
    assert_eq!(on(&disk), []);

    let journal = start(&disk);
    disk.fail(Fault::Sync, 0);
    let landing = journal.write(vec![record(Table::Ended, 1, "saved")]);
    while journal.trouble().is_none() {
        tokio::task::yield_now().await;
    }
    disk.heal();
    journal.close().await;
    landed(landing).await;
    assert_eq!(on(&disk), [(Table::Ended, 1, "saved".into())]);
}

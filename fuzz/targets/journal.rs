//! The journal's records, one in each line: `TABLE NUMBER JSON`. A process starts with them, goes on with its runs
//! to their ends, and another one starts with what that left.

use std::collections::BTreeMap;
use std::sync::Arc;

use boathook::notify::{Format, Notice, Outbox};
use boathook::run::account::Account;
use boathook::run::holds::Hold;
use boathook::run::journal::{Journal, Table, Write};
use boathook::run::outcome::{End, Outcome};
use boathook::run::progress::Progress;
use boathook::run::queue::{Queue, Restored};
use boathook::run::record::{Origin, Run};
use boathook::run::sameness::Keys;
use jiff::SignedDuration;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::line;
use super::request::now;

type Records = BTreeMap<(Table, u64), Vec<u8>>;

pub(crate) fn run(mut data: &[u8]) {
    let mut records = Records::new();
    while !data.is_empty() && records.len() < 64 {
        let (record, rest) = line(data);
        data = rest;
        let (table, number, bytes) = parts(record);
        round_trips(table, bytes);
        records.insert((table, number), bytes.to_vec());
    }
    let outbox = Outbox::new(Arc::new(Journal::in_memory()));
    for ((table, number), bytes) in &records {
        if *table == Table::Notices {
            outbox.restore(*number, bytes);
        }
    }
    let queue = start(&mut records);
    assert_eq!(queue.pending(), 0, "every run has come to its end");
    let queue = start(&mut records);
    assert_eq!(queue.unfinished().count(), 0, "and the journal knows");
}

/// The table by its name, else by its first byte; a number that is none is 0.
fn parts(record: &[u8]) -> (Table, u64, &[u8]) {
    const WORDS: [&[u8]; 5] = [b"pending", b"progress", b"ended", b"holds", b"notices"];
    let mut words = record.splitn(3, |byte| *byte == b' ');
    let mut next = || words.next().unwrap_or_default();
    let (name, number, bytes) = (next(), next(), next());
    let place = WORDS.iter().position(|word| *word == name);
    let place = place.unwrap_or_else(|| usize::from(name.first().copied().unwrap_or_default()));
    let number = String::from_utf8_lossy(number).parse().unwrap_or_default();
    (Table::ALL[place % Table::ALL.len()], number, bytes)
}

/// Starts with the records, works every run off, and keeps the records as they are then.
fn start(records: &mut Records) -> Queue {
    let mut restored = Restored::default();
    for ((table, number), bytes) in &*records {
        restored.take(*table, *number, bytes);
    }
    let (mut queue, resumed, effects) = restored.into_queue(now());
    write(records, effects.writes);
    for seen in queue.pending_deliveries() {
        let account = queue.account(seen).map(|account| serde_json::to_vec(&account).unwrap());
        assert!(account.is_some_and(|account| !account.is_empty()) || queue.is_ended(seen));
    }
    queue.holds.iter().for_each(|(_, hold)| drop(hold.explain()));
    let _ = (queue.oldest_pending(), queue.next_due());
    for run in resumed.iter().map(|resumed| &resumed.run) {
        work_off(&mut queue, run, records);
    }
    // One run of a lane waits for another.
    let late = now() + SignedDuration::from_hours(1_000_000);
    for _ in 0..256 {
        let due = queue.start_some(late, 16);
        if due.is_empty() {
            queue.drain(late);
        }
        for run in due {
            work_off(&mut queue, &run, records);
        }
    }
    queue
}

fn work_off(queue: &mut Queue, run: &Run, records: &mut Records) {
    if let Some(progress) = queue.progress(run.id) {
        let _ = progress.todo(run.actions.len(), Some("default/deployment/boathook"));
        let context = run.context();
        for action in run.actions.iter() {
            let _ = action.named_targets(&context);
        }
    }
    let effects = queue.finish(run, End::new(Outcome::Failed, "told"), now());
    write(records, effects.writes);
    for (run, report) in &effects.ended {
        told(&Notice::of(run, report, Outcome::Failed, now()));
    }
}

fn write(records: &mut Records, writes: Vec<Write>) {
    for Write { table, key, value } in writes {
        match value {
            Some(value) => records.insert((table, key), value),
            None => records.remove(&(table, key)),
        };
    }
}

/// What is read of a record is written as it was read.
fn round_trips(table: Table, bytes: &[u8]) {
    let Ok(record) = serde_json::from_slice::<Value>(bytes) else { return };
    match table {
        Table::Pending => {
            same::<Keys>(&record["keys"]);
            same::<Origin>(&record["origin"]);
            record["runs"].as_array().into_iter().flatten().for_each(|run| drop(same::<Run>(run)));
        }
        Table::Progress => drop(same::<Progress>(&record)),
        Table::Ended => {
            same::<Keys>(&record["keys"]);
            if let Some(account) = same::<Account>(&record["account"]) {
                let _ = (account.outcome(), account.reason(), account.deployment_id());
            }
        }
        Table::Holds => drop(same::<Hold>(&record)),
        Table::Notices => {
            if let Some(notice) = same::<Notice>(&record["notice"]) {
                told(&notice);
            }
        }
    }
}

fn same<T: Serialize + DeserializeOwned>(value: &Value) -> Option<T> {
    let read: T = T::deserialize(value).ok()?;
    let written = serde_json::to_vec(&read).unwrap();
    let again: T = serde_json::from_slice(&written).unwrap();
    assert_eq!(serde_json::to_vec(&again).unwrap(), written);
    Some(read)
}

fn told(notice: &Notice) {
    for format in Format::ALL {
        assert!(serde_json::from_slice::<Value>(&format.body(notice)).is_ok());
    }
}

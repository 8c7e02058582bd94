use std::fs::{self, File};
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use super::super::{Journal, Write};
use super::*;

/// A directory of its own.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("boathook-journal-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn state(&self) -> PathBuf {
        self.0.join("state")
    }

    fn file(&self) -> PathBuf {
        self.state().join("journal.redb")
    }

    /// What has been set aside.
    fn aside(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.state()).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.to_string_lossy().contains("journal.redb.damaged-20")).collect()
    }

    /// Opens the journal without patience, and reads it.
    fn open(&self) -> Result<(Store, Disk, Vec<u64>), OpenError> {
        let mut keys = Vec::new();
        let (disk, store) = open(&self.state(), Duration::ZERO, |_, key, _| keys.push(key))?;
        Ok((store, disk, keys))
    }

    /// Begins a journal with so many records of a page each.
    fn fill(&self, records: u64) {
        let (mut store, _disk, _) = self.open().unwrap();
        let value = [b'v'; 3000];
        store
            .commit(|tables| (0..records).try_for_each(|key| tables.put(Table::Ended, key, Some(&value))))
            .unwrap();
    }

    /// The journal is begun anew, and the old file stands beside it.
    fn is_set_aside(&self, damaged: &[u8]) {
        let (.., keys) = self.open().unwrap();
        assert_eq!(keys, [0; 0]);
        let aside = self.aside();
        assert_eq!(aside.len(), 1, "{aside:?}");
        assert_eq!(fs::read(&aside[0]).unwrap(), damaged);
        self.fill(3);
        assert_eq!(self.open().unwrap().2, [0, 1, 2]);
        assert_eq!(self.aside().len(), 1);
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn a_journal_is_begun_closed_and_opened_again() {
    let scratch = Scratch::new();
    let write = |key, value: &str| Write { table: Table::Pending, key, value: Some(value.into()) };
    let journal = Journal::open(&scratch.state(), |_, _, _| panic!("there is nothing")).unwrap();
    journal.accept(vec![write(1, "one"), write(2, "two")]).await.unwrap();
    journal.write(vec![write(3, "three")]).wait().await;
    assert!(journal.is_durable());
    assert_eq!(journal.trouble(), None);
    journal.close().await;

    let mut records = Vec::new();
    let each = |table, key, value: &[u8]| records.push((table, key, value.to_vec()));
    let journal = Journal::open(&scratch.state(), each).unwrap();
    let expected =
        [(1, "one"), (2, "two"), (3, "three")].map(|(key, value)| (Table::Pending, key, value.into()));
    assert_eq!(records, expected);
    assert_eq!(journal.read(Table::Pending, 2).await.unwrap(), Some(b"two".to_vec()));

    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&scratch.state()), mode(&scratch.file())), (0o700, 0o600));
}

#[test]
fn the_journal_of_a_newer_boathook_is_refused_and_left_alone() {
    let scratch = Scratch::new();
    scratch.fill(3);
    scratch.open().unwrap().0.mark("2");

    let error = scratch.open().map(drop).unwrap_err().to_string();

    let expected = format!(
        "the journal {} was written by a newer boathook: it has format 2, and this boathook knows format 1; use the \
         newer boathook, or another state directory",
        scratch.file().display()
    );
    assert_eq!(error, expected);
    assert!(scratch.aside().is_empty());
    let (mut disk, mut keys) = (Disk::claim(&scratch.state(), Duration::ZERO).unwrap(), Vec::new());
    Store::open_any(disk.open().unwrap()).each(&mut |_, key, _| keys.push(key)).unwrap();
    assert_eq!(keys, [0, 1, 2]);
}

#[test]
fn a_database_of_a_newer_format_is_not_taken_for_damaged() {
    let scratch = Scratch::new();
    scratch.fill(3);
    let file = File::options().write(true).open(scratch.file()).unwrap();
    file.write_all_at(&[4], 64).unwrap();
    file.write_all_at(&[4], 192).unwrap();
    let before = fs::read(scratch.file()).unwrap();

    let error = scratch.open().map(drop).unwrap_err().to_string();

    assert!(error.contains("it has redb's file format 4, and this boathook knows format 1"), "{error}");
    assert_eq!(fs::read(scratch.file()).unwrap(), before);
    assert!(scratch.aside().is_empty());
}

#[test]
fn what_is_no_database_is_set_aside() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.state()).unwrap();
    for other in [&b"other"[..], &[b'x'; 10_000]] {
        fs::write(scratch.file(), other).unwrap();
        scratch.is_set_aside(other);
        fs::remove_file(&scratch.aside()[0]).unwrap();
    }
}

#[test]
fn a_file_that_is_cut_off_is_set_aside() {
    let scratch = Scratch::new();
    scratch.fill(100);
    let whole = fs::read(scratch.file()).unwrap();
    for length in [100, 4096, whole.len() / 2] {
        fs::write(scratch.file(), &whole[..length]).unwrap();
        scratch.is_set_aside(&whole[..length]);
        fs::remove_file(&scratch.aside()[0]).unwrap();
    }
}

#[test]
fn a_file_in_which_a_record_changed_is_set_aside() {
    let scratch = Scratch::new();
    scratch.fill(100);
    let mut bytes = fs::read(scratch.file()).unwrap();
    let record = bytes.windows(1000).rposition(|window| window == [b'v'; 1000]).unwrap();
    bytes[record] = b'x';
    fs::write(scratch.file(), &bytes).unwrap();

    scratch.is_set_aside(&bytes);
}

#[test]
fn a_file_that_was_never_finished_is_begun_anew() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.state()).unwrap();
    fs::write(scratch.file(), vec![0; 100_000]).unwrap();

    assert_eq!(scratch.open().unwrap().2, [0; 0]);

    assert!(scratch.aside().is_empty());
    scratch.fill(1);
    assert_eq!(scratch.open().unwrap().2, [0]);
}

#[test]
fn what_cannot_be_a_journal_is_refused_with_the_way_out() {
    let scratch = Scratch::new();
    fs::write(scratch.state(), "a file").unwrap();
    let error = scratch.open().map(drop).unwrap_err().to_string();
    assert!(error.contains(&scratch.state().display().to_string()), "{error}");
    assert!(error.ends_with("; name a directory as state directory"), "{error}");

    fs::remove_file(scratch.state()).unwrap();
    fs::create_dir_all(scratch.file()).unwrap();
    let error = scratch.open().map(drop).unwrap_err().to_string();
    assert!(error.contains(&scratch.file().display().to_string()), "{error}");
    assert!(error.ends_with("; move that directory away"), "{error}");
    assert!(scratch.aside().is_empty());

    let error = io::ErrorKind::PermissionDenied.into();
    let error = OpenError::Refused { path: "/state/journal.redb".into(), error }.to_string();
    let expected = "the journal cannot be kept in /state/journal.redb: permission denied; give the state directory to \
                    the user that boathook runs as (in Kubernetes: fsGroup)";
    assert_eq!(error, expected);
}

#[test]
fn a_journal_in_use_is_waited_for() {
    let scratch = Scratch::new();
    scratch.fill(2);
    let (store, disk, _) = scratch.open().unwrap();
    let error = scratch.open().map(drop).unwrap_err();
    assert!(matches!(error, OpenError::Held { .. }), "{error}");
    assert!(error.to_string().contains("is in use by another boathook"), "{error}");

    let state = scratch.state();
    let successor = thread::spawn(move || {
        let mut keys = Vec::new();
        open(&state, Duration::from_secs(60), |_, key, _| keys.push(key)).map(|_| keys)
    });
    assert!(!successor.is_finished());
    drop(store);
    drop(disk);

    assert_eq!(successor.join().unwrap().unwrap(), [0, 1]);
}

#[test]
fn who_waited_for_a_file_that_was_set_aside_gets_the_new_one() {
    let scratch = Scratch::new();
    scratch.fill(2);
    let (store, mut disk, _) = scratch.open().unwrap();
    let state = scratch.state();
    let successor = thread::spawn(move || {
        let mut keys = Vec::new();
        open(&state, Duration::from_secs(60), |_, key, _| keys.push(key)).map(|(disk, _)| (disk, keys))
    });

    drop(store);
    disk.set_aside("a test says so").unwrap();
    drop(disk);

    let (_disk, keys) = successor.join().unwrap().unwrap();
    // It may not have begun to wait before.
    assert_eq!(keys, [0; 0]);
    assert!(matches!(scratch.open().map(drop), Err(OpenError::Held { .. })));
}

#[test]
fn a_file_that_was_removed_is_begun_anew_when_it_is_opened_again() {
    let scratch = Scratch::new();
    scratch.fill(2);
    let (store, mut disk, _) = scratch.open().unwrap();
    drop(store);
    let read = |disk: &mut Disk| {
        let mut keys = Vec::new();
        Store::open(disk.open().unwrap()).unwrap().each(&mut |_, key, _| keys.push(key)).unwrap();
        keys
    };
    assert_eq!(read(&mut disk), [0, 1]);

    fs::remove_file(scratch.file()).unwrap();

    assert_eq!(read(&mut disk), [0; 0]);
    assert!(scratch.file().exists());
    assert!(matches!(scratch.open().map(drop), Err(OpenError::Held { .. })));
}

#[test]
fn a_file_that_is_mostly_free_is_made_smaller() {
    let scratch = Scratch::new();
    scratch.fill(4000);
    let (mut store, disk, _) = scratch.open().unwrap();
    // What stays is spread over the file.
    store
        .commit(|tables| {
            (0..4000).filter(|key| key % 50 != 0).try_for_each(|key| tables.put(Table::Ended, key, None))
        })
        .unwrap();
    drop(store);
    assert!(disk.size() > LARGE, "{}", disk.size());
    drop(disk);

    let (store, disk, keys) = scratch.open().unwrap();
    assert_eq!(keys.len(), 80);
    assert!(disk.size() < LARGE, "{}", disk.size());
    drop((store, disk));
    assert_eq!(scratch.open().unwrap().2, keys);
}

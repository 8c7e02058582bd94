//! The file under the journal: who may read it, and what is done when it is not what was written.

use super::{NEVER, ended, file_in, journal, relay, status};
use redb::{Database, TableDefinition};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use support::github;
use support::http;
use support::kube::Double;
use support::relay::Relay;
use support::scene::{RESTART_WEB, cluster, prepared};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// A relay that has accepted and ended one delivery, and that was killed while it had another one; and the two.
fn used(kube: &Double) -> (Relay, [support::delivery::Delivery; 2]) {
    let relay = relay(kube, NEVER, &[RESTART_WEB]);
    let [older, newer] = ["a", "b"].map(|tag| github::image("ghcr.io/acme/web", tag));
    older.accepted(&relay);
    newer.accepted(&relay);
    let mut relay = relay;
    relay.kill();
    (relay, [older, newer])
}

#[test]
fn nobody_else_may_read_it() {
    let kube = cluster(&["web"]);
    let relay = relay(&kube, NEVER, &[RESTART_WEB]);
    assert_eq!(mode(&relay.directory().join("state")), 0o700);
    assert_eq!(mode(&journal(&relay)), 0o600);
}

#[test]
fn a_directory_that_is_there_keeps_its_mode() {
    let kube = cluster(&["web"]);
    let setup = prepared(&kube, NEVER, &[RESTART_WEB]).state();
    let state = setup.directory().join("state");
    fs::create_dir(&state).unwrap();
    // As fsGroup makes it.
    fs::set_permissions(&state, PermissionsExt::from_mode(0o2770)).unwrap();
    let relay = setup.start();
    github::image("ghcr.io/acme/web", "latest").accepted(&relay);
    assert_eq!((mode(&state), mode(&journal(&relay))), (0o770, 0o600));
}

#[test]
fn pod_templates_are_not_in_it() {
    let kube = cluster(&["web"]);
    let rule = "{do: [setImage: {namespace: default, runningImage: true}]}";
    let mut relay = relay(&kube, "settle: 0", &[rule]);
    let answer = github::image("ghcr.io/acme/web", "2.0.0").wait(50).send(&relay);
    assert_eq!(answer.status, 200);
    relay.kill();
    let bytes = fs::read(journal(&relay)).unwrap();
    let has = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(has("ghcr.io/acme/web:1.0.0"), "what was there is kept");
    // The environment of the container, its port, and the key of the endpoint.
    assert!(!has("MODE") && !has("containerPort") && !has(github::KEY));
}

/// Writes another format into a journal that nobody uses.
fn mark(file: &Path, format: &[u8]) {
    const META: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("meta");
    let database = Database::open(file).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(META).unwrap().insert(0, format).unwrap();
    transaction.commit().unwrap();
}

#[test]
fn a_newer_ones_file_is_refused_and_keeps_what_is_in_it() {
    let kube = cluster(&["web"]);
    let (relay, [_, pending]) = used(&kube);
    let file = journal(&relay);
    mark(&file, b"2");
    let (code, log, setup) = relay.restart_slowly().ends();
    assert_eq!(code, 1, "{log}");
    let said = format!(
        "the journal {} was written by a newer boathook: it has format 2, and this boathook knows format 1; use the newer \
         boathook, or another state directory",
        file.display()
    );
    assert!(log.contains(&said), "{log}");
    assert_eq!(files_in(setup.directory()), std::slice::from_ref(&file), "it is not set aside");
    mark(&file, b"1");
    let relay = setup.start();
    relay.wait_for_log("1 runs of the last process go on");
    assert_eq!(status(&pending.send(&relay)), "duplicate", "the newer one finds all of it again");
}

/// The files in the state directory.
fn files_in(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory.join("state")).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    // A killed relay leaves its socket.
    files.retain(|path| fs::metadata(path).is_ok_and(|metadata| metadata.is_file()));
    files.sort();
    files
}

#[track_caller]
fn set_aside_after(damage: impl Fn(Vec<u8>) -> Vec<u8>) {
    let kube = cluster(&["web"]);
    let (relay, [_, pending]) = used(&kube);
    let file = journal(&relay);
    fs::write(&file, damage(fs::read(&file).unwrap())).unwrap();
    let relay = relay.restart();
    let line = relay.wait_for_log("is damaged");
    assert!(line.contains("ERROR") && line.contains("what it held is not carried out"), "{line}");
    let files = files_in(relay.directory());
    let [new, aside] = files.as_slice() else { panic!("{files:?}") };
    assert_eq!(*new, file);
    let name = aside.file_name().unwrap().to_str().unwrap();
    let date = name.strip_prefix("journal.redb.damaged-").unwrap();
    assert!(date.starts_with("20") && date.ends_with('Z'), "{name}");
    assert!(line.contains(name), "{line}");
    assert_ne!(fs::metadata(aside).unwrap().len(), 0, "for whoever wants to look at it");
    assert_eq!((mode(new), mode(aside)), (0o600, 0o600));
    // It serves, and knows nothing.
    assert_eq!(http::send("GET", relay.address(), "/ready", &[], b"").status, 200);
    pending.accepted(&relay);
    assert_eq!(status(&pending.send(&relay.restart())), "duplicate");
}

#[test]
fn a_file_of_something_else_is_set_aside() {
    set_aside_after(|_| b"not a journal".repeat(1000));
}

#[test]
fn a_file_that_lost_its_end_is_set_aside() {
    set_aside_after(|mut bytes| {
        bytes.truncate(6000);
        bytes
    });
}

#[test]
fn a_file_with_other_bytes_in_the_middle_is_set_aside() {
    set_aside_after(|mut bytes| {
        let (start, end) = (4096, bytes.len());
        for byte in bytes[start..end].iter_mut().filter(|byte| **byte != 0) {
            *byte = byte.wrapping_add(1);
        }
        bytes
    });
}

#[test]
fn a_directory_that_cannot_be_used_is_named_with_the_way_out() {
    let kube = cluster(&["web"]);
    let setup = prepared(&kube, NEVER, &[RESTART_WEB]).state().file("state", "a file");
    let (code, log, _) = setup.begin().ends();
    assert_eq!(code, 1, "{log}");
    assert!(log.contains("/state: ") && log.contains("name a directory as state directory"), "{log}");
}

#[test]
fn a_process_that_was_killed_while_it_began_a_journal_leaves_nothing_in_the_way() {
    let kube = cluster(&["web"]);
    let relay = relay(&kube, "settle: 0", &[RESTART_WEB]);
    // As far as it may have come: no file, an empty one, one of zeros.
    for begun in [None, Some(Vec::new()), Some(vec![0; 64 * 1024])] {
        let mut stopped = prepared(&kube, "settle: 0", &[RESTART_WEB]).state().start();
        stopped.kill();
        let file = file_in(stopped.directory());
        match &begun {
            None => fs::remove_file(&file).unwrap(),
            Some(bytes) => fs::write(&file, bytes).unwrap(),
        }
        let started = stopped.restart();
        assert!(!started.log().contains("damaged"), "{}", started.log());
        let answer = github::image("ghcr.io/acme/web", "latest").wait(50).send(&started);
        assert_eq!(ended(&answer).1, "succeeded");
    }
    drop(relay);
}

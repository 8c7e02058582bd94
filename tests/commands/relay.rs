//! `deliveries`, `redeliver` and `hold` when there is no relay to ask.

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;

use super::bench;
use support::command::Bench;

const COMMANDS: [&[&str]; 4] =
    [&["deliveries"], &["redeliver", "1"], &["hold", "list"], &["hold", "lift", "default/deployment/web"]];

/// Runs each of the commands with these arguments; all end with this code and tell this.
#[track_caller]
fn all(bench: &Bench, more: &[&str], code: i32, told: &str) {
    for command in COMMANDS {
        let ended = bench.run(&[command, more].concat()).expect(code);
        assert!(ended.stderr.contains(told) && ended.stdout.is_empty(), "{command:?}: {}", ended.stderr);
    }
}

#[test]
fn a_relay_that_does_not_run_is_told_with_the_way_out() {
    let bench = bench();
    all(&bench, &["--state", "."], 1, "there is no ./boathook.sock. Start it with `boathook serve`");
    all(&bench, &["--state", "nowhere"], 1, "kubectl exec deployment/boathook -c boathook -- boathook");
    // What a relay leaves that is killed: a socket, and nobody who listens.
    drop(UnixListener::bind(bench.directory().join("boathook.sock")).unwrap());
    all(&bench, &["--state", "."], 1, "no relay answers at ./boathook.sock: the one that made it was killed");
}

#[test]
fn the_configuration_names_the_state_directory() {
    let mut bench = bench();
    let directory = bench.directory().display().to_string();
    // What else is in it may be wrong: the relay runs with what it was started with.
    bench.write("c.yaml", format!("version: 1\nstate: {directory}/s\nendpoints: none\n"));
    bench.write("stateless.yaml", "version: 1\nendpoints: []\n");
    bench.write("broken.yaml", "a: [");
    let looked_for = format!("there is no {directory}/s/boathook.sock");
    all(&bench, &["--config", "c.yaml"], 1, &looked_for);
    all(&bench, &["--config", "stateless.yaml"], 1, "stateless.yaml has no `state`");
    all(&bench, &["--config", "none.yaml"], 2, "none.yaml: cannot be read");
    all(&bench, &["--config", "broken.yaml"], 2, "broken.yaml: this is not valid YAML");
    all(&bench, &["--state", &format!("/{}", "s".repeat(100))], 2, "too long by 8 bytes");

    bench.environment("BOATHOOK_CONFIG", "c.yaml");
    all(&bench, &[], 1, &looked_for);
    bench.environment("BOATHOOK_STATE", "t");
    all(&bench, &[], 1, "there is no t/boathook.sock");
    all(&bench, &["--config", "c.yaml"], 1, &looked_for);
}

#[test]
fn only_the_relays_user_may_ask_it() {
    let bench = bench();
    let path = bench.directory().join("boathook.sock");
    let _socket = UnixListener::bind(&path).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
    if std::os::unix::net::UnixStream::connect(&path).is_ok() {
        println!("skipped: root may open every socket");
        return;
    }
    all(&bench, &["--state", "."], 1, "permission denied. Only the user that the relay runs as may ask it");
}

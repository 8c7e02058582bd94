//! What the command line takes, and how it is told.

use super::bench;

const COMMANDS: [&str; 9] =
    ["serve", "check", "url", "keygen", "send", "explain", "deliveries", "redeliver", "hold"];

#[test]
fn help_is_there_and_fits_a_terminal() {
    let bench = bench();
    let top = bench.run(&["--help"]).expect(0);
    for word in COMMANDS.iter().chain(&["Usage: boathook", "--version", "boathook keygen --out github.key"]) {
        assert!(top.stdout.contains(word), "{word}: {}", top.stdout);
    }
    assert_eq!(bench.run(&["-h"]).expect(0).stdout, top.stdout);
    assert_eq!(bench.run(&["help"]).expect(0).stdout, top.stdout);
    let each = COMMANDS.map(|command| {
        let help = bench.run(&[command, "--help"]).expect(0).stdout;
        assert!(help.starts_with(&format!("Usage: boathook {command} ")), "{help}");
        help
    });
    for words in [["hold", "list"], ["hold", "lift"]] {
        let help = bench.run(&[&words[..], &["--help"]].concat()).expect(0).stdout;
        assert!(help.starts_with(&format!("Usage: boathook {} ", words.join(" "))), "{help}");
        assert!(help.lines().all(|line| line.chars().count() <= 80), "too wide: {help}");
    }
    for line in top.stdout.lines().chain(each.iter().flat_map(|help| help.lines())) {
        assert!(line.chars().count() <= 80, "too wide: {line}");
    }
    for variable in ["CONFIG", "LISTEN", "ADMIN", "KUBE_API", "FLUX_API", "SETTLE", "SELF"] {
        assert!(each[0].contains(&format!("BOATHOOK_{variable}")), "{}", each[0]);
    }
}

#[test]
fn the_version_is_the_packages() {
    let ended = bench().run(&["--version"]).expect(0);
    assert_eq!(ended.stdout, concat!("boathook ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn what_is_not_known_is_a_usage_error_with_the_way_out() {
    let bench = bench();
    for (arguments, told) in [
        (&[][..], "no command: try `boathook --help`"),
        (&["serv"], "\"serv\" is not a command; did you mean serve?"),
        (&["destroy"], "known: check, deliveries, explain, hold, keygen, rbac, redeliver, send, serve, url"),
        (&["check"], "Required positional arguments not provided:\n    file"),
        (&["check", "a", "b"], "See `boathook check --help`."),
        (&["check", "--verbose", "a"], "Unrecognized argument: --verbose"),
        (&["url"], "--key"),
        (&["url", "--key"], "See `boathook url --help`."),
        (&["keygen", "--out"], "See `boathook keygen --help`."),
        (&["send", "--config", "c.yaml"], "--endpoint"),
        (&["send", "--config", "c.yaml", "--endpoint", "a", "--wait", "soon"], "--wait"),
        (&["--confg", "c.yaml"], "See `boathook serve --help`."),
        (&["serve"], "no configuration: give --config FILE or BOATHOOK_CONFIG"),
        (&["deliveries"], "no relay: give --state DIR or BOATHOOK_STATE"),
        (&["deliveries", "1", "--limit", "2", "--state", "s"], "--limit is for the list"),
        (&["redeliver"], "See `boathook redeliver --help`."),
        (&["redeliver", "1", "--wait", "10"], "--wait 10: must be a duration such as 30s or 10m"),
        (&["hold"], "list\n    lift"),
        (&["hold", "list"], "--config FILE or BOATHOOK_CONFIG"),
        (&["hold", "lift"], "workload"),
        (&["hold", "lift", "deployment/web"], "must be NAMESPACE/TYPE/NAME, such as default/deployment/web"),
        (&["hold", "lift", "default/pod/web"], "\"pod\" is not a kind of workload"),
        (&["-x"], "See `boathook --help`."),
    ] {
        let ended = bench.run(arguments).expect(2);
        assert!(ended.stderr.contains(told) && ended.stdout.is_empty(), "{arguments:?}: {}", ended.stderr);
    }
}

#[test]
fn arguments_that_are_no_text_are_refused() {
    use std::os::unix::ffi::OsStrExt as _;
    let argument = std::ffi::OsStr::from_bytes(b"\xff");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_boathook"));
    let output = command.args(["check".as_ref(), argument]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("is not valid UTF-8"));
}

//! Keys: where they come from and what they must be.

use super::{KEY, bench, check_with, endpoint};

fn keys(line: &str) -> String {
    endpoint("GitHub", "  rules: []\n").replace("keyPath: github.key", line)
}

#[test]
fn a_key_must_be_there_and_long_enough() {
    let bench = bench();
    bench.write("empty.key", "");
    bench.write("newline.key", "\n");
    bench.write("short.key", "fifteen bytes..");
    bench.write("short-newline.key", "fifteen bytes..\n");
    bench.write("huge.key", vec![b'a'; 70_000]);
    std::fs::create_dir(bench.directory().join("directory.key")).unwrap();
    for (line, told) in [
        ("keyPath: none.key", "c.yaml:5:12: endpoints[0].keyPath: the key file none.key cannot be read"),
        ("keyPath: none.key", "make it with `boathook keygen --out none.key`"),
        ("keyPath: empty.key", "the key in empty.key is empty: make one with `boathook keygen`"),
        ("keyPath: newline.key", "the key in newline.key is empty"),
        ("keyPath: short.key", "the key in short.key has 15 bytes, and fewer than 16 can be guessed"),
        ("keyPath: short-newline.key", "has 15 bytes"),
        ("keyPath: huge.key", "has more than 65536 bytes: it is no key"),
        ("keyPath: directory.key", "cannot be read: Is a directory"),
        ("keyPath: /dev/zero", "it is no key"),
        ("keyPath: []", "is an empty list"),
        ("keyPath: [github.key, none.key]", "c.yaml:5:25: endpoints[0].keyPath[1]: the key file none.key"),
        ("keyPath: [github.key, github.key]", "the same key stands here twice"),
        ("keyPath: 5", "YAML reads 5 as a number"),
        ("maxBody: 1Mi", "c.yaml:3:3: endpoints[0]: keyPath is missing"),
        ("keyEnv: NO_SUCH_KEY", "the environment has no variable NO_SUCH_KEY: set it to the key"),
        ("keyPth: github.key", "did you mean keyPath?"),
    ] {
        check_with(&bench, &keys(line)).expect(2).tells(told);
    }
}

#[test]
fn a_key_from_the_environment() {
    let mut bench = bench();
    bench.environment("WEBHOOK_SECRET", KEY);
    let from_file = check_with(&bench, &keys("keyPath: github.key")).expect(0).stdout;
    assert_eq!(check_with(&bench, &keys("keyEnv: WEBHOOK_SECRET")).expect(0).stdout, from_file);
    let both = keys("keyPath: github.key\n  keyEnv: WEBHOOK_SECRET");
    check_with(&bench, &both).expect(2).tells("endpoints[0].keyEnv: keyPath is there too: use one of them");
}

#[test]
fn one_newline_is_not_part_of_the_key() {
    let bench = bench();
    let trimmed = check_with(&bench, &keys("keyPath: github.key")).expect(0);
    assert!(!trimmed.stderr.contains("newline"), "{}", trimmed.stderr);
    for end in ["\n", "\r\n"] {
        bench.write("newline.key", format!("{KEY}{end}"));
        let ended = check_with(&bench, &keys("keyPath: newline.key")).expect(0);
        ended.tells(
            "warning: c.yaml:5:12: endpoints[0].keyPath: the newline at the end of newline.key is not part",
        );
        assert_eq!(ended.stdout, trimmed.stdout);
    }
    bench.write("two.key", format!("{KEY}\n\n"));
    let two = check_with(&bench, &keys("keyPath: two.key")).expect(0).stdout;
    assert_ne!(two, trimmed.stdout, "one newline, not all");
}

#[test]
fn a_list_of_keys_has_a_path_for_each() {
    let bench = bench();
    let one = |line: &str| check_with(&bench, &keys(line)).expect(0).stdout;
    let path = |text: &str| text.lines().find(|line| line.contains("/hook/")).unwrap().trim().to_owned();
    let both = one("keyPath: [github.key, other.key]");
    for line in ["keyPath: github.key", "keyPath: other.key"] {
        assert!(both.contains(&path(&one(line))), "{both}");
    }
}

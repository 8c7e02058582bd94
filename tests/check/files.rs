//! Files that are no configuration.

use std::fmt::Write as _;

use super::{bench, check};

#[test]
fn what_is_not_a_configuration_is_told_as_such() {
    for (text, told) in [
        ("", "c.yaml:1:1: is empty, where fields are needed"),
        ("# nothing\n", "is empty, where fields are needed"),
        ("[]", "c.yaml:1:1: is a list, where fields are needed"),
        ("web", "is text, where fields are needed"),
        ("a: [b\n", "c.yaml:2:1: this is not valid YAML"),
        ("version: 1\n\tendpoints: 1\n", "c.yaml:2:1: this is not valid YAML: found a tab"),
        ("version: 1\n---\nversion: 1\n", "more than one document"),
        ("version: 1\nversion: 1\n", "duplicate entry with key \"version\""),
        (
            "version: 1\nendpoints:\n- {name: a, name: b}\n",
            "c.yaml:3:3: this is not valid YAML: endpoints[0]: duplicate",
        ),
        ("version: 1\nendpoints: *a\n", "unknown anchor"),
        ("version: 1\nendpoints: &a [*a]\n", "recursion limit"),
        ("version: 1\nendpoints: !list []\n", "c.yaml:2:12: endpoints: is a value with a YAML tag"),
    ] {
        check(text).expect(2).tells(told);
    }
}

#[test]
fn aliases_and_nesting_cannot_exhaust_it() {
    let mut bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for i in 1..12 {
        let items = vec![format!("*a{}", i - 1); 10].join(",");
        writeln!(bomb, "a{i}: &a{i} [{items}]").unwrap();
    }
    check(&bomb).expect(2).tells("repetition limit exceeded");
    check(&format!("a: {}", "[".repeat(2_000))).expect(2).tells("recursion limit exceeded");
    check(&format!("{}1", "a: {b: ".repeat(50_000))).expect(2).tells("not valid YAML");
}

#[test]
fn an_alias_that_is_used_well_works() {
    let text = "\
version: 1
endpoints:
- name: a
  source: GitHub
  keyPath: github.key
  rules:
  - when: {branch: main}
    do: &web
    - restart: {namespace: default, workloads: [deployment/web]}
  - when: {branch: next}
    do: *web
";
    assert_eq!(check(text).expect(0).stdout.matches("restart deployment/web in default").count(), 2);
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let bench = bench();
    bench.run(&["check", "none.yaml"]).expect(2).tells("none.yaml: cannot be read: No such file");
    bench.run(&["check", "."]).expect(2).tells(".: cannot be read: Is a directory");
    bench.run(&["check", "/dev/zero"]).expect(2).tells("/dev/zero: is larger than 16777216 bytes");
    bench.write("latin1.yaml", b"version: 1 # caf\xe9\n");
    bench.run(&["check", "latin1.yaml"]).expect(2).tells("latin1.yaml: cannot be read: it is not UTF-8 text");
    bench.write("huge.yaml", vec![b'\n'; 17 * 1024 * 1024]);
    bench.run(&["check", "huge.yaml"]).expect(2).tells("huge.yaml: is larger than");
}

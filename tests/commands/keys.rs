//! `keygen` and `url`.

use std::os::unix::fs::PermissionsExt as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::bench;
use support::sign::hook_path;

#[test]
fn a_key_is_made_once_for_its_owner_alone() {
    let bench = bench();
    let ended = bench.run(&["keygen", "--out", "github.key"]).expect(0);
    assert_eq!((ended.stdout.as_str(), ended.stderr.as_str()), ("", ""));
    let file = bench.directory().join("github.key");
    let key = std::fs::read_to_string(&file).unwrap();
    assert!(
        key.len() == 64 && key.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)),
        "{key:?}"
    );
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);

    let again = bench.run(&["keygen", "--out", "github.key"]).expect(1);
    again.tells("github.key is there already, and a key is never overwritten");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), key);
    bench.run(&["keygen", "--out=none/github.key"]).expect(1).tells("none/github.key cannot be written");
    std::os::unix::fs::symlink("elsewhere.key", bench.directory().join("link.key")).unwrap();
    bench.run(&["keygen", "--out", "link.key"]).expect(1);
    assert!(!bench.directory().join("elsewhere.key").exists(), "a dangling link is not followed");
}

#[test]
fn a_key_can_be_printed() {
    let keys = [(); 3].map(|()| bench().run(&["keygen"]).expect(0).stdout);
    for key in &keys {
        assert!(key.len() == 64 && key.bytes().all(|b| b.is_ascii_hexdigit()), "no newline either: {key:?}");
    }
    assert!(keys[0] != keys[1] && keys[1] != keys[2]);
}

#[test]
fn a_key_that_signs_webhooks_has_the_form_of_its_standard() {
    let bench = bench();
    bench.run(&["keygen", "--webhook", "--out", "notify.key"]).expect(0);
    let key = std::fs::read_to_string(bench.directory().join("notify.key")).unwrap();
    let bytes = STANDARD.decode(key.strip_prefix("whsec_").unwrap()).unwrap();
    assert_eq!(bytes.len(), 32, "{key:?}");
}

#[test]
fn a_url_is_the_digest_of_the_key() {
    let bench = bench();
    bench.write("a.key", "0123456789abcdef");
    let path = hook_path(b"0123456789abcdef");
    let url = |arguments: &[&str]| bench.run(&[&["url", "--key", "a.key"], arguments].concat()).expect(0);
    assert_eq!(url(&[]).stdout, format!("{path}\n"));
    assert_eq!(url(&[]).stderr, "");
    for base in ["https://hooks.example.com", "https://hooks.example.com/"] {
        assert_eq!(url(&["--base", base]).stdout, format!("https://hooks.example.com{path}\n"));
        assert_eq!(url(&[&format!("--base={base}")]).stdout, format!("https://hooks.example.com{path}\n"));
    }
    for newline in ["\n", "\r\n"] {
        bench.write("a.key", format!("0123456789abcdef{newline}"));
        let ended = url(&[]);
        assert_eq!(ended.stdout, format!("{path}\n"));
        ended.tells("the newline at the end of the file is not part of the key").tells("sha256sum");
        assert!(!ended.stderr.contains("0123456789abcdef"), "{}", ended.stderr);
    }
}

#[test]
fn a_url_needs_a_key() {
    let bench = bench();
    bench
        .run(&["url", "--key", "none.key"])
        .expect(1)
        .tells("the key file none.key cannot be read: No such file");
    bench.write("empty.key", "");
    bench.write("newline.key", "\n");
    for name in ["empty.key", "newline.key"] {
        let ended = bench.run(&["url", "--key", name]).expect(1);
        ended.tells("is empty: make a key with `boathook keygen`");
        assert_eq!(ended.stdout, "");
    }
}

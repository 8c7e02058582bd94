use std::path::PathBuf;

use super::*;
use crate::config::{Config, Loaded, Overrides};

const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A directory with key files that goes with the test.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("boathook-notify-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        let directory = Self(path);
        directory.write("hook.key", "correct horse battery staple");
        directory.write("notify.key", KEY);
        directory
    }

    fn write(&self, name: &str, content: &str) {
        std::fs::write(self.0.join(name), content).unwrap();
    }

    /// Loads a configuration with this list of targets.
    fn load(&self, notify: &str) -> Loaded {
        let text = format!(
            "version: 1\nendpoints:\n- {{name: ghcr, source: GitHub, keyPath: hook.key, rules: [{{do: [{{fluxNotify: {{}}}}]}}]}}\n\
             notify:\n{notify}\n"
        );
        self.write("c.yaml", &text);
        Config::load(&self.0.join("c.yaml"), &Overrides::default())
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn targets(loaded: &Loaded) -> &Targets {
    let findings = &loaded.findings;
    &loaded.config.as_ref().unwrap_or_else(|| panic!("{:?}", findings.mistakes)).notify
}

#[test]
fn what_is_left_out_is_what_a_person_wants_to_know() {
    let directory = Directory::new("defaults");
    let loaded = directory.load("- url: https://ops.example.com/hook?token=1");
    let [target] = &**targets(&loaded) else { panic!("one target") };
    assert_eq!((target.name.as_str(), target.format), ("ops.example.com", Format::CloudEvents));
    assert!(target.keys.is_empty());
    let wanted: Vec<_> =
        Outcome::ALL.into_iter().filter(|o| target.wants("any", *o)).map(Outcome::word).collect();
    assert_eq!(wanted, ["succeeded", "held", "rolledBack", "expired", "failed"]);
    assert!(loaded.findings.warnings.is_empty(), "{:?}", loaded.findings.warnings);
}

#[test]
fn everything_can_be_said() {
    let directory = Directory::new("all");
    directory.write("slack.url", "https://hooks.slack.com/services/T0/B0/secret\n");
    directory.write("old.key", &KEY.replace("Mf", "Ng"));
    let loaded = directory.load(
        "- {name: ops, url: 'http://ops:8080/x', keyPath: [notify.key, old.key], on: [failed, unchanged], format: plain, endpoints: [ghcr]}\n\
         - {urlPath: slack.url, format: slack, on: failed}",
    );
    let [ops, slack] = &**targets(&loaded) else { panic!("two targets") };
    assert_eq!((ops.name.as_str(), ops.format, ops.keys.len()), ("ops", Format::Plain, 2));
    assert!(ops.wants("ghcr", Outcome::Failed) && ops.wants("ghcr", Outcome::Unchanged));
    assert!(!ops.wants("ghcr", Outcome::Succeeded) && !ops.wants("other", Outcome::Failed));
    assert_eq!(slack.url.expose().as_str(), "https://hooks.slack.com/services/T0/B0/secret");
    assert_eq!(slack.name, "hooks.slack.com");
    assert!(loaded.findings.warnings.is_empty(), "{:?}", loaded.findings.warnings);
}

#[test]
fn a_url_is_printed_without_what_may_be_secret() {
    let url = SecretUrl::parse("https://user:pass@hooks.example.com:8443/services/T0?token=1#x").unwrap();
    assert_eq!(url.to_string(), "https://hooks.example.com:8443");
    assert_eq!(format!("{url:?}"), "https://hooks.example.com:8443/…");
}

#[test]
fn the_files_it_names_are_watched() {
    let directory = Directory::new("watched");
    directory.write("ops.url", "https://ops.example.com");
    let loaded = directory.load("- {urlPath: ops.url, keyPath: notify.key}");
    let named: Vec<_> = loaded.findings.files.iter().filter_map(|file| file.path().file_name()).collect();
    assert_eq!(named, ["hook.key", "ops.url", "notify.key", "c.yaml"]);
}

#[test]
fn every_mistake_is_told_with_the_way_out() {
    let directory = Directory::new("mistakes");
    directory.write("plain.key", "correct horse battery staple");
    directory.write("short.key", "whsec_MfKQ9r8GKYqr");
    directory.write("two.url", "https://a.example.com\nhttps://b.example.com\n");
    directory.write("ftp.url", "ftp://secret.example.com/secret");
    let url = "url: https://ops.example.com";
    for (text, told) in [
        ("- {}", "notify[0]: url is missing: name a URL, or with urlPath a file that holds one"),
        ("- {url: ops.example.com}", "notify[0].url: is not a URL: relative URL without a base"),
        ("- {url: ftp://ops.example.com}", "notify[0].url: must begin with https:// or http://"),
        (
            "- {url: https://ops.example.com, urlPath: ops.url}",
            "notify[0].urlPath: url is there too: use one of them",
        ),
        ("- {urlPath: none.url}", "none.url cannot be read: No such file"),
        ("- {urlPath: two.url}", "two.url must hold a URL and nothing else"),
        ("- {urlPath: ftp.url}", "ftp.url holds must begin with https:// or http://"),
        (&format!("- {{{url}, name: a b}}"), "notify[0].name: must be 1 to 63 letters, digits and . _ -"),
        ("- {url: 'http://[::1]:1/'}", "notify[0]: name is missing: the URL's host cannot stand for it"),
        (
            &format!("- {{{url}}}\n- {{{url}/2}}"),
            "notify[1]: name is missing: another target is named after the same host",
        ),
        (
            &format!("- {{{url}, name: a}}\n- {{{url}, name: a}}"),
            "notify[1].name: another target has this name already",
        ),
        (
            &format!("- {{{url}, on: [faild]}}"),
            "notify[0].on: \"faild\" is not an outcome; did you mean failed?",
        ),
        (&format!("- {{{url}, on: []}}"), "notify[0].on: is an empty list"),
        (
            &format!("- {{{url}, format: json}}"),
            "notify[0].format: \"json\" is not known; known: cloudevents, plain, slack",
        ),
        (
            &format!("- {{{url}, endpoints: [ghrc]}}"),
            "notify[0].endpoints: \"ghrc\" is not an endpoint; did you mean ghcr?",
        ),
        (&format!("- {{{url}, keyPath: none.key}}"), "make it with `boathook keygen --webhook --out"),
        (
            &format!("- {{{url}, keyPath: plain.key}}"),
            "whsec_ and base64: make one with `boathook keygen --webhook`",
        ),
        (&format!("- {{{url}, keyPath: short.key}}"), "holds 9 bytes, and fewer than 16 can be guessed"),
        (
            &format!("- {{{url}, keyPaht: notify.key}}"),
            "notify[0].keyPaht: is not a field here; did you mean keyPath?",
        ),
        (
            "- {url: https://hooks.slack.com/x}",
            "notify[0]: format is missing: Slack takes only `format: slack`",
        ),
        ("- {url: https://hooks.slack.com/x, format: plain}", "notify[0].format: Slack takes only `slack`"),
        ("  ops: 1", "notify: is a mapping, where a list is needed"),
        ("- ops", "notify[0]: is text, where fields are needed"),
    ] {
        let loaded = directory.load(text);
        let mistakes: Vec<_> = loaded.findings.mistakes.iter().map(ToString::to_string).collect();
        assert!(mistakes.len() == 1 && mistakes[0].contains(told), "{text}\n{told}\n{mistakes:#?}");
        assert!(!mistakes[0].contains("secret"), "{mistakes:?}");
    }
}

#[test]
fn what_is_unwise_is_a_warning() {
    let directory = Directory::new("warnings");
    directory.write("weak.key", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZI");
    for (text, told) in [
        (
            "- {url: https://hooks.slack.com/services/x, format: slack}",
            "put it into a file and name that as urlPath",
        ),
        ("- {url: https://a.example.com, keyPath: weak.key}", "keys of at least 24 bytes"),
    ] {
        let loaded = directory.load(text);
        let warnings: Vec<_> = loaded.findings.warnings.iter().map(ToString::to_string).collect();
        assert!(loaded.config.is_some() && warnings.len() == 1 && warnings[0].contains(told), "{warnings:?}");
        assert!(!warnings[0].contains("services"), "{warnings:?}");
    }
}

//! Whatever a sender puts into a delivery, a line of the log is one line and holds nothing that a terminal would act
//! on; nor do the commands and pages that tell of deliveries.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use boathook::source::Draft;
use serde_json::Value;

use crate::arbitrary::pointers;
use crate::cases::Case;
use crate::google::KEY_SET;
use crate::scene::{Scene, genuine, is_google, name, path};
use support::command::Bench;
use support::http;
use support::site::Health;

/// What is put into every value: ends of lines and a line that looks like one of ours, what terminals obey, and
/// what turns the direction of writing.
const HOSTILE: &str = "\r\n2026-01-01T00:00:00.000Z ERROR forged\u{0}\t\u{7}\u{1b}[31m\u{7f}\u{85}\u{9b}31m\u{2028}\
                       \u{2029}\u{200f}\u{202e}\u{2066}\u{feff}";

/// What is left of it where control characters are refused.
const TURNING: &str = "\u{2028}\u{202e}";

/// What headers may carry of it.
const IN_A_HEADER: &str = "\t2026-01-01T00:00:00.000Z ERROR\u{9b}31m\u{85}\u{2028}\u{202e}\u{2066}";

/// Whether a terminal acts on it instead of showing it.
fn acts(c: char) -> bool {
    c.is_control()
        || ('\u{2028}'..='\u{202e}').contains(&c)
        || ('\u{2066}'..='\u{2069}').contains(&c)
        || "\u{200e}\u{200f}\u{61c}\u{feff}".contains(c)
}

/// Fails unless every line begins as one of ours and shows all that it holds.
fn is_clean(what: &str, text: &str, is_ours: impl Fn(&str) -> bool) {
    for line in text.split('\n').filter(|line| !line.is_empty()) {
        assert!(is_ours(line) && !line.chars().any(acts), "{what}: {line:?}");
    }
}

fn is_log_line(line: &str) -> bool {
    let levels = ["ERROR ", "WARN  ", "INFO  ", "DEBUG ", "TRACE "];
    let time_and_level = line.get(..4).zip(line.get(25..31));
    time_and_level.is_some_and(|(year, level)| year.starts_with("20") && levels.contains(&level))
        && !line.starts_with("2026-01-01T00:00:00.000Z")
}

/// Every value of a tree in turn with something added, and a field of such a name beside every field.
fn spoilt(tree: &Value, added: &str) -> Vec<Value> {
    let mut places = Vec::new();
    pointers(tree, "", &mut places);
    let spoil = |place: &String| {
        let mut tree = tree.clone();
        let value = tree.pointer_mut(place).unwrap();
        match value {
            Value::Object(fields) => drop(fields.insert(added.to_owned(), added.into())),
            Value::String(text) => text.push_str(added),
            other => *other = added.into(),
        }
        tree
    };
    places.iter().map(spoil).collect()
}

/// The bodies that a sender's sample becomes.
fn bodies(case: &Case, draft: &Draft, added: &str) -> Vec<Value> {
    let body: Value = serde_json::from_slice(&draft.body).unwrap();
    let mut bodies = spoilt(&body, added);
    if is_google(case) {
        let data = STANDARD.decode(body["message"]["data"].as_str().unwrap()).unwrap();
        bodies.extend(spoilt(&serde_json::from_slice(&data).unwrap(), added).iter().map(|data| {
            let mut body = body.clone();
            body["message"]["data"] = STANDARD.encode(data.to_string()).into();
            body
        }));
    }
    bodies
}

/// The delivery with such values in its headers, one after the other, and in others that senders and proxies add.
fn with_headers(signed: &Draft) -> Vec<Draft> {
    let mut drafts = Vec::new();
    for added in [IN_A_HEADER, "\tx"] {
        for number in 0..signed.headers.len() {
            let mut changed = signed.clone();
            changed.headers[number].1.push_str(added);
            drafts.push(changed);
        }
    }
    for name in ["User-Agent", "X-Forwarded-For", "X-Request-Id", "Prefer"] {
        let mut changed = signed.clone();
        changed.headers.push((name.to_owned(), IN_A_HEADER.to_owned()));
        drafts.push(changed);
    }
    drafts
}

/// As the sender would send it.
fn sent(case: &Case, draft: &Draft) -> Draft {
    if case.receiver.proof().is_some() { genuine(case, draft) } else { draft.clone() }
}

#[test]
fn no_delivery_forges_a_line_or_commands_a_terminal() {
    let mut scene = Scene::new(Health::Says(200, KEY_SET));
    let mut bench = Bench::new(env!("CARGO_BIN_EXE_boathook"));
    bench.environment("BOATHOOK_STATE", scene.state.path().to_str().unwrap());
    let config = scene.relay.directory().join("boathook.yaml");
    let (mut answers, mut explained, mut authentic) = (String::new(), String::new(), 0);
    for (number, case) in scene.cases.iter().enumerate() {
        let mut understood = BTreeSet::new();
        for (_, draft) in case.samples() {
            let spoilt = [HOSTILE, TURNING].into_iter().flat_map(|added| bodies(case, &draft, added));
            let of_bodies = spoilt.map(|body| Draft { body: body.to_string().into_bytes(), ..draft.clone() });
            // What is understood in the same way, values that nobody looks at above all, is sent once.
            let news = of_bodies.filter(|draft| understood.insert(format!("{:?}", case.decode(draft))));
            let of_bodies: Vec<_> = news.map(|draft| sent(case, &draft)).collect();
            let first = of_bodies.first().unwrap();
            for draft in of_bodies.iter().chain(&with_headers(&sent(case, &draft))) {
                let answer = scene.post(&path(case), draft);
                authentic += usize::from(answer.status != 401);
                answers.push_str(&answer.text());
            }
            let header = first.header("content-type").unwrap();
            let (name, header) = (name(number), format!("Content-Type: {header}"));
            let explain =
                ["explain", "--config", config.to_str().unwrap(), "--endpoint", &name, "--header", &header];
            let ended = bench.run_with(&explain, &first.body);
            explained.push_str(&ended.stdout);
            explained.push_str(&ended.stderr);
        }
    }
    for path in ["/hook/%0d%0a%1b", "/%0aERROR", "/\u{9b}31m"] {
        let _ = http::try_send("POST", scene.relay.address(), path, &[], b"");
    }
    assert!(authentic > 500, "only {authentic} deliveries were authentic");
    is_clean("answers", &answers, |_| true);
    is_clean("explain", &explained, |line| {
        let words = ["verification ", "event ", "rule ", "request ", "note ", "  ", "the delivery would"];
        words.iter().any(|word| line.starts_with(word))
    });
    let listed = bench.run(&["deliveries", "--limit", "1000"]).expect(0).stdout;
    is_clean("deliveries", &listed, |line| {
        line.starts_with("RECEIVED")
            || line.starts_with("20") && !line.starts_with("2026-01-01T00:00:00.000Z")
    });
    is_clean(
        "deliveries --json",
        &bench.run(&["deliveries", "--limit", "1000", "--json"]).expect(0).stdout,
        |_| true,
    );
    assert_eq!(scene.relay.stop(), 0);
    let log = scene.relay.log();
    is_clean("log", &log, is_log_line);
    for (number, case) in scene.cases.iter().enumerate() {
        let about = format!("endpoint={} ", name(number));
        let shown = log.lines().any(|line| line.contains(&about) && line.contains("\\u{202e}"));
        assert!(shown, "{}: nothing of it was printed, so nothing was shown", case.name);
    }
}

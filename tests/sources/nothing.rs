//! Nothing comes of a bad delivery: nobody is asked for anything, nothing is written, and neither the answer nor the
//! log tells more than that it was refused.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Instant;

use boathook::source::Draft;

use crate::bad::{KINDS, unproven};
use crate::cases::Case;
use crate::google::{KEY_SET, forged, with_tokens};
use crate::scene::{KEYS, Scene, acting, genuine, is_google, path};
use support::http::{Response, request_bytes};
use support::site::Health;

/// What a caller can tell apart: status, headers but the time, body.
fn seen(answer: &Response) -> String {
    let headers: Vec<_> = answer.headers.iter().filter(|(name, _)| name != "date").collect();
    format!("{} {headers:?} {}", answer.status, answer.text())
}

/// Answers that must not be told apart, by their status.
#[derive(Default)]
struct Answers(BTreeMap<u16, BTreeSet<String>>);

impl Answers {
    fn add(&mut self, status: u16, answer: &Response, about: &dyn Fn() -> String) {
        assert_eq!(answer.status, status, "{}: {}", about(), answer.text());
        self.0.entry(status).or_default().insert(seen(answer));
    }

    fn are_alike(&self) {
        assert!(self.0.values().all(|shapes| shapes.len() == 1), "they differ: {:#?}", self.0);
    }
}

/// Requests that are refused before anybody looks at their proof.
fn wrong_from_outside(scene: &Scene, case: &Case, draft: &Draft, answers: &mut Answers) {
    let (path, about) = (path(case), || case.name.clone());
    let (short, other) = (&path[..path.len() - 1], format!("{}0123", &path[..path.len() - 4]));
    let large = Draft { body: vec![b' '; 1024 * 1024 + 1], ..draft.clone() };
    for path in [short, &other] {
        answers.add(404, &scene.post(path, draft), &about);
    }
    for method in ["GET", "PUT", "DELETE"] {
        answers.add(405, &scene.send(method, &path, draft, &[]), &about);
    }
    for coding in ["gzip", "deflate", "identity, br"] {
        answers.add(415, &scene.send("POST", &path, draft, &[("Content-Encoding", coding)]), &about);
    }
    answers.add(413, &scene.post(&path, &large), &about);
    // A sender that goes away in the middle.
    let headers: Vec<_> = draft.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let bytes = request_bytes("POST", &path, &headers, &draft.body);
    let mut connection = TcpStream::connect(scene.relay.address()).unwrap();
    connection.write_all(&bytes[..bytes.len() - 1]).unwrap();
    connection.shutdown(Shutdown::Write).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    let lines: Vec<_> = answer.lines().filter(|line| !line.starts_with("date")).collect();
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    answers.0.entry(400).or_default().insert(lines.join("\n"));
}

/// What a case's deliveries must not leave in the log: the path, the key, proofs (right or wrong), the body.
fn secrets(case: &Case, drafts: &[&Draft], secrets: &mut BTreeSet<String>) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    secrets.extend([path(case)["/hook/".len()..][..9].to_owned(), text(case.key.expose())]);
    for draft in drafts {
        secrets.insert(text(&draft.body[..draft.body.len().min(40)]));
        let values = draft.headers.iter().filter(|(name, _)| {
            let name = name.to_ascii_lowercase();
            ["signature", "authorization", "token", "auth"].iter().any(|word| name.contains(word))
        });
        secrets.extend(values.flat_map(|(_, value)| value.split([' ', '=', ',']).map(str::to_owned)));
    }
    secrets.retain(|secret| secret.len() >= 9);
}

#[test]
fn nothing_comes_of_a_bad_delivery_and_all_are_answered_alike() {
    let mut scene = Scene::new(Health::Says(200, KEY_SET));
    let (asked, journal) = (scene.asked(), scene.journal());
    assert!(!journal.is_empty(), "there is no journal to compare");
    let (mut answers, mut kinds, mut hidden) = (Answers::default(), BTreeSet::new(), BTreeSet::new());
    for case in &scene.cases {
        for draft in acting(case) {
            let signed = if case.receiver.proof().is_some() { genuine(case, &draft) } else { draft.clone() };
            wrong_from_outside(&scene, case, &signed, &mut answers);
            wrong_from_outside(&scene, case, &draft, &mut answers);
            secrets(case, &[&signed], &mut hidden);
        }
        if case.receiver.proof().is_some() {
            for (wrong, draft) in unproven(case) {
                answers.add(401, &scene.post(&path(case), &draft), &|| format!("{}: {wrong}", case.name));
                secrets(case, &[&draft], &mut hidden);
                kinds.insert(wrong);
            }
        }
    }
    assert_eq!(kinds, BTreeSet::from(KINDS));
    answers.are_alike();
    assert_eq!(scene.asked(), asked, "the API, Flux, who is notified or Google was asked");
    assert!(scene.journal() == journal, "the journal was written");

    for case in &scene.cases {
        something_comes_of(&scene, case);
    }
    assert_eq!(scene.relay.stop(), 0);
    let log = scene.relay.log();
    let told = hidden.iter().find(|secret| log.contains(secret.as_str()));
    assert_eq!(told, None, "{log}");
}

/// The same deliveries as their senders would send them do all of it.
fn something_comes_of(scene: &Scene, case: &Case) {
    for draft in acting(case) {
        let signed = if case.receiver.proof().is_some() { genuine(case, &draft) } else { draft };
        let (before, journal) = (scene.asked(), scene.journal());
        let answer = scene.send("POST", &path(case), &signed, &[("Prefer", "wait=50")]);
        assert_eq!(answer.status, 200, "{}: {}", case.name, answer.text());
        scene.told.wait_for("/told", before[2] + 1);
        let after = scene.asked();
        assert!(
            after[0] > before[0] && after[1] > before[1],
            "{}: {before:?} {after:?} {}",
            case.name,
            answer.text()
        );
        assert!(scene.journal() != journal, "{}: the journal is not what is compared", case.name);
    }
}

#[test]
fn no_delivery_makes_the_relay_fetch_a_key_set() {
    let started = Instant::now();
    let scene = Scene::new(Health::Hangs);
    let (asked, journal) = (scene.asked(), scene.journal());
    let case = scene.cases.iter().find(|case| is_google(case)).unwrap();
    let (mut answers, about) = (Answers::default(), || case.name.clone());
    for draft in acting(case) {
        answers.add(503, &scene.post(&path(case), &genuine(case, &draft)), &about);
        answers.add(401, &scene.post(&path(case), &draft), &about);
    }
    for (_, token) in forged(case.now).into_iter().filter(|(_, token)| token.split('.').count() == 3) {
        let answer = scene.post(&path(case), &with_tokens(&acting(case)[0], &[&token]));
        assert!(matches!(answer.status, 401 | 503), "{token}: {}", answer.text());
        answers.0.entry(answer.status).or_default().insert(seen(&answer));
    }
    answers.are_alike();
    // It is fetched when the relay starts, and again once that has failed, after 10 s.
    let by_timer = 1 + usize::try_from(started.elapsed().as_secs() / 10).unwrap();
    assert!(scene.google.asked(KEYS) <= by_timer, "more than {by_timer} times");
    assert_eq!(scene.asked()[..3], asked[..3]);
    assert!(scene.journal() == journal, "the journal was written");
}

//! What became of everything that was accepted: as the relay tells it, and as the cluster shows it.

use super::client::{Client, Sent};
use super::jobs::{self, Job};
use super::relays::Death;
use jiff::Timestamp;
use semver::Version;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};
use support::http;
use support::kube::Double;
use support::objects::container;
use support::relay::Relay;

/// Nothing is pending for so long once nobody disturbs it: the longest pause between tries is shorter.
const PATIENCE: Duration = Duration::from_secs(90);

/// How many changes relays that are told to end may make that come to nothing: two for each.
const MOST_LEFT: i64 = 30;

/// How deliveries ended, and what is wrong with that.
#[derive(Default)]
pub(super) struct Verdict {
    /// Accepted, or found in the journal though the answer was lost: by outcome.
    pub(super) outcomes: BTreeMap<String, usize>,
    /// Found in the journal, though the answer was lost.
    pub(super) unanswered: usize,
    /// How often workloads were changed.
    pub(super) changes: i64,
    pub(super) wrong: Vec<String>,
}

/// A delivery that was accepted, and its run as it ended.
struct Ended<'a> {
    sent: &'a Sent,
    outcome: String,
    run: Value,
}

/// What a client's workload must have come to.
struct Expected {
    tag: String,
    /// Changes of the workload's specification.
    changes: i64,
    /// Of the second step's workload.
    restarts: i64,
}

/// Waits until everything of a client has ended, and compares.
pub(super) fn judge(relay: &Relay, kube: &Double, client: &Client, how: Death) -> Verdict {
    let mut verdict = Verdict::default();
    let mut ended: Vec<_> = Vec::new();
    for sent in &client.sent {
        let run = match &sent.run {
            Some(accepted) => Some(asked_again(relay, sent, accepted, &mut verdict)),
            None => looked_up(relay, sent),
        };
        let Some(run) = run else { continue };
        verdict.unanswered += usize::from(sent.run.is_none());
        let outcome = run["outcome"].as_str().unwrap_or("pending").to_owned();
        *verdict.outcomes.entry(outcome.clone()).or_default() += 1;
        ended.push(Ended { sent, outcome, run });
    }
    let expected = replay(client, &ended, how, &mut verdict.wrong);
    compare(kube, client, &ended, (&expected, how), &mut verdict.wrong);
    verdict.changes = expected.changes + expected.restarts;
    for wrong in &mut verdict.wrong {
        *wrong = format!("{}: {wrong}", client.name);
    }
    verdict
}

/// The same delivery again is answered with the end of the run that was accepted.
fn asked_again(relay: &Relay, sent: &Sent, accepted: &str, verdict: &mut Verdict) -> Value {
    let deadline = Instant::now() + PATIENCE;
    let again = sent.delivery.clone().wait(30);
    let mut answer = again.send(relay);
    while answer.status == 202 && Instant::now() < deadline {
        answer = again.send(relay);
    }
    let run = answer.json()["runs"][0].clone();
    let status = match run["outcome"].as_str() {
        Some("succeeded" | "unchanged") => 200,
        Some("superseded") => 409,
        _ => 424,
    };
    if answer.status != status || run["id"] != accepted {
        verdict.wrong.push(format!(
            "{} was accepted as run {accepted}; sent again: {} {}",
            sent.id,
            answer.status,
            answer.text()
        ));
    }
    run
}

/// The run of a delivery whose answer was lost, if it was accepted.
fn looked_up(relay: &Relay, sent: &Sent) -> Option<Value> {
    let socket = format!("unix://{}/state/boathook.sock", relay.directory().display());
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = http::send("GET", &socket, &format!("/deliveries/{}", sent.id), &[], b"");
        if answer.status == 404 {
            return None;
        }
        let delivery = answer.json()["deliveries"][0].clone();
        if delivery["status"] != "pending" || Instant::now() >= deadline {
            return Some(delivery["runs"][0].clone());
        }
        std::thread::yield_now();
    }
}

/// Goes through the ends in the order in which the deliveries were sent: whether each may be, and what they come to.
fn replay(client: &Client, ended: &[Ended<'_>], how: Death, wrong: &mut Vec<String>) -> Expected {
    let mut expected = Expected { tag: "1.0.0".into(), changes: 0, restarts: 0 };
    let mut held = BTreeSet::new();
    for (place, Ended { sent, outcome, run }) in ended.iter().enumerate() {
        let tag = &sent.tag;
        let fits = match (client.job, outcome.as_str()) {
            (Job::Tags | Job::Versions | Job::Risky | Job::Fan | Job::Steps, "succeeded") => {
                let newer = client.job != Job::Versions || version(tag) > version(&expected.tag);
                expected.tag.clone_from(tag);
                expected.changes += 1;
                expected.restarts += i64::from(run["steps"][1]["outcome"] == "succeeded");
                held.clear();
                newer && !jobs::is_bad(tag)
            }
            (Job::Restart(_), "succeeded") => {
                expected.changes += 1;
                true
            }
            // Somebody else restarted it meanwhile: the run before. And the highest version may have come first.
            (Job::Restart(_), "unchanged") | (Job::Versions, "superseded") => true,
            (Job::Versions, "unchanged") => version(tag) <= version(&expected.tag),
            (Job::Risky | Job::Fan, "rolledBack") => {
                // One that was superseded while it was followed may have released the hold.
                let new = how == Death::Told || !held.contains(tag);
                held = BTreeSet::from([tag]);
                expected.changes += 2;
                new && jobs::is_bad(tag)
            }
            (Job::Risky | Job::Fan, "held") => held.contains(tag),
            (_, "superseded") => ended[place + 1..].iter().any(|later| later.outcome != "superseded"),
            _ => false,
        };
        if !fits {
            let known = if sent.run.is_some() { "accepted" } else { "found in the journal" };
            wrong.push(format!("{} with {tag}, {known}, must not end like this: {run}", sent.id));
        }
    }
    expected
}

/// What the cluster shows.
fn compare(
    kube: &Double,
    client: &Client,
    ended: &[Ended<'_>],
    (expected, how): (&Expected, Death),
    wrong: &mut Vec<String>,
) {
    let Client { name, job, .. } = client;
    let object = kube.object(job.resource(), "default", name);
    let changes = |object: &Value| object["metadata"]["generation"].as_i64().unwrap() - 1;
    if !fits(changes(&object), expected.changes, how) {
        wrong.push(format!("it was changed {} times, not {}", changes(&object), expected.changes));
    }
    let last = ended.last().map(|ended| ended.sent.at);
    let image = match job {
        Job::Restart(_) => {
            after(&object, last, wrong);
            jobs::image(name, "1.0.0")
        }
        _ => jobs::image(name, &expected.tag),
    };
    if container(&object, name)["image"] != image {
        wrong.push(format!("it runs {}, not {image}", container(&object, name)["image"]));
    }
    if let Job::Versions = job {
        let highest = ended.iter().map(|ended| version(&ended.sent.tag)).max();
        if highest.is_some_and(|highest| highest != version(&expected.tag)) {
            wrong.push(format!("{} is not the highest version that was accepted", expected.tag));
        }
    }
    for other in job.others(name) {
        let object = kube.object("deployments", "default", &other);
        if let Job::Fan = job
            && (container(&object, &other)["image"] != image
                || !fits(changes(&object), expected.changes, how))
        {
            let (image, changes) = (&container(&object, &other)["image"], changes(&object));
            wrong.push(format!("{other} runs {image}, and was changed {changes} times"));
        }
    }
    if let Job::Steps = job {
        let second = kube.object("deployments", "default", &format!("after-{name}"));
        after(&second, last, wrong);
        if !fits(changes(&second), expected.restarts, how) || expected.restarts != expected.changes {
            let restarts = changes(&second);
            wrong.push(format!("{} first steps, {restarts} second ones", expected.changes));
        }
        in_order(kube, name, wrong);
    }
}

/// Each change is made once. One more may have been made by a run that was followed when its relay was told to end,
/// and was superseded by the next one then.
fn fits(changes: i64, expected: i64, how: Death) -> bool {
    match how {
        Death::Killed => changes == expected,
        Death::Told => changes >= expected && changes <= expected + MOST_LEFT,
    }
}

/// The last restart is not older than the last delivery.
fn after(object: &Value, last: Option<Timestamp>, wrong: &mut Vec<String>) {
    let restarted =
        &object["spec"]["template"]["metadata"]["annotations"]["kubectl.kubernetes.io/restartedAt"];
    let at: Option<Timestamp> = restarted.as_str().and_then(|text| text.parse().ok());
    if at < last {
        wrong.push(format!(
            "{} was restarted at {at:?}, and asked to at {last:?}",
            object["metadata"]["name"]
        ));
    }
}

/// The last change of the second step's workload came after the last one of the first.
fn in_order(kube: &Double, name: &str, wrong: &mut Vec<String>) {
    let patches = kube.patches();
    let last = |name: &str| {
        let of = |number: &usize| patches[*number].path().ends_with(&format!("/deployments/{name}"));
        (0..patches.len()).rev().find(of)
    };
    if last(&format!("after-{name}")) < last(name) {
        wrong.push("the second step was not the last".to_owned());
    }
}

fn version(tag: &str) -> Version {
    tag.parse().unwrap()
}

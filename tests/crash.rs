//! Killed at random moments under load, with an API that fails at random: whatever was answered 202 ends as it asked,
//! or is superseded by something that did. None is lost, none is done twice.
//!
//! `BOATHOOK_TEST_KILLS` says how many kills (50), `BOATHOOK_TEST_SEED` repeats the chances of a run that failed.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code: a broken assumption ends the test with its line"
)]

#[path = "crash/client.rs"]
mod client;
#[path = "crash/dice.rs"]
mod dice;
#[path = "crash/jobs.rs"]
mod jobs;
#[path = "crash/judge.rs"]
mod judge;
#[path = "crash/relays.rs"]
mod relays;
#[path = "crash/trouble.rs"]
mod trouble;

use client::Client;
use dice::Dice;
use judge::Verdict;
use relays::{Death, Done, Until, Whereabouts};
use std::io::Write as _;
use std::thread;
use std::time::Duration;
use support::kube::{Double, Pace};
use support::relay::Relay;
use support::{github, scene};

#[test]
fn nothing_accepted_is_lost_however_often_the_relay_is_killed() {
    go_through(dice::number("BOATHOOK_TEST_KILLS").unwrap_or(50), Death::Killed);
}

#[test]
fn nothing_accepted_is_lost_when_the_relay_is_told_to_end_and_sometimes_cannot() {
    go_through(15, Death::Told);
}

fn go_through(deaths: u64, how: Death) {
    let seed = dice::seed();
    say(&format!("{how:?} {deaths} times, seed {seed}"));
    let kube = Double::start();
    jobs::populate(&kube);
    kube.auto_rollout(Pace::Every(Duration::from_millis(5)));
    let setup = scene::boathook(&jobs::config(&kube)).state();
    let first = setup.file("github.key", github::KEY).file("ci.key", jobs::CI_KEY).start();

    let (relay, mut done, clients, troubles) = storm(&kube, first, seed, (deaths, how));
    let verdicts: Vec<Verdict> = thread::scope(|scope| {
        let (relay, kube) = (&relay, &kube);
        let judge = |client| scope.spawn(move || judge::judge(relay, kube, client, how));
        let judges: Vec<_> = clients.iter().map(judge).collect();
        judges.into_iter().map(|judge| judge.join().unwrap()).collect()
    });

    let told = tell(&done, &clients, &verdicts, troubles, kube.requests().len());
    say(&told);
    let wrong: Vec<_> = verdicts.iter().flat_map(|verdict| &verdict.wrong).map(String::as_str).collect();
    if !wrong.is_empty() {
        done.logs.push(relay.log());
        let file = std::env::temp_dir().join(format!("boathook-crash-{seed}.log"));
        std::fs::write(&file, done.logs.join("\n--- ended ---\n")).unwrap();
        panic!("seed {seed}, logs in {}; {told}\n{}", file.display(), wrong.join("\n"));
    }
    assert!(clients.iter().all(|client| client.sent.len() > 10), "{told}");
}

/// Deaths, clients and a bad API, all at once; afterwards the last relay, which lives on with an API that is well.
fn storm(kube: &Double, first: Relay, seed: u64, deaths: (u64, Death)) -> (Relay, Done, Vec<Client>, usize) {
    let whereabouts = &Whereabouts::default();
    thread::scope(|scope| {
        let until = Until(whereabouts);
        let clients: Vec<_> = jobs::CLIENTS
            .into_iter()
            .zip(10..)
            .map(|((name, job), number)| {
                let dice = Dice::new(seed, number);
                scope.spawn(move || Client::new(name, job).work(dice, whereabouts))
            })
            .collect();
        let troubles = scope.spawn(|| trouble::make(kube, Dice::new(seed, 1), whereabouts));
        let (relay, done) = relays::end(first, deaths, Dice::new(seed, 2), whereabouts);
        drop(until);
        let clients = clients.into_iter().map(|client| client.join().unwrap()).collect();
        (relay, done, clients, troubles.join().unwrap())
    })
}

/// The counts.
fn tell(done: &Done, clients: &[Client], verdicts: &[Verdict], troubles: usize, requests: usize) -> String {
    let sum = |count: &dyn Fn(&Client) -> usize| clients.iter().map(count).sum::<usize>();
    let accepted = sum(&|client| client.sent.iter().filter(|sent| sent.run.is_some()).count());
    let mut outcomes = std::collections::BTreeMap::new();
    for (outcome, number) in verdicts.iter().flat_map(|verdict| &verdict.outcomes) {
        *outcomes.entry(outcome.as_str()).or_insert(0) += number;
    }
    let ended: Vec<_> = outcomes.iter().map(|(outcome, number)| format!("{number} {outcome}")).collect();
    format!(
        "{} kills, {} more before it listened, {} ends by SIGTERM; API: {troubles} troubles, {requests} requests; \
         {} deliveries sent, {accepted} answered 202, {} answered 503, {} found nobody, {} of {} without an answer \
         were accepted; ended: {}; {} changes",
        done.kills,
        done.kills_at_start,
        done.ends,
        sum(&|client| client.sent.len()),
        sum(&|client| client.refused),
        sum(&|client| client.unheard),
        verdicts.iter().map(|verdict| verdict.unanswered).sum::<usize>(),
        sum(&|client| client.sent.len()) - accepted,
        ended.join(", "),
        verdicts.iter().map(|verdict| verdict.changes).sum::<i64>(),
    )
}

/// Prints also when the test succeeds, since its counts are what it is for.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "crash test: {text}");
}

//! An API server that is away, slow, or fails at random.

use serde_json::json;
use std::io::ErrorKind;
use std::time::{Duration, Instant};
use support::http;
use support::kube::{Away, Chaos, Double, Fault};
use support::objects::deployment;

const WEB: &str = "/apis/apps/v1/namespaces/default/deployments/web";

fn with_web() -> Double {
    let kube = Double::start();
    kube.apply(deployment("default", "web", "ghcr.io/acme/web:0"));
    kube
}

fn set_image(kube: &Double, tag: usize) -> std::io::Result<http::Response> {
    let image = format!("ghcr.io/acme/web:{tag}");
    let body = json!({"spec": {"template": {"spec": {"containers": [{"name": "web", "image": image}]}}}});
    let headers = [("Content-Type", "application/strategic-merge-patch+json")];
    http::try_send("PATCH", &kube.url(), WEB, &headers, body.to_string().as_bytes())
}

#[test]
fn it_is_away_in_different_ways() {
    let kube = with_web();
    let get = || http::try_send("GET", &kube.url(), WEB, &[], b"");
    for _ in 0..2 {
        kube.away(Away::Refused);
        assert_eq!(get().unwrap_err().kind(), ErrorKind::ConnectionRefused);
        kube.away(Away::BehindProxy);
        let proxied = get().unwrap();
        assert_eq!(
            (proxied.status, proxied.header("content-type")),
            (500, Some("text/plain; charset=utf-8"))
        );
        assert!(proxied.text().ends_with("connect: connection refused\n"));
        kube.away(Away::Unavailable);
        assert_eq!(get().unwrap().json()["reason"], "ServiceUnavailable");
        kube.back();
        assert_eq!(get().unwrap().status, 200);
    }
}

#[test]
fn requests_that_got_no_answer_are_served_when_it_is_back() {
    let kube = with_web();
    kube.away(Away::Silent);
    std::thread::scope(|scope| {
        let patch = scope.spawn(|| set_image(&kube, 1).unwrap().status);
        kube.wait_for_blocking(|requests| requests.iter().any(|request| request.method == "PATCH"));
        assert_eq!(kube.history("deployments", "default", "web"), ["ghcr.io/acme/web:0"]);
        kube.back();
        assert_eq!(patch.join().unwrap(), 200);
    });
    assert_eq!(kube.history("deploy", "default", "web"), ["ghcr.io/acme/web:0", "ghcr.io/acme/web:1"]);
}

#[test]
fn a_slow_answer_comes() {
    let kube = with_web();
    let pause = Duration::from_millis(30);
    kube.fail_times(Fault::Slow(pause), 1);
    let began = Instant::now();
    assert_eq!(set_image(&kube, 1).unwrap().status, 200);
    // Slower is possible, quicker is not.
    assert!(began.elapsed() >= pause);
}

/// What became of some writes: the answers' statuses, 0 where there was none; and the history.
fn written(kube: &Double, number: usize) -> (Vec<u16>, Vec<String>) {
    let send = |tag| set_image(kube, tag).map_or(0, |answer| answer.status);
    let statuses = (1..=number).map(send).collect();
    (statuses, kube.history("deployments", "default", "web"))
}

#[test]
fn random_failures_are_the_same_for_the_same_seed() {
    let run = |seed| {
        let kube = with_web();
        kube.fail_at_random(Chaos::new(seed, 0.5));
        let written = written(&kube, 100);
        (written, kube.count_faults())
    };
    let (first, again, other) = (run(7), run(7), run(8));
    assert_eq!(first, again);
    assert_ne!(first, other);
    let ((statuses, history), failed) = first;
    // All ways are among them; answers are lost with and without effect.
    for status in [0, 200, 409, 429, 500, 503, 504] {
        assert!(statuses.contains(&status), "{status} is not among {statuses:?}");
    }
    assert!((35..=65).contains(&failed), "{failed} of 100");
    let answered = statuses.iter().filter(|status| **status == 200).count();
    let lost = statuses.iter().filter(|status| **status == 0).count();
    // The first image was there before.
    let effective = history.len() - 1;
    assert!(effective > answered && effective < answered + lost, "{effective} of {answered} and {lost}");
}

#[test]
fn random_failures_of_one_kind_and_their_end() {
    let kube = with_web();
    kube.fail_at_random(Chaos::new(1, 1.0).only(&[Fault::LoseAnswer]));
    let (statuses, history) = written(&kube, 5);
    assert_eq!((statuses, history.len()), (vec![0; 5], 6));
    assert_eq!(kube.count_writes(), 5);
    // A write that only ever conflicts; reads are not touched.
    kube.fail_at_random(Chaos::new(1, 1.0).only(&[Fault::Conflict]));
    assert_eq!(set_image(&kube, 6).unwrap().status, 409);
    assert_eq!(http::send("GET", &kube.url(), WEB, &[], b"").status, 200);
    kube.clear_faults();
    assert_eq!(set_image(&kube, 6).unwrap().status, 200);
}

use super::*;
use crate::config::SecretUrl;
use crate::key::Key;
use crate::notify::Format;
use crate::notify::notice::tests::rolled_back;
use crate::run::outcome::Outcome;

const KEYS: [&str; 2] = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_NgKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"];

fn target(keys: &[&str]) -> NotifyTarget {
    NotifyTarget {
        name: "ops".into(),
        url: SecretUrl::parse("https://user:pass@ops.example.com/hook?token=1").unwrap(),
        keys: keys.iter().map(|key| Key::new(key.as_bytes())).collect(),
        on: vec![Outcome::RolledBack],
        format: Format::CloudEvents,
        endpoints: Vec::new(),
    }
}

fn made(keys: &[&str]) -> reqwest::Request {
    let http = outside::client(TRY).unwrap();
    request(&http, &target(keys), &rolled_back(), Timestamp::from_second(1_800_000_000).unwrap())
        .build()
        .unwrap()
}

fn header<'a>(request: &'a reqwest::Request, name: &str) -> Option<&'a str> {
    request.headers().get(name).map(|value| value.to_str().unwrap())
}

#[test]
fn what_is_sent_is_signed_with_every_key() {
    let request = made(&KEYS);
    let body = request.body().unwrap().as_bytes().unwrap();
    assert_eq!(body, Format::CloudEvents.body(&rolled_back()));
    assert_eq!(header(&request, "content-type"), Some("application/cloudevents+json"));
    assert_eq!(header(&request, ID), Some("19aa1b2c3d40001"));
    assert_eq!(header(&request, TIMESTAMP), Some("1800000000"));
    let expected =
        KEYS.map(|key| sign(&Key::new(key.as_bytes()), "19aa1b2c3d40001", "1800000000", body).unwrap());
    assert_eq!(header(&request, SIGNATURE), Some(expected.join(" ").as_str()));
    assert_eq!(request.url().as_str(), "https://ops.example.com/hook?token=1");
    assert!(header(&request, "authorization").unwrap().starts_with("Basic "));
}

#[test]
fn without_a_key_only_the_id_and_the_time_are_there() {
    let request = made(&[]);
    assert_eq!((header(&request, SIGNATURE), header(&request, ID)), (None, Some("19aa1b2c3d40001")));
}

#[test]
fn a_target_that_is_away_is_not_one_that_refuses() {
    for (status, expected) in [
        (408, Fault::Away),
        (429, Fault::Away),
        (503, Fault::Away),
        (500, Fault::Broken),
        (502, Fault::Broken),
        (301, Fault::Refused),
        (400, Fault::Refused),
        (404, Fault::Refused),
        (410, Fault::Refused),
    ] {
        assert_eq!(fault(status), expected, "{status}");
    }
}

#[test]
fn a_pause_may_be_asked_for_in_seconds_or_as_a_date() {
    let asked = |value: &str| {
        let answer = hyper::http::Response::builder().header(RETRY_AFTER, value).body(Vec::new()).unwrap();
        retry_after(&Response::from(answer))
    };
    assert_eq!(asked("120"), Some(Duration::from_secs(120)));
    assert_eq!(asked("9999999"), Some(LONGEST_AFTER));
    assert_eq!(asked("Sun, 06 Nov 1994 08:49:37 GMT"), None, "it is over");
    assert_eq!(asked("soon"), None);
    let soon = Timestamp::now() + Duration::from_secs(600);
    let left =
        asked(&jiff::fmt::rfc2822::to_string(&soon.to_zoned(jiff::tz::TimeZone::UTC)).unwrap()).unwrap();
    assert!(left > Duration::from_secs(500) && left <= Duration::from_secs(600), "{left:?}");
}

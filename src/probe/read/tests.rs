use super::*;
use crate::action::testing::read;

fn probe(text: &str) -> (Option<Probe>, Vec<String>) {
    read(text, |mut fields| {
        let probe = Probe::read(&mut fields);
        fields.finish();
        probe
    })
}

#[test]
fn every_field_is_read_and_kept() {
    let (plain, mistakes) = probe("url: 'https://example.com/health'");
    assert_eq!(mistakes, Vec::<String>::new());
    let plain = plain.unwrap();
    let expected = Probe {
        url: UrlTemplate::parse("https://example.com/health").unwrap(),
        allow_local: false,
        expect: vec![200],
        contains: None,
        within: WITHIN,
        every: EVERY,
        max_latency: MAX_LATENCY,
        consecutive: CONSECUTIVE,
    };
    assert_eq!(plain, expected);
    assert_eq!(
        plain.describe(),
        "https://example.com/health every 3s until it is well 3 times in a row, within 45s"
    );
    let text = "{url: 'http://localhost:8080/v', allowLocal: true, expect: [200, 301], contains: '${tag}', \
                within: 1m, every: 500ms, maxLatency: 10s, consecutive: 1}";
    let (full, mistakes) = probe(text);
    assert_eq!(mistakes, Vec::<String>::new());
    let full = full.unwrap();
    let expected = Probe {
        url: UrlTemplate::parse("http://localhost:8080/v").unwrap(),
        allow_local: true,
        expect: vec![200, 301],
        contains: Some(Template::parse("${tag}").unwrap()),
        within: Duration::from_secs(60),
        every: Duration::from_millis(500),
        max_latency: Duration::from_secs(10),
        consecutive: 1,
    };
    assert_eq!(full, expected);
    for probe in [plain, full] {
        let json = serde_json::to_string(&probe).unwrap();
        assert_eq!(serde_json::from_str::<Probe>(&json).unwrap(), probe);
    }
}

#[test]
fn every_mistake_is_told() {
    let url = "url: 'https://example.com'";
    for (text, told) in [
        ("{}".to_owned(), "url is missing"),
        ("{url: ''}".to_owned(), "url: is empty"),
        ("{url: example.com}".to_owned(), "url: must begin with http://"),
        (
            "{url: 'http://127.0.0.1/'}".to_owned(),
            "url: its host is a loopback address; if that is meant, add allowLocal: true",
        ),
        (
            "{url: 'http://localhost/'}".to_owned(),
            "url: its host is this machine; if that is meant, add allowLocal: true",
        ),
        (
            format!("{{{url}, allowLocal: true}}"),
            "allowLocal: is only for a URL whose host is written as localhost",
        ),
        (format!("{{{url}, expect: ok}}"), "expect: must be a status from 200 to 599"),
        (format!("{{{url}, expect: 100}}"), "expect: must be a status from 200 to 599"),
        (format!("{{{url}, expect: []}}"), "expect: must be a status from 200 to 599"),
        (format!("{{{url}, expect: [200, 600]}}"), "expect: must be a status from 200 to 599"),
        (format!("{{{url}, contains: ''}}"), "contains: is empty"),
        (format!("{{{url}, contains: '${{x}}'}}"), "contains: ${x} is not a variable"),
        (format!("{{{url}, within: 0s}}"), "within: leaves no time"),
        (format!("{{{url}, within: 45}}"), "within: must be a duration"),
        (format!("{{{url}, within: 5s}}"), "within: 3 tries, one every 3s, take 6s"),
        (format!("{{{url}, every: 0}}"), "every: leaves no pause"),
        (format!("{{{url}, maxLatency: 0s}}"), "maxLatency: leaves no time"),
        (format!("{{{url}, consecutive: 0}}"), "consecutive: must be a whole number from 1 to 1000"),
        (format!("{{{url}, retries: 3}}"), "retries: is not a field here"),
    ] {
        let (_, mistakes) = probe(&text);
        assert!(mistakes.len() == 1 && mistakes[0].contains(told), "{text}: {mistakes:?}");
    }
}

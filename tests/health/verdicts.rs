//! What is well and what is not.

use super::{check, ended};
use support::github;
use support::scene::{cluster, image_of, relay};
use support::site::{Health, ILL, Site, WELL};

#[test]
fn enough_good_answers_in_a_row_let_the_run_go_on() {
    let (kube, site) = (cluster(&["web", "queue"]), Site::start());
    site.behave("/health", &[ILL, WELL, ILL, WELL]);
    let check = check(&site, "/health", "within: 1m, contains: 'is well'");
    let rule = format!(
        "{{do: [{{setImage: {{namespace: default, workloads: [deployment/web]}}}}, {check}, \
         {{restart: {{namespace: default, workloads: [deployment/queue]}}}}]}}"
    );
    let relay = relay(&kube, "settle: 0", &[&rule]);
    let answer = github::image("ghcr.io/acme/web", "2.0.0").wait(50).send(&relay);
    let (status, outcome, reason) = ended(&answer);
    assert_eq!((status, outcome.as_str(), site.asked("/health")), (200, "succeeded", 6), "{reason}");
    let seen = format!("; {} answered 200, 3 times in a row, slowest ", site.url("/health"));
    assert!(reason.contains(&seen), "{reason}");
    let step = &answer.json()["runs"][0]["steps"][1];
    assert_eq!((&step["action"], &step["outcome"]), (&"check".into(), &"succeeded".into()));
    assert_eq!(step["targets"][0]["target"], site.url("/health"));
    assert_eq!(kube.patches().len(), 2, "the step after it as well");
}

#[test]
fn a_bad_answer_fails_the_run_and_says_why() {
    let (kube, site) = (cluster(&["web"]), Site::start());
    site.behave("/ill", &[ILL]);
    site.behave("/moved", &[Health::MovedTo("/there")]);
    site.behave("/slow", &[Health::Hangs]);
    let cases = [
        ("/ill", "", "answered 503, where 200 is expected"),
        ("/well", "contains: 'v${tag}'", "answered 200, but its body lacks \"v2.0.0\""),
        ("/slow", "maxLatency: 50ms", "no answer within 50ms"),
        ("/moved", "", "answered 302, where 200 is expected; redirects are not followed"),
    ];
    let rules = cases.map(|(path, fields, _)| {
        let fields = format!("within: 100ms, consecutive: 1, {fields}");
        format!(
            "{{do: [{{setImage: {{namespace: default, workloads: [deployment/web]}}}}, {}]}}",
            check(&site, path, &fields)
        )
    });
    let relay = relay(&kube, "settle: 0", &rules.each_ref().map(String::as_str));
    let answer = github::image("ghcr.io/acme/web", "2.0.0").wait(50).send(&relay);
    assert_eq!(answer.status, 424, "{}", answer.text());
    for (run, (path, _, told)) in cases.iter().enumerate() {
        let run = &answer.json()["runs"][run];
        let reason = format!("{} is not well after 100ms: {told}", site.url(path));
        assert_eq!((&run["outcome"], &run["reason"]), (&"failed".into(), &reason.into()));
    }
    assert_eq!(
        (site.asked("/there"), image_of(&kube, "web").as_str()),
        (0, "ghcr.io/acme/web:2.0.0"),
        "kept"
    );
}

#[test]
fn what_an_event_names_never_leads_to_this_machine() {
    let (kube, site) = (cluster(&["web"]), Site::start());
    let (_, port) = site.address().split_once(':').unwrap();
    let rule = format!(
        "{{do: [{{check: {{url: 'http://${{tag}}:{port}/', every: 10ms, within: 30ms, consecutive: 1}}}}]}}"
    );
    let relay = relay(&kube, "settle: 0", &[&rule]);
    for (tag, told) in [
        ("localhost", "localhost is at a loopback address, where no probe goes"),
        ("web.localhost", "which is \"web.localhost\" and is no label of a DNS name"),
        ("127.0.0.1", "which is \"127.0.0.1\" and is no label of a DNS name"),
        ("2130706433", "which is an address, where a name is needed"),
    ] {
        let answer = github::image("ghcr.io/acme/web", tag).wait(50).send(&relay);
        let (status, outcome, reason) = ended(&answer);
        assert_eq!((status, outcome.as_str()), (424, "failed"), "{tag}: {reason}");
        assert!(reason.contains(told), "{tag}: {reason}");
    }
    assert_eq!(site.asked("/"), 0);
}

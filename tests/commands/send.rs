//! `send`: what each source would send arrives, verified.

use std::fmt::Write as _;

use super::bench;
use support::command::{Bench, Ended};
use support::flux;
use support::relay::Relay;

const KEY: &str = "0123456789abcdef0123456789abcdef";

/// A source: the lines that it needs, its kinds of samples, a body of its own.
const SOURCES: [(&str, &str, &[&str], &str); 13] = [
    ("Artifactory", "", &["image", "ping"], include_str!("../data/artifactory/pushed.json")),
    (
        "AzureContainerRegistry",
        "",
        &["image", "ping"],
        include_str!("../data/azure_container_registry/push.json"),
    ),
    ("BitbucketCloud", "", &["git"], include_str!("../data/bitbucket_cloud/several_changes.json")),
    ("BitbucketServer", "", &["git", "ping"], include_str!("../data/bitbucket_server/tag_annotated.json")),
    ("Distribution", "", &["image"], include_str!("../data/distribution/push.json")),
    ("DockerHub", "", &["image"], include_str!("../data/docker_hub/push.json")),
    ("Generic", "  maxAge: 0\n", &["deploy"], include_str!("../data/generic/deploy.json")),
    ("Gitea", "", &["git", "image"], GITEA),
    (
        "GitHub",
        "",
        &["image", "git", "pipeline", "ping"],
        include_str!("../data/github/push_annotated_tag.json"),
    ),
    ("GitLab", "", &["git", "pipeline"], include_str!("../data/gitlab/tag_push_annotated.json")),
    ("Harbor", "", &["image"], include_str!("../data/harbor/push_v2.json")),
    (
        "Nexus",
        "  registryHost: registry.example.com\n",
        &["image"],
        include_str!("../data/nexus/component.json"),
    ),
    ("Quay", "", &["image"], include_str!("../data/quay/push.json")),
];

const GITEA: &str = r#"{"ref": "refs/heads/main", "before": "1111111111111111111111111111111111111111",
  "after": "2222222222222222222222222222222222222222", "commits": [],
  "repository": {"full_name": "acme/web", "clone_url": "https://git.example.com/acme/web.git",
    "ssh_url": "git@git.example.com:acme/web.git"}, "pusher": {"login": "octavia"}}"#;

/// An endpoint for each source, named as the source is.
fn config(flux: &flux::Double) -> String {
    let mut text = format!("version: 1\nflux: {{api: \"{}\"}}\nendpoints:\n", flux.api());
    for (source, lines, ..) in SOURCES {
        let when = if source == "Generic" { "when: {image: \"**\"}, " } else { "" };
        write!(text, "- name: {source}\n  source: {source}\n  keyPath: {source}.key\n{lines}").unwrap();
        writeln!(text, "  rules: [{{{when}do: [fluxNotify: {{}}]}}]").unwrap();
    }
    text
}

/// A relay for all sources, and a bench with the same configuration.
fn scene() -> (flux::Double, Relay, Bench) {
    let flux = flux::Double::start();
    let config = config(&flux);
    let mut setup = Relay::with(env!("CARGO_BIN_EXE_boathook"), &config);
    let bench = bench();
    bench.write("c.yaml", &config);
    for (source, ..) in SOURCES {
        let key = format!("{source}-{KEY}");
        bench.write(&format!("{source}.key"), &key);
        setup = setup.file(&format!("{source}.key"), &key);
    }
    (flux, setup.start(), bench)
}

fn send(bench: &Bench, relay: &Relay, endpoint: &str, more: &[&str], body: &str) -> Ended {
    let to = format!("http://{}/", relay.address());
    let arguments = [&["send", "--config", "c.yaml", "--endpoint", endpoint, "--to", &to], more].concat();
    bench.run_with(&arguments, body.as_bytes())
}

#[test]
fn a_sample_of_every_kind_of_every_source_is_accepted() {
    let (flux, relay, bench) = scene();
    let mut notified = 0;
    for (source, _, kinds, _) in SOURCES {
        for kind in ["image", "git", "pipeline", "deploy", "ping"] {
            let ended = send(&bench, &relay, source, &["--sample", kind], "");
            if !kinds.contains(&kind) {
                ended.expect(2).tells(&format!("{source} sends no such event: no sample of it"));
                continue;
            }
            let ended = ended.expect(0);
            let (status, body) = ended.stdout.split_once('\n').unwrap();
            let body: serde_json::Value = serde_json::from_str(body).unwrap();
            if kind == "ping" {
                assert_eq!((status, &body["status"]), ("200", &"pong".into()), "{source}: {body}");
            } else {
                assert_eq!((status, &body["status"]), ("202", &"accepted".into()), "{source} {kind}: {body}");
                notified += 1;
                flux.wait_for(notified);
            }
        }
    }
}

#[test]
fn a_real_body_of_every_source_is_accepted() {
    let (flux, relay, bench) = scene();
    for (number, (source, .., body)) in SOURCES.into_iter().enumerate() {
        let ended = send(&bench, &relay, source, &["--wait=20"], body).expect(0);
        assert!(
            ended.stdout.starts_with("200\n{") && ended.stdout.contains("succeeded"),
            "{source}: {ended:?}"
        );
        assert!(flux.notifications().len() > number, "{source}");
    }
}

#[test]
fn a_sample_says_what_it_is_told_to() {
    let (flux, relay, bench) = scene();
    let image = ["--sample=image", "--image", "ghcr.io/acme/shop", "--tag", "v7"];
    send(&bench, &relay, "GitHub", &image, "").expect(0);
    assert_eq!(flux.wait_for(1)[0].body["Source"]["Name"]["Image"], "acme/shop");
    let git = ["--sample=git", "--repository=acme/fleet", "--branch", "release/2"];
    send(&bench, &relay, "GitLab", &git, "").expect(0);
    let body = &flux.wait_for(2)[1].body;
    assert_eq!(body["Source"]["Branch"], "release/2");
    assert!(body["Source"]["URL"].as_str().unwrap().ends_with(":acme/fleet.git"), "{body}");
}

#[test]
fn a_header_that_is_given_takes_the_place_of_the_senders() {
    let (_flux, relay, bench) = scene();
    let wrong = ["--sample=image", "--header", "x-hub-signature-256: sha256=00"];
    let ended = send(&bench, &relay, "GitHub", &wrong, "").expect(1);
    assert!(ended.stdout.starts_with("401\n"), "{}", ended.stdout);
    let other = ["--sample=image", "--header=X-GitHub-Event:star"];
    let ended = send(&bench, &relay, "GitHub", &other, "").expect(0);
    assert!(ended.stdout.starts_with("200\n") && ended.stdout.contains("ignored"), "{}", ended.stdout);
    let prefer = ["--sample=image", "--wait=1", "--header", "Prefer: wait=20"];
    let ended = send(&bench, &relay, "GitHub", &prefer, "").expect(0);
    assert!(ended.stdout.starts_with("200\n") && ended.stdout.contains("succeeded"), "{}", ended.stdout);
}

#[test]
fn an_answer_that_is_no_success_is_printed_and_fails() {
    let (flux, relay, bench) = scene();
    let ended = send(&bench, &relay, "GitHub", &["--header=X-GitHub-Event:push"], "{").expect(1);
    assert!(ended.stdout.starts_with("400\n{"), "{}", ended.stdout);
    flux.behave(flux::Behavior::Status(400));
    let ended = send(&bench, &relay, "GitHub", &["--sample=image", "--wait=20"], "").expect(1);
    assert!(
        ended.stdout.starts_with("424\n") && ended.stdout.contains("Flux answers 400"),
        "{}",
        ended.stdout
    );
}

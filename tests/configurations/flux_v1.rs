//! `config/flux-v1.yaml`: a flux-recv configuration as it is.

use serde_json::{Value, json};

use super::Stage;
use support::flux;

#[test]
fn flux_v1() {
    let flux = flux::Double::start();
    let stage = Stage::new("flux-v1.yaml", &[&format!("--flux-api={}", flux.api())]);
    let git = |url: &str| json!({"Kind": "git", "Source": {"URL": url, "Branch": "main"}});
    let image =
        |domain: &str| json!({"Kind": "image", "Source": {"Name": {"Domain": domain, "Image": "acme/web"}}});
    let sent: [(&str, &[&str], Value); 5] = [
        ("GitHub-0", &["--sample=git"], git("git@github.com:acme/web.git")),
        ("GitLab-1", &["--sample=git"], git("git@gitlab.com:acme/web.git")),
        ("BitbucketCloud-2", &["--sample=git"], git("git@bitbucket.org:acme/web.git")),
        ("DockerHub-3", &["--sample=image", "--image=acme/web"], image("")),
        (
            "Nexus-4",
            &["--sample=image", "--image=registry.example.com/acme/web"],
            image("registry.example.com"),
        ),
    ];
    for (number, (endpoint, sample, expected)) in sent.into_iter().enumerate() {
        assert_eq!(stage.outcome(endpoint, sample), "succeeded", "{endpoint}");
        let notifications = flux.notifications();
        assert_eq!(notifications.len(), number + 1, "one for each");
        assert_eq!(notifications[number].body, expected, "{endpoint}");
    }
    assert_eq!(stage.send("GitHub-0", &["--sample=ping"]).expect(0).stdout, "200\n{\"status\":\"pong\"}\n");
    assert_eq!(flux.notifications().len(), 5, "a ping moves nothing");
}

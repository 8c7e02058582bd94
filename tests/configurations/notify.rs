//! Being told of what a push led to.

use std::time::Duration;

use super::{Stage, image, ready};
use support::kube::{How, Pace};
use support::receiver::Receiver;
use support::{kube, objects};

/// The configuration, with a journal that this test may write and targets that it can be.
pub(crate) fn notify(receiver: &Receiver, state: &std::path::Path) -> String {
    let config = ready("notify.yaml");
    let changes = [
        ("state: /var/lib/boathook", format!("state: {}", state.display())),
        ("urlPath: slack.url", format!("url: {}", receiver.url("/slack"))),
        ("https://deployments.example.com/boathook", receiver.url("/deployments")),
    ];
    changes.iter().fold(config, |config, (from, to)| {
        assert_eq!(config.matches(from).count(), 1, "{from}");
        config.replace(from, to)
    })
}

#[test]
fn a_version_that_does_not_come_up_is_put_back_and_people_are_told() {
    let kube = kube::Double::start();
    kube.apply(objects::deployment("default", "web", "ghcr.io/acme/web:1.0.0"));
    kube.break_image("ghcr.io/acme/web:1.2.0", How::ImagePullBackOff);
    kube.auto_rollout(Pace::Every(Duration::from_millis(10)));
    let receiver = Receiver::start();
    let state = support::temp::TempDir::new();
    let config = notify(&receiver, &state.path().join("state"));
    let staged = Stage::of(&config, &[&format!("--kube-api={}", kube.url())]);
    let push = |tag: &str| staged.send("ghcr", &["--sample=image", "--image=ghcr.io/acme/web", "--tag", tag]);

    push("1.1.0").expect(0);
    assert_eq!(receiver.wait_for("/deployments", 1)[0].body["type"], "boathook.run.succeeded");

    push("1.2.0");
    let told = &receiver.wait_for("/deployments", 2)[1];
    assert_eq!(told.body["type"], "boathook.run.rolledBack");
    assert!(!told.header("webhook-signature").is_empty());
    assert_eq!(image(&kube, "deployments", "default", "web"), "ghcr.io/acme/web:1.1.0");
    let message = &receiver.wait_for("/slack", 1)[0].body;
    assert_eq!(message["text"], "rolled back: ghcr.io/acme/web:1.2.0");
    let why = message["blocks"][0]["text"]["text"].as_str().unwrap();
    assert!(why.contains("put back: ghcr.io/acme/web:1.1.0"), "{why}");
    assert_eq!(receiver.told("/slack").len(), 1, "what is well is not told there");
}

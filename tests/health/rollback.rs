//! A check that fails takes back what was changed before it.

use super::{check, ended};
use support::github;
use support::objects::deployment;
use support::scene::{cluster, effective, image_of, relay};
use support::site::{ILL, Site, WELL};

const OLD: &str = "ghcr.io/acme/web:1.0.0";

/// Sets the image of `workloads`, followed as `rollout` says, and checks.
fn rule(site: &Site, workloads: &str, rollout: &str) -> String {
    let check = check(site, "/health", "within: 50ms, consecutive: 2, onFailure: rollback");
    format!("{{do: [{{setImage: {{namespace: default, workloads: [{workloads}], {rollout}}}}}, {check}]}}")
}

#[test]
fn it_is_put_back_and_held_however_its_rollout_was_followed() {
    for rollout in ["rollout: none", "rollout: {onFailure: keep}", "rollout: {onFailure: rollback}"] {
        let (kube, site) = (cluster(&["web"]), Site::start());
        kube.apply(deployment("default", "twin", OLD));
        site.behave("/health", &[ILL]);
        let relay = relay(&kube, "settle: 0", &[&rule(&site, "deployment/web, deployment/twin", rollout)]);
        let delivery = github::image("ghcr.io/acme/web", "2.0.0").wait(50);
        let answer = delivery.send(&relay);
        let (status, outcome, reason) = ended(&answer);
        assert_eq!((status, outcome.as_str()), (424, "rolledBack"), "{rollout}: {reason}");
        let why = format!(
            "deployment/web: web: {OLD} → ghcr.io/acme/web:2.0.0; {} is not well after 50ms: answered 503, where 200 \
             is expected; put back: {OLD}",
            site.url("/health")
        );
        assert!(reason.contains(&why), "{rollout}: {reason}");
        let steps = &answer.json()["runs"][0]["steps"];
        let outcomes: Vec<_> = (0..2).map(|place| steps[0]["targets"][place]["outcome"].clone()).collect();
        assert_eq!(outcomes, ["rolledBack", "rolledBack"], "{}", answer.text());
        assert_eq!((&steps[0]["outcome"], &steps[1]["outcome"]), (&"rolledBack".into(), &"failed".into()));
        assert_eq!((image_of(&kube, "web").as_str(), effective(&kube).len()), (OLD, 4), "{rollout}");

        let (_, outcome, reason) = ended(&delivery.send(&relay));
        assert_eq!(outcome, "held", "{rollout}: {reason}");
        assert!(reason.contains("is not well after 50ms"), "{rollout}: {reason}");
        site.behave("/health", &[WELL]);
        let next = github::image("ghcr.io/acme/web", "2.0.1").wait(50);
        assert_eq!(ended(&next.send(&relay)).1, "succeeded", "{rollout}");
    }
}

#[test]
fn only_what_this_run_changed_last_is_put_back() {
    let (kube, site) = (cluster(&["web", "queue"]), Site::start());
    kube.apply(deployment("default", "dev", OLD));
    site.behave("/health", &[ILL]);
    let check = check(&site, "/health", "within: 50ms, consecutive: 2, onFailure: rollback");
    let rule = format!(
        "{{do: [{{setImage: {{namespace: default, workloads: [deployment/dev]}}}}, \
         {{setImage: {{namespace: default, workloads: [deployment/web]}}}}, \
         {{restart: {{namespace: default, workloads: [deployment/queue]}}}}, {check}]}}"
    );
    let relay = relay(&kube, "settle: 0", &[&rule]);
    let (_, outcome, reason) = ended(&github::image("ghcr.io/acme/web", "2.0.0").wait(50).send(&relay));
    assert_eq!(outcome, "rolledBack", "{reason}");
    let image = |name: &str| {
        let object = kube.object("deployments", "default", name);
        object["spec"]["template"]["spec"]["containers"][0]["image"].as_str().unwrap().to_owned()
    };
    assert_eq!([image("dev"), image("web")], ["ghcr.io/acme/web:2.0.0", OLD]);
}

#[test]
fn what_was_there_already_is_not_put_back() {
    let (kube, site) = (cluster(&["web"]), Site::start());
    site.behave("/health", &[ILL]);
    let relay = relay(&kube, "settle: 0", &[&rule(&site, "deployment/web", "")]);
    let (_, outcome, reason) = ended(&github::image("ghcr.io/acme/web", "1.0.0").wait(50).send(&relay));
    assert_eq!(outcome, "failed", "{reason}");
    assert!(reason.ends_with("; the run has changed nothing that could be put back"), "{reason}");
    assert_eq!(effective(&kube).len(), 0);
}

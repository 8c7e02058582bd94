//! Inside a run: steps one after the other, their targets side by side.

use jiff::Timestamp;
use serde_json::json;
use support::kube::Fault;
use support::scene::{asked, cluster, prepared, relay, restarted_at};
use support::{github, http, objects};

#[test]
fn the_next_step_starts_when_the_last_has_succeeded() {
    let kube = cluster(&["web", "queue"]);
    let rule = "{do: [{setImage: {namespace: default, workloads: [deployment/web]}}, \
                {restart: {namespace: default, workloads: [deployment/queue]}}]}";
    let relay = relay(&kube, "settle: 0", &[rule]);
    let answer = github::image("ghcr.io/acme/web", "2.0.0").wait(50).send(&relay);
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(
        asked(&kube.requests()),
        ["GET web", "PATCH web", "GET web", "GET queue", "PATCH queue", "GET queue"]
    );
}

#[test]
fn a_restart_before_the_step_that_it_builds_on_does_not_count() {
    let kube = cluster(&["web", "queue"]);
    let rule = "{do: [{setImage: {namespace: default, workloads: [deployment/web]}}, \
                {restart: {namespace: default, workloads: [deployment/queue]}}]}";
    let relay = relay(&kube, "settle: 0", &[rule]);
    kube.fail_for(Fault::Hang, "PATCH", "/deployments/web", None);
    let delivery = github::image("ghcr.io/acme/web", "2.0.0");
    delivery.accepted(&relay);
    kube.wait_for_blocking(|requests| requests.iter().any(|request| request.method == "PATCH"));
    // After the event, but web is still the old one.
    let mut queue = objects::deployment("default", "queue", "ghcr.io/acme/queue:1.0.0");
    let at = Timestamp::now().to_string();
    queue["spec"]["template"]["metadata"]["annotations"] = json!({"kubectl.kubernetes.io/restartedAt": at});
    kube.apply(queue);
    kube.clear_faults();
    let answer = delivery.wait(50).send(&relay);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let restarted: Timestamp = restarted_at(&kube, "queue").as_str().unwrap().parse().unwrap();
    assert!(restarted > at.parse().unwrap(), "{}", answer.text());
}

#[test]
fn a_failed_target_ends_the_run_after_the_others_are_done() {
    let kube = cluster(&["web", "queue"]);
    let rule = "{do: [{restart: {namespace: default, workloads: [deployment/missing, deployment/web]}}, \
                {restart: {namespace: default, workloads: [deployment/queue]}}]}";
    let relay = relay(&kube, "settle: 0", &[rule]);
    kube.fail_for(Fault::Status(500), "PATCH", "/deployments/web", Some(1));
    let answer = github::image("ghcr.io/acme/web", "2.0.0").wait(50).send(&relay);
    assert_eq!(answer.status, 424, "{}", answer.text());
    assert!(!asked(&kube.requests()).iter().any(|request| request.ends_with(" queue")), "the second step");
    let run = &answer.json()["runs"][0];
    assert_eq!(
        (&run["outcome"], &run["reason"]),
        (
            &json!("failed"),
            &json!(
                "deployment/missing: get deployments missing in namespace default: there is no such object"
            )
        )
    );
    let outcomes = |step: usize| {
        let targets = run["steps"][step]["targets"].as_array().unwrap();
        targets.iter().map(|target| target["outcome"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(outcomes(0), ["failed", "succeeded"]);
    assert_eq!(
        (&run["steps"][0]["outcome"], &run["steps"][1]["outcome"]),
        (&json!("failed"), &json!("skipped"))
    );
}

#[test]
fn sixteen_targets_are_worked_on_at_once() {
    let names: Vec<String> = (10..40).map(|number| format!("web{number}")).collect();
    let kube = cluster(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let workloads = names.iter().map(|name| format!("deployment/{name}")).collect::<Vec<_>>().join(", ");
    let rule = format!("{{do: [restart: {{namespace: default, workloads: [{workloads}]}}]}}");
    let relay = relay(&kube, "settle: 0", &[&rule]);
    kube.fail_for(Fault::Hang, "GET", "/deployments/", None);
    let delivery = github::image("ghcr.io/acme/web", "latest");
    delivery.accepted(&relay);
    kube.wait_for_blocking(|requests| requests.len() >= 16);
    // A seventeenth would have been sent with the others, long before these are answered.
    for _ in 0..10 {
        http::send("GET", relay.address(), "/health", &[], b"");
    }
    assert_eq!(kube.requests().len(), 16);
    kube.clear_faults();
    assert_eq!(delivery.wait(50).send(&relay).status, 200);
    assert_eq!(kube.patches().len(), 30);
}

const BOTH: &str = "{do: [restart: {namespace: default, workloads: [deployment/relay, deployment/web]}]}";

#[test]
fn the_relays_own_workload_comes_last() {
    let kube = cluster(&["relay", "web"]);
    let relay = prepared(&kube, "settle: 0", &[BOTH]);
    let relay = relay.environment("BOATHOOK_SELF", "default/deployment/relay").start();
    let answer = github::image("ghcr.io/acme/web", "latest").wait(50).send(&relay);
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(
        asked(&kube.requests()),
        ["GET web", "PATCH web", "GET web", "GET relay", "PATCH relay", "GET relay"]
    );
}

#[test]
fn the_relays_own_workload_is_left_alone_when_another_fails() {
    let kube = cluster(&["relay"]);
    let relay = prepared(&kube, "settle: 0", &[BOTH]);
    let relay = relay.environment("BOATHOOK_SELF", "default/deployment/relay").start();
    let answer = github::image("ghcr.io/acme/web", "latest").wait(50).send(&relay);
    assert_eq!(answer.status, 424, "{}", answer.text());
    assert_eq!(asked(&kube.requests()), ["GET web"]);
    let own = &answer.json()["runs"][0]["steps"][0]["targets"][0];
    assert_eq!(
        *own,
        json!({"target": "deployment/relay", "namespace": "default", "outcome": "skipped",
            "reason": "left alone, since another target failed"})
    );
}

#[test]
fn every_kind_of_workload_is_a_target_of_one_step() {
    let kube = cluster(&["web"]);
    kube.apply(objects::stateful_set("default", "queue", "ghcr.io/acme/queue:1.0.0"));
    kube.apply(objects::daemon_set("default", "agent", "ghcr.io/acme/agent:1.0.0"));
    let rule = "{do: [restart: {namespace: default, workloads: [deploy/web, sts/queue, ds/agent]}]}";
    let relay = relay(&kube, "settle: 0", &[rule]);
    let answer = github::image("ghcr.io/acme/web", "latest").wait(50).send(&relay);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let targets = answer.json()["runs"][0]["steps"][0]["targets"].clone();
    let names: Vec<_> = targets.as_array().unwrap().iter().map(|target| target["target"].clone()).collect();
    assert_eq!(names, ["deployment/web", "statefulset/queue", "daemonset/agent"]);
    assert_eq!(kube.patches().len(), 3);
}

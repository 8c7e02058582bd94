//! The configured workloads, as they are.

use super::Watched;
use serde_json::{Value, json};
use std::time::Duration;
use support::github;
use support::kube::{How, Pace};
use support::objects;
use support::scene::{RESTART_WEB, cluster};

const NAMED: &str = "{when: {image: ghcr.io/acme/web}, do: [setImage: {namespace: default, workloads: [deployment/web], \
                     rollout: {within: 1m, onFailure: rollback}}]}";
const LOOKED_UP: &str =
    "{when: {image: \"ghcr.io/acme/*\"}, do: [restart: {namespace: default, runningImage: true}]}";

fn row<'a>(info: &'a Value, workload: &str) -> &'a Value {
    let rows = info["workloads"].as_array().unwrap();
    rows.iter().find(|row| row["workload"] == workload).unwrap_or_else(|| panic!("no {workload}: {info}"))
}

#[test]
fn it_has_images_rollouts_and_holds_of_what_is_named_and_says_what_is_looked_up() {
    let kube = cluster(&["web"]);
    let mut queue = objects::deployment("default", "queue", "ghcr.io/acme/queue:1.0.0");
    queue["spec"]["template"]["spec"]["containers"][0]["env"] =
        json!([{"name": "PASSWORD", "value": "hunter2"}]);
    kube.apply(queue);
    kube.break_image("ghcr.io/acme/web:2.0.0", How::ImagePullBackOff);
    kube.auto_rollout(Pace::Every(Duration::from_millis(10)));
    let queue = "{when: {image: ghcr.io/acme/queue}, do: [restart: {namespace: default, workloads: [deployment/queue, \
                 deployment/none]}]}";
    let watched = Watched::new(&kube, "settle: 0", &[NAMED, queue, LOOKED_UP]);
    kube.wait_for_rest();
    assert_eq!(github::image("ghcr.io/acme/web", "2.0.0").wait(50).send(&watched.relay).status, 424);
    kube.wait_for_rest();
    kube.forget_requests();
    let text = watched.get("/info").text();
    assert!(!text.contains("hunter2"), "{text}");
    let info: Value = serde_json::from_str(&text).unwrap();
    let web = row(&info, "default/deployment/web");
    assert_eq!(web["endpoints"], json!(["ghcr"]));
    assert_eq!(web["images"], json!([{"container": "web", "image": "ghcr.io/acme/web:1.0.0"}]));
    assert_eq!(web["rollout"], json!({"state": "complete"}), "{info}");
    assert!(web["holds"][0]["version"].as_str().unwrap().starts_with("ghcr.io/acme/web:2.0.0"), "{info}");
    assert_eq!(row(&info, "default/deployment/queue")["holds"], json!([]));
    let none = row(&info, "default/deployment/none");
    assert!(none["error"].as_str().unwrap().contains("there is no such object"), "{info}");
    assert_eq!(
        info["lookedUp"],
        json!([{"endpoint": "ghcr", "rule": 3, "action": "restart", "targets": "every workload that runs the image in \
                default"}])
    );
    // Not an Event of what was done before, and not the look at what the relay may do.
    let asked: Vec<_> =
        kube.requests().into_iter().filter(|request| request.path().contains("/deployments/")).collect();
    assert!(asked.iter().all(|request| request.method == "GET"), "it only reads");
    assert_eq!(asked.len(), 3, "one request for each workload that is named");
}

#[test]
fn asking_again_and_again_does_not_ask_the_api() {
    let kube = cluster(&["web"]);
    let watched = Watched::new(&kube, "settle: 0", &[RESTART_WEB]);
    let first = watched.get("/info").json();
    // All within the time for which it is fresh, or it was read again: never more often than that.
    let begun = std::time::Instant::now();
    let mut read = vec![first["read"].clone()];
    std::thread::scope(|scope| {
        let asking: Vec<_> =
            (0..20).map(|_| scope.spawn(|| watched.get("/info").json()["read"].clone())).collect();
        read.extend(asking.into_iter().map(|asked| asked.join().unwrap()));
    });
    let most = usize::try_from(begun.elapsed().as_secs() / 5).unwrap() + 2;
    assert!(kube.requests().len() <= most, "{} requests", kube.requests().len());
    read.dedup();
    assert!(read.len() <= most, "{read:?}");
}

#[test]
fn an_api_that_is_away_is_told_and_hurts_nobody() {
    let kube = cluster(&["web"]);
    kube.stop();
    let watched = Watched::new(&kube, "settle: 0", &[RESTART_WEB]);
    let answer = watched.get("/info");
    assert_eq!(answer.status, 200);
    let info = answer.json();
    let web = row(&info, "default/deployment/web");
    assert!(web["error"].as_str().is_some_and(|error| error.contains("get deployments web")), "{info}");
    assert!(web["images"].is_null() && web["rollout"].is_null(), "{info}");
}

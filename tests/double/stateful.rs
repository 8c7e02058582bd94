//! `StatefulSets` and `DaemonSets` of the double: which pods are replaced, which are not, what blocks the way back.

use serde_json::{Value, json};
use support::http;
use support::kube::{Double, How};
use support::objects::{daemon_set, stateful_set};

const DB: &str = "/apis/apps/v1/namespaces/roll/statefulsets/db";
const PODS: &str = "/api/v1/namespaces/roll/pods";

fn with_db(change: impl FnOnce(&mut Value)) -> Double {
    let kube = Double::start();
    let mut db = stateful_set("roll", "db", "ghcr.io/acme/db:1");
    db["spec"]["replicas"] = json!(3);
    for field in ["replicas", "readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas"] {
        db["status"][field] = json!(3);
    }
    change(&mut db);
    kube.apply(db);
    kube
}

fn set_image(kube: &Double, path: &str, container: &str, tag: &str) {
    let image = format!("ghcr.io/acme/{container}:{tag}");
    let body = json!({"spec": {"template": {"spec": {"containers": [{"name": container, "image": image}]}}}});
    let headers = [("Content-Type", "application/strategic-merge-patch+json")];
    assert_eq!(http::send("PATCH", &kube.url(), path, &headers, body.to_string().as_bytes()).status, 200);
}

/// The pods' tags, by name, and whether each is ready: `1` or `2!`.
fn tags(kube: &Double) -> Vec<String> {
    let pods = http::send("GET", &kube.url(), PODS, &[], b"").json();
    let tag = |pod: &Value| {
        let image = pod["spec"]["containers"][0]["image"].as_str().unwrap();
        let ready = pod["status"]["containerStatuses"][0]["ready"] == true;
        format!("{}{}", image.rsplit(':').next().unwrap(), if ready { "" } else { "!" })
    };
    pods["items"].as_array().unwrap().iter().map(tag).collect()
}

fn status(kube: &Double) -> Value {
    kube.object("statefulsets", "roll", "db")["status"].clone()
}

fn delete(kube: &Double, pod: &str) {
    assert_eq!(http::send("DELETE", &kube.url(), &format!("{PODS}/{pod}"), &[], b"").status, 200);
}

#[test]
fn a_broken_pod_blocks_the_way_back_until_it_is_deleted() {
    let kube = with_db(|_| {});
    kube.break_image("ghcr.io/acme/db:2", How::CrashLoopBackOff);
    set_image(&kube, DB, "db", "2");
    assert_eq!(tags(&kube), ["1", "1", "2!"]);
    let stuck = status(&kube);
    assert_eq!((&stuck["readyReplicas"], &stuck["updatedReplicas"]), (&json!(2), &json!(1)));
    assert_ne!(stuck["currentRevision"], stuck["updateRevision"]);
    set_image(&kube, DB, "db", "1");
    // The generation is observed, the good revision is asked for, and nothing happens.
    assert_eq!(tags(&kube), ["1", "1", "2!"]);
    let blocked = status(&kube);
    assert_eq!((&blocked["observedGeneration"], &blocked["readyReplicas"]), (&json!(3), &json!(2)));
    assert_eq!(blocked["currentRevision"], blocked["updateRevision"]);
    delete(&kube, "db-2");
    assert_eq!(tags(&kube), ["1", "1", "1"]);
    assert_eq!((&status(&kube)["readyReplicas"], &status(&kube)["updatedReplicas"]), (&json!(3), &json!(3)));
}

#[test]
fn in_parallel_nothing_blocks() {
    let kube = with_db(|db| db["spec"]["podManagementPolicy"] = json!("Parallel"));
    kube.break_image("ghcr.io/acme/db:2", How::ImagePullBackOff);
    set_image(&kube, DB, "db", "2");
    assert_eq!(tags(&kube), ["1", "1", "2!"]);
    set_image(&kube, DB, "db", "1");
    assert_eq!(tags(&kube), ["1", "1", "1"]);
}

#[test]
fn a_partition_keeps_the_pods_below_it() {
    let kube = with_db(|db| {
        db["spec"]["updateStrategy"] = json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 2}});
    });
    set_image(&kube, DB, "db", "2");
    assert_eq!(tags(&kube), ["1", "1", "2"]);
    let parted = status(&kube);
    assert_eq!((&parted["updatedReplicas"], &parted["currentReplicas"]), (&json!(1), &json!(2)));
    assert_ne!(parted["currentRevision"], parted["updateRevision"]);
    // One below it that is deleted comes back as it was.
    delete(&kube, "db-0");
    assert_eq!(tags(&kube), ["1", "1", "2"]);
}

#[test]
fn on_delete_waits_for_somebody_to_delete() {
    let kube = with_db(|db| db["spec"]["updateStrategy"] = json!({"type": "OnDelete"}));
    set_image(&kube, DB, "db", "2");
    assert_eq!(tags(&kube), ["1", "1", "1"]);
    assert_eq!(status(&kube)["observedGeneration"], 2);
    delete(&kube, "db-1");
    assert_eq!(tags(&kube), ["1", "2", "1"]);
    assert_eq!(status(&kube)["updatedReplicas"], 1);
}

#[test]
fn pods_carry_their_revision_and_revisions_are_kept() {
    let kube = with_db(|_| {});
    for tag in ["2", "3", "2"] {
        set_image(&kube, DB, "db", tag);
    }
    let update = status(&kube)["updateRevision"].clone();
    let pods = http::send("GET", &kube.url(), PODS, &[], b"").json();
    for pod in pods["items"].as_array().unwrap() {
        assert_eq!(pod["metadata"]["labels"]["controller-revision-hash"], update);
        assert_eq!(pod["metadata"]["ownerReferences"][0]["kind"], "StatefulSet");
    }
    let path = "/apis/apps/v1/namespaces/roll/controllerrevisions";
    let records = http::send("GET", &kube.url(), path, &[], b"").json();
    let records = records["items"].as_array().unwrap();
    assert_eq!(records.len(), 3);
    // The one that is used again is the newest again.
    let newest = records.iter().max_by_key(|record| record["revision"].as_u64()).unwrap();
    assert_eq!(newest["metadata"]["name"], update);
    let image = &newest["data"]["spec"]["template"]["spec"]["containers"][0]["image"];
    assert_eq!(image, "ghcr.io/acme/db:2");
}

#[test]
fn a_stateful_set_is_scaled() {
    let kube = with_db(|_| {});
    let scale = |replicas: u64| {
        let headers = [("Content-Type", "application/merge-patch+json")];
        let body = json!({"spec": {"replicas": replicas}}).to_string();
        assert_eq!(http::send("PATCH", &kube.url(), DB, &headers, body.as_bytes()).status, 200);
        tags(&kube).len()
    };
    assert_eq!((scale(5), scale(1)), (5, 1));
    assert_eq!(status(&kube)["replicas"], 1);
}

#[test]
fn a_daemon_set_stops_at_the_first_broken_pod_and_comes_back() {
    let kube = Double::start();
    kube.apply(daemon_set("roll", "agent", "ghcr.io/acme/agent:1"));
    let path = "/apis/apps/v1/namespaces/roll/daemonsets/agent";
    let status = || kube.object("daemonsets", "roll", "agent")["status"].clone();
    let counts = |status: &Value| {
        let count = |field: &str| status[field].as_u64().unwrap_or(0);
        (count("updatedNumberScheduled"), count("numberAvailable"), count("desiredNumberScheduled"))
    };
    kube.break_image("ghcr.io/acme/agent:2", How::NeverReady);
    set_image(&kube, path, "agent", "2");
    assert_eq!(counts(&status()), (1, 1, 2));
    assert_eq!((&status()["numberUnavailable"], &status()["observedGeneration"]), (&json!(1), &json!(2)));
    set_image(&kube, path, "agent", "1");
    assert_eq!(counts(&status()), (2, 2, 2));
    assert_eq!(tags(&kube), ["1", "1"]);
}

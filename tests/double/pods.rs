//! The pods of workloads: what they look like, why they do not run, what happens when one is deleted.

use serde_json::{Value, json};
use support::http;
use support::kube::{Double, How, Pace, Rule};
use support::objects::{daemon_set, deployment, stateful_set};

const WEB: &str = "/apis/apps/v1/namespaces/roll/deployments/web";
const PODS: &str = "/api/v1/namespaces/roll/pods";
const BAD: &str = "ghcr.io/acme/web:2";

fn get(kube: &Double, path: &str) -> Value {
    http::send("GET", &kube.url(), path, &[], b"").json()
}

fn items(kube: &Double, path: &str) -> Vec<Value> {
    get(kube, path)["items"].as_array().unwrap().clone()
}

fn set_image(kube: &Double, path: &str, container: &str, image: &str) {
    let body = json!({"spec": {"template": {"spec": {"containers": [{"name": container, "image": image}]}}}});
    let headers = [("Content-Type", "application/strategic-merge-patch+json")];
    assert_eq!(http::send("PATCH", &kube.url(), path, &headers, body.to_string().as_bytes()).status, 200);
}

fn with_web() -> Double {
    let kube = Double::start();
    kube.apply(deployment("roll", "web", "ghcr.io/acme/web:1"));
    kube
}

/// The pods that do not run: phase and the first container's reason and message.
fn unready(kube: &Double) -> Vec<[String; 3]> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let ready = |pod: &Value| {
        let conditions = pod["status"]["conditions"].as_array().cloned().unwrap_or_default();
        conditions.iter().any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
    };
    let of = |pod: Value| {
        let waiting = &pod["status"]["containerStatuses"][0]["state"]["waiting"];
        [text(&pod["status"]["phase"]), text(&waiting["reason"]), text(&waiting["message"])]
    };
    items(kube, PODS).into_iter().filter(|pod| !ready(pod)).map(of).collect()
}

fn progressing(kube: &Double) -> Value {
    let web = kube.object("deployments", "roll", "web");
    let conditions = web["status"]["conditions"].as_array().unwrap();
    conditions.iter().find(|condition| condition["type"] == "Progressing").unwrap()["reason"].clone()
}

#[test]
fn pods_belong_to_a_replica_set_that_belongs_to_the_deployment() {
    let kube = with_web();
    set_image(&kube, WEB, "web", BAD);
    let web = kube.object("deployments", "roll", "web");
    assert_eq!(web["metadata"]["annotations"]["deployment.kubernetes.io/revision"], "2");
    let sets = items(&kube, "/apis/apps/v1/namespaces/roll/replicasets?labelSelector=app%3Dweb");
    assert_eq!(sets.len(), 2);
    let newest = |set: &&Value| set["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "2";
    let set = sets.iter().find(newest).unwrap();
    assert_eq!(set["metadata"]["ownerReferences"][0]["uid"], web["metadata"]["uid"]);
    assert_eq!((&set["spec"]["replicas"], &set["status"]["availableReplicas"]), (&json!(2), &json!(2)));
    let hash = set["metadata"]["labels"]["pod-template-hash"].as_str().unwrap();
    assert_eq!(set["metadata"]["name"], format!("web-{hash}"));
    let pods = items(&kube, &format!("{PODS}?labelSelector=pod-template-hash%3D{hash}"));
    assert_eq!(pods.len(), 2);
    for pod in &pods {
        assert_eq!(pod["metadata"]["ownerReferences"][0]["uid"], set["metadata"]["uid"]);
        assert_eq!(pod["spec"]["containers"][0]["image"], BAD);
        assert_eq!(pod["status"]["phase"], "Running");
        assert_eq!(pod["status"]["containerStatuses"][0]["ready"], true);
    }
    // The old ones are gone, and a list in pages comes to the same.
    assert_eq!(items(&kube, PODS), pods);
    let page = get(&kube, &format!("{PODS}?limit=1"));
    let token = page["metadata"]["continue"].as_str().unwrap();
    assert_eq!(items(&kube, &format!("{PODS}?limit=1&continue={token}"))[0], pods[1]);
}

#[test]
fn a_pod_says_why_it_does_not_run() {
    let cases = [
        (
            How::ImagePullBackOff,
            "Pending",
            "ImagePullBackOff",
            "Back-off pulling image \"ghcr.io/acme/web:2\"",
        ),
        (
            How::CrashLoopBackOff,
            "Running",
            "CrashLoopBackOff",
            "back-off 5m0s restarting failed container=web",
        ),
        (How::Unschedulable, "Pending", "", ""),
        (How::NeverReady, "Running", "", ""),
        (
            How::Waiting("CreateContainerConfigError", "secret \"x\" not found"),
            "Pending",
            "CreateContainerConfigError",
            "secret \"x\" not found",
        ),
    ];
    for (how, phase, reason, message) in cases {
        let kube = with_web();
        kube.break_image(BAD, how.clone());
        set_image(&kube, WEB, "web", BAD);
        let pods = unready(&kube);
        assert_eq!(pods.len(), 1, "{how:?}");
        assert_eq!((pods[0][0].as_str(), pods[0][1].as_str()), (phase, reason));
        assert!(pods[0][2].starts_with(message), "{pods:?}");
        assert_eq!(progressing(&kube), "ProgressDeadlineExceeded", "{how:?}");
        // Somebody pushes the image, or makes room: the pods that wait go on.
        kube.mend_image(BAD);
        assert!(unready(&kube).is_empty(), "{how:?}");
        assert_eq!(progressing(&kube), "NewReplicaSetAvailable", "{how:?}");
    }
}

#[test]
fn a_pod_without_a_node_says_so_in_its_conditions() {
    let kube = with_web();
    kube.break_image(BAD, How::Unschedulable);
    set_image(&kube, WEB, "web", BAD);
    let pods = items(&kube, PODS);
    let pod = pods.iter().find(|pod| pod["spec"]["containers"][0]["image"] == BAD).unwrap();
    assert!(pod["spec"]["nodeName"].is_null());
    let condition = &pod["status"]["conditions"][0];
    assert_eq!((&condition["type"], &condition["reason"]), (&json!("PodScheduled"), &json!("Unschedulable")));
    assert!(condition["message"].as_str().unwrap().starts_with("0/3 nodes are available"));
}

#[test]
fn an_init_container_can_be_the_broken_one() {
    let kube = Double::start();
    let mut web = deployment("roll", "web", "ghcr.io/acme/web:1");
    web["spec"]["template"]["spec"]["initContainers"] = json!([{"name": "migrate", "image": BAD}]);
    web["metadata"]["generation"] = json!(2);
    kube.break_image(BAD, How::ImagePullBackOff);
    kube.apply(web);
    let pods = items(&kube, PODS);
    let status = &pods[0]["status"];
    assert_eq!(status["initContainerStatuses"][0]["state"]["waiting"]["reason"], "ImagePullBackOff");
    assert_eq!(status["containerStatuses"][0]["state"]["waiting"]["reason"], "PodInitializing");
}

#[test]
fn a_deleted_pod_comes_again() {
    let kube = with_web();
    kube.apply(stateful_set("roll", "db", "ghcr.io/acme/db:1"));
    kube.apply(daemon_set("roll", "agent", "ghcr.io/acme/agent:1"));
    let before = items(&kube, PODS);
    assert_eq!(before.len(), 6);
    for pod in &before {
        let name = pod["metadata"]["name"].as_str().unwrap();
        let deleted = http::send("DELETE", &kube.url(), &format!("{PODS}/{name}"), &[], b"");
        assert_eq!(deleted.status, 200);
        assert!(deleted.json()["metadata"]["deletionTimestamp"].is_string());
    }
    let after = items(&kube, PODS);
    assert_eq!(after.len(), 6);
    assert!(unready(&kube).is_empty());
    let uid = |pod: &Value| pod["metadata"]["uid"].clone();
    assert!(after.iter().all(|pod| !before.iter().any(|old| uid(old) == uid(pod))));
    kube.remove("deployments", "roll", "web");
    kube.remove("statefulsets", "roll", "db");
    assert_eq!(items(&kube, PODS).len(), 2);
    assert!(items(&kube, "/apis/apps/v1/namespaces/roll/replicasets").is_empty());
}

#[test]
fn a_pod_is_deleted_only_if_it_is_the_one() {
    let kube = with_web();
    let pod = &items(&kube, PODS)[0]["metadata"];
    let (name, uid) = (pod["name"].as_str().unwrap(), pod["uid"].as_str().unwrap());
    let delete = |uid: &str| {
        let options = json!({"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": uid}});
        http::send("DELETE", &kube.url(), &format!("{PODS}/{name}"), &[], options.to_string().as_bytes())
    };
    let refused = delete("another").json();
    assert_eq!((&refused["code"], &refused["reason"]), (&json!(409), &json!("Conflict")));
    let message = format!(
        "Operation cannot be fulfilled on Pod \"{name}\": the UID in the precondition (another) does not match the UID \
         in record ({uid}). The object might have been deleted and then recreated"
    );
    assert_eq!(refused["message"], message);
    assert_eq!(delete(uid).status, 200);
    assert_eq!(delete(uid).status, 404);
}

#[test]
fn a_role_decides_who_sees_and_deletes_pods() {
    let kube = with_web();
    kube.allow_only(&[Rule::new(&["get", "list"], "", &["pods"], &[])]);
    let name = items(&kube, PODS)[0]["metadata"]["name"].as_str().unwrap().to_owned();
    let path = format!("{PODS}/{name}");
    assert_eq!(get(&kube, &path)["metadata"]["name"], name.as_str());
    let refused = http::send("DELETE", &kube.url(), &path, &[], b"").json();
    assert!(refused["message"].as_str().unwrap().contains("cannot delete resource \"pods\""));
    let sets = get(&kube, "/apis/apps/v1/namespaces/roll/replicasets");
    assert!(sets["message"].as_str().unwrap().contains("cannot list resource \"replicasets\""));
}

#[test]
fn without_controllers_a_deleted_pod_is_gone() {
    let kube = with_web();
    kube.auto_rollout(Pace::Off);
    for left in [1, 0] {
        let name = items(&kube, PODS)[0]["metadata"]["name"].as_str().unwrap().to_owned();
        assert_eq!(http::send("DELETE", &kube.url(), &format!("{PODS}/{name}"), &[], b"").status, 200);
        assert_eq!(items(&kube, PODS).len(), left);
    }
}

//! What a test can make the double do.

use serde_json::{Value, json};
use support::http::{self, Connection};
use support::kube::{Double, Fault, Kind, Rule};
use support::objects::{container, deployment, git_repository};

const WEB: &str = "/apis/apps/v1/namespaces/default/deployments/web";
const STRATEGIC: [(&str, &str); 1] = [("Content-Type", "application/strategic-merge-patch+json")];

fn with_web() -> Double {
    let kube = Double::start();
    kube.apply(deployment("default", "web", "ghcr.io/acme/web:1.0.0"));
    kube
}

fn restart(value: &str) -> Vec<u8> {
    let annotations = json!({"kubectl.kubernetes.io/restartedAt": value});
    json!({"spec": {"template": {"metadata": {"annotations": annotations}}}}).to_string().into_bytes()
}

fn get(kube: &Double, path: &str) -> http::Response {
    http::send("GET", &kube.url(), path, &[], b"")
}

#[test]
fn requests_are_recorded_and_waited_for() {
    let kube = with_web();
    let url = kube.url();
    let sender = std::thread::spawn(move || {
        http::send("PATCH", &url, &format!("{WEB}?fieldManager=boathook"), &STRATEGIC, &restart("1"))
    });
    kube.wait_for_blocking(|requests| requests.iter().any(|request| request.status == 200));
    let patch = &kube.wait_for_patches(1)[0];
    assert_eq!((patch.method.as_str(), patch.path()), ("PATCH", WEB));
    assert_eq!(patch.header("content-type"), Some("application/strategic-merge-patch+json"));
    assert_eq!(patch.body, serde_json::from_slice::<Value>(&restart("1")).unwrap());
    assert_eq!(sender.join().unwrap().json()["metadata"]["generation"], 2);
    assert_eq!(kube.field_managers("deploy", "default", "web"), ["boathook", "test"]);
    assert_eq!(kube.mutations().len(), 1);
    let web = kube.wait_for_object("deployments", "default", "web", |web| web["metadata"]["generation"] == 2);
    assert_eq!(container(&web, "web")["image"], "ghcr.io/acme/web:1.0.0");
}

#[tokio::test]
async fn waiting_does_not_block_the_runtime() {
    let kube = with_web();
    let url = kube.url();
    let sender = tokio::spawn(async move { http::send_async("GET", &url, WEB, &[], b"").await.status });
    kube.wait_for(|requests| requests.iter().any(|request| request.path() == WEB)).await;
    assert_eq!(sender.await.unwrap(), 200);
}

#[test]
fn it_goes_away_and_comes_back_on_the_same_port() {
    let kube = with_web();
    let mut open = Connection::open(&kube.url()).unwrap();
    assert_eq!(open.request("GET", WEB, &[], b"").unwrap().status, 200);
    kube.stop();
    let refused = http::try_send("GET", &kube.url(), WEB, &[], b"").unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    assert!(open.request("GET", WEB, &[], b"").is_err());
    kube.restart_listener();
    assert_eq!(get(&kube, WEB).status, 200);
}

#[test]
fn faults_come_as_often_as_planned() {
    let kube = with_web();
    kube.fail_times(Fault::Status(503), 2);
    kube.fail_for(Fault::TooManyRequests(7), "GET", "deployments/web", Some(1));
    assert_eq!(get(&kube, WEB).json()["reason"], "ServiceUnavailable");
    assert_eq!(get(&kube, WEB).status, 503);
    let busy = get(&kube, WEB);
    assert_eq!((busy.status, busy.header("retry-after")), (429, Some("7")));
    assert_eq!(get(&kube, WEB).status, 200);
    kube.fail_times(Fault::Conflict, 1);
    assert_eq!(get(&kube, WEB).status, 200);
    let patch = |value: &str| http::send("PATCH", &kube.url(), WEB, &STRATEGIC, &restart(value));
    assert_eq!(patch("1").json()["reason"], "Conflict");
    assert_eq!(patch("1").status, 200);
}

#[test]
fn answers_get_lost() {
    let kube = with_web();
    let generation = || kube.object("deployments", "default", "web")["metadata"]["generation"].clone();
    let patch = |value: &str| http::try_send("PATCH", &kube.url(), WEB, &STRATEGIC, &restart(value));
    let faults = [(Fault::Close, "1", 1), (Fault::LoseAnswer, "2", 2), (Fault::CloseMidResponse, "3", 3)];
    for (fault, value, after) in faults {
        kube.fail_times(fault.clone(), 1);
        let error = patch(value).unwrap_err();
        assert!(
            matches!(error.kind(), std::io::ErrorKind::UnexpectedEof | std::io::ErrorKind::ConnectionReset),
            "{fault:?}: {error}"
        );
        assert_eq!(generation(), after, "{fault:?}");
    }
    assert_eq!(kube.patches().iter().map(|patch| patch.status).collect::<Vec<_>>(), [0, 0, 0]);
}

#[test]
fn a_request_hangs_until_the_faults_are_cleared() {
    let kube = with_web();
    kube.fail_times(Fault::Hang, 1);
    let url = kube.url();
    let hanging = std::thread::spawn(move || http::send("GET", &url, WEB, &[], b"").status);
    kube.wait_for_blocking(|requests| requests.len() == 1);
    // Others are served meanwhile, and their news does not wake the one that hangs.
    assert_eq!(get(&kube, WEB).status, 200);
    assert_eq!(kube.requests()[0].status, 0);
    kube.clear_faults();
    assert_eq!(hanging.join().unwrap(), 200);
}

#[test]
fn access_is_refused_by_name_and_by_role() {
    let kube = with_web();
    kube.apply(deployment("default", "api", "ghcr.io/acme/api:1"));
    kube.forbid("get", "deployments", Some("web"));
    assert_eq!(get(&kube, WEB).json()["reason"], "Forbidden");
    assert_eq!(get(&kube, "/apis/apps/v1/namespaces/default/deployments/api").status, 200);
    kube.allow_all();
    kube.allow_only(&[Rule::new(&["get"], "apps", &["deployments"], &["web"])]);
    assert_eq!(get(&kube, WEB).status, 200);
    let everywhere = get(&kube, "/apis/apps/v1/deployments").json();
    let message = everywhere["message"].as_str().unwrap();
    assert!(
        message.ends_with("cannot list resource \"deployments\" in API group \"apps\" at the cluster scope")
    );
    // Authorization comes before the question whether the kind exists.
    assert_eq!(get(&kube, "/apis/argoproj.io/v1alpha1/namespaces/default/applications/x").status, 403);
    let configmap = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";
    let path = "/api/v1/namespaces/default/configmaps/a?fieldManager=boathook";
    kube.allow_only(&[Rule::new(&["patch"], "", &["configmaps"], &[])]);
    let headers = [("Content-Type", "application/apply-patch+yaml")];
    let refused = http::send("PATCH", &kube.url(), path, &headers, configmap).json();
    assert!(refused["message"].as_str().unwrap().contains("cannot create"), "{refused}");
}

#[test]
fn a_client_asks_what_it_may_do() {
    let kube = with_web();
    kube.allow_only(&[Rule::new(&["get"], "apps", &["deployments"], &["web"])]);
    let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    let allowed = |verb: &str| {
        let attributes = json!({
            "verb": verb, "group": "apps", "resource": "deployments", "namespace": "default", "name": "web"
        });
        let body = json!({"spec": {"resourceAttributes": attributes}}).to_string();
        http::send("POST", &kube.url(), path, &[], body.as_bytes()).json()["status"]["allowed"].clone()
    };
    assert_eq!((allowed("get"), allowed("patch")), (json!(true), json!(false)));
    assert!(kube.mutations().is_empty());
}

#[test]
fn tokens_are_asked_for() {
    let kube = with_web();
    kube.require_token(Some("secret"));
    assert_eq!(get(&kube, WEB).status, 401);
    let with = |token: &str| http::send("GET", &kube.url(), WEB, &[("Authorization", token)], b"").status;
    assert_eq!(with("Bearer wrong"), 401);
    assert_eq!(with("Bearer secret"), 200);
}

#[test]
fn lists_over_all_namespaces_and_in_pages() {
    let kube = with_web();
    for (namespace, name) in [("shop", "web"), ("shop", "cart"), ("blog", "web")] {
        kube.apply(deployment(namespace, name, "ghcr.io/acme/web:1"));
    }
    let mut seen = Vec::new();
    let mut path = "/apis/apps/v1/deployments?limit=3".to_owned();
    loop {
        let page = get(&kube, &path).json();
        for item in page["items"].as_array().unwrap() {
            let metadata = &item["metadata"];
            seen.push(format!(
                "{}/{}",
                metadata["namespace"].as_str().unwrap(),
                metadata["name"].as_str().unwrap()
            ));
        }
        let Some(token) = page["metadata"]["continue"].as_str() else { break };
        path = format!("/apis/apps/v1/deployments?limit=3&continue={token}");
    }
    assert_eq!(seen, ["blog/web", "default/web", "shop/cart", "shop/web"]);
    let selectors = "labelSelector=app%20in%20(web)&fieldSelector=metadata.namespace%21%3Dshop";
    let selected = get(&kube, &format!("/apis/apps/v1/deployments?{selectors}"));
    assert_eq!(selected.json()["items"].as_array().unwrap().len(), 2);
}

#[test]
fn kinds_come_and_go() {
    let kube = Double::start();
    let flux = "/apis/source.toolkit.fluxcd.io/v1/namespaces/flux-system/gitrepositories/fleet";
    kube.apply(git_repository("flux-system", "fleet", "ssh://git@github.com/acme/fleet"));
    assert_eq!(get(&kube, flux).status, 200);
    let old = flux.replace("/v1/", "/v1beta2/");
    assert_eq!(get(&kube, &old).json()["apiVersion"], "source.toolkit.fluxcd.io/v1beta2");
    let listed = get(&kube, "/apis/source.toolkit.fluxcd.io/v1").json();
    assert!(
        listed["resources"].as_array().unwrap().iter().any(|resource| resource["name"] == "gitrepositories")
    );
    kube.uninstall("source.toolkit.fluxcd.io");
    let missing = get(&kube, flux);
    assert_eq!((missing.status, missing.text().as_str()), (404, "404 page not found\n"));
    assert_eq!(get(&kube, "/apis/source.toolkit.fluxcd.io/v1").status, 404);
    kube.install(Kind::custom("example.com", "v1", "Widget", "widgets"));
    kube.apply(json!({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w", "namespace": "a"}}));
    assert_eq!(get(&kube, "/apis/example.com/v1/namespaces/a/widgets/w").status, 200);
    assert_eq!(get(&kube, "/version").json()["major"], "1");
}

#[test]
fn objects_are_created_replaced_and_deleted() {
    let kube = with_web();
    let pods = "/api/v1/namespaces/default/pods";
    let pod =
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": []}});
    let create = || http::send("POST", &kube.url(), pods, &[], pod.to_string().as_bytes());
    assert_eq!(create().status, 201);
    assert_eq!(create().json()["reason"], "AlreadyExists");
    let delete = || http::send("DELETE", &kube.url(), &format!("{pods}/p"), &[], b"").status;
    assert_eq!((delete(), delete()), (200, 404));
    let mut web = get(&kube, WEB).json();
    web["spec"]["replicas"] = json!(5);
    let put = |web: &Value| http::send("PUT", &kube.url(), WEB, &[], web.to_string().as_bytes());
    assert_eq!(put(&web).json()["metadata"]["generation"], 2);
    // The resourceVersion in it is not the current one any more.
    assert_eq!(put(&web).status, 409);
}

#[test]
fn a_container_without_an_image_is_refused() {
    let kube = with_web();
    let body = br#"{"spec": {"template": {"spec": {"containers": [{"name": "new"}]}}}}"#;
    let answer = http::send("PATCH", &kube.url(), WEB, &STRATEGIC, body);
    let field = "spec.template.spec.containers[0].image";
    let message = format!("Deployment.apps \"web\" is invalid: {field}: Required value");
    assert_eq!((answer.status, &answer.json()["message"]), (422, &json!(message)));
}

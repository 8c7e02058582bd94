//! The Kubernetes client over real sockets: how it connects, what proves who it is, and what it makes of answers.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::thread::JoinHandle;
use std::time::Duration;

use boathook::kubernetes::error::Trouble;
use boathook::kubernetes::{Access, ApiError, Client, Kind, Object, Selector, Workload};
use serde_json::{Value, json};
use support::kube::{Double, Fault, Proxy, TlsOptions};
use support::temp::TempDir;

fn web() -> Workload {
    Workload::new("default", Kind::Deployment, "web").unwrap()
}

fn deployment(name: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": name, "namespace": "default", "labels": {"app": name}},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "web", "image": "ghcr.io/acme/web:1"}]},
            },
        },
    })
}

fn access(api: &str) -> Access {
    let mut access = Access::default();
    access.set_api(api).unwrap();
    access
}

fn client(api: &str) -> Client {
    Client::new(&access(api)).unwrap()
}

/// Reads the deployment `web`; its name, or the error.
async fn get(client: &Client) -> Result<String, ApiError> {
    client.get(&web()).await.map(|object| object.metadata.name)
}

#[tokio::test]
async fn localhost_needs_no_resolver_and_the_proxy_accepts_the_host() {
    let kube = Double::start();
    kube.behind_proxy(Proxy::default());
    kube.apply(deployment("web"));
    let api = kube.url().replace("127.0.0.1", "localhost");
    assert_eq!(get(&client(&api)).await.unwrap(), "web");
}

#[tokio::test]
async fn on_a_unix_socket_the_host_is_localhost() {
    let directory = TempDir::new();
    let kube = Double::start_unix(directory.path().join("kube.sock"));
    kube.behind_proxy(Proxy::default());
    kube.apply(deployment("web"));
    assert_eq!(get(&client(&kube.url())).await.unwrap(), "web");
    let request = kube.requests().pop().unwrap();
    assert_eq!(request.headers.iter().find(|(name, _)| name == "host").unwrap().1, "localhost");
}

#[tokio::test]
async fn a_socket_that_is_not_there_is_named_and_may_come() {
    let directory = TempDir::new();
    let socket = directory.path().join("kube.sock");
    let client = client(&format!("unix://{}", socket.display()));
    let error = get(&client).await.unwrap_err();
    assert!(error.to_string().contains(&socket.display().to_string()), "{error}");
    assert_eq!(error.retry(), Some(None));
    let kube = Double::start_unix(&socket);
    kube.apply(deployment("web"));
    assert_eq!(get(&client).await.unwrap(), "web");
}

#[tokio::test]
async fn a_token_is_read_again_when_it_is_replaced() {
    let kube = Double::start_tls(TlsOptions::default());
    kube.apply(deployment("web"));
    let directory = TempDir::new();
    let mut access = access(&kube.url());
    access.ca_file = Some(directory.write("ca.crt", kube.ca_pem()));
    access.token_file = Some(directory.write("token", "first-token\n"));
    kube.require_token(Some("first-token"));
    let client = Client::new(&access).unwrap();
    assert_eq!(get(&client).await.unwrap(), "web");

    kube.require_token(Some("other-token"));
    assert_eq!(get(&client).await.unwrap_err().trouble, Trouble::Unauthorized);
    // As the kubelet does it: a new file takes the name of the old one.
    let fresh = directory.write("fresh", "other-token");
    std::fs::rename(fresh, directory.path().join("token")).unwrap();
    assert_eq!(get(&client).await.unwrap(), "web");

    // The old one is good for as long as the new one cannot be read.
    std::fs::remove_file(directory.path().join("token")).unwrap();
    assert_eq!(get(&client).await.unwrap(), "web");
    assert!(!format!("{client:?}").contains("other-token"));
}

#[tokio::test]
async fn only_the_clusters_own_authority_is_trusted_and_it_may_be_replaced() {
    let (kube, other) = (Double::start_tls(TlsOptions::default()), Double::start_tls(TlsOptions::default()));
    kube.apply(deployment("web"));
    let directory = TempDir::new();
    let mut access = access(&kube.url());
    access.ca_file = Some(directory.write("ca.crt", other.ca_pem()));
    let client = Client::new(&access).unwrap();
    let error = get(&client).await.unwrap_err();
    assert!(error.to_string().contains("certificate"), "{error}");
    assert!(kube.requests().is_empty());
    directory.write("ca.crt", kube.ca_pem());
    assert_eq!(get(&client).await.unwrap(), "web");
    // What is no certificate does not take the place of one.
    directory.write("ca.crt", "");
    assert_eq!(get(&client).await.unwrap(), "web");
}

#[tokio::test]
async fn a_client_certificate_opens_the_api() {
    let kube = Double::start_tls(TlsOptions { client_certificate: true });
    kube.apply(deployment("web"));
    let directory = TempDir::new();
    let mut access = access(&kube.url());
    access.ca_file = Some(directory.write("ca.crt", kube.ca_pem()));
    let without = Client::new(&access).unwrap();
    assert_eq!(get(&without).await.unwrap_err().trouble, Trouble::Unauthorized);
    let (certificate, key) = kube.client_pem();
    access.client_files = Some((directory.write("tls.crt", certificate), directory.write("tls.key", key)));
    assert_eq!(get(&Client::new(&access).unwrap()).await.unwrap(), "web");
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let directory = TempDir::new();
    let of = |ca: &Path| {
        let mut access = access("https://127.0.0.1:1");
        access.ca_file = Some(ca.to_owned());
        Client::new(&access).map(drop).unwrap_err()
    };
    let missing = directory.path().join("ca.crt");
    assert!(of(&missing).contains(&missing.display().to_string()));
    assert!(of(&directory.write("empty", "")).contains("has no certificate"));
}

#[tokio::test]
async fn long_lists_come_page_by_page() {
    let kube = Double::start();
    for number in 0..60 {
        kube.apply(deployment(&format!("web-{number}")));
    }
    let client = client(&kube.url());
    let name = |object: Object| Some(object.metadata.name);
    let names = client.list(Kind::Deployment, "default", None, name).await.unwrap();
    assert_eq!(names.len(), 60);
    let pages: Vec<_> = kube.requests().into_iter().map(|request| request.path_and_query).collect();
    assert_eq!(pages.len(), 3);
    assert_eq!(pages[0], "/apis/apps/v1/namespaces/default/deployments?limit=25");
    assert!(pages[1..].iter().all(|page| page.contains("&continue=")), "{pages:?}");

    let selector = Selector::parse("app in (web-7, web-8),app!=web-8").unwrap();
    let names = client.list(Kind::Deployment, "default", Some(&selector), name).await.unwrap();
    assert_eq!(names, ["web-7"]);
}

#[tokio::test]
async fn answers_that_may_change_are_told_from_those_that_will_not() {
    let kube = Double::start();
    kube.apply(deployment("web"));
    let client = client(&kube.url());
    for (fault, retry) in [
        (Fault::TooManyRequests(7), Some(Some(Duration::from_secs(7)))),
        (Fault::Status(500), Some(None)),
        (Fault::Status(503), Some(None)),
        (Fault::ProxyUpstreamDown, Some(None)),
        (Fault::CloseMidResponse, Some(None)),
        (Fault::ProxyForbidden, None),
        (Fault::Status(400), None),
    ] {
        kube.fail_times(fault.clone(), 1);
        assert_eq!(get(&client).await.unwrap_err().retry(), retry, "{fault:?}");
    }
    kube.stop();
    // A kept connection may be found closed; then a new one is refused.
    for _ in 0..2 {
        let error = get(&client).await.unwrap_err();
        assert!(matches!(error.trouble, Trouble::Unreachable(_)) && error.retry() == Some(None), "{error}");
    }
    kube.restart_listener();
    assert_eq!(get(&client).await.unwrap(), "web");
}

/// Answers one request with these bytes; gives the request's head back.
fn answer_once(answer: Vec<u8>) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let api = format!("http://{}", listener.local_addr().unwrap());
    let served = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let (mut head, mut buffer) = (Vec::new(), [0; 4096]);
        while !head.windows(4).any(|end| end == b"\r\n\r\n") {
            let read = stream.read(&mut buffer).unwrap();
            head.extend_from_slice(&buffer[..read]);
        }
        // A client that has read enough hangs up.
        let _ = stream.write_all(&answer);
        String::from_utf8(head).unwrap()
    });
    (api, served)
}

#[tokio::test]
async fn a_redirect_takes_no_credential_elsewhere() {
    let kube = Double::start();
    kube.apply(deployment("web"));
    let answer = format!("HTTP/1.1 307 T\r\nLocation: {}/x\r\nContent-Length: 0\r\n\r\n", kube.url());
    let (api, served) = answer_once(answer.into());
    let error = get(&client(&api)).await.unwrap_err();
    assert!(error.to_string().contains("307"), "{error}");
    assert!(served.join().unwrap().contains("accept: application/json"));
    assert!(kube.requests().is_empty());
}

#[tokio::test]
async fn an_answer_without_end_is_not_read_to_its_end() {
    let size = 9 * 1024 * 1024;
    let mut answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n").into_bytes();
    answer.resize(answer.len() + size, b' ');
    let (api, served) = answer_once(answer);
    let error = get(&client(&api)).await.unwrap_err();
    assert!(error.to_string().contains("larger than"), "{error}");
    served.join().unwrap();
}

#[tokio::test]
async fn what_is_not_the_kubernetes_api_is_said_to_be_something_else() {
    let (api, served) =
        answer_once(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>".into());
    let error = get(&client(&api)).await.unwrap_err();
    assert!(error.to_string().contains("no JSON of the API") && error.retry().is_none(), "{error}");
    served.join().unwrap();
}

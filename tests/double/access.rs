//! The ways to the double: unix socket, https, a real kubectl proxy.

use std::time::Duration;
use support::http;
use support::kube::{Double, TlsOptions};
use support::kubectl::{Listen, Proxy};
use support::objects::deployment;
use support::temp::TempDir;

const WEB: &str = "/apis/apps/v1/namespaces/default/deployments/web";
const RESTART: &[u8] =
    br#"{"spec": {"template": {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "1"}}}}}"#;

fn get(url: &str, headers: &[(&str, &str)]) -> http::Response {
    http::send("GET", url, WEB, headers, b"")
}

#[test]
fn a_unix_socket_goes_away_and_comes_back() {
    let directory = TempDir::new();
    let kube = Double::start_unix(directory.path().join("kube.sock"));
    kube.apply(deployment("default", "web", "ghcr.io/acme/web:1.0.0"));
    assert_eq!(get(&kube.url(), &[]).status, 200);
    kube.stop();
    assert!(http::try_send("GET", &kube.url(), WEB, &[], b"").is_err());
    kube.restart_listener();
    assert_eq!(get(&kube.url(), &[]).status, 200);
}

#[tokio::test]
async fn it_speaks_https_with_certificates_of_its_own() {
    let kube = Double::start_tls(TlsOptions { client_certificate: true });
    kube.apply(deployment("default", "web", "ghcr.io/acme/web:1.0.0"));
    // Another test of this process may have installed it already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = || {
        let ca = reqwest::Certificate::from_pem(kube.ca_pem().as_bytes()).unwrap();
        reqwest::Client::builder().tls_certs_only([ca]).no_proxy().timeout(Duration::from_secs(30))
    };
    let get = |client: reqwest::Client| client.get(format!("{}{WEB}", kube.url())).send();
    assert_eq!(get(client().build().unwrap()).await.unwrap().status(), 401);
    let (certificate, key) = kube.client_pem();
    let identity = reqwest::Identity::from_pem(format!("{key}{certificate}").as_bytes()).unwrap();
    assert_eq!(get(client().identity(identity).build().unwrap()).await.unwrap().status(), 200);
    // A client that does not know this CA gets no answer at all.
    let stranger = Double::start_tls(TlsOptions::default());
    let ca = reqwest::Certificate::from_pem(stranger.ca_pem().as_bytes()).unwrap();
    let client = reqwest::Client::builder().tls_certs_only([ca]).no_proxy().build().unwrap();
    assert!(get(client).await.is_err());
}

#[test]
fn a_real_kubectl_proxy_passes_requests_on() {
    for listen in [Listen::Tcp, Listen::Unix] {
        let kube = Double::start();
        kube.apply(deployment("default", "web", "ghcr.io/acme/web:1.0.0"));
        let Some(proxy) = Proxy::start(&kube.url(), listen, &["--reject-methods=^DELETE$"]) else { return };
        let headers = [("Content-Type", "application/strategic-merge-patch+json")];
        let path = format!("{WEB}?fieldManager=boathook");
        let patched = http::send("PATCH", proxy.url(), &path, &headers, RESTART);
        assert_eq!(
            (patched.status, &patched.json()["metadata"]["generation"]),
            (200, &2.into()),
            "{listen:?}"
        );
        assert_eq!(get(proxy.url(), &[]).json()["metadata"]["generation"], 2, "{listen:?}");
        assert_eq!(kube.patches()[0].path_and_query, path);
        // What the proxy refuses never reaches the double.
        let seen = kube.requests().len();
        for refused in
            [get(proxy.url(), &[("Host", "evil.example")]), http::send("DELETE", proxy.url(), WEB, &[], b"")]
        {
            assert_eq!((refused.status, refused.text().as_str()), (403, "Forbidden\n"), "{listen:?}");
        }
        assert_eq!(kube.requests().len(), seen);
        kube.stop();
        let down = get(proxy.url(), &[]);
        assert_eq!((down.status, down.header("content-type")), (500, Some("text/plain; charset=utf-8")));
        assert!(down.text().contains("connection refused"), "{}", down.text());
    }
}

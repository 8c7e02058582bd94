//! The Kubernetes API double answers as a real API server did.

mod support;

#[test]
fn starts() {
    let kube = support::kube::Double::start();
    assert_eq!(support::http::send("GET", &kube.url(), "/readyz", &[], b"").text(), "ok");
}

//! A directory of manifests, applied for a job's own request.

use serde_json::json;

use super::Stage;
use support::kube;

#[test]
fn manifests() {
    let kube = kube::Double::start();
    let stage = Stage::before("manifests.yaml", &kube);
    let other = ["--sample=deploy", "--image=ghcr.io/acme/shop"];
    assert!(stage.ignored("ci", &other).contains("ghcr.io/acme/shop"));
    assert_eq!(kube.requests().len(), 0);
    let deploy = |tag: &str| {
        let tag = format!("--tag={tag}");
        stage.outcome("ci", &["--sample=deploy", "--image=ghcr.io/acme/web", &tag])
    };
    assert_eq!(deploy("1.0.0"), "succeeded");
    let order: Vec<_> =
        kube.patches().iter().map(|patch| patch.path().rsplit('/').nth(1).unwrap().to_owned()).collect();
    assert_eq!(order, ["configmaps", "services", "deployments", "configmaps"]);
    assert_eq!(super::image(&kube, "deployments", "shop", "web"), "ghcr.io/acme/web:1.0.0");
    let map = kube.object("configmaps", "shop", "web");
    assert_eq!(map["data"]["ENVIRONMENT"], "production");
    assert_eq!(map["metadata"]["annotations"], json!({"example.com/deployed": "ghcr.io/acme/web:1.0.0"}));
    assert_eq!(deploy("1.1.0"), "succeeded");
    assert_eq!(super::image(&kube, "deployments", "shop", "web"), "ghcr.io/acme/web:1.1.0");
}

//! The usual scene: a relay with one GitHub endpoint before a cluster with some deployments.

use super::relay::{Relay, Setup};
use super::{github, kube, objects};
use serde_json::Value;

/// The rule that restarts `deployment/web` for every push of its image.
pub const RESTART_WEB: &str =
    "{when: {image: ghcr.io/acme/web}, do: [restart: {namespace: default, workloads: [deployment/web]}]}";

/// The rule that sets the image of whatever runs it.
pub const SET_IMAGE: &str = "{do: [setImage: {namespace: default, runningImage: true}]}";

/// The relay that was built with this test: cargo puts tests into `deps` beside the binaries.
pub fn boathook(config: &str) -> Setup {
    let test = std::env::current_exe().unwrap();
    Relay::with(test.ancestors().nth(2).unwrap().join("boathook").to_str().unwrap(), config)
}

/// A cluster that has `deployment/NAME` with image `ghcr.io/acme/NAME:1.0.0` for each name.
pub fn cluster(names: &[&str]) -> kube::Double {
    let kube = kube::Double::start();
    for name in names {
        kube.apply(objects::deployment("default", name, &format!("ghcr.io/acme/{name}:1.0.0")));
    }
    kube
}

/// A configuration with these settings (lines of YAML) and rules (flow mappings) of one GitHub endpoint.
pub fn config(kube: &kube::Double, settings: &str, rules: &[&str]) -> String {
    let rules: Vec<_> = rules.iter().map(|rule| format!("  - {rule}")).collect();
    format!(
        "version: 1\nkubernetes: {{api: \"{}\"}}\n{settings}\nendpoints:\n- name: ghcr\n  source: GitHub\n  \
         keyPath: github.key\n  rules:\n{}\n",
        kube.url(),
        rules.join("\n")
    )
}

/// A relay with such a configuration, not yet started.
pub fn prepared(kube: &kube::Double, settings: &str, rules: &[&str]) -> Setup {
    boathook(&config(kube, settings, rules)).file("github.key", github::KEY)
}

/// A relay with such a configuration.
pub fn relay(kube: &kube::Double, settings: &str, rules: &[&str]) -> Relay {
    prepared(kube, settings, rules).start()
}

/// The image that a deployment's only container has now.
pub fn image_of(kube: &kube::Double, name: &str) -> String {
    let object = kube.object("deployments", "default", name);
    objects::container(&object, name)["image"].as_str().unwrap().to_owned()
}

/// When a deployment was last restarted, as the annotation says it; null if never.
pub fn restarted_at(kube: &kube::Double, name: &str) -> Value {
    let object = kube.object("deployments", "default", name);
    object["spec"]["template"]["metadata"]["annotations"]["kubectl.kubernetes.io/restartedAt"].clone()
}

/// `GET web`, `PATCH web`, …: the requests about deployments, in the order of their arrival. Looking several times
/// in a row, as a rollout is followed, counts once.
pub fn asked(requests: &[kube::Recorded]) -> Vec<String> {
    let about = |request: &kube::Recorded| {
        let name = request.path().split("/deployments/").nth(1)?;
        Some(format!("{} {name}", request.method))
    };
    let mut asked: Vec<_> = requests.iter().filter_map(about).collect();
    asked.dedup();
    asked
}

/// The patches that were carried out.
pub fn effective(kube: &kube::Double) -> Vec<kube::Recorded> {
    kube.patches().into_iter().filter(|patch| (200..300).contains(&patch.status)).collect()
}

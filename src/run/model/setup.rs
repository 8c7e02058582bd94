//! The configuration that the model runs with: lanes that meet at a workload, steps, a rollback of several targets,
//! the relay's own workload in the middle.

use std::sync::OnceLock;

use crate::config::{Config, Overrides};

/// The relay's own workload.
pub(super) const OWN: &str = "default/deployment/boathook";

const CONFIG: &str = "
version: 1
settle: 10s
maxWait: 60s
retryFor: 1h
endpoints:
- name: ghcr
  source: GitHub
  keyPath: ghcr.key
  rules:
  - when: {image: ghcr.io/acme/web, tag: {semver: '>=1.0'}}
    do:
    - setImage:
        namespace: default
        workloads: [deployment/web, statefulset/web, cronjob/web]
        rollout: {within: 5m, onFailure: rollback}
  - when: {image: ghcr.io/acme/api}
    do:
    - setImage: {namespace: default, workloads: [deployment/api]}
    - restart: {namespace: default, workloads: [deployment/boathook, deployment/edge], rollout: none}
  - when: {image: ghcr.io/acme/side}
    do:
    - restart: {namespace: default, workloads: [deployment/web, deployment/edge]}
  - when: {image: ghcr.io/acme/page}
    do:
    - setImage: {namespace: default, workloads: [deployment/page], rollout: {within: 5m, onFailure: rollback}}
- name: quay
  source: Quay
  keyPath: quay.key
  rules:
  - when: {image: quay.io/acme/tool}
    do:
    - restart: {namespace: default, workloads: [deployment/edge, deployment/page], rollout: {within: 1m}}
  - when: {image: quay.io/acme/tool, tag: [latest, a]}
    do:
    - setImage: {namespace: default, workloads: [deployment/tool], rollout: {within: 5m, onFailure: rollback}}
- name: ci
  source: Generic
  keyPath: ci.key
  rules:
  - when: {image: ghcr.io/acme/shop, workload: shop}
    do:
    - setImage:
        namespace: default
        workloads: ['deployment/${workload}']
        rollout: {within: 5m, onFailure: rollback}
- name: fleet
  source: GitLab
  keyPath: fleet.key
  rules:
  - when: {repository: acme/fleet}
    do:
    - fluxNotify: {}
    - reconcile: {namespace: flux-system, kind: GitRepository, name: fleet}
";

/// What runs in the cluster at first.
pub(super) const RUNNING: [(&str, &str); 9] = [
    ("default/deployment/web", "ghcr.io/acme/web:1.0.0"),
    ("default/statefulset/web", "ghcr.io/acme/web:1.0.0"),
    ("default/cronjob/web", "ghcr.io/acme/web:1.0.0"),
    ("default/deployment/api", "ghcr.io/acme/api:first"),
    ("default/deployment/page", "ghcr.io/acme/page:first"),
    ("default/deployment/tool", "quay.io/acme/tool:first"),
    ("default/deployment/shop", "ghcr.io/acme/shop:first"),
    ("default/deployment/edge", "ghcr.io/acme/edge:first"),
    (OWN, "ghcr.io/acme/boathook:first"),
];

/// Versions that do not come up, until somebody mends them.
pub(super) const BAD: [&str; 7] = [
    "ghcr.io/acme/web:1.2.0",
    "ghcr.io/acme/web:1.4.0",
    "ghcr.io/acme/api:b",
    "ghcr.io/acme/page:b",
    "ghcr.io/acme/page:edge",
    "quay.io/acme/tool:latest",
    "ghcr.io/acme/shop:b",
];

/// The configuration.
pub(super) fn config() -> &'static Config {
    static READ: OnceLock<Config> = OnceLock::new();
    READ.get_or_init(|| {
        let directory = std::env::temp_dir().join(format!("boathook-model-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        for endpoint in ["ghcr", "quay", "ci", "fleet"] {
            let key = format!("the key of the endpoint {endpoint}");
            std::fs::write(directory.join(format!("{endpoint}.key")), key).unwrap();
        }
        std::fs::write(directory.join("c.yaml"), CONFIG).unwrap();
        let loaded = Config::load(&directory.join("c.yaml"), &Overrides::default());
        std::fs::remove_dir_all(&directory).unwrap();
        loaded.config.unwrap_or_else(|| panic!("{:?}", loaded.findings.mistakes))
    })
}

use serde_json::json;

use super::*;
use crate::notify::notice::tests::{fleet, many, notice, rolled_back};

#[test]
fn an_update_is_told_as_updatekate_told_it() {
    let told = body(&rolled_back());
    assert_eq!(
        told,
        json!({
            "timestamp": "2026-11-21T10:00:12.5Z",
            "repository": "web",
            "namespace": "default",
            "docker_url": "ghcr.io/acme/web:1.2.3",
            "outcome": "rolledBack",
            "reason": "ImagePullBackOff in 1 of 3 pods, 1.2.2 is back",
            "subject": "image ghcr.io/acme/web",
            "targets": ["default/deployment/web", "default/statefulset/queue"],
            "actor": "octavia",
            "endpoint": "ghcr",
            "source": "GitHub",
            "rule": 1,
            "delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
            "run": "19aa1b2c3d40001",
            "seconds": 12.5,
        })
    );
}

#[test]
fn updatekates_fields_are_text_whatever_happened() {
    for (notice, repository) in [(fleet(), "flux"), (notice(Outcome::Superseded, "", Vec::new()), "")] {
        let told = body(&notice);
        assert_eq!(told["repository"], repository);
        for field in ["timestamp", "repository", "namespace", "docker_url"] {
            assert!(told[field].is_string(), "{field}: {told}");
        }
    }
}

#[test]
fn the_workload_that_decided_the_outcome_stands_for_all() {
    assert_eq!(body(&many(3))["repository"], "web-3");
}

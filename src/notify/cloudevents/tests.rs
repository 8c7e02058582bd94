use serde_json::json;

use super::*;
use crate::notify::notice::tests::{fleet, many, rolled_back};

#[test]
fn an_event_has_the_attributes_of_the_specification_and_all_that_is_known() {
    assert_eq!(
        body(&rolled_back()),
        json!({
            "specversion": "1.0",
            "id": "19aa1b2c3d40001",
            "source": "/boathook/endpoints/ghcr",
            "type": "boathook.run.rolledBack",
            "subject": "ghcr.io/acme/web:1.2.3",
            "time": "2026-11-21T10:00:12.5Z",
            "datacontenttype": "application/json",
            "data": {
                "outcome": "rolledBack",
                "reason": "ImagePullBackOff in 1 of 3 pods, 1.2.2 is back",
                "run": "19aa1b2c3d40001",
                "rule": 1,
                "delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
                "endpoint": "ghcr",
                "source": "GitHub",
                "actor": "octavia",
                "received": "2026-11-21T10:00:00Z",
                "seconds": 12.5,
                "event": {"kind": "image", "repository": "ghcr.io/acme/web", "tags": ["1.2.3"]},
                "image": "ghcr.io/acme/web:1.2.3",
                "steps": [{
                    "action": "setImage",
                    "outcome": "rolledBack",
                    "targets": [
                        {
                            "target": "deployment/web",
                            "namespace": "default",
                            "outcome": "rolledBack",
                            "reason": "ImagePullBackOff in 1 of 3 pods, 1.2.2 is back",
                        },
                        {
                            "target": "statefulset/queue",
                            "namespace": "default",
                            "outcome": "skipped",
                            "reason": "left alone, since another target failed",
                        },
                    ],
                }],
            },
        })
    );
}

#[test]
fn attributes_without_a_value_are_left_out() {
    let event = body(&fleet());
    assert_eq!(event["subject"], "branch main of acme/fleet");
    let data = event["data"].as_object().unwrap();
    for absent in ["actor", "image", "targetsLeftOut"] {
        assert!(!data.contains_key(absent), "{absent}: {data:?}");
    }
    assert_eq!(body(&many(101))["data"]["targetsLeftOut"], 1);
}

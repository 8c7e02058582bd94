use serde_json::json;

use super::*;

fn listed(id: &str, status: &str, tags: &[&str], reason: &str) -> Listed {
    let told = if reason.is_empty() { String::new() } else { format!("deployment/web: {reason}") };
    let events: Vec<_> = tags
        .iter()
        .map(|tag| json!({"kind": "image", "repository": "ghcr.io/acme/web", "tags": [tag]}))
        .collect();
    let mut delivery = json!({
        "status": status, "id": id, "endpoint": "ghcr", "source": "GitHub",
        "received": "2026-01-31T12:00:05.25Z", "from": "10.0.0.7", "actor": "octavia\u{1b}[31m", "events": events,
        "runs": [{"id": "0641", "rule": 1, "outcome": status, "reason": told, "steps": [
            {"action": "restart", "outcome": status, "targets": [
                {"target": "deployment/web", "namespace": "default", "outcome": status, "reason": reason}]},
            {"action": "setImage", "targets": null},
        ]}],
    });
    if status == "pending" {
        delivery["runs"][0]["outcome"].take();
        delivery["runs"][0]["steps"][0] =
            json!({"action": "restart", "targets": [{"target": "deployment/web"}]});
    } else {
        delivery["ended"] = json!("2026-01-31T12:01:09Z");
    }
    serde_json::from_value(delivery).unwrap()
}

#[test]
fn the_list_is_aligned_and_ids_are_as_long_as_they_must_be() {
    let deliveries = [
        listed("72d3162e-cc78-11e3-81ab-4c9367dc0958", "pending", &["1.3.0", "latest"], ""),
        listed("72d3162e-dd78-11e3-81ab-4c9367dc0958", "failed", &["1.2.0"], "there is no \"web\"\n"),
        listed("9", "succeeded", &["1.1.0"], "restarted"),
    ];
    insta::assert_snapshot!(table(&deliveries).to_string(), @r#"
    RECEIVED              ID          ENDPOINT  EVENT                                    OUTCOME    REASON
    2026-01-31T12:00:05Z  72d3162e-c  ghcr      image ghcr.io/acme/web:1.3.0 and 1 more  pending
    2026-01-31T12:00:05Z  72d3162e-d  ghcr      image ghcr.io/acme/web:1.2.0             failed     deployment/web: there is no "web"\n
    2026-01-31T12:00:05Z  9           ghcr      image ghcr.io/acme/web:1.1.0             succeeded  deployment/web: restarted
    "#);
    assert_eq!(account::id_width(["72d3162e-d", "9"].into_iter()), 8);
}

#[test]
fn one_delivery_is_told_with_everything() {
    let failed = listed("72d3162e", "failed", &["1.2.0"], "there is no such object");
    insta::assert_snapshot!(account::whole(&failed), @r"
    delivery  72d3162e
    endpoint  ghcr (GitHub)
    received  2026-01-31T12:00:05Z from 10.0.0.7
    by        octavia\u{1b}[31m
    event     image ghcr.io/acme/web:1.2.0
    ended     2026-01-31T12:01:09Z after 63.8 s
    outcome   failed

    run 0641, rule 1: failed
      step 1, restart: failed
        default/deployment/web: failed, there is no such object
      step 2, setImage: pending
    ");
    let pending = listed("72d3162e", "pending", &["1.2.0"], "");
    insta::assert_snapshot!(account::whole(&pending), @r"
    delivery  72d3162e
    endpoint  ghcr (GitHub)
    received  2026-01-31T12:00:05Z from 10.0.0.7
    by        octavia\u{1b}[31m
    event     image ghcr.io/acme/web:1.2.0
    outcome   pending

    run 0641, rule 1: pending
      step 1, restart: pending
        deployment/web: pending
      step 2, setImage: pending
    ");
}

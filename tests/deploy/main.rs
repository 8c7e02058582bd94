//! A CI job's requests: what they may say, what they are told, and the confirmation that a run waits for.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code: a broken assumption ends the test with its line"
)]

mod confirm;
mod ended;
mod examples;
mod requests;

use jiff::Timestamp;
use serde_json::{Value, json};
use support::delivery::Delivery;
use support::kube;
use support::relay::Setup;
use support::scene::boathook;
use support::sign::hmac_sha256;

const KEY: &str = "the key of the CI endpoint";

/// A relay with a Generic endpoint that has these rules (a flow list) and no journal; with more lines of settings.
fn prepared(kube: &kube::Double, settings: &str, rules: &str) -> Setup {
    let config = format!(
        "version: 1\nkubernetes: {{api: \"{}\"}}\nsettle: 0\n{settings}endpoints:\n- {{name: ci, source: Generic, \
         keyPath: ci.key, rules: {rules}}}\n",
        kube.url()
    );
    boathook(&config).file("ci.key", KEY)
}

/// A body as it is, signed.
fn signed(body: &Value) -> Delivery {
    let body = body.to_string();
    let signature = format!("sha256={}", hmac_sha256(KEY.as_bytes(), body.as_bytes()));
    Delivery::json(KEY, body).header("X-Signature-SHA256", &signature)
}

/// A request for `ghcr.io/acme/web:TAG` in production, signed now, with further fields.
fn request(id: &str, tag: &str, more: &Value) -> Delivery {
    let mut body = json!({
        "environment": "production", "image": format!("ghcr.io/acme/web:{tag}"), "namespace": "default",
        "service_name": "web", "deployment_id": id, "timestamp": Timestamp::now().to_string(),
    });
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    signed(&body)
}

//! GitHub's deliveries, signed; each has an id and a body of its own.

use super::delivery::{Delivery, fresh};
use super::sign::{hmac_sha256, sha256_hex};
use serde_json::{Value, json};

/// The key of the endpoint that these deliveries go to.
pub const KEY: &str = "the key of the GitHub endpoint";

/// A delivery of this event, signed with [`KEY`].
pub fn event(name: &str, body: &Value) -> Delivery {
    signed(KEY, name, body.to_string().as_bytes())
}

/// A delivery of this event with a body of any bytes, signed with this key.
pub fn signed(key: &str, event: &str, body: &[u8]) -> Delivery {
    Delivery::json(key, body)
        .header("X-GitHub-Event", event)
        .header("X-GitHub-Delivery", &format!("72d3162e-cc78-11e3-81ab-{:012x}", fresh()))
        .header("X-Hub-Signature-256", &format!("sha256={}", hmac_sha256(key.as_bytes(), body)))
}

/// An image was pushed: `ghcr.io/acme/web`, `1.2.3`.
pub fn image(repository: &str, tag: &str) -> Delivery {
    event("package", &package(repository, tag))
}

/// The digest of the manifest behind a tag.
pub fn digest(tag: &str) -> String {
    format!("sha256:{}", sha256_hex(tag.as_bytes()))
}

/// The body of [`image`].
pub fn package(repository: &str, tag: &str) -> Value {
    let (path, name) = (repository.strip_prefix("ghcr.io/").unwrap(), repository.rsplit('/').next());
    // Another tag is another image.
    let digest = digest(tag);
    json!({
        "action": "published",
        "package": {
            "id": fresh(), "name": name, "namespace": "acme", "ecosystem": "CONTAINER", "package_type": "CONTAINER",
            "owner": {"login": "acme"},
            "package_version": {
                "version": digest, "package_url": format!("ghcr.io/{path}:{tag}"),
                "container_metadata": {"tag": {"name": tag, "digest": digest}}
            }
        },
        "sender": {"login": "octavia"}
    })
}

/// A branch was pushed.
pub fn push(repository: &str, branch: &str) -> Delivery {
    event("push", &pushed(repository, &format!("refs/heads/{branch}")))
}

/// The body of [`push`].
pub fn pushed(repository: &str, reference: &str) -> Value {
    let commit = format!("{:040x}", fresh());
    json!({
        "ref": reference, "before": "1".repeat(40), "after": commit, "deleted": false, "head_commit": {"id": commit},
        "repository": {
            "full_name": repository, "ssh_url": format!("git@github.com:{repository}.git"),
            "clone_url": format!("https://github.com/{repository}.git")
        },
        "pusher": {"name": "octavia"}
    })
}

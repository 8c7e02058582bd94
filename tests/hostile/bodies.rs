//! Bodies that become much larger in memory than they are.

use crate::memory;
use support::http;
use support::relay::Relay;
use support::scene::{RESTART_WEB, boathook, cluster};
use support::sign::{hmac_sha256, hook_path};

const HUB: &str = "the key of Docker Hub's hook";
const REGISTRY: &str = "the key of a registry's hook";
const CI: &str = "the key of the jobs' hook";

/// The most memory that the relay has held, of files too, in MiB.
fn peak(relay: &Relay) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", relay.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

/// A megabyte of small objects, each of which would take 700 bytes in a tree.
fn objects() -> String {
    format!("[{}]", vec![r#"{"a":0}"#; 130_000].join(","))
}

#[test]
fn a_body_of_many_values_takes_no_more_memory_than_its_bytes() {
    let kube = cluster(&[]);
    let config = format!(
        "version: 1\nsettle: 1h\nmaxWait: 1h\nkubernetes: {{api: \"{}\"}}\nendpoints:\n\
         - {{name: hub, source: DockerHub, keyPath: hub.key, rules: [{RESTART_WEB}]}}\n\
         - {{name: registry, source: Distribution, verify: path, keyPath: registry.key, rules: [{RESTART_WEB}]}}\n\
         - {{name: ci, source: Generic, keyPath: ci.key, maxAge: 0, rules: [{RESTART_WEB}]}}\n",
        kube.url()
    );
    let relay =
        boathook(&config).file("hub.key", HUB).file("registry.key", REGISTRY).file("ci.key", CI).start();
    let pushed = format!(
        r#"{{"push_data": {{"tag": "latest", "pusher": {0}}}, "repository": {{"repo_name": "acme/web"}}}}"#,
        objects()
    );
    let (hub, ci) = (hook_path(HUB.as_bytes()), hook_path(CI.as_bytes()));
    let answer = http::send("POST", relay.address(), &hub, &[], pushed.as_bytes());
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(memory(&relay) < 16, "{} MiB after a field that is passed over", memory(&relay));
    let events = format!(r#"{{"events": [{}]}}"#, vec!["{}"; 340_000].join(","));
    let registry = hook_path(REGISTRY.as_bytes());
    let answer = http::send("POST", relay.address(), &registry, &[], events.as_bytes());
    assert!(answer.text().contains("more than 4096 items"), "{}", answer.text());
    assert!(peak(&relay) < 48, "{} MiB", peak(&relay));
    let signature = format!("sha256={}", hmac_sha256(CI.as_bytes(), objects().as_bytes()));
    let headers = [("X-Signature-SHA256", signature.as_str())];
    let answer = http::send("POST", relay.address(), &ci, &headers, objects().as_bytes());
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert!(answer.text().contains("more than 16384 values"), "{}", answer.text());
    assert!(memory(&relay) < 32, "{} MiB after a tree", memory(&relay));
}

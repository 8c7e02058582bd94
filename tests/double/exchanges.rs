//! Replays what a real kube-apiserver 1.36 answered behind a real kubectl proxy, all of it.
//!
//! Not compared, because no two servers agree on them: uid, resourceVersion, times, managedFields, and the suffix of
//! a generated name. Everything else must be equal.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use support::http::{self, Response};
use support::kube::{Double, Fault, Pace, Proxy, Rule};

/// The recorded exchanges by number.
type Recordings = BTreeMap<u32, Value>;

fn recordings() -> Recordings {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/exchanges");
    std::fs::read_dir(&directory)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let number = name.split('-').next().unwrap().parse().unwrap();
            (number, serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap())
        })
        .collect()
}

#[test]
fn every_recorded_exchange_is_reproduced() {
    let recordings = recordings();
    assert_eq!(recordings.len(), 55);
    let mut differences = Vec::new();
    for (number, recording) in &recordings {
        let kube = prepared(*number, &recordings);
        let answer = replay(&kube, &recording["request"]);
        for difference in compare(&recording["response"], &answer) {
            differences.push(format!("{number} ({}): {difference}", recording["about"].as_str().unwrap()));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// A double in the state that the exchange found.
fn prepared(number: u32, recordings: &Recordings) -> Double {
    let kube = Double::start();
    // The answers were recorded before any controller had its turn.
    kube.auto_rollout(Pace::Off);
    for object in found(number, recordings) {
        kube.apply(object);
    }
    if let 41 | 42 = number {
        // boathook applied the ConfigMap, a person changed its color.
        replay(&kube, &recordings[&40]["request"]);
        let path = "/api/v1/namespaces/rec/configmaps/settings?fieldManager=human";
        let headers = [("Content-Type", "application/merge-patch+json")];
        http::send("PATCH", &kube.url(), path, &headers, br#"{"data": {"color": "green"}}"#);
    }
    if let 45..=50 = number {
        kube.user("system:serviceaccount:rec:relay");
        kube.allow_only(&[Rule::new(&["get", "list", "patch"], "apps", &["deployments"], &["web"])]);
    }
    match number {
        51..=52 => kube.behind_proxy(Proxy {
            accept_paths: "^/apis/apps/v1/namespaces/rec/deployments".to_owned(),
            reject_methods: "^(POST|PUT|DELETE)$".to_owned(),
            ..Proxy::default()
        }),
        53 => kube.behind_proxy(Proxy::default()),
        54 => kube.fail(Fault::ProxyUpstreamDown),
        55 => kube.require_token(Some("another token")),
        _ => {}
    }
    kube
}

/// The objects that were there.
fn found(number: u32, recordings: &Recordings) -> Vec<Value> {
    let answered = |number: u32| recordings[&number]["response"]["body"].clone();
    match number {
        // web and worker as they were created; most requests that are refused find them so as well.
        1..=10 | 14 | 15 | 21 | 22 | 24..=26 | 28 | 39 | 43 | 44 | 46 | 47 | 49..=55 => created(&answered(1)),
        11 => vec![answered(10)],
        // As their manifest says, and as the API server completes it.
        12 | 13 | 33 | 35 | 36 | 38 => vec![from_manifest(&answered(number))],
        34 => vec![from_manifest(&answered(36))],
        16 => vec![with_spec_of(answered(16), &answered(10))],
        17..=20 | 23 | 27 | 29 | 30 | 45 => vec![with_spec_of(answered(number), &answered(16))],
        31 => vec![before_restart(answered(31))],
        32 => vec![answered(32)],
        37 => vec![with_spec_of(answered(37), &answered(36))],
        48 => vec![created(&answered(48)).remove(0), created(&answered(1)).remove(1)],
        40..=42 => Vec::new(),
        other => panic!("exchange {other} is new: say here what it finds"),
    }
}

/// The objects of a recorded list, with the kind that a list's items leave out.
fn created(list: &Value) -> Vec<Value> {
    let mut items = list["items"].as_array().unwrap().clone();
    for item in &mut items {
        item["apiVersion"] = list["apiVersion"].clone();
        item["kind"] = json!(list["kind"].as_str().unwrap().trim_end_matches("List"));
    }
    items
}

/// The object that was created from the manifest in the recorded object's last-applied annotation.
fn from_manifest(recorded: &Value) -> Value {
    const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
    let text = &recorded["metadata"]["annotations"][LAST_APPLIED];
    let mut object: Value = serde_json::from_str(text.as_str().unwrap()).unwrap();
    object["metadata"]["annotations"][LAST_APPLIED] = text.clone();
    if let Some(status) = recorded.get("status") {
        object["status"] = status.clone();
    }
    object
}

/// The recorded object before its spec changed: the spec and the generation are an earlier answer's. Its status and
/// its revision annotation are what controllers had written in between.
fn with_spec_of(mut recorded: Value, earlier: &Value) -> Value {
    recorded["spec"] = earlier["spec"].clone();
    recorded["metadata"]["generation"] = earlier["metadata"]["generation"].clone();
    recorded
}

/// The paused Deployment before the restart: no annotation, the generation before.
fn before_restart(mut recorded: Value) -> Value {
    recorded["spec"]["template"]["metadata"].as_object_mut().unwrap().remove("annotations");
    recorded["metadata"]["generation"] = json!(2);
    recorded
}

fn replay(kube: &Double, request: &Value) -> Response {
    let headers: Vec<(&str, &str)> = request["headers"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
        .collect();
    let body = match &request["body"] {
        Value::Null => Vec::new(),
        Value::String(text) => text.clone().into_bytes(),
        json => json.to_string().into_bytes(),
    };
    let (method, path) = (request["method"].as_str().unwrap(), request["path"].as_str().unwrap());
    http::send(method, &kube.url(), path, &headers, &body)
}

fn compare(recorded: &Value, answer: &Response) -> Vec<String> {
    let mut differences = Vec::new();
    if recorded["status"] != answer.status {
        differences.push(format!("status {} is not {}", answer.status, recorded["status"]));
    }
    for (name, value) in recorded["headers"].as_object().unwrap() {
        if answer.header(name) != value.as_str() {
            differences.push(format!("{name} {:?} is not {value}", answer.header(name)));
        }
    }
    let mut expected = recorded["body"].clone();
    let mut body = if expected.is_string() { Value::from(answer.text()) } else { answer.json() };
    comparable(&mut expected);
    comparable(&mut body);
    differ("body", &body, &expected, &mut differences);
    differences
}

/// Names the places where two values differ.
fn differ(place: &str, value: &Value, expected: &Value, differences: &mut Vec<String>) {
    match (value, expected) {
        (Value::Object(one), Value::Object(other)) => {
            for key in one.keys().chain(other.keys().filter(|key| !one.contains_key(*key))) {
                let absent = Value::from("(absent)");
                let (value, expected) = (one.get(key).unwrap_or(&absent), other.get(key).unwrap_or(&absent));
                differ(&format!("{place}.{key}"), value, expected, differences);
            }
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            for (index, (value, expected)) in one.iter().zip(other).enumerate() {
                differ(&format!("{place}[{index}]"), value, expected, differences);
            }
        }
        _ if value == expected => {}
        _ => differences.push(format!("{place}: {value} is not {expected}")),
    }
}

/// Takes away what no two servers agree on.
fn comparable(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(comparable),
        Value::Object(map) => {
            if let Some(metadata) = map.get_mut("metadata").and_then(Value::as_object_mut) {
                for field in ["managedFields", "uid", "resourceVersion", "creationTimestamp"] {
                    metadata.remove(field);
                }
                if let Some(token) = metadata.get_mut("continue") {
                    *token = continue_start(token);
                }
                if metadata.contains_key("generateName") {
                    let name = metadata["name"].as_str().unwrap();
                    assert!(name.starts_with("web-") && name.len() == "web-".len() + 5, "{name}");
                    metadata.remove("name");
                }
            }
            map.remove("lastUpdateTime");
            map.remove("lastTransitionTime");
            map.values_mut().for_each(comparable);
        }
        _ => {}
    }
}

/// A continue token without the resourceVersion in it.
fn continue_start(token: &Value) -> Value {
    use base64::Engine as _;
    let engine = base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let token: Value = serde_json::from_slice(&engine.decode(token.as_str().unwrap()).unwrap()).unwrap();
    json!({"v": token["v"], "start": token["start"]})
}

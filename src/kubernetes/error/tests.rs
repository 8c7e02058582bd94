use std::path::Path;

use serde_json::Value;

use super::*;

fn asked(verb: &'static str, name: Option<&str>) -> Asked {
    Asked {
        verb,
        group: "apps".into(),
        resource: "deployments".into(),
        namespace: "rec".into(),
        name: name.map(str::to_owned),
    }
}

fn error(status: u16, body: &str) -> ApiError {
    ApiError::from_answer(asked("patch", Some("worker")), status, None, body.as_bytes())
}

/// The error that a real API server's recorded answer makes.
fn recorded(file: &str, asked: Asked) -> ApiError {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/exchanges").join(file);
    let exchange: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let response = &exchange["response"];
    let body = response["body"].as_str().map_or_else(|| response["body"].to_string(), str::to_owned);
    let status = u16::try_from(response["status"].as_u64().unwrap()).unwrap();
    ApiError::from_answer(asked, status, None, body.as_bytes())
}

#[test]
fn every_recorded_refusal_says_what_was_asked_and_the_way_out() {
    let patch = || asked("patch", Some("worker"));
    let list = || asked("list", None);
    for (file, asked, retried, told) in [
        (
            "09-get-missing.json",
            asked("get", Some("nope")),
            false,
            "get deployments nope in namespace rec: there is no such object",
        ),
        (
            "14-patch-missing.json",
            patch(),
            false,
            "patch deployments worker in namespace rec: there is no such object",
        ),
        ("15-patch-missing-namespace.json", patch(), false, "there is no such object"),
        (
            "41-server-side-apply-conflict.json",
            patch(),
            false,
            "in namespace rec: conflict: \"human\" using v1 manages .data.color",
        ),
        ("21-conflict.json", patch(), true, "the object was changed by somebody else meanwhile"),
        ("26-annotation-not-string.json", patch(), false, "cannot convert int64 to string"),
        (
            "28-json-patch-test-fails.json",
            patch(),
            false,
            "the server rejected our request due to an error in our request",
        ),
        (
            "34-knative-strategic.json",
            patch(),
            false,
            "the API answers 415: the body of the request was in an unknown format",
        ),
        (
            "39-crd-not-installed.json",
            patch(),
            false,
            "does not serve this kind (group apps) in this version: is its CRD installed?",
        ),
        (
            "46-rbac-forbidden.json",
            patch(),
            false,
            "cannot patch resource \"deployments\" in API group \"apps\" in the namespace \"rec\"; allow it with {apiGroups: [apps], resources: [deployments], resourceNames: [worker], verbs: [patch]} in a Role of namespace rec",
        ),
        (
            "47-rbac-forbidden-list.json",
            list(),
            false,
            "allow it with {apiGroups: [apps], resources: [deployments], verbs: [list]} in a Role of namespace rec",
        ),
        ("49-rbac-list-by-label.json", list(), false, "cannot list resource"),
        (
            "52-proxy-rejects-path.json",
            list(),
            false,
            "kubectl proxy does not let it through: see its --accept-paths",
        ),
        (
            "54-proxy-upstream-down.json",
            patch(),
            true,
            "the API answers 500: dial tcp 127.0.0.1:16999: connect: connection refused",
        ),
        ("55-unauthorized.json", patch(), false, "the API does not accept the credentials (401)"),
    ] {
        let error = recorded(file, asked);
        assert!(error.to_string().contains(told), "{file}: {error}");
        assert_eq!(error.retry().is_some(), retried, "{file}");
    }
}

#[test]
fn one_rule_allows_what_was_asked_of_several_kinds() {
    let mut jobs = asked("list", None);
    (jobs.group, jobs.resource) = ("batch".into(), "cronjobs".into());
    let sets = Asked { resource: "statefulsets".into(), ..asked("list", None) };
    assert_eq!(
        Asked::rule_for(&[&asked("list", None), &sets, &jobs]),
        "{apiGroups: [apps, batch], resources: [deployments, statefulsets, cronjobs], verbs: [list]} in a Role of namespace rec"
    );
    let core = Asked { group: String::new(), resource: "configmaps".into(), ..asked("get", Some("a")) };
    assert_eq!(
        Asked::rule_for(&[&core]),
        "{apiGroups: [\"\"], resources: [configmaps], resourceNames: [a], verbs: [get]} in a Role of namespace rec"
    );
}

#[test]
fn what_no_role_would_allow_names_none() {
    for message in [
        "admission webhook \\\"validate.kyverno.svc\\\" denied the request: images must be signed",
        "pods \\\"x\\\" is forbidden: exceeded quota: compute",
    ] {
        let error = error(403, &format!(r#"{{"kind":"Status","message":"{message}"}}"#));
        assert!(matches!(error.trouble, Trouble::Denied(_)) && !error.is_kind_closed(), "{error:?}");
        assert!(!error.to_string().contains("Role"), "{error}");
    }
}

#[test]
fn the_proxys_own_answers_are_told_from_the_servers() {
    assert_eq!(error(403, "Forbidden\n").trouble, Trouble::ProxyForbids);
    assert_eq!(error(404, "404 page not found\n").trouble, Trouble::KindNotServed);
    assert_eq!(error(404, r#"{"kind":"Status","reason":"NotFound"}"#).trouble, Trouble::NotFound);
    let list =
        ApiError::from_answer(asked("list", None), 404, None, br#"{"kind":"Status","reason":"NotFound"}"#);
    assert_eq!(list.trouble, Trouble::KindNotServed);
}

#[test]
fn only_what_may_pass_is_tried_again() {
    for status in [409, 410, 429, 500, 502, 503, 504] {
        assert!(error(status, "{}").retry().is_some(), "{status}");
    }
    for status in [300, 400, 401, 403, 404, 405, 413, 415, 422] {
        assert!(error(status, "{}").retry().is_none(), "{status}");
    }
    let after = Some(Duration::from_secs(7));
    let busy = ApiError::from_answer(asked("patch", None), 429, after, b"{}");
    assert_eq!(busy.retry(), Some(after));
}

#[test]
fn a_long_or_hostile_message_is_cut_and_made_plain() {
    let error = error(500, &format!("<html>\u{1b}[31m\n{}", "x".repeat(10_000)));
    let told = error.to_string();
    assert!(told.len() < 500 && !told.contains(['\u{1b}', '\n']), "{told}");
}

#[test]
fn server_side_apply_needs_create_and_may_be_asked_of_what_is_in_no_namespace() {
    let refused = "configmaps \"a\" is forbidden: User \"relay\" cannot create resource \"configmaps\" in API group \"\"";
    let body = serde_json::json!({"kind": "Status", "message": refused}).to_string();
    let asked = Asked { group: String::new(), resource: "configmaps".into(), ..asked("patch", Some("a")) };
    let told = ApiError::from_answer(asked.clone(), 403, None, body.as_bytes()).to_string();
    let rule = "{apiGroups: [\"\"], resources: [configmaps], verbs: [create, patch]}";
    assert!(told.ends_with(&format!("allow it with {rule} in a Role of namespace rec")), "{told}");
    let asked = Asked { namespace: String::new(), ..asked };
    let told = ApiError::from_answer(asked, 403, None, body.as_bytes()).to_string();
    assert!(
        told.starts_with("patch configmaps a: not allowed") && told.ends_with("in a ClusterRole"),
        "{told}"
    );
    let typed = "{\"kind\": \"Status\", \"message\": \"failed to create typed patch object (rec/web): .spec.x: field not declared in schema\"}";
    let error = error(500, typed);
    assert!(error.retry().is_none() && error.to_string().contains("the API refuses the change"), "{error}");
}
